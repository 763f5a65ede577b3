//! The body of a playback callback: takes mono samples from the ring, writes them to all channels, fades, counts.
//!
//! ```text
//!            ring has samples            ring is empty
//!  Silent ───────────────────▶ Playing ────────────────▶ Tail ─┐
//!    ▲                           │ flush                       │ 5 ms
//!    │◀────────────────────── Fading ◀─────────────────────────┤
//!    └─────────────────────────────────────────────────────────┘
//! ```
//!
//! Nothing is ever cut: what begins is faded in, a flush fades what comes next and then discards the rest, and where
//! samples run out the last one is held and faded. As in the capture body there is no allocation, no lock and no
//! system call but one unpark of the worker, when the ring falls below the worker's mark or when there is news.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::backend::Format;
use super::status::{Stamp, Status};
use crate::base::ring::{Reader, Writer, ring};

/// Length of every fade: short enough to be prompt, long enough not to click.
pub const FADE: Duration = Duration::from_millis(5);
/// The ring's size. The worker keeps far less in it.
const ROOM: Duration = Duration::from_millis(500);
/// Frames that are rendered at once.
const BLOCK: usize = 256;
/// News that can wait for the worker. Each follows from something that the worker did, so few are ever under way.
const NOTES: usize = 64;
/// A tail from below this amplitude (-80 dBFS) cannot be heard: the sound ended by itself.
const INAUDIBLE: f32 = 1e-4;

/// News for the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The sample with this index in the ring was written at this position of the stream, after silence.
    Started {
        /// Index in the flow through the ring.
        index: u64,
        /// Frame counter of the stream.
        position: u64,
    },
    /// The ring ran dry: the next sample would have been this one, at this position.
    Dry {
        /// Index in the flow through the ring.
        index: u64,
        /// Frame counter of the stream.
        position: u64,
    },
    /// A flush took effect: samples below `index` were written, those up to the flush's mark discarded.
    Flushed {
        /// Index in the flow through the ring.
        index: u64,
        /// Frame counter at which silence began.
        position: u64,
    },
}

/// What the worker asks of the body.
#[derive(Default)]
struct Control {
    /// Flushes asked for so far.
    flushes: AtomicU64,
    /// Samples below this index are to be discarded.
    flush_below: AtomicU64,
    /// Fill of the ring below which the worker wants to be woken.
    wake_below: AtomicUsize,
}

/// What runs in the callback of an output stream.
pub struct PlaybackBody {
    ring: Reader<f32>,
    notes: Writer<Note>,
    status: Arc<Status>,
    control: Arc<Control>,
    worker: Option<Thread>,
    channels: usize,
    /// Raised cosine from 0 to 1.
    fade: Box<[f32]>,
    state: State,
    /// Where on `fade` the sound is; its end is full volume.
    step: usize,
    /// The last sample taken from the ring.
    last: f32,
    position: u64,
    flushes: u64,
    news: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Silent,
    Playing,
    /// Dry: the last sample is held and faded.
    Tail,
    /// Flushing: what comes next is faded.
    Fading,
}

/// The worker's end of an output stream.
pub struct PlaybackEnd {
    /// Mono samples at the stream's rate.
    pub ring: Writer<f32>,
    /// News of the callbacks.
    pub notes: Reader<Note>,
    /// Stamps of the callbacks.
    pub status: Arc<Status>,
    /// What the stream takes.
    pub format: Format,
    control: Arc<Control>,
}

/// Makes the two ends of an output stream. `worker` is woken; without one (simulation) nobody is.
#[must_use]
pub fn playback(
    format: Format,
    epoch: Instant,
    worker: Option<Thread>,
) -> (PlaybackBody, PlaybackEnd) {
    let (writer, reader) = ring(format.rate.samples_in(ROOM));
    let (notes_in, notes_out) = ring(NOTES);
    let status = Arc::new(Status::new(epoch));
    let control = Arc::new(Control::default());
    let body = PlaybackBody {
        ring: reader,
        notes: notes_in,
        status: status.clone(),
        control: control.clone(),
        worker,
        channels: usize::from(format.channels.max(1)),
        fade: raised_cosine(format.rate.samples_in(FADE)),
        state: State::Silent,
        step: 0,
        last: 0.0,
        position: 0,
        flushes: 0,
        news: false,
    };
    let end = PlaybackEnd {
        ring: writer,
        notes: notes_out,
        status,
        format,
        control,
    };
    (body, end)
}

impl PlaybackEnd {
    /// Asks the body to fade and to discard all that is in the ring now; it answers with [`Note::Flushed`].
    pub fn flush(&self) {
        self.control.flush_below.store(self.ring.written(), Relaxed);
        self.control.flushes.fetch_add(1, Release);
    }

    /// Asks to be woken whenever fewer samples than this are in the ring while sound plays.
    pub fn wake_below(&self, samples: usize) {
        self.control.wake_below.store(samples, Relaxed);
    }
}

impl PlaybackBody {
    /// Fills a block of interleaved samples; an incomplete last frame gets silence. `delay` is how long after `now`
    /// the block's first frame will sound, where the host tells.
    pub fn run<T: Copy>(
        &mut self,
        block: &mut [T],
        from_f32: impl Fn(f32) -> T,
        now: Instant,
        delay: Option<Duration>,
    ) {
        let frames = block.len() / self.channels;
        self.begin(frames, now, delay);
        let mut mono = [0.0; BLOCK];
        let whole = frames * self.channels;
        for part in block[..whole].chunks_mut(BLOCK * self.channels) {
            let mono = &mut mono[..part.len() / self.channels];
            let mut done = 0;
            while done < mono.len() {
                done += self.render(&mut mono[done..]).0;
            }
            for (frame, &sample) in part.chunks_exact_mut(self.channels).zip(mono.iter()) {
                frame.fill(from_f32(sample));
            }
        }
        block[whole..].fill(from_f32(0.0));
        self.end();
    }

    /// As [`PlaybackBody::run`] for one channel, but says which parts of the block are sound and which are silence
    /// for want of sound: a file takes the former only.
    pub fn run_parts(
        &mut self,
        block: &mut [f32],
        now: Instant,
        delay: Option<Duration>,
        mut part: impl FnMut(&[f32], bool),
    ) {
        self.begin(block.len(), now, delay);
        let mut done = 0;
        while done < block.len() {
            let (n, sounding) = self.render(&mut block[done..]);
            part(&block[done..done + n], sounding);
            done += n;
        }
        self.end();
    }

    fn begin(&mut self, frames: usize, now: Instant, delay: Option<Duration>) {
        self.status.publish(Stamp {
            position: self.position,
            frames: frames as u64,
            at: now,
            latency: delay,
        });
    }

    fn end(&mut self) {
        let low =
            self.state == State::Playing && self.ring.len() < self.control.wake_below.load(Relaxed);
        if (low || self.news)
            && let Some(worker) = &self.worker
        {
            worker.unpark();
        }
        self.news = false;
    }

    /// Writes the beginning of `out`; says how much of it, and whether that is sound.
    fn render(&mut self, out: &mut [f32]) -> (usize, bool) {
        self.notice_flush();
        let (n, sounding) = match self.state {
            State::Silent => self.silent(out),
            State::Playing => (self.playing(out), true),
            State::Tail => (self.falling(out, false), true),
            State::Fading => (self.falling(out, true), true),
        };
        self.position += n as u64;
        (n, sounding)
    }

    fn notice_flush(&mut self) {
        let flushes = self.control.flushes.load(Acquire);
        if flushes != self.flushes {
            match self.state {
                State::Silent => self.discard(),
                State::Playing | State::Tail => self.state = State::Fading,
                State::Fading => {}
            }
        }
    }

    fn silent(&mut self, out: &mut [f32]) -> (usize, bool) {
        if self.ring.is_empty() {
            out.fill(0.0);
            return (out.len(), false);
        }
        self.tell(Note::Started {
            index: self.ring.read(),
            position: self.position,
        });
        self.state = State::Playing;
        self.step = 0;
        (0, true)
    }

    fn playing(&mut self, out: &mut [f32]) -> usize {
        let n = self.ring.pop(out);
        if n == 0 {
            self.tell(Note::Dry {
                index: self.ring.read(),
                position: self.position,
            });
            self.state = if self.last.abs() < INAUDIBLE {
                State::Silent
            } else {
                State::Tail
            };
            return 0;
        }
        self.last = out[n - 1];
        let full = self.fade.len() - 1;
        for sample in &mut out[..n.min(full - self.step)] {
            self.step += 1;
            *sample *= self.fade[self.step];
        }
        n
    }

    /// Goes down the fade, with what the ring has if `from_ring`, else and thereafter with the last sample held.
    fn falling(&mut self, out: &mut [f32], from_ring: bool) -> usize {
        let n = out.len().min(self.step);
        let out = &mut out[..n];
        let taken = if from_ring {
            // What came after the flush was asked for is not part of it.
            let below = self.control.flush_below.load(Relaxed);
            let old = below.saturating_sub(self.ring.read());
            let old = usize::try_from(old).unwrap_or(usize::MAX).min(n);
            self.ring.pop(&mut out[..old])
        } else {
            0
        };
        if taken > 0 {
            self.last = out[taken - 1];
        }
        out[taken..].fill(self.last);
        for sample in out {
            self.step -= 1;
            *sample *= self.fade[self.step];
        }
        if self.step == 0 {
            self.state = State::Silent;
        }
        n
    }

    fn discard(&mut self) {
        // Acquire above: the mark belongs to this flush or to a later one.
        self.flushes = self.control.flushes.load(Acquire);
        let index = self.ring.read();
        let below = self.control.flush_below.load(Relaxed);
        let surplus = below.saturating_sub(index);
        self.ring
            .skip(usize::try_from(surplus).unwrap_or(usize::MAX));
        self.tell(Note::Flushed {
            index,
            position: self.position,
        });
    }

    fn tell(&mut self, note: Note) {
        if self.notes.push(&[note]) == 0 {
            self.notes.count_dropped(1);
        }
        self.news = true;
    }
}

fn raised_cosine(steps: usize) -> Box<[f32]> {
    let steps = steps.max(1);
    (0..=steps)
        .map(|i| 0.5 - 0.5 * (std::f32::consts::PI * i as f32 / steps as f32).cos())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::units::SampleRate;

    const RATE: SampleRate = SampleRate::new(48_000).expect("not zero");
    const FADE_SAMPLES: usize = 240;
    /// Largest step of a raised cosine over 240 samples of full scale.
    const FADE_STEP: f32 = 0.0066;

    #[test]
    fn what_is_written_sounds_once_on_all_channels() {
        let (mut body, mut end) = ends(3);
        let sound: Vec<f32> = (0..1_000).map(|i| i as f32 / 1_000.0).collect();
        end.ring.push(&sound);
        let mut block = vec![9.0; 3 * 700 + 1];
        body.run(&mut block, |s| s, Instant::now(), None);
        assert_eq!(block[3 * 699], block[3 * 699 + 2]);
        assert_eq!(block[3 * 699], sound[699]);
        assert_eq!(block[3 * 700], 0.0);
        assert_eq!(
            notes(&mut end),
            [Note::Started {
                index: 0,
                position: 0
            }]
        );
        assert_eq!(end.ring.taken(), 700);
    }

    #[test]
    fn a_flush_is_silence_after_the_fade() {
        let (mut body, mut end) = ends(1);
        end.ring.push(&[1.0; 5_000]);
        pull(&mut body, 512);
        end.flush();
        // What comes after the flush is another reply and survives it.
        end.ring.push(&[0.5; 100]);
        let block = pull(&mut body, 512);
        assert!(block[0] > 0.99 && block[FADE_SAMPLES - 1] < 0.01);
        let position = 512 + FADE_SAMPLES as u64;
        assert_eq!(
            notes(&mut end)[1..3],
            [
                Note::Flushed {
                    index: position,
                    position
                },
                Note::Started {
                    index: 5_000,
                    position
                },
            ]
        );
        assert_steps(&block, FADE_STEP);
    }

    #[test]
    fn a_flush_of_silence_is_answered_at_once() {
        let (mut body, mut end) = ends(1);
        end.flush();
        pull(&mut body, 64);
        assert_eq!(
            notes(&mut end),
            [Note::Flushed {
                index: 0,
                position: 0
            }]
        );
    }

    #[test]
    fn a_flush_in_the_fade_in_turns_round() {
        let (mut body, mut end) = ends(1);
        end.ring.push(&[1.0; 5_000]);
        let mut all = pull(&mut body, 100);
        end.flush();
        all.extend(pull(&mut body, 512));
        assert_steps(&all, FADE_STEP);
        assert_eq!(all[200], 0.0);
    }

    #[test]
    fn parts_tell_sound_from_silence() {
        let (mut body, mut end) = ends(1);
        end.ring.push(&[0.0; 300]);
        let mut seen = Vec::new();
        let mut block = [0.0; 512];
        body.run_parts(&mut block, Instant::now(), None, |part, sounding| {
            if !part.is_empty() {
                seen.push((part.len(), sounding));
            }
        });
        assert_eq!(seen, [(300, true), (212, false)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn running_dry_never_clicks_and_loses_nothing(
            pushes in prop::collection::vec(0_usize..700, 1..30),
            period in 1_usize..600,
        ) {
            let (mut body, mut end) = ends(1);
            let mut heard = Vec::new();
            let mut pushed = 0_usize;
            for n in pushes {
                // A slow tone: its own steps are small beside those of a click.
                let sound: Vec<f32> = (pushed..pushed + n).map(|i| (i as f32 * 0.004).sin()).collect();
                pushed += end.ring.push(&sound);
                heard.extend(pull(&mut body, period));
            }
            while !end.ring.is_empty() {
                heard.extend(pull(&mut body, period));
            }
            assert_steps(&heard, FADE_STEP + 0.004);
            prop_assert_eq!(end.ring.taken() as usize, pushed);
        }
    }

    fn ends(channels: u16) -> (PlaybackBody, PlaybackEnd) {
        let format = Format {
            rate: RATE,
            channels,
            period: None,
            held_blocks: 0,
        };
        playback(format, Instant::now(), None)
    }

    fn pull(body: &mut PlaybackBody, frames: usize) -> Vec<f32> {
        let mut block = vec![0.0; frames];
        body.run(&mut block, |s| s, Instant::now(), None);
        block
    }

    fn notes(end: &mut PlaybackEnd) -> Vec<Note> {
        std::iter::from_fn(|| end.notes.pop_one()).collect()
    }

    fn assert_steps(samples: &[f32], most: f32) {
        for (i, pair) in samples.windows(2).enumerate() {
            let step = (pair[1] - pair[0]).abs();
            assert!(step <= most, "step of {step} at {i}");
        }
    }
}
