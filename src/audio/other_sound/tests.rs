use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use super::keeper::{KeeperOptions, VolumeKeeper};
use super::lowered_streams::{LoweredFile, STEPS};
use super::stream::{OtherStream, StreamVolumes};

const OWN: u32 = 4711;
const FULL: u32 = 65_536;
/// A tenth of the amplitude.
const LOW: u32 = 30_419;

/// A sound server: its streams, what it remembers of programs, and a log of what was set.
#[derive(Default)]
struct FakeServer {
    streams: BTreeMap<u32, OtherStream>,
    remembered: BTreeMap<String, Vec<u32>>,
    set: Vec<(u32, u32)>,
    /// What happens when the keeper waits, in turn.
    script: Vec<Event>,
    is_down: bool,
}

impl FakeServer {
    /// A stream of this program begins, as loud as the server remembers.
    fn begin(&mut self, index: u32, program: &str) {
        let identity = format!("by-name:{program}");
        let remembered = self.remembered.get(&identity).cloned();
        let stream = OtherStream {
            index,
            identity: Some(identity),
            volume: remembered.unwrap_or_else(|| vec![FULL, FULL]),
            places: vec![1, 2],
            adjustable: true,
            programs: vec![program.to_owned()],
            ..OtherStream::default()
        };
        self.streams.insert(index, stream);
    }

    fn change(&mut self, index: u32, volume: u32) {
        if let Some(stream) = self.streams.get_mut(&index) {
            stream.volume = vec![volume, volume];
            if let Some(identity) = &stream.identity {
                self.remembered
                    .insert(identity.clone(), stream.volume.clone());
            }
        }
    }

    /// It ends, and so does the keeper.
    fn end(&mut self) {
        self.is_down = true;
        self.script.clear();
    }

    fn volume(&self, index: u32) -> u32 {
        self.streams[&index].volume[0]
    }
}

struct FakeVolumes(Rc<RefCell<FakeServer>>);

impl FakeVolumes {
    fn up(&self) -> Result<(), String> {
        let is_down = self.0.borrow().is_down;
        if is_down {
            Err("down".to_owned())
        } else {
            Ok(())
        }
    }
}

impl StreamVolumes for FakeVolumes {
    fn streams(&mut self) -> Result<Vec<OtherStream>, String> {
        self.up()?;
        Ok(self.0.borrow().streams.values().cloned().collect())
    }

    fn set(&mut self, index: u32, volume: Vec<u32>) -> Result<(), String> {
        self.up()?;
        let mut server = self.0.borrow_mut();
        server.set.push((index, volume[0]));
        server.change(index, volume[0]);
        Ok(())
    }

    fn remember(&mut self, stream: &OtherStream) -> Result<(), String> {
        self.up()?;
        let mut server = self.0.borrow_mut();
        let identity = stream.identity.clone().expect("a name");
        server.remembered.insert(identity, stream.volume.clone());
        Ok(())
    }

    fn wait(&mut self, _: Duration) -> Result<bool, String> {
        let next = {
            let mut server = self.0.borrow_mut();
            let has_next = !server.script.is_empty();
            has_next.then(|| server.script.remove(0))
        };
        if let Some(next) = next {
            next(&mut self.0.borrow_mut());
        }
        self.up().map(|()| true)
    }
}

struct Rig {
    server: Rc<RefCell<FakeServer>>,
    folder: tempfile::TempDir,
    reports: String,
}

impl Rig {
    fn new() -> Self {
        let server = Rc::new(RefCell::new(FakeServer::default()));
        server.borrow_mut().begin(1, "player");
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            server,
            folder,
            reports: String::new(),
        }
    }

    fn file(&self) -> LoweredFile {
        LoweredFile::of(self.folder.path())
    }

    /// Runs a keeper that is told to lower; then these things happen, one after the other, and then it is told to end.
    fn run(&mut self, mut script: Vec<Event>) {
        let (wishes, wished) = sync_channel(1);
        wishes.send(true).expect("room");
        script.push(then(move |_| drop(wishes)));
        self.server.borrow_mut().script = script;
        self.obey(&wished);
    }

    /// Runs a keeper that has these wishes, and is told to end.
    fn tell(&mut self, wishes: &[bool]) {
        let (sender, wished) = sync_channel(wishes.len());
        for wish in wishes {
            sender.send(*wish).expect("room");
        }
        drop(sender);
        self.obey(&wished);
    }

    fn obey(&mut self, wished: &Receiver<bool>) {
        let options = KeeperOptions {
            own: OWN,
            file: self.file(),
            is_over: &|| false,
        };
        let mut out = Vec::new();
        let connect = || {
            let volumes = FakeVolumes(self.server.clone());
            volumes.up()?;
            Ok(Box::new(volumes) as Box<dyn StreamVolumes>)
        };
        let mut keeper = VolumeKeeper::new(&options, &mut out, connect);
        keeper.pause = |_| {};
        keeper.run(wished);
        self.reports = String::from_utf8(out).expect("text");
    }

    fn volume(&self, index: u32) -> u32 {
        self.server.borrow().volume(index)
    }

    fn remembered(&self, program: &str) -> Option<u32> {
        let server = self.server.borrow();
        let volume = server.remembered.get(&format!("by-name:{program}"));
        volume.map(|volume| volume[0])
    }
}

/// Something that happens at the server.
type Event = Box<dyn FnOnce(&mut FakeServer)>;

fn then(what: impl FnOnce(&mut FakeServer) + 'static) -> Event {
    Box::new(what)
}

#[test]
fn streams_are_lowered_in_steps_and_restored_exactly() {
    let mut rig = Rig::new();
    rig.server.borrow_mut().change(1, 50_001);
    rig.run(vec![then(|server| {
        let low = 50_001 * LOW / FULL;
        assert!(server.volume(1).abs_diff(low) <= 1, "{}", server.volume(1));
    })]);
    assert_eq!(rig.volume(1), 50_001);
    let server = rig.server.borrow();
    let set: Vec<u32> = server.set.iter().map(|(_, volume)| *volume).collect();
    let (down, up) = set.split_at(STEPS as usize);
    assert!(down.is_sorted_by(|a, b| a > b) && up.is_sorted(), "{set:?}");
    assert_eq!(up.len(), STEPS as usize, "no jump");
    assert!(!rig.file().exists());
    assert_eq!(rig.reports, "done 0\ndone 1\n");
}

#[test]
fn a_stream_that_begins_meanwhile_is_lowered_too() {
    let mut rig = Rig::new();
    rig.run(vec![
        then(|server| server.begin(2, "browser")),
        then(|server| assert_eq!(server.volume(2), LOW)),
    ]);
    assert_eq!((rig.volume(1), rig.volume(2)), (FULL, FULL));
}

#[test]
fn a_stream_that_ends_meanwhile_leaves_no_lowered_volume_behind() {
    let mut rig = Rig::new();
    rig.run(vec![then(|server| {
        server.streams.remove(&1);
        assert_eq!(server.remembered["by-name:player"][0], LOW);
    })]);
    assert_eq!(rig.remembered("player"), Some(FULL));
}

#[test]
fn the_next_track_of_a_player_is_not_lowered_twice() {
    let mut rig = Rig::new();
    rig.run(vec![
        // The next one begins before the last one ends, as quiet as that is.
        then(|server| server.begin(2, "player")),
        then(|server| drop(server.streams.remove(&1))),
        then(|server| assert_eq!(server.volume(2), LOW)),
    ]);
    assert_eq!(rig.volume(2), FULL);
    assert_eq!(rig.remembered("player"), Some(FULL));
}

#[test]
fn what_somebody_else_sets_meanwhile_stays() {
    let mut rig = Rig::new();
    rig.server.borrow_mut().begin(2, "browser");
    rig.run(vec![
        then(|server| server.change(1, 20_000)),
        then(|server| assert_eq!(server.volume(1), 20_000, "not lowered again")),
    ]);
    assert_eq!((rig.volume(1), rig.volume(2)), (20_000, FULL));
    assert_eq!(rig.remembered("player"), Some(20_000));
}

#[test]
fn what_a_killed_keeper_lowered_is_restored_by_the_next_one() {
    for killed_after in [1, STEPS] {
        let mut rig = Rig::new();
        rig.server.borrow_mut().begin(2, "browser");
        rig.server.borrow_mut().change(2, 40_000);
        rig.run(vec![then(move |server| {
            // As it is in the middle of the fade, or at its end.
            let steps: Vec<_> = server
                .set
                .iter()
                .copied()
                .take(2 * killed_after as usize)
                .collect();
            for (index, volume) in steps {
                server.change(index, volume);
            }
            server.end();
        })]);
        assert!(rig.file().exists() && rig.volume(2) < 40_000);
        assert!(rig.reports.ends_with("unreachable 2\n"), "{}", rig.reports);
        {
            let mut server = rig.server.borrow_mut();
            server.is_down = false;
            // One program ended meanwhile.
            server.streams.remove(&1);
        }
        rig.tell(&[]);
        assert_eq!(
            (rig.volume(2), rig.remembered("player")),
            (40_000, Some(FULL))
        );
        assert!(!rig.file().exists());
    }
}

#[test]
fn after_a_restart_of_the_server_the_streams_of_the_program_are_restored_and_lowered_again() {
    let mut rig = Rig::new();
    rig.run(vec![then(FakeServer::end)]);
    assert!(rig.file().exists(), "nothing answered at the end");
    {
        let mut server = rig.server.borrow_mut();
        server.is_down = false;
        // It counts from the beginning, and remembers.
        let stream = server.streams.remove(&1).expect("a stream");
        server.streams.insert(7, OtherStream { index: 7, ..stream });
        assert_eq!(server.volume(7), LOW);
    }
    rig.run(vec![then(|server| assert_eq!(server.volume(7), LOW))]);
    assert_eq!(rig.volume(7), FULL);
}

#[test]
fn two_assistants_do_not_lower_the_same_stream() {
    let mut rig = Rig::new();
    let other = rig.file().claim().expect("a lock").expect("free");
    rig.tell(&[true, false]);
    assert!(rig.server.borrow().set.is_empty());
    drop(other);
    rig.run(vec![then(|server| assert_eq!(server.volume(1), LOW))]);
}

#[test]
fn some_streams_stay_as_loud_as_they_are() {
    let mut rig = Rig::new();
    {
        let mut server = rig.server.borrow_mut();
        for (index, role) in (10..).zip(["phone", "event", "Communication", "a11y", "filter"]) {
            server.begin(index, "other");
            server.streams.get_mut(&index).expect("begun").role = role.to_owned();
        }
        server.begin(20, "Sovereign");
        server.begin(21, "speech-dispatcher-espeak");
        server.begin(22, "of ours");
        server.begin(23, "of ours too");
        server.begin(24, "of a module");
        server.begin(25, "without a volume yet");
        for (index, change) in [
            (22, (|its| its.process = Some(OWN)) as fn(&mut OtherStream)),
            (23, |its| its.title = format!("cpal-playback-{OWN}")),
            (24, |its| its.adjustable = false),
            (25, |its| its.volume = vec![0, 0]),
        ] {
            change(server.streams.get_mut(&index).expect("begun"));
        }
    }
    rig.run(Vec::new());
    assert!(rig.server.borrow().set.iter().all(|(index, _)| *index == 1));
}

#[test]
fn without_a_server_it_is_told_once_for_each_wish() {
    let mut rig = Rig::new();
    rig.server.borrow_mut().is_down = true;
    rig.tell(&[true]);
    assert_eq!(rig.reports, "done 0\nunreachable 0\ndone 0\n");
}
