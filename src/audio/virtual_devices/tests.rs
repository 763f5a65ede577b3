//! A pool worker on simulated time, and a pool for a moment of real time.

use super::super::command::VoiceCommand;
use super::super::event::VoiceEvent;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::handle::AudioHandle;
use super::device::room_noise;
use super::worker::{PoolWorker, VirtualAudio, member};
use super::*;
use crate::base::counters::Counters;
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;
use crate::profile::builtin;
use crate::vad::SpeechEvent;

const QUESTION: &[u8] = include_bytes!("../../../assets/speech/question.wav");
const TURN: TurnId = TurnId(1);

/// A pool worker with a manual clock.
struct Rig {
    pool_worker: PoolWorker,
    now: Instant,
    lateness: Arc<Lateness>,
    members: Vec<(AudioHandle, VirtualMicrophone, Arc<Counters>)>,
}

impl Rig {
    fn new(schedule: PoolSchedule, members: usize) -> Self {
        let (now, lateness) = (Instant::now(), Arc::new(Lateness::default()));
        let mut pool_worker = PoolWorker::new(schedule, now, lateness.clone());
        let profile = builtin("ultra-fast").expect("shipped");
        let room = room_noise();
        let joined = (0..members).map(|nth| {
            let counters = Arc::new(Counters::default());
            let (parts, handle, microphone) = member(counters.clone(), &profile, &room, nth, None);
            pool_worker.take_in(VirtualAudio::new(parts, now));
            (handle, microphone, counters)
        });
        let members = joined.collect();
        Self {
            pool_worker,
            now,
            lateness,
            members,
        }
    }

    /// Lets so much time pass, in rounds that are begun when they are due.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            let wake = self.pool_worker.round(self.now);
            assert!(wake > self.now, "the thread would not sleep");
            self.now = wake;
        }
    }

    fn events(&mut self, member: usize) -> Vec<VoiceEvent> {
        std::iter::from_fn(|| self.members[member].0.events.try_recv().ok()).collect()
    }
}

#[test]
fn a_member_captures_its_utterance_and_plays_its_reply() {
    let question = utterance_of(QUESTION).expect("a WAV file");
    for schedule in [PoolSchedule::Steps, PoolSchedule::Prompt] {
        let mut rig = Rig::new(schedule, 1);
        rig.pass(Duration::from_secs(1));
        assert!(
            rig.members[0]
                .1
                .speak(question.clone(), Duration::from_millis(100))
        );
        let mut heard = Vec::new();
        for _ in 0..20 {
            rig.pass(Duration::from_millis(100));
            heard.extend(rig.events(0));
        }
        let speech = |is: fn(&SpeechEvent) -> bool| {
            let speech = heard.iter().filter_map(|event| match event {
                VoiceEvent::Speech(speech) => Some(speech),
                _ => None,
            });
            speech.filter(|speech| is(speech)).count()
        };
        assert_eq!(
            speech(|s| matches!(s, SpeechEvent::Started { .. })),
            1,
            "{schedule:?}"
        );
        assert_eq!(
            speech(|s| matches!(s, SpeechEvent::Ended { .. })),
            1,
            "{schedule:?}"
        );
        assert_eq!(rig.members[0].1.reading().spoken, 1);

        let asked = rig.now;
        let samples = (0..12_000).map(|i| if i % 60 < 30 { 8_000 } else { -8_000 });
        let pcm = Pcm {
            turn: TURN,
            rate: SampleRate::REPLY,
            samples: samples.collect(),
        };
        rig.members[0]
            .0
            .send(VoiceCommand::Play(pcm))
            .expect("taken");
        rig.members[0]
            .0
            .send(VoiceCommand::EndReply(TURN))
            .expect("taken");
        rig.pass(Duration::from_secs(1));
        let events = rig.events(0);
        let audible = events.iter().find_map(|event| match event {
            VoiceEvent::FirstAudible { at, .. } => Some(*at),
            _ => None,
        });
        let wait = audible.expect("it sounds").duration_since(asked);
        assert!(wait < Duration::from_millis(30), "{schedule:?}: {wait:?}");
        let played = events.iter().find_map(|event| match event {
            VoiceEvent::Played { heard, .. } => Some(*heard),
            _ => None,
        });
        let played = played.expect("to its end");
        assert!(
            played.abs_diff(Duration::from_millis(500)) < Duration::from_millis(1),
            "{played:?}"
        );
        let ratio = rig.members[0].1.reading().real_time_ratio(rig.now);
        assert_eq!(ratio, Some(1.0));
    }
}

#[test]
fn the_members_are_spread_over_the_step_and_none_is_left_behind() {
    let mut rig = Rig::new(PoolSchedule::Steps, 30);
    rig.pass(Duration::from_secs(1));
    // Ten slots, each of them in each step.
    let rounds = rig.lateness.rounds();
    assert!((990..=1_010).contains(&rounds), "{rounds}");
    assert_eq!(
        (rig.lateness.late(), rig.lateness.worst()),
        (0, Duration::ZERO)
    );
    for (_, microphone, _) in &rig.members {
        let audio = microphone.reading().audio;
        assert!(audio >= Duration::from_millis(975), "{audio:?}");
    }
}

#[test]
fn a_late_thread_makes_up_for_what_the_ring_can_hold_and_no_more() {
    let mut rig = Rig::new(PoolSchedule::Steps, 2);
    rig.pass(Duration::from_secs(1));
    rig.now += Duration::from_millis(300);
    rig.pass(Duration::from_millis(200));
    let reading = rig.members[0].1.reading();
    assert_eq!(reading.real_time_ratio(rig.now), Some(1.0));
    assert_eq!(rig.members[0].2.capture_dropped.get(), 0);
    assert!(rig.lateness.worst() >= Duration::from_millis(290));
    // Two rounds in each step, of 30 steps without the last three.
    let late = rig.lateness.late();
    assert!((52..=56).contains(&late), "{late}");
    assert!(rig.lateness.rounds() > late + 200);
    rig.now += Duration::from_secs(4);
    rig.pass(Duration::from_millis(500));
    let ratio = rig.members[0].1.reading().real_time_ratio(rig.now);
    assert!(ratio.is_some_and(|ratio| ratio < 0.9), "{ratio:?}");
    assert!(rig.lateness.late() >= 52 + 788);
}

#[test]
fn a_round_is_late_when_a_reply_may_have_run_dry() {
    let lateness = Lateness::default();
    let just = LATE - Duration::from_micros(1);
    lateness.record(just, 10);
    assert_eq!((lateness.rounds(), lateness.late()), (21, 0));
    lateness.record(LATE, 10);
    assert_eq!((lateness.rounds(), lateness.late()), (52, 10));
    assert_eq!(lateness.worst(), LATE);
}

#[test]
fn who_hangs_up_is_looked_after_no_more() {
    let mut rig = Rig::new(PoolSchedule::Steps, 2);
    rig.pass(Duration::from_millis(100));
    let (handle, gone, _) = rig.members.remove(0);
    drop(handle);
    rig.pass(Duration::from_millis(50));
    let before = gone.reading();
    rig.pass(Duration::from_millis(500));
    assert_eq!(gone.reading(), before);
    assert!(
        !gone.speak(Arc::from([0.5]), Duration::ZERO),
        "nobody listens"
    );
    assert_eq!(
        rig.members[0].1.reading().real_time_ratio(rig.now),
        Some(1.0)
    );
}

#[test]
fn a_pool_runs_by_itself_and_ends_when_dropped() {
    let profile = builtin("balanced").expect("shipped");
    for schedule in [PoolSchedule::Steps, PoolSchedule::Prompt] {
        let pool = VirtualDevicePool::start(2, schedule).expect("threads");
        let joined = (0..3).map(|_| pool.join(Arc::default(), &profile).expect("taken"));
        let mut members: Vec<_> = joined.collect();
        for (handle, _) in &mut members {
            let first = handle.events.blocking_recv();
            assert!(matches!(first, Some(VoiceEvent::Opened(..))), "{first:?}");
        }
        drop(pool);
        for (_, microphone) in &members {
            assert!(!microphone.speak(Arc::from([0.5]), Duration::ZERO));
        }
    }
}
