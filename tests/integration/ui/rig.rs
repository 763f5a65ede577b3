//! The rig of the window tests: a window with both ends of its link, and a conversation to show.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Modifiers, ViewportId, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::RgbImage;
use tokio::sync::{mpsc, watch};

use sovereign::audio::{DeviceChoice, DeviceInfo, Devices, StreamInfo};
use sovereign::base::counters::Counters;
use sovereign::base::ids::TurnId;
use sovereign::base::keys::Scalar;
use sovereign::base::retention::Retention;
use sovereign::base::severity::Severity;
use sovereign::base::supervise::Failures;
use sovereign::base::units::SampleRate;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{
    Activity, Caption, CaptionEnd, KeptView, KeyInfo, Link, Notice, Port, Snapshot, Speaker,
};
use sovereign::profile::Profile;
use sovereign::settings::api_key::KeySource;
use sovereign::settings::config::{Config, Theme, WelcomeStep, Window};
use sovereign::telemetry::turn_counts::TurnCounts;
use sovereign::telemetry::view::{Meters, ProcessUsage, TurnStatistics};
use sovereign::turn::timeline::Latencies;
use sovereign::ui::{UiApp, UiLink};

use super::painter::Painter;

/// A window with both ends of its link.
pub(crate) struct Rig {
    pub(crate) harness: Harness<'static, UiApp>,
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Rc<Cell<Instant>>,
    painter: Painter,
}

impl Rig {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self::sized(snapshot, 1100.0, 720.0)
    }

    pub(crate) fn sized(snapshot: Snapshot, width: f32, height: f32) -> Self {
        Self::with(snapshot, width, height, 64)
    }

    pub(crate) fn with(snapshot: Snapshot, width: f32, height: f32, room: usize) -> Self {
        Self::looking(looks(3, WelcomeStep::Done), snapshot, width, height, room)
    }

    /// With the overlay or the panel at a level, 0 to 3.
    pub(crate) fn at_level(level: u8, snapshot: Snapshot, width: f32, height: f32) -> Self {
        Self::looking(looks(level, WelcomeStep::Done), snapshot, width, height, 64)
    }

    /// With the set-up at a step.
    pub(crate) fn at_step(step: WelcomeStep, snapshot: Snapshot, width: f32, height: f32) -> Self {
        Self::looking(looks(1, step), snapshot, width, height, 64)
    }

    /// As the user left the window; `width` and `height` are in pixels.
    pub(crate) fn looking(
        window: Window,
        mut snapshot: Snapshot,
        width: f32,
        height: f32,
        room: usize,
    ) -> Self {
        // Far from the clock's origin, so that "four minutes ago" exists.
        let start = Instant::now() + Duration::from_secs(1_000);
        if let Link::Connected { since, .. } = &mut snapshot.link {
            *since = start - Duration::from_secs(245);
        }
        let (snapshots, receiver) = watch::channel(Arc::new(snapshot));
        let (sender, commands) = mpsc::channel(room);
        let counters = Arc::new(Counters::default());
        let clock = Rc::new(Cell::new(start));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime needs nothing");
        let link = UiLink {
            snapshots: receiver,
            commands: sender,
            counters: counters.clone(),
            failures: Failures::default(),
            key_file: "/home/me/.config/sovereign/key".into(),
            window: window.clone(),
            wish: sovereign::control::WindowWish::channel(true),
            runtime: runtime.handle().clone(),
        };
        let now = clock.clone();
        let painter = Painter::default();
        let theme = match window.theme {
            Theme::System | Theme::Dark => egui::Theme::Dark,
            Theme::Light => egui::Theme::Light,
        };
        let zoom = window.frame.zoom_percent as f32 / 100.0;
        let harness = Harness::builder()
            .with_size(vec2(width, height) / zoom)
            // The harness has a theme of its own, which it sets last.
            .with_theme(theme)
            .renderer(painter.clone())
            .build_eframe(|cc| {
                let mut app = UiApp::new(&cc.egui_ctx, &link);
                app.set_clock(move || now.get());
                app
            });
        let mut rig = Self {
            harness,
            snapshots,
            commands,
            counters,
            clock,
            painter,
        };
        rig.step();
        rig
    }

    /// Changes the snapshot without a frame.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshots
            .send_modify(|snapshot| change(Arc::make_mut(snapshot)));
    }

    /// Changes the snapshot and lets the figures catch up.
    pub(crate) fn show(&mut self, change: impl FnOnce(&mut Snapshot)) {
        self.change(change);
        self.pass(Duration::from_millis(500));
    }

    /// Lets time pass and draws.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.clock.set(self.clock.get() + time);
        self.step();
    }

    pub(crate) fn step(&mut self) {
        self.harness.run_steps(2);
        self.harness.check_accessibility();
    }

    /// A picture of the last frame.
    pub(crate) fn picture(&self) -> RgbImage {
        self.painter
            .picture(&self.harness.ctx, self.harness.output())
    }

    /// The part of the window, from 0 to 1, that differs from the last picture and is painted for this one.
    pub(crate) fn repainted(&self) -> f64 {
        self.painter
            .repainted(&self.harness.ctx, self.harness.output())
    }

    /// The same as [`picture`](Self::picture), painted anew.
    pub(crate) fn whole_picture(&self) -> RgbImage {
        self.painter
            .whole_picture(&self.harness.ctx, self.harness.output())
    }

    pub(crate) fn click(&mut self, label: &str) {
        self.click_once(label);
        self.step();
    }

    pub(crate) fn click_once(&mut self, label: &str) {
        self.harness.get_by_label(label).scroll_to_me();
        // Within areas that scroll it takes some frames.
        self.step();
        self.step();
        self.harness.get_by_label(label).click();
        self.harness.step();
    }

    /// Goes to the key, by way of the settings.
    pub(crate) fn open_key(&mut self) {
        self.click("Settings (Ctrl ,)");
        self.click("Key and account");
    }

    pub(crate) fn ctrl(&mut self, key: Key) {
        self.harness.key_press_modifiers(Modifiers::COMMAND, key);
        self.step();
    }

    pub(crate) fn sent(&mut self) -> Vec<Command> {
        let sent = std::iter::from_fn(|| self.commands.try_recv().ok());
        // Asked whenever the settings are opened.
        sent.filter(|command| !matches!(command, Command::LookAtAutostart))
            .collect()
    }

    pub(crate) fn says(&self, words: &str) -> bool {
        self.texts().iter().any(|text| text == words)
    }

    pub(crate) fn says_part(&self, words: &str) -> bool {
        self.texts().iter().any(|text| text.contains(words))
    }

    /// Label or value of every node.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.harness
            .query_all_by(|_| true)
            .filter_map(|node| {
                let node = node.accesskit_node();
                node.label().or_else(|| node.value())
            })
            .collect()
    }

    /// Everything that the accessibility tree holds.
    pub(crate) fn whole_tree(&self) -> String {
        self.harness
            .query_all_by(|_| true)
            .map(|node| {
                format!(
                    "{:?} {:?}\n",
                    node.accesskit_node().label(),
                    node.accesskit_node().value()
                )
            })
            .collect()
    }

    /// In how long the window wants to be drawn again by itself.
    pub(crate) fn next_frame(&mut self) -> Duration {
        self.step();
        self.harness.output().viewport_output[&ViewportId::ROOT].repaint_delay
    }
}

/// The usual look, with the panel at a level and the set-up at a step.
fn looks(panel: u8, welcome: WelcomeStep) -> Window {
    Window {
        panel,
        welcome,
        ..Config::default().window
    }
}

pub(crate) fn key_event(key: Key, pressed: bool, repeat: bool) -> egui::Event {
    egui::Event::Key {
        key,
        physical_key: None,
        pressed,
        repeat,
        modifiers: Modifiers::NONE,
    }
}

pub(crate) fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1e3)
}

pub(crate) fn latencies(uplink: f64, server: f64, downlink: f64, endpointing: f64) -> Latencies {
    Latencies {
        endpointing: Some(ms(endpointing)),
        uplink: Some(ms(uplink)),
        server: Some(ms(server)),
        downlink: Some(ms(downlink)),
        client: Some(ms(uplink + downlink)),
        response: Some(ms(uplink + server + downlink)),
        total: Some(ms(endpointing + uplink + server + downlink)),
        ..Latencies::default()
    }
}

pub(crate) fn caption(speaker: Speaker, text: &str) -> Caption {
    Caption {
        speaker,
        name: match speaker {
            Speaker::User => "You",
            Speaker::Assistant => "Gemini",
        },
        turn: TurnId(1),
        time: "14:02:11".into(),
        text: text.into(),
        typed: false,
        unsent: false,
        open: false,
        end: CaptionEnd::Whole,
        unspoken: false,
        unwritten: false,
        found: None,
        latencies: None,
        target: None,
        continued: false,
    }
}

/// Whether the one command that was sent sets a key of the configuration to this.
pub(crate) fn sets(sent: &[Command], key: &str, value: &impl Scalar) -> bool {
    matches!(sent, [Command::SetConfig(of, Some(to))] if *of == key && *to == value.to_value())
}

/// A notice that goes by itself unless it `lasts`.
pub(crate) fn notice(id: u64, severity: Severity, text: &str, lasts: bool) -> Notice {
    Notice {
        id,
        severity,
        text: text.to_owned().into(),
        remedy: None,
        lasts,
    }
}

pub(crate) fn down(retry_at: Option<Instant>, key_refused: bool) -> Link {
    Link::Down {
        what: "The network cannot be reached.".into(),
        hint: "Check the cable.".into(),
        retry_at,
        key_refused,
    }
}

pub(crate) fn device(id: &str, name: &str, is_default: bool) -> DeviceInfo {
    DeviceInfo {
        id: id.into(),
        name: name.into(),
        is_default,
        headset: false,
    }
}

pub(crate) fn profile(name: &str, label: &str, target: f64) -> Arc<Profile> {
    Arc::new(Profile {
        name: name.into(),
        label: label.into(),
        description: "What it is for.".into(),
        target: ms(target),
        ..(*sovereign::profile::builtin("balanced").expect("it is in the program")).clone()
    })
}

/// A conversation in full swing.
pub(crate) fn snapshot() -> Snapshot {
    let mic = device("mic-1", "USB microphone", true);
    let speaker = device("out-1", "Built-in speakers", true);
    let stream = |device: &DeviceInfo| StreamInfo {
        device: device.clone(),
        rate: SampleRate::new(48_000).expect("not zero"),
        channels: 1,
        period_frames: Some(512),
    };
    let port = |device: &DeviceInfo, choice| Port {
        choice,
        stream: Some(stream(device)),
        trouble: None,
    };
    Snapshot {
        activity: Activity::Listening,
        link: Link::Connected {
            since: Instant::now(),
            host: "generativelanguage.googleapis.com".into(),
        },
        demo: false,
        muted: false,
        input: port(&mic, DeviceChoice::Default),
        output: port(&speaker, DeviceChoice::Id("out-1".into())),
        devices: Arc::new(Devices {
            host: "PipeWire".into(),
            inputs: vec![mic, device("mic-2", "Headset microphone", false)],
            outputs: vec![speaker],
        }),
        volume: 0.8,
        barge_in: (false, "loudspeaker: Esc or Space interrupts".into()),
        profiles: Arc::from([
            profile("ultra-fast", "Ultra-fast", 200.0),
            profile("balanced", "Balanced", 300.0),
            profile("high-quality", "High quality", 400.0),
        ]),
        chosen: 1,
        captions: conversation(),
        figures: figures(),
        process: ProcessUsage {
            cpu_percent: Some(1.3),
            cores: 2,
            rss: Some(61_000_000),
            cpu_history: vec![1.0, 1.3],
            rss_history: vec![60_000_000, 61_000_000],
            ..ProcessUsage::default()
        },
        notices: Arc::from([]),
        kept: Arc::new(KeptView {
            retention: Retention::days(30),
            ..KeptView::default()
        }),
        key: Some(KeyInfo {
            source: KeySource::File,
            ending: "x4Q2".into(),
        }),
        ..Snapshot::default()
    }
}

pub(crate) fn conversation() -> Arc<[Arc<Caption>]> {
    let captions = [
        caption(Speaker::User, "What is the tallest tree in Europe?"),
        Caption {
            end: CaptionEnd::Stopped,
            latencies: Some(latencies(1.0, 371.0, 40.0, 504.0)),
            target: Some(ms(300.0)),
            ..caption(Speaker::Assistant, "It was planted around 1890")
        },
        Caption {
            open: true,
            ..caption(Speaker::User, "sorry, I meant")
        },
    ];
    captions.into_iter().map(Arc::new).collect()
}

pub(crate) fn figures() -> TurnStatistics {
    TurnStatistics {
        last: Some(latencies(0.8, 248.0, 19.2, 504.0)),
        n: 42,
        p50: Some(ms(251.0)),
        p95: Some(ms(412.0)),
        history: vec![ms(262.0), ms(390.0), ms(268.0)],
        meters: Meters {
            round_trip: Some(ms(38.0)),
            bytes_sent: 1_210_000,
            ..Meters::default()
        },
        turns: TurnCounts {
            outcomes: [39, 3, 0, 0, 0],
            cut_off: 1,
            tokens: 8_140,
            ..TurnCounts::default()
        },
        ..TurnStatistics::default()
    }
}
