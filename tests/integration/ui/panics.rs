//! A window that panics while a conversation runs.

use std::time::{Duration, Instant};

use eframe::egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use sovereign::base::supervise::{MOST_RESTARTS, given_up, restarted};
use sovereign::conversation::snapshot::Activity;
use sovereign::settings::config::Config;
use sovereign::turn::machine::Outcome;
use sovereign::ui::{UiApp, UiLink};

use crate::support::{Running, World, simulate, voice};

const WINDOW: &str = "The window";

#[test]
fn a_window_that_panics_is_restarted_and_given_up_and_the_conversation_goes_on() {
    simulate(async {
        let mut world = World::new("balanced").start();
        world.ready().await;
        let mut window = window(&world);
        window.run_steps(2);
        world.desk.speak(&voice("american-man"));
        tokio::time::sleep(Duration::from_millis(400)).await;
        draw(&mut window, 1);
        let activity = world.session.snapshots.borrow().activity;
        assert_eq!(activity, Activity::UserSpeaks);
        window.run_steps(2);
        assert!(
            window.query_by_label("Hearing you").is_some(),
            "drawn again"
        );
        let turn = world.turn().await;
        assert_eq!(turn.outcome, Outcome::Completed, "{turn:?}");
        wait_for_notice(&world, &restarted(WINDOW)).await;

        draw(&mut window, MOST_RESTARTS);
        window.run_steps(2);
        assert!(
            window
                .query_by_label("The window cannot be drawn")
                .is_some()
        );
        wait_for_notice(&world, &given_up(WINDOW)).await;
        world.speak(&voice("british-woman")).await;
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        window.get_by_label("Try again").click();
        window.run_steps(3);
        assert!(window.query_by_label("Listening").is_some());
        assert_eq!(world.quit().await.lost, 0);
    });
}

fn window(world: &Running) -> Harness<'static, UiApp> {
    let link = UiLink {
        snapshots: world.session.snapshots.clone(),
        commands: world.session.commands.clone(),
        counters: world.session.counters.clone(),
        failures: world.session.failures.clone(),
        key_file: "/home/me/.config/sovereign/key".into(),
        window: Config::default().window,
        wish: sovereign::control::WindowWish::channel(true),
        runtime: tokio::runtime::Handle::current(),
    };
    Harness::builder()
        .with_size(vec2(1100.0, 720.0))
        .build_eframe(|cc| UiApp::new(&cc.egui_ctx, &link))
}

/// Draws frames that panic.
fn draw(window: &mut Harness<'_, UiApp>, frames: usize) {
    window.state_mut().set_clock(|| panic!("asked to"));
    window.run_steps(frames);
    window.state_mut().set_clock(Instant::now);
}

async fn wait_for_notice(world: &Running, text: &str) {
    let mut snapshots = world.session.snapshots.clone();
    let told = snapshots.wait_for(|shown| {
        shown
            .notices
            .iter()
            .any(|notice| notice.text.english() == text)
    });
    let told = tokio::time::timeout(Duration::from_secs(10), told).await;
    drop(told.expect("in time").expect("the conversation runs"));
}
