//! What is done to a frame before it is judged, and to what is judged before it goes out: echo and noise are taken out, and
//! speech over a reply has to show that it is meant.

use super::super::aec_reference::ReferenceMode;
use super::super::echo::EchoReport;
use super::super::event::VoiceEvent;
use super::{Microphone, RenderFrames};
use crate::base::frame::{FRAME_SAMPLES, Frame};
use crate::dsp::chain::{ChainSettings, NoiseSuppressor};

impl Microphone {
    pub(super) fn use_report(&mut self, report: EchoReport, events: &mut Vec<VoiceEvent>) {
        self.set_chain();
        events.push(VoiceEvent::Echo(report));
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
    pub(super) fn preprocess(
        &mut self,
        frame: &mut Frame,
        render_frame: RenderFrames<'_>,
        events: &mut Vec<VoiceEvent>,
    ) {
        let render_frame = match self.reference_mode() {
            ReferenceMode::Exact | ReferenceMode::Nearest => render_frame(frame.captured),
            ReferenceMode::Off => [0.0; FRAME_SAMPLES],
        };
        if let Some(noisy) = self.floor.push(&frame.samples) {
            tracing::debug!(noisy, "noise in the room");
            self.set_chain();
        }
        if let Some(report) = self.echo.push(&frame.samples, &render_frame) {
            self.use_report(report, events);
        }
        self.chain.process(&mut frame.samples, &render_frame);
        let delay = self.chain.delay();
        frame.captured = frame.captured.checked_sub(delay).unwrap_or(frame.captured);
    }
}
