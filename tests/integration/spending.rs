//! What is spent, and the limit that closes the microphone: on simulated time, over the embedded server.

use std::path::Path;
use std::time::Duration;

use crate::support::{Running, World, simulate, voice};
use serde_json::json;
use sovereign::base::severity::Severity;
use sovereign::conversation::Event;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Snapshot};
use sovereign::server::script::ScriptStep;
use sovereign::turn::machine::Outcome;

/// At a dollar for a million tokens each turn of [`world`] costs a dollar, and some hundredths of cents that the server
/// counts itself.
const PRICE: &str = "price_usd_per_million: {in: 1, out: 1}\n";

fn world(folder: &Path, config: &str) -> World {
    let mut world = World::new("balanced");
    let usage = json!({"usageMetadata": {"promptTokenCount": 1_000_000}});
    let turn = vec![ScriptStep::Raw(usage.to_string()), ScriptStep::Parrot];
    world.script.turns = vec![turn; 9];
    world.config = Some((folder.join("config.yaml"), config.to_owned()));
    world.state = Some(folder.join("state"));
    world
}

async fn ask(world: &mut Running) {
    world.speak(&voice("american-man")).await;
    let turn = world.turn().await;
    assert_eq!(turn.outcome, Outcome::Completed, "a reply ends as always");
    let cost = turn.cost.expect("the price is set");
    assert!((cost.usd - 1.0).abs() < 0.01 && !cost.at_most, "{cost:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
}

fn shown(world: &Running) -> std::sync::Arc<Snapshot> {
    world.session.snapshots.borrow().clone()
}

fn warnings(world: &Running) -> Vec<String> {
    let snapshot = shown(world);
    let warnings = snapshot.notices.iter();
    warnings
        .filter(|notice| notice.severity == Severity::Warning)
        .map(|notice| notice.text.english())
        .collect()
}

/// Speaks, and whether anything came of it.
async fn is_heard(world: &mut Running) -> bool {
    let before = shown(world).figures.turns.all();
    world.speak(&voice("american-man")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    shown(world).figures.turns.all() > before
}

#[test]
fn a_limit_warns_closes_the_microphone_and_is_lifted_for_as_much_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulate(async {
        let config = format!("{PRICE}spend_limit_usd: {{conversation: 2.2}}\n");
        let mut world = world(folder.path(), &config).start();
        world.ready().await;
        ask(&mut world).await;
        assert_eq!(warnings(&world), [""; 0]);
        ask(&mut world).await;
        let told = warnings(&world);
        assert!(
            told.len() == 1
                && told[0].starts_with(
                    "The spend limit is near: $2.00 is spent of this conversation's limit of $2.20."
                ),
            "{told:?}"
        );
        assert_eq!(shown(&world).activity, Activity::Listening);
        ask(&mut world).await;
        let closed = shown(&world);
        assert_eq!(closed.activity, Activity::LimitReached);
        let what = closed.spending.reached.clone().expect("told");
        assert!(what.contains(
            "$3.00 is spent of this conversation's limit of $2.20. The microphone is closed."
        ));
        assert!(what.ends_with("\"Go on\" allows $2.20 more."), "{what}");
        assert_eq!(warnings(&world), [""; 0], "the banner says it");
        assert!(closed.spending.closed);
        assert!(!is_heard(&mut world).await, "by speech");
        world.tell(Command::HoldToTalk(true)).await;
        assert!(!is_heard(&mut world).await, "by the key");
        world.tell(Command::HoldToTalk(false)).await;
        world.tell(Command::SendText("In writing.".into())).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(shown(&world).figures.turns.all(), 3, "nor in writing");
        let kept = shown(&world).captions.last().expect("it is shown").clone();
        assert_eq!(
            (&*kept.text, kept.typed, kept.unsent, kept.open),
            ("In writing.", true, true, false)
        );

        world.tell(Command::SpendMore).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let open = shown(&world);
        assert_eq!(open.activity, Activity::Listening);
        assert_eq!(open.spending.reached, None);
        assert!((open.spending.limits[0].limit_usd - 5.2).abs() < 0.01);
        let lifted = "The spend limit is raised: this conversation may cost $2.20 more.";
        assert!(
            open.notices
                .iter()
                .any(|notice| notice.text.english() == lifted)
        );
        ask(&mut world).await;
        assert_eq!(warnings(&world), [""; 0], "4.0 of 5.2: 1.0 of 2.2");
        ask(&mut world).await;
        assert_eq!(warnings(&world).len(), 1, "5.0 of 5.2");
        let summary = world.quit().await;
        assert_eq!(
            summary.turns.outcomes[0], 5,
            "what was not heard is no turn"
        );
        let cost = summary.turns.cost.expect("known");
        assert!((cost.usd - 5.0).abs() < 0.01);
    });
}

#[test]
fn a_limit_that_is_raised_or_taken_away_opens_the_microphone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let limits = |limit: &str| format!("{PRICE}spend_limit_usd: {limit}\n");
    simulate(async {
        let mut world = world(folder.path(), &limits("{conversation: 1}")).start();
        world.ready().await;
        ask(&mut world).await;
        assert_eq!(shown(&world).activity, Activity::LimitReached);
        for (limit, wanted) in [
            ("{conversation: 1.2}", Activity::Listening),
            ("{day: 1}", Activity::LimitReached),
            ("{}", Activity::Listening),
        ] {
            let file = folder.path().join("config.yaml");
            std::fs::write(file, limits(limit)).expect("written");
            // A choice is kept in the file, and follows it first.
            world.tell(Command::set("volume", &0.5_f32)).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(shown(&world).activity, wanted, "{limit}");
            let near = limit == "{conversation: 1.2}";
            assert_eq!(warnings(&world).len(), usize::from(near), "{limit}");
        }
        world.quit().await;
    });
}

#[test]
fn a_limit_that_is_reached_in_a_pause_of_a_sentence_lets_it_be_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulate(async {
        let mut world = world(folder.path(), PRICE);
        world.script.think_ms = 630;
        world.profile.turn.eager_waste_percent = 100;
        let mut world = world.start();
        world.ready().await;
        ask(&mut world).await;
        let (first, second) = (voice("american-man"), voice("british-woman"));
        let pause = vec![0.0; 400 * 48];
        let samples = first.len() + second.len();
        world.desk.speak(&[first.clone(), pause, second].concat());
        // The file is read 300 ms after the choice, 250 ms into the pause.
        let in_the_pause = first.len() as u64 / 48 + 250 - 300;
        tokio::time::sleep(Duration::from_millis(in_the_pause)).await;
        let config = format!("{PRICE}spend_limit_usd: {{conversation: 1}}\n");
        std::fs::write(folder.path().join("config.yaml"), config).expect("written");
        world.tell(Command::set("volume", &0.5_f32)).await;
        let turn = world.turn().await;
        assert!(turn.false_endpoints >= 1, "it was closed early: {turn:?}");
        let said = samples as f64 / 48_000.0;
        assert!(turn.heard.as_secs_f64() > said, "all of it: {turn:?}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(shown(&world).activity, Activity::LimitReached);
        world.quit().await;
    });
}

#[test]
fn who_speaks_when_a_limit_is_reached_is_told_that_the_microphone_closes_afterwards() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulate(async {
        let mut world = world(folder.path(), PRICE).start();
        world.ready().await;
        ask(&mut world).await;
        world.desk.speak(&voice("american-man"));
        tokio::time::sleep(Duration::from_millis(600)).await;
        let limit = format!("{PRICE}spend_limit_usd: {{conversation: 0.5}}\n");
        std::fs::write(folder.path().join("config.yaml"), limit).expect("written");
        world.tell(Command::set("volume", &0.5_f32)).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        let (heard, closes) = (shown(&world), "closes when you have finished speaking.");
        assert_eq!(heard.activity, Activity::UserSpeaks);
        let what = heard.spending.reached.clone().expect("told");
        assert!(!heard.spending.closed && what.contains(closes), "{what}");
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let closed = shown(&world);
        let what = closed.spending.reached.clone().expect("told");
        assert!(closed.spending.closed && !what.contains(closes), "{what}");
        world.quit().await;
    });
}

#[test]
fn a_written_answer_is_not_offered_to_be_spoken_beyond_a_limit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulate(async {
        let config = format!("{PRICE}spend_limit_usd: {{conversation: 0.5}}\n");
        let mut world = world(folder.path(), &config);
        let usage = json!({"usageMetadata": {"promptTokenCount": 1_000_000}});
        let text = json!({"serverContent": {"modelTurn": {"parts": [{"text": "It is noon."}]}}});
        let turn = [usage, text].map(|message| ScriptStep::Raw(message.to_string()));
        world.script.turns = vec![turn.to_vec()];
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        assert_eq!(world.turn().await.assistant, "It is noon.");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let told = shown(&world);
        assert!(told.spending.reached.is_some() && told.written.is_none());
        world.tell(Command::SpendMore).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(shown(&world).written.is_some());
        world.quit().await;
    });
}

#[test]
fn the_sum_of_a_day_outlives_the_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = format!("{PRICE}spend_limit_usd: {{day: 1.5}}\n");
    for run in 0..3 {
        simulate(async {
            let mut world = world(folder.path(), &config).start();
            world.ready().await;
            let limits = shown(&world).spending.limits.clone();
            assert!((limits[0].spent.usd - f64::from(run)).abs() < 0.01);
            if run == 2 {
                assert_eq!(shown(&world).activity, Activity::LimitReached);
                assert!(!is_heard(&mut world).await);
            } else {
                ask(&mut world).await;
            }
            world.quit().await;
        });
    }
}

#[test]
fn files_that_may_not_be_asked_any_more_are_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulate(async {
        let config = format!("{PRICE}spend_limit_usd: {{conversation: 1.5}}\n");
        let mut world = world(folder.path(), &config);
        let file: Vec<f32> = voice("american-man").chunks(3).map(|c| c[0]).collect();
        world.desk.files = vec![file; 4];
        world.files = Some(4);
        let mut world = world.start();
        let what = loop {
            match world.event().await {
                Event::LimitReached(what) => break what,
                Event::InputOver | Event::Over(_) | Event::Broken(_) => panic!("not told"),
                Event::Audible { .. }
                | Event::Closed(_)
                | Event::Notice(..)
                | Event::NotWritten(_) => {}
            }
        };
        assert!(
            what.contains("$2.00 is spent of this conversation's limit of $1.50."),
            "{what}"
        );
        assert!(what.ends_with("2 files were not sent."), "{what}");
        assert_eq!(world.quit().await.turns.outcomes[0], 2);
    });
}

#[test]
fn a_limit_without_a_known_price_cannot_be_kept_and_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulate(async {
        let mut world = world(folder.path(), "spend_limit_usd: {day: 1}\n").start();
        world.ready().await;
        let told = warnings(&world);
        assert!(
            told.len() == 1
                && told[0].starts_with("The spend limit cannot be checked: the price of 127.0.0.1")
                && told[0].contains("`price_usd_per_million`"),
            "{told:?}"
        );
        world.speak(&voice("american-man")).await;
        assert_eq!(world.turn().await.cost, None);
        assert_eq!(shown(&world).activity, Activity::Listening);
        world.quit().await;
    });
}

#[test]
fn models_that_a_profile_names_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    simulate(async {
        let mut world = world(folder.path(), PRICE);
        world.profile.live.model = "gemini-9-live".into();
        let mut world = world.start();
        world.ready().await;
        ask(&mut world).await;
        let models = shown(&world).models.clone();
        assert_eq!(models.len(), 1, "{models:?}");
        let of = &models[&("balanced".into(), "gemini-9-live".into())];
        assert!(of.turns.all() == 1 && of.response.n() == 1 && of.turns.cost.is_some());
        let figures = &shown(&world).figures;
        assert_eq!((figures.n, figures.turns.cost), (1, of.turns.cost));
        // Another model from the next connection on.
        world.tell(Command::UseProfile("ultra-fast".into())).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        ask(&mut world).await;
        assert_eq!(shown(&world).figures.n, 1);
        let summary = world.quit().await;
        let pairs: Vec<_> = summary.models.keys().cloned().collect();
        assert_eq!(pairs.len(), 2, "{pairs:?}");
        assert_eq!(pairs[1], ("ultra-fast".into(), "gemini-3.8-live".into()));
    });
}
