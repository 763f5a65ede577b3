//! The conversation's end of telemetry.

use crate::telemetry::{self, Context, TelemetryEvent};

/// The conversation's end of telemetry.
pub(super) struct TelemetryLink {
    pub(super) handle: telemetry::TelemetryHandle,
    /// What telemetry was sent of profile, devices and service.
    context: Option<Box<Context>>,
}

impl TelemetryLink {
    pub(super) fn new(handle: telemetry::TelemetryHandle) -> Self {
        Self {
            handle,
            context: None,
        }
    }

    /// Reports an event, without waiting.
    pub(super) fn send(&self, event: TelemetryEvent) {
        self.handle.send(event);
    }

    /// Sends the context, if it is another one than before.
    pub(super) fn send_context(&mut self, context: Context) {
        if self.context.as_deref() != Some(&context) {
            let context = Box::new(context);
            let sent = self.handle.send(TelemetryEvent::Context(context.clone()));
            self.context = Some(context).filter(|_| sent);
        }
    }
}
