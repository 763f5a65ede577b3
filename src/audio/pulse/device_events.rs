//! Wakes the stream manager when the devices of the server change, so that it need not list them twice a second.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{JoinHandle, Thread};

use pulseaudio::protocol::SubscriptionMask;
use pulseaudio::protocol::{Command, ProtocolError};

use super::super::device::Direction;
use super::connection::{Message, PulseConnection, connect};

/// A subscription to changes; dropping it ends it.
pub(in crate::audio) struct DeviceEvents {
    socket: UnixStream,
    changed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl DeviceEvents {
    /// Subscribes at the server that the environment names; `None` if it does not answer. Every change unparks `manager`.
    pub(in crate::audio) fn subscribe(manager: Thread) -> Option<Self> {
        let refused = |(_, why): (_, String)| tracing::debug!(why, "devices are polled");
        let connection = connect().map_err(refused).ok()?;
        Self::over(connection, manager)
            .inspect_err(|error| tracing::debug!(%error, "devices are polled"))
            .ok()
    }

    pub(super) fn over(
        mut connection: PulseConnection,
        manager: Thread,
    ) -> Result<Self, ProtocolError> {
        let devices = SubscriptionMask::SINK | SubscriptionMask::SOURCE | SubscriptionMask::SERVER;
        connection.send(&Command::Subscribe(devices))?;
        connection.wait_without_limit()?;
        let socket = connection.socket()?;
        let changed = Arc::new(AtomicBool::new(false));
        let noted = changed.clone();
        let thread = std::thread::Builder::new()
            .name("sound-events".to_owned())
            .spawn(move || {
                loop {
                    let message = connection.read(u32::MAX, Direction::Input);
                    let ended = message.is_err();
                    if ended || message.is_ok_and(|message| message == Message::DevicesChanged) {
                        noted.store(true, Relaxed);
                        manager.unpark();
                    }
                    if ended {
                        return;
                    }
                }
            })?;
        Ok(Self {
            socket,
            changed,
            thread: Some(thread),
        })
    }

    /// Whether devices changed since the last call; the end of the server is a change.
    pub(in crate::audio) fn take_changed(&self) -> bool {
        self.changed.swap(false, Relaxed)
    }

    /// Whether further changes will be noticed.
    pub(in crate::audio) fn is_alive(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for DeviceEvents {
    fn drop(&mut self) {
        self.socket.shutdown(Shutdown::Both).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
