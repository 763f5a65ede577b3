//! Preprocessing of frames before detection: echo cancellation, noise suppression, gain.

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

    /// Sets the chain to the stages that are wanted and useful.
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

    /// Processes a frame. The output is older than the input, and its instant is corrected.
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
            tracing::debug!(noisy, "room noise changed");
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
