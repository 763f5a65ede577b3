//! Barge-in: decides whether speech over a reply may go out.

use super::super::settings::Gate;
use super::{Microphone, Surroundings};
use crate::base::frame::Frame;
use crate::base::units::Dbfs;
use crate::vad::barge_in::BargeInContext;
use crate::vad::segment::FrameContext;

/// Level below which, with the canceller on, a frame is residual echo: people are captured at -46 dBFS and above.
const REST: Dbfs = Dbfs(-52.0);

impl Microphone {
    /// Whether no voice counts now: the uplink is closed, or the canceller learns and may leave some of the reply.
    pub(super) fn is_blocked(&self, around: Surroundings) -> bool {
        around.blocked || (around.playing && self.echo.is_learning())
    }

    /// Whether a frame can be a voice, and not residual echo.
    pub(super) fn is_loud_enough(&self, frame: &Frame) -> bool {
        !self.echo.is_on() || Dbfs::rms(&frame.samples) >= REST
    }

    /// Feeds the barge-in detector. If everything is sent to the service, the service decides.
    pub(super) fn gate_barge_in(&mut self, frame: &Frame, context: FrameContext) {
        if context.held || self.gate == Gate::Everything {
            let action = self.barge_in.release(&mut self.speech);
            self.action = action.or(self.action);
            return;
        }
        let apart = self.echo.is_isolated();
        let playing = context.playing && !context.blocked;
        // With an echo path, residual echo would duck the reply again and again.
        let heard = apart && self.fast_vad.voiced(frame);
        let fast_vad = playing && heard;
        let around = BargeInContext {
            voiced: self.segmenter.is_loud() && (context.voiced || fast_vad),
            playing,
            tail: self.tail && !apart,
            apart,
            last_voiced: self.segmenter.last_voiced(),
        };
        let decision = self.barge_in.push(frame, around, &mut self.speech);
        self.action = decision.action.or(self.action);
        if decision.abandon {
            self.segmenter.close(&mut Vec::new());
        }
    }
}
