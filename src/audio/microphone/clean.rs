//! What is done to a frame before it is judged, and to what is judged before it goes out: echo and noise are taken out, and
//! speech over a reply has to show that it is meant.

use super::super::echo::EchoReport;
use super::super::reference::Wanted;
use super::super::{Event, Gate};
use super::{Far, Microphone, REST};
use crate::base::frame::{FRAME_SAMPLES, Frame};
use crate::base::units::Dbfs;
use crate::dsp::chain::{ChainSettings, NoiseSuppressor};
use crate::vad::barge_in::BargeInContext;
use crate::vad::segment::FrameContext;

impl Microphone {
    pub(super) fn use_report(&mut self, report: EchoReport, events: &mut Vec<Event>) {
        self.set_chain();
        events.push(Event::Echo(report));
    }

    /// Puts into the chain what is wanted and of use.
    pub(super) fn set_chain(&mut self) {
        let steady = matches!(
            self.wanted.noise,
            NoiseSuppressor::Light | NoiseSuppressor::On
        );
        self.chain.set(ChainSettings {
            echo: self.echo.is_on(),
            noise: if steady && !self.floor.is_noisy() {
                NoiseSuppressor::Off
            } else {
                self.wanted.noise
            },
            gain: self.wanted.gain,
        });
    }

    /// Takes echo and noise out. What comes out is older than what went in, and says so.
    pub(super) fn clean(&mut self, frame: &mut Frame, far: Far<'_>, events: &mut Vec<Event>) {
        let far = match self.wants_far() {
            Wanted::Exact | Wanted::Nearest => far(frame.captured),
            Wanted::Not => [0.0; FRAME_SAMPLES],
        };
        if let Some(noisy) = self.floor.push(&frame.samples) {
            tracing::debug!(noisy, "noise in the room");
            self.set_chain();
        }
        if let Some(report) = self.echo.push(&frame.samples, &far) {
            self.use_report(report, events);
        }
        self.chain.process(&mut frame.samples, &far);
        let delay = self.chain.delay();
        frame.captured = frame.captured.checked_sub(delay).unwrap_or(frame.captured);
    }

    /// Whether a frame can be a voice, and no rest of echo.
    pub(super) fn is_loud_enough(&self, frame: &Frame) -> bool {
        !self.echo.is_on() || Dbfs::rms(&frame.samples) >= REST
    }

    /// Decides whether speech over a reply may go out. The service decides itself where everything is sent to it.
    pub(super) fn judge(&mut self, frame: &Frame, context: FrameContext) {
        if context.held || self.gate == Gate::Everything {
            let order = self.barge_in.release(&mut self.speech);
            self.order = order.or(self.order);
            return;
        }
        let apart = self.echo.is_apart();
        let playing = context.playing && !context.blocked;
        // What is left of an echo would lower the reply again and again.
        let heard = apart && self.quick.voiced(frame);
        let quick = playing && heard;
        let around = BargeInContext {
            voiced: self.segmenter.is_loud() && (context.voiced || quick),
            playing,
            tail: self.tail && !apart,
            apart,
            last_voiced: self.segmenter.last_voiced(),
        };
        let decision = self.barge_in.push(frame, around, &mut self.speech);
        self.order = decision.order.or(self.order);
        if decision.abandon {
            self.segmenter.close(&mut Vec::new());
        }
    }
}
