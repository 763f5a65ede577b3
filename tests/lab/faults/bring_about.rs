//! How each fault is brought about.

use std::path::Path;
use std::time::Duration;

use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::Link;

use crate::questions::sleep;
use crate::support::Running;
use crate::support::line::Mode;
use crate::support::tcp::{NameServer, Way};
use crate::support::wire::frame;

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The line does this for so many milliseconds.
    Line(Mode, u64),
    /// The connection breaks, and none comes about for so many milliseconds.
    Cut(u64),
    /// The connection breaks, and the line does this for so many milliseconds.
    Away(Mode, u64),
    /// The way does this for so many milliseconds.
    Way(Way, u64),
    /// The connection breaks, and the name server does this for 5 s.
    Names(NameServer),
    /// Each connection breaks as soon as it is there, for so many milliseconds.
    Storm(u64),
    /// The connection breaks, and resuming goes so, in the script's word.
    Resumes(&'static str),
    /// The service does this, in the script's words, before or within its answer.
    Script(&'static str),
    /// The service sends this message.
    Says(&'static str),
    /// The service sends this message, which ends its answer.
    Ends(&'static str),
    /// The service sends this message so often.
    Repeats(&'static str, usize),
    /// The service sends a message of this, so often.
    Many(&'static str, usize),
    /// The service sends these bytes.
    Bytes(&'static [u8]),
    /// The service sends so many pings.
    Pings(usize),
    /// Pings of the program are answered after so many seconds, or never.
    Pongs(Option<u64>),
    /// The service closes the connection.
    Closes(u16, &'static str),
    /// The service announces the end in so many seconds, and keeps its word.
    GoesAway(Option<u64>),
    /// A device is away.
    Unplugged {
        microphone: bool,
        ms: u64,
    },
    /// A device comes and goes ten times.
    Flaps {
        microphone: bool,
    },
    /// The clocks of the devices are wrong, one by this, the other by as much in the other direction.
    Drifts(f64),
    /// The whole program does not run for so many milliseconds.
    Stands(u64),
    /// The user changes profiles so often.
    Profiles(usize),
    /// The user changes the volume so often.
    Volumes(usize),
    /// The connection breaks, and the user asks for another one so often.
    Impatient(usize),
    StateRemoved,
    StateReplaced,
}

impl Fault {
    /// Whether another connection follows for sure.
    pub(super) fn ends_a_connection(self) -> bool {
        matches!(
            self,
            Self::Cut(_)
                | Self::Away(..)
                | Self::Names(_)
                | Self::Storm(_)
                | Self::Resumes(_)
                | Self::Closes(..)
                | Self::GoesAway(_)
                | Self::Impatient(_)
        )
    }

    /// Whether there must be a connection for it.
    pub(super) fn is_on_a_connection(self) -> bool {
        matches!(
            self,
            Self::Says(_)
                | Self::Ends(_)
                | Self::Repeats(..)
                | Self::Many(..)
                | Self::Bytes(_)
                | Self::Pings(_)
                | Self::Pongs(_)
                | Self::Closes(..)
                | Self::GoesAway(_)
                | Self::Resumes(_)
                | Self::Drifts(_)
                | Self::Unplugged { .. }
                | Self::Flaps { .. }
                | Self::Stands(_)
                | Self::Profiles(_)
                | Self::Volumes(_)
                | Self::StateRemoved
                | Self::StateReplaced
        )
    }
}

/// Brings a fault about, until it is over; `state` is the state folder, where there is one. An error: what was not shown in
/// time.
pub(crate) async fn inject(world: &Running, fault: Fault, state: &Path) -> Result<(), String> {
    let mut shown = Ok(());
    let line = &world.line;
    match fault {
        Fault::Line(mode, ms) => {
            line.set(mode);
            sleep(ms).await;
        }
        Fault::Cut(ms) => shown = away(world, Mode::Refuses, ms).await,
        Fault::Away(mode, ms) => shown = away(world, mode, ms).await,
        Fault::Way(way, ms) => {
            let before = line.way.replace(way);
            sleep(ms).await;
            line.way.set(before);
        }
        Fault::Names(names) => {
            line.names.send_replace(names);
            line.set(Mode::Open);
            world.cut();
            sleep(5_000).await;
            line.names.send_replace(NameServer::Answers);
        }
        Fault::Storm(ms) => {
            line.set(Mode::Open);
            for _ in 0..ms / 60 {
                world.cut();
                sleep(60).await;
            }
        }
        Fault::Resumes(_) => shown = away(world, Mode::Refuses, 500).await,
        Fault::Script(_) | Fault::Drifts(_) => {}
        Fault::Says(message) | Fault::Ends(message) => line.wire.say(message),
        Fault::Repeats(message, times) => (0..times).for_each(|_| line.wire.say(message)),
        Fault::Many(text, times) => line.wire.say(text.repeat(times)),
        Fault::Bytes(bytes) => line.wire.put(bytes.to_vec()),
        Fault::Pings(times) => (0..times).for_each(|_| line.wire.put(frame(9, b"?"))),
        Fault::Pongs(late) => line.wire.pings.set(late.map(Duration::from_secs)),
        Fault::Closes(code, reason) => line.wire.close(code, reason),
        Fault::GoesAway(seconds) => go_away(world, seconds),
        Fault::Unplugged { microphone, ms } => {
            plug(world, microphone, false);
            sleep(ms).await;
            plug(world, microphone, true);
        }
        Fault::Flaps { microphone } => {
            for _ in 0..10 {
                plug(world, microphone, false);
                sleep(150).await;
                plug(world, microphone, true);
                sleep(250).await;
            }
        }
        Fault::Stands(ms) => tokio::time::advance(Duration::from_millis(ms)).await,
        Fault::Profiles(times) => {
            let names = ["ultra-fast", "high-quality"]
                .into_iter()
                .cycle()
                .take(times);
            for name in names.chain(["balanced"]) {
                world.tell(Command::UseProfile(name.to_owned())).await;
                sleep(20).await;
            }
        }
        Fault::Volumes(times) => {
            for step in (0..times).rev() {
                let volume = 1.0 - (step % 10) as f32 / 10.0;
                world.tell(Command::set("volume", &volume)).await;
            }
        }
        Fault::Impatient(times) => {
            line.set(Mode::Refuses);
            world.cut();
            for _ in 0..times {
                world.tell(Command::RetryNow).await;
                sleep(20).await;
            }
        }
        Fault::StateRemoved => std::fs::remove_dir_all(state).unwrap_or_default(),
        Fault::StateReplaced => {
            std::fs::remove_dir_all(state).unwrap_or_default();
            std::fs::write(state, "no folder").expect("written");
        }
    }
    line.set(Mode::Open);
    shown
}

/// Without a connection for a while, which is to be seen within a second.
async fn away(world: &Running, mode: Mode, ms: u64) -> Result<(), String> {
    let is_up = || {
        matches!(
            world.session.snapshots.borrow().link,
            Link::Connected { .. }
        )
    };
    // A connection that is being set up in this moment is not cut, and may come about. One that is dead already is not told
    // of its end: how soon that is noticed is measured by `reconnect`.
    let was_up = is_up() && !world.line.is_dead();
    world.line.set(mode);
    world.cut();
    sleep(ms.min(1_000)).await;
    let up = is_up();
    sleep(ms.saturating_sub(1_000)).await;
    if was_up && up && ms > 1_000 {
        return Err("nothing of it within a second".to_owned());
    }
    Ok(())
}

/// Announces the end of the connection, and ends it then where the program did not leave it.
fn go_away(world: &Running, seconds: Option<u64>) {
    let time_left = seconds.map_or(String::new(), |seconds| {
        format!(r#""timeLeft":"{seconds}s""#)
    });
    world
        .line
        .wire
        .say(format!(r#"{{"goAway":{{{time_left}}}}}"#));
    let (line, opened) = (world.line.clone(), world.line.opened());
    tokio::task::spawn_local(async move {
        sleep(seconds.unwrap_or(60) * 1_000).await;
        if line.opened() == opened {
            line.wire
                .close(1008, "the client did not leave after goAway");
        }
    });
}

fn plug(world: &Running, microphone: bool, plugged: bool) {
    if microphone {
        world.desk.plug_microphone(plugged);
    } else {
        world.desk.plug_speaker(plugged);
    }
}
