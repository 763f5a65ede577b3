//! Pictures of the window, compared with those in `tests/fixtures/pictures`: what no test of words sees is seen here.
//!
//! They are the same on every machine: painted by [`Painter`](super::painter::Painter), at a fixed time, with the faces that
//! are in the program. Chinese, Japanese, Korean, Arabic and Hebrew come from faces of the system, so no picture holds them;
//! where a face lacks a letter, the test fails instead of showing a box.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eframe::egui::Key;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, Rgb, RgbImage};
use jiff::civil::date;
use jiff::tz::TimeZone;

use sovereign::base::ids::TurnId;
use sovereign::base::keys::Value;
use sovereign::base::severity::Severity;
use sovereign::base::text::{Locale, within};
use sovereign::base::units::Dbfs;
use sovereign::conversation::snapshot::{
    Activity, Caption, CaptionEnd, KeptView, Snapshot, Speaker,
};
use sovereign::settings::config::{Config, Theme, WelcomeStep, Window, WindowFrame};
use sovereign::store::{ConversationId, ConversationSummary};
use sovereign::telemetry::alert::AlertSeverity;
use sovereign::telemetry::history::PastAlert;

use super::rig::{Rig, caption, device, down, latencies, ms, notice, snapshot};
use super::{figures, settings, welcome};

/// A picture: its file, and what it shows.
struct Picture {
    name: &'static str,
    /// Width and height in pixels.
    size: (f32, f32),
    zoom_percent: u32,
    theme: Theme,
    language: Locale,
    high_contrast: bool,
    /// Brings the window to what is to be seen.
    shown: fn(&Picture) -> Rig,
}

const PICTURES: [Picture; 15] = [
    Picture {
        size: (900.0, 960.0),
        shown: conversation,
        ..picture("conversation-dark", Theme::Dark)
    },
    Picture {
        size: (900.0, 960.0),
        shown: conversation,
        ..picture("conversation-light", Theme::Light)
    },
    Picture {
        size: (640.0, 480.0),
        shown: conversation,
        ..picture("conversation-640x480", Theme::Dark)
    },
    Picture {
        size: (1200.0, 900.0),
        zoom_percent: 150,
        shown: conversation,
        ..picture("conversation-150-percent", Theme::Light)
    },
    Picture {
        shown: figures,
        ..picture("figures", Theme::Dark)
    },
    Picture {
        size: (900.0, 2500.0),
        shown: details,
        ..picture("details", Theme::Light)
    },
    Picture {
        shown: settings,
        ..picture("settings", Theme::Light)
    },
    Picture {
        shown: conversations,
        ..picture("conversations", Theme::Dark)
    },
    Picture {
        shown: microphone,
        ..picture("welcome-microphone", Theme::Light)
    },
    Picture {
        shown: key,
        ..picture("key", Theme::Dark)
    },
    Picture {
        shown: error_and_toast,
        ..picture("error-and-toast", Theme::Dark)
    },
    Picture {
        high_contrast: true,
        shown: error_and_toast,
        ..picture("high-contrast-dark", Theme::Dark)
    },
    Picture {
        high_contrast: true,
        shown: settings,
        ..picture("high-contrast-light", Theme::Light)
    },
    Picture {
        language: Locale::German,
        shown: figures,
        ..picture("german-figures", Theme::Light)
    },
    Picture {
        language: Locale::German,
        shown: settings,
        ..picture("german-settings", Theme::Dark)
    },
];

/// The usual size and zoom.
const fn picture(name: &'static str, theme: Theme) -> Picture {
    Picture {
        name,
        size: (1000.0, 680.0),
        zoom_percent: 100,
        theme,
        language: Locale::English,
        high_contrast: false,
        shown: conversation,
    }
}

/// Where the pictures are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures")
}

/// By how much a part of a colour may differ, of 255, and how many pixels by more: rounding differs between processors.
const TOLERATED: u8 = 6;
const TOLERATED_PIXELS: usize = 4;

#[test]
fn the_window_looks_as_in_the_pictures() {
    let mut failed = String::new();
    for picture in &PICTURES {
        let seen = within(picture.language, || {
            let mut rig = (picture.shown)(picture);
            rig.harness.remove_cursor();
            rig.step();
            rig.picture()
        });
        if let Err(what) = compare(picture.name, &seen) {
            failed += &format!("{}: {what}\n", picture.name);
        }
    }
    assert!(
        failed.is_empty(),
        "{failed}Look at NAME.new.png and NAME.diff.png in tests/fixtures/pictures. If they are as they should be:\n\
         UPDATE_SNAPSHOTS=true cargo nextest run --locked -E 'test(pictures)'"
    );
}

/// Compares what is seen with the picture of this name, or replaces it if that is asked for.
fn compare(name: &str, seen: &RgbImage) -> Result<(), String> {
    let [kept, new, diff] =
        ["", ".new", ".diff"].map(|what| folder().join(format!("{name}{what}.png")));
    for left in [&new, &diff] {
        std::fs::remove_file(left).ok();
    }
    let before = image::open(&kept).map(DynamicImage::into_rgb8);
    let what = match &before {
        Ok(before) if before.dimensions() == seen.dimensions() => {
            let other = before
                .pixels()
                .zip(seen.pixels())
                .filter(|(a, b)| differ(a, b));
            match other.count() {
                0..=TOLERATED_PIXELS => return Ok(()),
                pixels => format!("{pixels} pixels look different"),
            }
        }
        Ok(before) => format!(
            "{:?} pixels, not {:?}",
            seen.dimensions(),
            before.dimensions()
        ),
        Err(error) => format!("there is no picture yet ({error})"),
    };
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "true") {
        save(&kept, seen);
        return Ok(());
    }
    save(&new, seen);
    if let Ok(before) = before {
        // What is the same is faint, what differs is red.
        let marked = RgbImage::from_fn(seen.width(), seen.height(), |x, y| {
            let pixel = seen.get_pixel(x, y);
            match before.get_pixel_checked(x, y) {
                Some(before) if !differ(before, pixel) => Rgb(pixel.0.map(|part| part / 3)),
                Some(_) | None => Rgb([255, 0, 0]),
            }
        });
        save(&diff, &marked);
    }
    Err(what)
}

fn differ(a: &Rgb<u8>, b: &Rgb<u8>) -> bool {
    a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > TOLERATED)
}

fn save(path: &Path, picture: &RgbImage) {
    let file = std::fs::File::create(path).expect("the folder can be written to");
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Adaptive);
    picture.write_with_encoder(encoder).expect("written");
}

#[test]
fn every_picture_is_compared_and_all_are_small() {
    let files = std::fs::read_dir(folder()).expect("the pictures are in the repository");
    let mut bytes = 0;
    for file in files.map(|file| file.expect("readable")) {
        let name = file.file_name().into_string().expect("in plain letters");
        let [name, "png"] = name.split('.').collect::<Vec<_>>()[..] else {
            // Those of a failed run.
            continue;
        };
        let is_compared = PICTURES.iter().any(|picture| picture.name == name);
        assert!(is_compared, "{name}.png belongs to no picture");
        bytes += file.metadata().expect("readable").len();
    }
    assert!(bytes <= 1_500_000, "{bytes} bytes");
}

/// The window with the overlay or the panel at a level.
fn at(of: &Picture, panel: u8, shown: Snapshot) -> Rig {
    looking(of, panel, WelcomeStep::Done, shown)
}

fn looking(of: &Picture, panel: u8, welcome: WelcomeStep, shown: Snapshot) -> Rig {
    let window = Window {
        panel,
        welcome,
        theme: of.theme,
        language: of.language,
        high_contrast: of.high_contrast,
        frame: WindowFrame {
            zoom_percent: of.zoom_percent,
            ..WindowFrame::default()
        },
        ..Config::default().window
    };
    let mut rig = Rig::looking(window, shown, of.size.0, of.size.1, 64);
    rig.counters.input_level.set(Dbfs(-32.0));
    rig.pass(Duration::from_millis(100));
    rig
}

/// Both sides, with everything that Markdown has and four scripts.
fn talk() -> Snapshot {
    const ANSWER: &str = "## Three trees\n\nThe **tallest** is a *Karri knight* in Coimbra; it was struck from the ~~list~~ \
        records [once](https://trees.example/).\n\n1. Karri, 72 m\n2. Silver fir, 67 m\n   - in Montenegro\n   - Ψηλό έλατο, \
        высокая пихта, cây linh sam\n3. Spruce, 63 m\n\nCount them with `trees.len()`:\n\n```rust\nlet tall = \
        trees.iter().filter(|tree| tree.metres > 60);\nassert_eq!(tall.count(), 3);\n```\n\n| tree | metres |\n| --- | ---: \
        |\n| Karri | 72 |\n| Silver fir | 67 |";
    let captions = [
        Caption {
            time: "14:01:05".into(),
            typed: true,
            ..caption(Speaker::User, "Which trees are the tallest in Europe?")
        },
        Caption {
            time: "14:01:06".into(),
            latencies: Some(latencies(1.0, 371.0, 40.0, 504.0)),
            target: Some(ms(300.0)),
            ..caption(Speaker::Assistant, ANSWER)
        },
        caption(Speaker::User, "When was the first one planted?"),
        Caption {
            time: "14:02:13".into(),
            end: CaptionEnd::Stopped,
            latencies: Some(latencies(1.0, 247.0, 20.0, 504.0)),
            target: Some(ms(300.0)),
            ..caption(Speaker::Assistant, "It was planted around 1890, and")
        },
    ];
    let captions = captions.into_iter().zip(1..);
    Snapshot {
        captions: captions
            .map(|(caption, nth)| {
                let turn = TurnId(nth / 2);
                Arc::new(Caption { turn, ..caption })
            })
            .collect(),
        ..snapshot()
    }
}

fn conversation(of: &Picture) -> Rig {
    at(of, 1, talk())
}

fn figures(of: &Picture) -> Rig {
    let mut shown = figures::slow();
    shown.figures.history = (0..40)
        .map(|nth| ms(220.0 + f64::from(nth * 37 % 90)))
        .collect();
    shown.process.cpu_history = (0..60)
        .map(|nth| 1.0 + (nth * 7 % 10) as f32 / 10.0)
        .collect();
    shown.process.rss_history = (0..60).map(|nth| 60_000_000 + nth * 20_000).collect();
    at(of, 3, shown)
}

fn details(of: &Picture) -> Rig {
    let mut shown = figures::slow();
    let history = Arc::make_mut(&mut shown.history);
    history.alerts = vec![PastAlert {
        at: noon(2024, 11, 28).as_second().cast_unsigned(),
        until: Some(noon(2024, 11, 28).as_second().cast_unsigned() + 720),
        kind: "response".into(),
        severity: AlertSeverity::Critical,
        what: "Answers are slow: 6.1 s until they are heard, 5.0 s is the limit (5 turns)".into(),
    }];
    let mut rig = at(of, 3, shown);
    rig.ctrl(Key::D);
    rig
}

fn settings(of: &Picture) -> Rig {
    let mut shown = settings::shown();
    let keys = &mut Arc::make_mut(&mut shown.settings).config;
    let profile = keys
        .iter_mut()
        .find(|setting| setting.key.name == "profile");
    profile.expect("there is this key").value = Value::Text("balanced".into());
    let mut rig = at(of, 1, shown);
    rig.ctrl(Key::Comma);
    rig
}

/// Noon of a day long ago, by the clock of this place, wherever the test runs.
fn noon(year: i16, month: i8, day: i8) -> jiff::Timestamp {
    let noon = date(year, month, day).at(12, 0, 0, 0);
    let noon = noon.to_zoned(TimeZone::system()).expect("a day has a noon");
    noon.timestamp()
}

fn conversations(of: &Picture) -> Rig {
    let kept = |id, day, title: &str, turns, profile: &str, response| ConversationSummary {
        id: ConversationId(id),
        begun: noon(2024, 3, day),
        ended: noon(2024, 3, day),
        title: title.into(),
        turns,
        profile: profile.into(),
        response,
        passage: None,
    };
    let long = "how the roof of the shed is mended before the winter, and what that may cost when nobody helps with it";
    let list = Arc::from([
        kept(
            7,
            9,
            "tallest tree in Europe",
            3,
            "ultra-fast",
            Some(ms(251.0)),
        ),
        kept(
            6,
            9,
            "a recipe for bread",
            12,
            "balanced",
            Some(ms(1_402.0)),
        ),
        kept(5, 8, long, 128, "high-quality", Some(ms(388.0))),
        kept(4, 8, "Ψηλό έλατο, высокая пихта", 1, "balanced", None),
        kept(3, 2, "good morning", 2, "balanced", Some(ms(264.0))),
    ]);
    let mut rig = at(of, 1, talk());
    rig.ctrl(Key::H);
    rig.show(|s| {
        s.kept = Arc::new(KeptView {
            list,
            current: Some(ConversationId(7)),
            ..(*s.kept).clone()
        });
    });
    rig
}

/// The step of the set-up where the microphone is tried, while it hears something.
fn microphone(of: &Picture) -> Rig {
    let mut rig = looking(of, 1, WelcomeStep::Microphone, welcome::demo());
    rig.counters.input_level.set(Dbfs(-24.0));
    for _ in 0..10 {
        rig.pass(Duration::from_millis(100));
    }
    rig
}

/// What who has no key yet is asked for.
fn key(of: &Picture) -> Rig {
    let shown = Snapshot {
        demo: true,
        key: None,
        ..talk()
    };
    let mut rig = at(of, 1, shown);
    rig.open_key();
    rig
}

/// Without a network, a microphone that is gone, and a note that goes by itself.
fn error_and_toast(of: &Picture) -> Rig {
    let mut rig = at(of, 1, talk());
    let retry_at = rig.clock.get() + Duration::from_secs(8);
    rig.show(|s| {
        s.activity = Activity::Reconnecting;
        s.place = "generativelanguage.googleapis.com".into();
        s.was_connected = true;
        s.link = down(Some(retry_at), false);
        let gone = "The microphone was unplugged.";
        s.input.trouble = Some(gone.into());
        s.devices = Arc::new(sovereign::audio::Devices {
            inputs: vec![device("mic-2", "Headset microphone", true)],
            ..(*s.devices).clone()
        });
        let disk = "The conversation is not kept: the disk is full.";
        let sound = "The sound goes to Built-in speakers now.";
        s.notices = Arc::from([
            notice(1, Severity::Error, disk, true),
            notice(2, Severity::Info, sound, false),
        ]);
    });
    rig
}
