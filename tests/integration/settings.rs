//! The page Settings over a whole conversation: what is changed there is in the file, with its comments, and in effect.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::support::{Running, World, simulate, voice};
use sovereign::base::keys::Value;
use sovereign::base::supervise::Failures;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{SettingOrigin, SettingView, Snapshot};
use sovereign::file;
use sovereign::settings::api_key::KeyStore;
use sovereign::settings::config::{Config, WelcomeStep, Window};
use sovereign::settings::paths::Paths;
use sovereign::settings::profile_edit::ProfileEdit;
use sovereign::settings::removal::remove_everything;
use sovereign::ui::{UiApp, UiLink};

/// The window over a conversation.
struct Page(Harness<'static, UiApp>);

impl Page {
    fn open(world: &Running) -> Self {
        let link = UiLink {
            snapshots: world.session.snapshots.clone(),
            commands: world.session.commands.clone(),
            counters: Arc::clone(&world.session.counters),
            failures: Failures::default(),
            key_file: "key".into(),
            window: Window {
                welcome: WelcomeStep::Done,
                ..Config::default().window
            },
            wish: sovereign::control::WindowWish::channel(true),
            runtime: tokio::runtime::Handle::current(),
        };
        let harness = Harness::builder().with_size(vec2(1100.0, 720.0));
        let mut page = Self(harness.build_eframe(|cc| UiApp::new(&cc.egui_ctx, &link)));
        page.key(Modifiers::COMMAND, Key::Comma);
        page
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.0.key_press_modifiers(modifiers, key);
        self.0.run_steps(2);
    }

    /// Finds a setting by its name.
    fn find(&mut self, name: &str) {
        self.key(Modifiers::COMMAND, Key::F);
        self.key(Modifiers::COMMAND, Key::A);
        self.0.event(Event::Text(name.into()));
        self.0.run_steps(2);
    }

    fn click(&mut self, role: Role, name: &str) {
        self.0.get_by_role_and_label(role, name).scroll_to_me();
        self.0.run_steps(2);
        self.0.get_by_role_and_label(role, name).click();
        self.0.run_steps(2);
    }

    fn type_over(&mut self, name: &str, text: &str) {
        self.0.get_by_role_and_label(Role::TextInput, name).focus();
        self.0.run_steps(2);
        self.key(Modifiers::COMMAND, Key::A);
        self.0.event(Event::Text(text.into()));
        self.0.run_steps(2);
        self.key(Modifiers::NONE, Key::Enter);
    }

    /// What is shown after the conversation has followed.
    async fn settle(&mut self) -> String {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.0.run_steps(3);
        let nodes = self.0.query_all_by(|_| true);
        let texts = nodes.filter_map(|node| {
            let node = node.accesskit_node();
            node.label().or_else(|| node.value())
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

fn snapshot(world: &Running) -> Arc<Snapshot> {
    world.session.snapshots.borrow().clone()
}

fn setting(settings: &[SettingView], name: &str) -> SettingView {
    let found = settings.iter().find(|setting| setting.key.name == name);
    found.expect("there is this key").clone()
}

#[test]
fn a_change_on_the_page_is_in_the_files_and_in_effect() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (config, profiles) = (
            folder.path().join("config.yaml"),
            folder.path().join("profiles"),
        );
        let mut world = World::new("balanced");
        world.config = Some((
            config.clone(),
            "# mine\nvolume: 0.5 # low\nkeep: 7d\n".to_owned(),
        ));
        world.profiles = Some(profiles.clone());
        let mut world = world.start();
        world.ready().await;
        let mut page = Page::open(&world);

        page.find("stays open");
        page.type_over("Microphone stays open after the talk key", "350");
        let shown = page.settle().await;
        assert!(shown.contains("From config.yaml:4"), "{shown}");
        assert_eq!(
            snapshot(&world).talk.release_delay,
            Duration::from_millis(350)
        );
        page.find("volume");
        page.click(Role::Button, "Reset: Volume of replies");
        page.settle().await;
        assert!((snapshot(&world).volume - 1.0).abs() < 1e-6);
        let text = fs::read_to_string(&config).expect("there");
        assert_eq!(text, "# mine\n# low\nkeep: 7d\nrelease_delay_ms: 350\n");

        page.find("pause that ends");
        page.type_over("Pause that ends your turn", "900");
        let shown = page.settle().await;
        assert!(shown.contains("From balanced.yaml:4"), "{shown}");
        let file = profiles.join("balanced.yaml");
        let text = fs::read_to_string(&file).expect("written");
        assert!(
            text.ends_with("extends: balanced\nturn:\n  patience_ms: 900\n"),
            "{text}"
        );
        let patience = snapshot(&world).figures.patience;
        assert_eq!(patience, Some(Duration::from_millis(900)), "in effect");

        // Taken back, the file says nothing of it; what is refused is written nowhere.
        page.click(Role::Button, "Reset: Pause that ends your turn");
        page.settle().await;
        let text = fs::read_to_string(&file).expect("there");
        assert!(text.ends_with("extends: balanced\n"), "{text}");
        assert_eq!(
            snapshot(&world).figures.patience,
            Some(Duration::from_millis(500))
        );
        page.type_over("Pause that ends your turn", "9000");
        assert!(page.settle().await.contains("This is 9000"));
        assert_eq!(fs::read_to_string(&file).expect("there"), text);
        world.quit().await;
    });
}

/// Every file below a folder, by its name there.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let all = entries.flat_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            let inside = files(&entry.path()).into_iter();
            inside.map(|file| format!("{name}/{file}")).collect()
        } else {
            vec![name]
        }
    });
    all.collect()
}

#[test]
fn everything_is_removed_after_a_question_and_what_is_not_ours_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [config, state] = ["config/config.yaml", "state"].map(|name| folder.path().join(name));
    let paths = Paths::find(Some(&config)).with_state(Some(&state));
    fs::create_dir_all(state.join("logs")).expect("a folder");
    simulate(async {
        fs::create_dir_all(folder.path().join("config")).expect("a folder");
        let mut world = World::new("balanced");
        world.config = Some((config.clone(), "volume: 0.5\n".to_owned()));
        world.profiles = paths.profiles();
        (world.state, world.window) = (Some(state.clone()), true);
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        world.turn().await;
        let edit = ProfileEdit::Set("target_ms", Some(Value::Whole(350)));
        world
            .tell(Command::EditProfile("balanced".into(), edit))
            .await;
        world.tell(Command::ExportCsv).await;
        let keys = KeyStore::system(paths.key());
        keys.save(&"AIzaSyTEST1234abcd".into()).expect("saved");
        file::append_own(&state.join("logs/sovereign.2026-11-28.log")).expect("made");
        let mut page = Page::open(&world);
        page.settle().await;
        page.click(Role::RadioButton, "Privacy");
        page.click(Role::Button, "Remove everything…");
        let said = page.settle().await;
        for part in ["conversations", "alerts", "logs", "settings", "key"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        for place in [&config, &state] {
            assert!(said.contains(&*place.to_string_lossy()), "{said}");
        }
        page.click(Role::Button, "Keep everything");
        assert!(!page.0.state().removes_everything());
        page.click(Role::Button, "Remove everything…");
        page.click(Role::Button, "Remove everything and close");
        assert!(page.0.state().removes_everything());
        world.quit().await;
    });
    let before = files(folder.path());
    for kept in [
        "config/config.yaml",
        "config/key",
        "config/profiles/balanced.yaml",
        "state/conversations.db",
        "state/logs/sovereign.2026-11-28.log",
    ] {
        assert!(before.contains(kept), "{kept}: {before:?}");
    }
    assert!(before.iter().any(|file| file.starts_with("state/turns-")));
    // What somebody else has put there, though it be called so.
    fs::write(folder.path().join("config/notes.txt"), "mine").expect("written");
    fs::create_dir(state.join("history")).expect("a folder");
    fs::write(state.join("history/rome.txt"), "mine").expect("written");
    let left = remove_everything(&paths);
    assert!(left.is_empty(), "{left:?}");
    let after: Vec<_> = files(folder.path()).into_iter().collect();
    assert_eq!(after, ["config/notes.txt", "state/history/rome.txt"]);
    fs::remove_file(folder.path().join("config/notes.txt")).expect("removed");
    fs::remove_dir_all(state.join("history")).expect("removed");
    assert!(remove_everything(&paths).is_empty());
    let folders = fs::read_dir(folder.path()).expect("there").count();
    assert_eq!(folders, 0, "the empty folders are gone too");
}

#[test]
fn prices_and_limits_are_kept_and_what_protects_is_kept_in_the_file_only() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("config.yaml");
        let mut world = World::new("balanced");
        world.config = Some((config.clone(), "keep: &k 7d\n".to_owned()));
        let mut world = world.start();
        world.ready().await;
        let set = |key, value| Command::SetConfig(key, value);
        let dollars = |amount| Some(Value::Number(amount));
        let text = || fs::read_to_string(&config).expect("there");
        world
            .tell(set("price_usd_per_million.in", dollars(3.0)))
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        world
            .tell(set("price_usd_per_million.out", dollars(12.0)))
            .await;
        world.tell(set("spend_limit_usd.day", dollars(5.0))).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let written =
            "keep: &k 7d\nprice_usd_per_million:\n  in: 3\n  out: 12\nspend_limit_usd:\n  day: 5\n";
        assert_eq!(
            text().replace("  out: 12\n  in: 3\n", "  in: 3\n  out: 12\n"),
            written
        );
        assert_eq!(
            setting(&snapshot(&world).settings.config, "spend_limit_usd.day").value,
            Value::Number(5.0)
        );
        for key in ["price_usd_per_million.out", "spend_limit_usd.day"] {
            world.tell(set(key, None)).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(text(), "keep: &k 7d\n", "no empty groups are left");

        // A file that cannot be changed: `keep` protects, so it is not put anywhere else.
        fs::write(&config, "keep: 7d\nfoo\n").expect("written");
        world
            .tell(set("keep", Some(Value::Text("off".into()))))
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(text(), "keep: 7d\nfoo\n");
        assert!(!folder.path().join("config.choices.yaml").exists());
        let notices = snapshot(&world).notices.clone();
        let told = notices
            .iter()
            .any(|notice| notice.text.english().contains("could not be saved"));
        assert!(told, "{notices:?}");
        world.tell(set("volume", dollars(2.0))).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let notices = snapshot(&world).notices.clone();
        let told = notices
            .iter()
            .any(|notice| notice.text.english().contains("This is 2"));
        assert!(told, "{notices:?}");
        world.quit().await;
    });
}

#[test]
fn a_copy_is_used_at_once_and_what_it_came_from_when_it_is_deleted() {
    simulate(async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut world = World::new("balanced");
        world.profiles = Some(folder.path().to_owned());
        let mut world = world.start();
        world.ready().await;
        let edit = |name: &str, edit| Command::EditProfile(name.to_owned(), edit);
        // Each change is made in what the one before has left.
        world
            .tell(edit("balanced", ProfileEdit::Duplicate("Night".into())))
            .await;
        for patience in [600, 700, 800] {
            let value = Some(Value::Whole(patience));
            world
                .tell(edit("night", ProfileEdit::Set("turn.patience_ms", value)))
                .await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let shown = snapshot(&world);
        assert_eq!(shown.profiles[shown.chosen].label, "Night");
        let patience = setting(&shown.settings.profile.keys, "turn.patience_ms");
        assert_eq!(
            (patience.value, patience.usual),
            (Value::Whole(800), Value::Whole(500))
        );
        assert!(
            matches!(patience.origin, SettingOrigin::File(place) if place.ends_with("night.yaml:5"))
        );
        assert!(
            !shown
                .notices
                .iter()
                .any(|notice| notice.text.english().contains("not changed"))
        );
        world.tell(edit("night", ProfileEdit::Remove)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let shown = snapshot(&world);
        assert_eq!(shown.profiles[shown.chosen].name, "balanced");
        assert!(!folder.path().join("night.yaml").exists());
        world.tell(edit("balanced", ProfileEdit::Remove)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let notices = snapshot(&world).notices.clone();
        let told = notices
            .iter()
            .any(|notice| notice.text.english().contains("no file to remove"));
        assert!(told, "{notices:?}");
        world.quit().await;
    });
}

#[test]
fn the_view_of_the_settings_is_the_same_while_none_changes() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        let first = Arc::clone(&snapshot(&world).settings);
        world.tell(Command::SetMuted(true)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(Arc::ptr_eq(&first, &snapshot(&world).settings));
        world.tell(Command::set("volume", &0.5_f32)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let volume = setting(&snapshot(&world).settings.config, "volume");
        assert_eq!(volume.value, Value::Number(0.5));
        assert_eq!(volume.origin, SettingOrigin::Chosen, "there is no file");
        world.quit().await;
    });
}

#[test]
fn why_other_programs_stay_loud_is_shown_until_they_do_not() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        let notices = |world: &Running| -> Vec<(String, bool)> {
            let snapshot = snapshot(world);
            let notices = snapshot.notices.iter();
            notices.map(|it| (it.text.to_string(), it.lasts)).collect()
        };
        let trouble = || Some("No server answers.".into());
        world.tell(Command::ShowOtherSound(trouble())).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let told = ("No server answers.".to_owned(), true);
        assert!(notices(&world).contains(&told), "{:?}", notices(&world));
        world.tell(Command::ShowOtherSound(None)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!notices(&world).contains(&told), "{:?}", notices(&world));
        world.quit().await;
    });
}
