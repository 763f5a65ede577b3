//! Streams against a server that is a socket pair and a script.

use std::io::{BufReader, Write as _};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use pulseaudio::protocol::{
    self, AuthReply, ChannelVolume, PlaybackLatency, PlaybackStreamMovedParams, RecordLatency,
    Request, SetClientNameReply, SinkInputInfo, Underflow, Volume,
    command::{
        SubscriptionEvent, SubscriptionEventFacility, SubscriptionEventType, SubscriptionMask,
    },
};

use super::super::capture::{CaptureEnd, capture};
use super::super::other_sound::stream::StreamVolumes as _;
use super::super::playback::{PlaybackEnd, playback as playback_ends};
use super::frame_shape::SAMPLE;
use super::*;
use crate::base::units::SampleRate;

const CHANNEL: u32 = 7;
/// 10 ms at 48 kHz, mono.
const PERIOD: u32 = 480;
const DEVICE: Duration = Duration::from_millis(20);

fn format() -> StreamFormat {
    StreamFormat {
        rate: SampleRate::new(48_000).expect("not zero"),
        channels: 1,
        period: Some(PERIOD),
        held_blocks: 0,
    }
}

/// The server's side of a connection, introduced to.
struct Server {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Server {
    fn read(&mut self) -> (u32, Command) {
        protocol::read_command_message(&mut self.reader, protocol::MAX_VERSION).expect("a command")
    }

    fn reply<R: protocol::CommandReply>(&mut self, sequence: u32, reply: &R) {
        protocol::write_reply_message(&mut self.writer, sequence, reply, protocol::MAX_VERSION)
            .expect("written");
    }

    fn say(&mut self, command: &Command) {
        protocol::write_command_message(&mut self.writer, u32::MAX, command, protocol::MAX_VERSION)
            .expect("written");
    }

    fn samples(&mut self, samples: &[f32]) {
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        protocol::write_memblock(&mut self.writer, CHANNEL, &bytes, 0).expect("written");
    }

    /// Waits for a question about a speaker's latency; says its number.
    fn question(&mut self) -> u32 {
        let (sequence, command) = self.read();
        assert!(
            matches!(command, Command::GetPlaybackLatency(_)),
            "{command:?}"
        );
        sequence
    }

    /// Waits for samples; `answer` answers other requests meanwhile.
    fn take(&mut self, mut answer: impl FnMut(&mut Self, u32)) -> Vec<f32> {
        loop {
            let head = protocol::read_descriptor(&mut self.reader).expect("a message");
            let mut payload = vec![0; head.length as usize];
            std::io::Read::read_exact(&mut self.reader, &mut payload).expect("whole");
            if head.channel == CHANNEL {
                let (samples, _) = payload.as_chunks::<SAMPLE>();
                return samples.iter().map(|s| f32::from_le_bytes(*s)).collect();
            }
            let (sequence, command) =
                Command::read_tag_prefixed(&mut &payload[..], protocol::MAX_VERSION).expect("one");
            assert!(
                matches!(command, Command::GetPlaybackLatency(_)),
                "{command:?}"
            );
            answer(self, sequence);
        }
    }
}

/// A server whose `script` begins after the introduction, and a line to it.
fn meet<T: Send + 'static>(
    script: impl FnOnce(Server) -> T + Send + 'static,
) -> (
    Result<PulseConnection, ProtocolError>,
    thread::JoinHandle<T>,
) {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let run = move || {
        let mut server = Server {
            reader: BufReader::new(theirs.try_clone().expect("a handle")),
            writer: theirs,
        };
        let (sequence, auth) = server.read();
        assert!(matches!(auth, Command::Auth(auth) if auth.cookie == b"cookie"));
        let version = protocol::MAX_VERSION;
        let (use_memfd, use_shm) = (false, false);
        server.reply(
            sequence,
            &AuthReply {
                version,
                use_memfd,
                use_shm,
            },
        );
        let (sequence, named) = server.read();
        let Command::SetClientName(props) = named else {
            panic!("{named:?}");
        };
        assert_eq!(props.get(Prop::ApplicationName), Some(&b"Sovereign\0"[..]));
        let process = format!("{}\0", std::process::id());
        assert_eq!(
            props.get(Prop::ApplicationProcessId),
            Some(process.as_bytes())
        );
        server.reply(sequence, &SetClientNameReply { client_id: 1 });
        script(server)
    };
    let named = thread::Builder::new().name("server".to_owned());
    let server = named.spawn(run).expect("a thread");
    (PulseConnection::introduce(ours, b"cookie".to_vec()), server)
}

fn microphone(
    faults: &Arc<FaultCounts>,
    connection: PulseConnection,
) -> (Result<StartedStream, ProtocolError>, CaptureEnd) {
    let (body, end) = capture(format(), Instant::now(), None);
    (
        record(connection, "mic", format(), body, faults.clone()),
        end,
    )
}

fn speaker(
    faults: &Arc<FaultCounts>,
    connection: PulseConnection,
) -> (Result<StartedStream, ProtocolError>, PlaybackEnd) {
    let (body, end) = playback_ends(format(), Instant::now(), None);
    (
        playback(connection, "spk", format(), body, faults.clone()),
        end,
    )
}

/// Waits until `found` finds something.
fn eventually<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not come");
        thread::sleep(Duration::from_millis(1));
    }
}

fn accept_record(server: &mut Server) {
    let (sequence, command) = server.read();
    let Command::CreateRecordStream(asked) = command else {
        panic!("{command:?}");
    };
    assert_eq!(asked.source_name.as_deref(), Some(c"mic"));
    assert_eq!(asked.buffer_attr.fragment_size, PERIOD * 4);
    assert!(asked.flags.adjust_latency && !asked.flags.start_corked);
    let reply = CreateRecordStreamReply {
        channel: CHANNEL,
        buffer_attr: BufferAttr {
            fragment_size: PERIOD * 2,
            ..BufferAttr::default()
        },
        ..CreateRecordStreamReply::default()
    };
    server.reply(sequence, &reply);
}

fn accept_playback(server: &mut Server) {
    let (sequence, command) = server.read();
    let Command::CreatePlaybackStream(asked) = command else {
        panic!("{command:?}");
    };
    assert_eq!(asked.sink_name.as_deref(), Some(c"spk"));
    assert_eq!(asked.buffer_attr.target_length, PERIOD * 8);
    assert_eq!(asked.buffer_attr.minimum_request_length, PERIOD * 2);
    let reply = CreatePlaybackStreamReply {
        channel: CHANNEL,
        requested_bytes: PERIOD * 8,
        buffer_attr: asked.buffer_attr,
        ..CreatePlaybackStreamReply::default()
    };
    server.reply(sequence, &reply);
}

#[test]
fn a_microphone_delivers_samples_and_their_age() {
    let (go, wait) = sync_channel::<()>(1);
    let (connection, server) = meet(move |mut server| {
        accept_record(&mut server);
        server.samples(&[0.25; 480]);
        // 240 frames wait at the server, beyond what the device holds.
        let (sequence, command) = server.read();
        assert!(matches!(command, Command::GetRecordLatency(params) if params.channel == CHANNEL));
        let before = Instant::now();
        server.reply(
            sequence,
            &RecordLatency {
                sink_usec: 0,
                source_usec: DEVICE.as_micros() as u64,
                playing: true,
                local_time: SystemTime::UNIX_EPOCH,
                remote_time: SystemTime::now(),
                write_offset: 720 * 4,
                read_offset: 480 * 4,
            },
        );
        let told = (before, Instant::now());
        server.samples(&[0.5; 240]);
        wait.recv().ok();
        told
    });
    let faults = Arc::new(FaultCounts::default());
    let (started, mut end) = microphone(&faults, connection.expect("introduced"));
    let (stream, granted) = started.expect("opened");
    assert_eq!(granted, PERIOD / 2);
    let stamp = eventually(|| {
        end.timestamps
            .newest()
            .filter(|stamp| stamp.position == 480)
    });
    drop(stream);
    assert_eq!(faults.take().count(), 0, "we ended it");
    go.send(()).ok();
    let told = server.join().expect("the script held");
    let mut samples = vec![0.0; 1_000];
    let taken = eventually(|| Some(end.ring.pop(&mut samples)));
    assert_eq!((taken, samples[479], samples[480]), (720, 0.25, 0.5));
    // Frame 720 was captured a device's latency before the answer, frame 480 five milliseconds before that.
    let captured = stamp.at - stamp.latency.expect("told");
    assert!(bracketed(
        captured + Duration::from_millis(5) + DEVICE,
        told
    ));
}

#[test]
fn a_speaker_gets_what_it_requests_and_reports_when_it_sounds() {
    let (go, wait) = sync_channel::<()>(1);
    let (connection, server) = meet(move |mut server| {
        accept_playback(&mut server);
        let mut told = None;
        let first = server.take(|_, _| panic!("asked too early"));
        assert_eq!(first.len(), 2 * PERIOD as usize);
        let want = |server: &mut Server, frames: u32| {
            server.say(&Command::Request(Request {
                channel: CHANNEL,
                length: frames * 4,
            }));
        };
        // A frame and a half: the half waits for its other half.
        server.say(&Command::Request(Request {
            channel: CHANNEL,
            length: 6,
        }));
        let second = server.take(|server, sequence| {
            let before = Instant::now();
            server.reply(sequence, &starving(SystemTime::now()));
            told.get_or_insert((before, Instant::now()));
        });
        assert_eq!(second.len(), 1);
        server.say(&Command::Request(Request {
            channel: CHANNEL,
            length: 2,
        }));
        assert_eq!(server.take(|_, _| {}).len(), 1);
        want(&mut server, 480);
        assert_eq!(server.take(|_, _| {}), [0.0; 480]);
        wait.recv().ok();
        told.expect("it asked")
    });
    let faults = Arc::new(FaultCounts::default());
    let (started, end) = speaker(&faults, connection.expect("introduced"));
    let (stream, granted) = started.expect("opened");
    assert_eq!(granted, PERIOD);
    let stamp = eventually(|| {
        end.timestamps
            .newest()
            .filter(|stamp| stamp.position == 962)
    });
    drop(stream);
    assert_eq!(faults.take().count(), 0, "we ended it");
    go.send(()).ok();
    let told = server.join().expect("the script held");
    // Frame 960 sounds when the device and 480 frames in the queue have passed; this one two frames after it.
    let sounds = stamp.at + stamp.latency.expect("told");
    let two_frames = Duration::from_micros(42);
    assert!(bracketed(
        sounds - Duration::from_millis(10) - two_frames - DEVICE,
        told
    ));
}

/// An answer with 480 frames in the queue.
fn starving(told: SystemTime) -> PlaybackLatency {
    PlaybackLatency {
        sink_usec: DEVICE.as_micros() as u64,
        source_usec: 0,
        playing: true,
        local_time: SystemTime::UNIX_EPOCH,
        remote_time: told,
        write_offset: 960 * 4,
        read_offset: 480 * 4,
        underrun_for: 0,
        playing_for: 0,
    }
}

/// Whether an instant lies in the clock range of the script, within its resolution of a microsecond.
fn bracketed(at: Instant, (before, after): (Instant, Instant)) -> bool {
    let slack = Duration::from_micros(100);
    (before - slack..=after + slack).contains(&at)
}

#[test]
fn a_stream_that_the_server_ends_is_a_fault_and_so_is_a_server_that_goes() {
    type StreamEnd = fn(&mut Server);
    // What it does, and whether it stays.
    let ends: [(StreamEnd, bool); 3] = [
        (
            |server| server.say(&Command::RecordStreamKilled(CHANNEL)),
            true,
        ),
        (|_| {}, false),
        // A message longer than any that there is.
        (
            |server| server.writer.write_all(&[0xff; 20]).expect("written"),
            true,
        ),
    ];
    for (end, stays) in ends {
        let (go, wait) = sync_channel::<()>(1);
        let (connection, server) = meet(move |mut server| {
            accept_record(&mut server);
            end(&mut server);
            if stays {
                wait_for(&wait);
            }
        });
        let faults = Arc::new(FaultCounts::default());
        let (started, _end) = microphone(&faults, connection.expect("introduced"));
        let _stream = started.expect("opened");
        let found = eventually(|| faults.take().next());
        assert_eq!(found, (StreamFault::StreamInvalidated, 1));
        go.send(()).ok();
        server.join().expect("the script held");
    }
}

fn wait_for(wait: &Receiver<()>) {
    wait.recv_timeout(Duration::from_secs(10)).ok();
}

#[test]
fn a_speaker_that_starves_is_moved_or_starts_is_asked_about_at_once_and_one_that_is_killed_ends() {
    let disturbances = [
        Command::Started(CHANNEL),
        Command::Underflow(Underflow {
            channel: CHANNEL,
            offset: 0,
        }),
        Command::PlaybackStreamMoved(PlaybackStreamMovedParams {
            stream_index: 1,
            device_index: 2,
            device_name: c"other".to_owned(),
            device_suspended: false,
            buffer_attr: BufferAttr::default(),
            configured_sink_latency: 0,
        }),
    ];
    let (connection, server) = meet(move |mut server| {
        accept_playback(&mut server);
        server.take(|_, _| panic!("asked too early"));
        let mut last = None;
        // Never answered: else the next question would come by itself, two seconds later at the soonest.
        for disturbance in disturbances {
            last = Some(server.question());
            server.say(&disturbance);
        }
        let asked_again = server.question();
        server.say(&Command::PlaybackStreamKilled(CHANNEL));
        (last, asked_again)
    });
    let faults = Arc::new(FaultCounts::default());
    let (started, _end) = speaker(&faults, connection.expect("introduced"));
    let _stream = started.expect("opened");
    let found = eventually(|| faults.take().next());
    assert_eq!(found, (StreamFault::StreamInvalidated, 1));
    let (last, asked_again) = server.join().expect("the script held");
    assert!(last.is_some_and(|last| last + 1 == asked_again));
}

#[test]
fn a_speaker_that_rests_is_corked_and_asks_for_nothing_until_it_is_woken() {
    let (playing, wait) = sync_channel(1);
    let (connection, server) = meet(move |mut server| {
        accept_playback(&mut server);
        server.take(|_, _| panic!("asked too early"));
        server.question();
        playing.send(()).expect("waited for");
        let corked =
            |command| matches!(command, Command::CorkPlaybackStream(params) if params.cork);
        assert!(corked(server.read().1));
        // Queries have an interval of milliseconds: in this time one would come.
        let silent = Some(Duration::from_millis(200));
        server.writer.set_read_timeout(silent).expect("set");
        let read = std::io::Read::read(&mut server.reader, &mut [0]);
        assert!(read.is_err(), "a corked stream sends something");
        server.writer.set_read_timeout(None).expect("set");
        playing.send(()).expect("waited for");
        assert!(!corked(server.read().1));
        // At once, since its positions have other times now.
        server.question();
    });
    let faults = Arc::new(FaultCounts::default());
    let (started, _end) = speaker(&faults, connection.expect("introduced"));
    let (mut stream, _) = started.expect("opened");
    wait_for(&wait);
    stream.rest(true);
    wait_for(&wait);
    stream.rest(false);
    server.join().expect("the script held");
}

#[test]
fn changes_of_the_devices_are_reported_and_the_end_of_the_server_is_one() {
    let (go, wait) = sync_channel(0);
    let (connection, server) = meet(move |mut server| {
        let (sequence, command) = server.read();
        let Command::Subscribe(to) = command else {
            panic!("{command:?}");
        };
        protocol::write_ack_message(&mut server.writer, sequence).expect("written");
        wait_for(&wait);
        server.say(&Command::SubscribeEvent(SubscriptionEvent {
            event_facility: SubscriptionEventFacility::Source,
            event_type: SubscriptionEventType::New,
            index: Some(1),
        }));
        wait_for(&wait);
        to
    });
    let events = DeviceEvents::over(connection.expect("introduced"), thread::current());
    let events = events.expect("subscribed");
    assert!(events.is_alive() && !events.take_changed());
    for alive in [true, false] {
        go.send(()).expect("waited for");
        eventually(|| events.take_changed().then_some(()));
        // The thread ends after its report.
        eventually(|| (events.is_alive() == alive).then_some(()));
        assert!(!events.take_changed());
    }
    let to = server.join().expect("the script held");
    assert!(
        to.contains(SubscriptionMask::SINK | SubscriptionMask::SOURCE | SubscriptionMask::SERVER)
    );
}

#[test]
fn volumes_are_read_and_set_past_events_and_a_refusal_does_not_end_the_connection() {
    let (connection, server) = meet(|mut server| {
        let acknowledge = |server: &mut Server, sequence| {
            protocol::write_ack_message(&mut server.writer, sequence).expect("written");
        };
        let (sequence, command) = server.read();
        assert_eq!(command, Command::Subscribe(SubscriptionMask::SINK_INPUT));
        acknowledge(&mut server, sequence);
        let (sequence, command) = server.read();
        assert_eq!(command, Command::GetSinkInputInfoList);
        server.say(&Command::SubscribeEvent(SubscriptionEvent {
            event_facility: SubscriptionEventFacility::SinkInput,
            event_type: SubscriptionEventType::New,
            index: Some(3),
        }));
        let mut props = Props::new();
        props.set(Prop::ApplicationName, c"Player");
        props.set(Prop::ApplicationProcessId, c"12");
        props.set(Prop::MediaRole, c"music");
        props.set_bytes(c"module-stream-restore.id", b"by-name:Player\0");
        let of_a_program = SinkInputInfo {
            index: 3,
            client_index: Some(1),
            has_volume: true,
            volume_writable: true,
            channel_map: ChannelMap::stereo(),
            cvolume: ChannelVolume::norm(2),
            props,
            ..SinkInputInfo::default()
        };
        let of_a_module = SinkInputInfo {
            index: 4,
            client_index: None,
            ..of_a_program.clone()
        };
        server.reply(sequence, &vec![of_a_program, of_a_module]);
        let (sequence, command) = server.read();
        let Command::SetSinkInputVolume(set) = command else {
            panic!("{command:?}");
        };
        let set_to: Vec<u32> = set.volume.channels().iter().map(Volume::as_u32).collect();
        assert_eq!((set.index, set_to), (3, vec![1_000, 2_000]));
        let refusal = Command::Error(PulseError::NoEntity);
        let version = protocol::MAX_VERSION;
        protocol::write_command_message(&mut server.writer, sequence, &refusal, version)
            .expect("written");
        // The end of this script is the end of the server.
        server.read();
    });
    let mut volumes = PulseVolumes::over(connection.expect("met")).expect("subscribed");
    let streams = volumes.streams().expect("listed");
    let [first, second] = streams.as_slice() else {
        panic!("{streams:?}");
    };
    assert_eq!(
        (first.identity.as_deref(), first.process, &*first.role),
        (Some("by-name:Player"), Some(12), "music")
    );
    assert_eq!(
        (&*first.volume, &*first.places),
        (&[65_536; 2][..], &[1, 2][..])
    );
    assert!(first.adjustable && !second.adjustable);
    volumes
        .set(3, vec![1_000, 2_000])
        .expect("refused, no more");
    let long = Duration::from_secs(60);
    assert_eq!(volumes.wait(long), Ok(true), "the event came before");
    assert!(volumes.streams().is_err(), "the server is gone");
    server.join().expect("the script");
}

#[test]
fn the_channels_of_an_array_of_microphones_come_as_they_are() {
    let (connection, server) = meet(|mut server| {
        let (_, command) = server.read();
        let Command::CreateRecordStream(asked) = command else {
            panic!("{command:?}");
        };
        asked
    });
    let four = StreamFormat {
        channels: 4,
        ..format()
    };
    let (body, _end) = capture(four, Instant::now(), None);
    let connection = connection.expect("introduced");
    // The script ends there.
    assert!(record(connection, "mic", four, body, Arc::default()).is_err());
    let asked = server.join().expect("the script held");
    assert_eq!(
        (asked.sample_spec.channels, asked.channel_map.num_channels()),
        (4, 4)
    );
    assert!(asked.flags.no_remap_channels);
}

#[test]
fn a_refusal_of_the_server_is_reported_with_its_reason() {
    for (error, expected) in [
        (PulseError::NoEntity, StreamFault::DeviceNotAvailable),
        (PulseError::AccessDenied, StreamFault::PermissionDenied),
        (PulseError::Busy, StreamFault::DeviceBusy),
        (PulseError::Invalid, StreamFault::UnsupportedConfig),
        (PulseError::TooLarge, StreamFault::ResourceExhausted),
        (PulseError::Internal, StreamFault::BackendError),
    ] {
        let (connection, server) = meet(move |mut server| {
            let (sequence, _) = server.read();
            protocol::write_error(&mut server.writer, sequence, &error).expect("written");
            // Not closed before it was read.
            server
                .reader
                .get_ref()
                .set_read_timeout(Some(Duration::from_secs(10)))
                .ok();
            std::io::Read::read(&mut server.reader, &mut [0]).ok();
        });
        let faults = Arc::new(FaultCounts::default());
        let (started, _end) = microphone(&faults, connection.expect("introduced"));
        let refused = started.map(|_| ()).map_err(explain).expect_err("refused");
        assert_eq!(refused.0, expected, "{}", refused.1);
        server.join().expect("the script held");
    }
    assert!(name("a\0b").is_err(), "no device has such a name");
}

#[test]
fn answers_that_nobody_waits_for_say_nothing_and_lost_ones_are_asked_for_again() {
    use super::timing::{LatencyAnswer, Timing};
    let start = Instant::now();
    let after = |ms| start + Duration::from_millis(ms);
    let latency = LatencyAnswer {
        device: DEVICE,
        queued: 0,
        taken_at: SystemTime::now() + Duration::from_secs(3_600),
    };
    let mut timing = Timing::new(FrameShape::of(format()), start);
    assert_eq!(timing.due(), start);
    assert_eq!(timing.age(0, start), (start, None));
    timing.asked(1, start, 0);
    assert_eq!(
        timing.due(),
        after(2_000),
        "one at a time, and again when it is lost"
    );
    timing.heard(9, latency, 480, after(10));
    assert_eq!(timing.age(0, after(10)), (after(10), None));
    // The server's clock is another: it was in the middle of question and answer, at 5 ms.
    timing.heard(1, latency, 480, after(10));
    let age = |timing: &Timing, position| micros(timing.age(position, after(10)).1);
    assert_eq!(age(&timing, 480), 25_000);
    assert_eq!(age(&timing, 960), 15_000);
    assert!(timing.due() < after(40), "the first ones come soon");
    // A device that is made up hands over blocks before their time: the latest answer holds, for two seconds.
    timing.asked(2, after(40), 0);
    timing.heard(2, latency, 1_440, after(40));
    assert_eq!(age(&timing, 480), 10_000);
    timing.asked(3, after(60), 0);
    timing.heard(3, latency, 2_880, after(60));
    assert_eq!(age(&timing, 480), 10_000);
    // Frame 1440 is captured at 20 ms but arrives at 10 ms: its callback instant is corrected.
    let (at, told) = timing.age(1_440, after(10));
    assert_eq!(
        (at.duration_since(start).as_millis(), micros(told)),
        (20, 1)
    );
    timing.asked(4, after(2_100), 0);
    timing.heard(4, latency, 100_800, after(2_100));
    assert_eq!(age(&timing, 480), 20_000);
    timing.disturbed(after(2_101));
    assert_eq!(timing.due(), after(2_101), "what was known may be wrong");
    timing.heard(4, latency, 0, after(2_102));
    assert_eq!(age(&timing, 480), 20_000, "an old answer");
    // A speaker that starved: nothing waits, and below nothing there is nothing.
    let mut timing = Timing::new(FrameShape::of(format()), start);
    timing.asked(1, after(70), 960);
    let starved = LatencyAnswer {
        queued: -4_000,
        ..latency
    };
    timing.sounded(1, starved, after(70));
    assert_eq!(micros(timing.delay(960, after(70))), 20_000);
    assert_eq!(timing.delay(0, after(120)), None, "it has sounded");
}

fn micros(time: Option<Duration>) -> u128 {
    // Seconds are counted in floating point.
    (time.expect("known") + Duration::from_nanos(400)).as_micros()
}
