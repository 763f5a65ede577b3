//! The connection to the server, and its messages.

use std::ffi::{CStr, CString};
use std::io::{BufReader, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, Descriptor, DescriptorFlags, LatencyParams,
    PlaybackLatency, Prop, Props, ProtocolError, PulseError, RecordLatency, SetClientNameReply,
    TagStructReader, stream::CorkStreamParams,
};

use super::super::device::Direction;
use super::super::stream_fault::StreamFault;
use super::timing::LatencyAnswer;

/// Time after which the setup of a stream counts as hung.
const SETUP: Duration = Duration::from_secs(2);
/// Read buffer: messages that arrive together are read together.
const READ: usize = 16 << 10;
/// Largest message (`MAX_MEMBLOCKQ_LENGTH` of the server).
pub(super) const LONGEST: usize = protocol::MAX_MEMBLOCKQ_LENGTH;
/// Channel of control messages.
const CONTROL: u32 = u32::MAX;
/// Name of the program in volume controls.
const NAME: &CStr = c"Sovereign";

/// A connection to the server.
pub(super) struct PulseConnection {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    /// A byte from another thread ends a wait.
    bell: Option<UnixStream>,
    version: u16,
    sequence: u32,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

/// A message about a stream.
#[derive(Debug, PartialEq)]
pub(super) enum Message<'a> {
    /// Captured samples: whole frames.
    Samples(&'a [u8]),
    /// The server requests this many bytes.
    Wanted(u32),
    /// Answer to the latency query of this number.
    Latency(u32, LatencyAnswer),
    /// The timing changed: the stream starved, started, or was moved.
    Disturbed,
    Ended,
    /// A device came, went or changed, or the default did.
    DevicesChanged,
    Other,
}

/// Connects and authenticates to the server that the environment names.
pub(super) fn connect() -> Result<PulseConnection, (StreamFault, String)> {
    let path = pulseaudio::socket_path_from_env().ok_or_else(|| {
        let what = "no socket of a PulseAudio server was found".to_owned();
        (StreamFault::HostUnavailable, what)
    })?;
    let cookie = pulseaudio::cookie_path_from_env().and_then(|path| crate::file::read(&path).ok());
    let socket = UnixStream::connect(path)
        .map_err(|error| (StreamFault::HostUnavailable, error.to_string()))?;
    PulseConnection::introduce(socket, cookie.unwrap_or_default()).map_err(explain)
}

impl PulseConnection {
    /// Authenticates over a connected socket.
    pub(super) fn introduce(socket: UnixStream, cookie: Vec<u8>) -> Result<Self, ProtocolError> {
        socket.set_read_timeout(Some(SETUP))?;
        socket.set_write_timeout(Some(SETUP))?;
        let mut connection = Self {
            reader: BufReader::with_capacity(READ, socket.try_clone()?),
            writer: socket,
            bell: None,
            version: protocol::MAX_VERSION,
            sequence: 0,
            inbox: Vec::new(),
            outbox: Vec::new(),
        };
        let auth: AuthReply = connection.request(&Command::Auth(AuthParams {
            version: protocol::MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie,
        }))?;
        connection.version = auth.version.min(protocol::MAX_VERSION);
        let mut props = Props::new();
        props.set(Prop::ApplicationName, NAME);
        // Lets tools identify the process of a stream.
        let process = CString::new(std::process::id().to_string()).unwrap_or_default();
        props.set(Prop::ApplicationProcessId, process);
        let _: SetClientNameReply = connection.request(&Command::SetClientName(props))?;
        Ok(connection)
    }

    /// Sends a command and waits for the reply.
    pub(super) fn request<R: CommandReply>(
        &mut self,
        command: &Command,
    ) -> Result<R, ProtocolError> {
        let asked = self.send(command)?;
        self.receive()?;
        // Delimited by its length: a newer server may send more than the crate knows.
        let mut head = [0; protocol::DESCRIPTOR_SIZE];
        let length = u32::try_from(self.inbox.len()).unwrap_or(u32::MAX);
        protocol::encode_descriptor(
            &mut head,
            &Descriptor {
                length,
                channel: CONTROL,
                offset: 0,
                flags: DescriptorFlags::empty(),
            },
        );
        let mut message = head.chain(&*self.inbox);
        let (answered, reply) = protocol::read_reply_message(&mut message, self.version)?;
        if answered == asked {
            Ok(reply)
        } else {
            Err(ProtocolError::Invalid(format!(
                "answer {answered} to question {asked}"
            )))
        }
    }

    /// Sends a command with more behind it than the crate writes; returns what the answer holds, and the version it is written
    /// in. Events before it are noted.
    pub(super) fn request_past_events(
        &mut self,
        command: &Command,
        more: &[u8],
        has_event: &mut bool,
    ) -> Result<(&[u8], u16), ProtocolError> {
        let asked = self.send_with(command, more)?;
        loop {
            self.receive()?;
            let mut rest = &*self.inbox;
            match Command::read_tag_prefixed(&mut rest, self.version)? {
                (answered, Command::Reply) if answered == asked => {
                    let begin = self.inbox.len() - rest.len();
                    return Ok((&self.inbox[begin..], self.version));
                }
                (answered, Command::Error(error)) if answered == asked => {
                    return Err(ProtocolError::ServerError(error));
                }
                (_, Command::SubscribeEvent(_)) => *has_event = true,
                _ => {}
            }
        }
    }

    /// Disables timeouts: a device may be suspended.
    pub(super) fn wait_without_limit(&mut self) -> Result<(), ProtocolError> {
        self.writer.set_read_timeout(None)?;
        self.writer.set_write_timeout(None)?;
        Ok(())
    }

    /// Creates the bell and returns its other end: a byte written there ends a wait.
    pub(super) fn bell(&mut self) -> Result<UnixStream, ProtocolError> {
        let (ours, theirs) = UnixStream::pair()?;
        for end in [&ours, &theirs] {
            end.set_nonblocking(true)?;
        }
        self.bell = Some(ours);
        Ok(theirs)
    }

    pub(super) fn socket(&self) -> Result<UnixStream, ProtocolError> {
        Ok(self.writer.try_clone()?)
    }

    /// Queries the latency of a stream; returns the number of the query.
    pub(super) fn ask_latency(
        &mut self,
        channel: u32,
        direction: Direction,
    ) -> Result<u32, ProtocolError> {
        let now = SystemTime::now();
        let params = LatencyParams { channel, now };
        self.send(&match direction {
            Direction::Input => Command::GetRecordLatency(params),
            Direction::Output => Command::GetPlaybackLatency(params),
        })
    }

    pub(super) fn write(&mut self, channel: u32, samples: &[u8]) -> Result<(), ProtocolError> {
        self.outbox.clear();
        protocol::write_memblock(&mut self.outbox, channel, samples, 0)?;
        self.writer.write_all(&self.outbox)?;
        Ok(())
    }

    pub(super) fn send(&mut self, command: &Command) -> Result<u32, ProtocolError> {
        self.send_with(command, &[])
    }

    fn send_with(&mut self, command: &Command, more: &[u8]) -> Result<u32, ProtocolError> {
        self.sequence = self.sequence.wrapping_add(1);
        self.outbox.clear();
        protocol::encode_command_message(&mut self.outbox, self.sequence, command, self.version)?;
        if !more.is_empty() {
            self.outbox.extend_from_slice(more);
            let length = self.outbox.len() - protocol::DESCRIPTOR_SIZE;
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            self.outbox[..size_of::<u32>()].copy_from_slice(&length.to_be_bytes());
        }
        self.writer.write_all(&self.outbox)?;
        Ok(self.sequence)
    }

    /// Whether all that was received has been read.
    pub(super) fn is_drained(&self) -> bool {
        self.reader.buffer().is_empty()
    }

    /// Waits for a message until `due` or the bell; returns whether there is one.
    pub(super) fn wait_until(&mut self, due: Instant) -> Result<bool, ProtocolError> {
        if self.is_drained() {
            self.poll(PollFlags::POLLIN, due)
        } else {
            Ok(true)
        }
    }

    /// Waits until `due` without regard to messages; returns whether the connection ended meanwhile.
    pub(super) fn sleep_until(&mut self, due: Instant) -> Result<bool, ProtocolError> {
        self.poll(PollFlags::empty(), due)
    }

    fn poll(&mut self, events: PollFlags, due: Instant) -> Result<bool, ProtocolError> {
        let left = due.saturating_duration_since(Instant::now());
        let (bell, rings) = match &self.bell {
            Some(bell) => (bell, PollFlags::POLLIN),
            None => (&self.writer, PollFlags::empty()),
        };
        let mut polled = [
            PollFd::new(self.writer.as_fd(), events),
            PollFd::new(bell.as_fd(), rings),
        ];
        match ppoll(&mut polled, Some(TimeSpec::from_duration(left)), None) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(false),
            Err(error) => return Err(std::io::Error::from(error).into()),
        }
        let [socket, rung] = polled.map(|fd| fd.any().unwrap_or(false));
        if rung && let Some(bell) = &mut self.bell {
            let mut bytes = [0; 16];
            while bell.read(&mut bytes).is_ok_and(|read| read == bytes.len()) {}
        }
        Ok(socket)
    }

    /// Stops the requests of a speaker's stream, or lets them go on.
    pub(super) fn cork(&mut self, channel: u32, cork: bool) -> Result<(), ProtocolError> {
        self.send(&Command::CorkPlaybackStream(CorkStreamParams {
            channel,
            cork,
        }))?;
        Ok(())
    }

    /// Reads the next message about the stream of this channel.
    pub(super) fn read(
        &mut self,
        channel: u32,
        direction: Direction,
    ) -> Result<Message<'_>, ProtocolError> {
        let from = self.receive()?;
        if from == CONTROL {
            Ok(parse_message(&self.inbox, self.version, direction))
        } else if from == channel {
            Ok(Message::Samples(&self.inbox))
        } else {
            Ok(Message::Other)
        }
    }

    /// Reads a whole message into the inbox; returns its channel.
    fn receive(&mut self) -> Result<u32, ProtocolError> {
        let head = protocol::read_descriptor(&mut self.reader)?;
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(ProtocolError::Invalid(format!(
                "a message of {length} bytes"
            )));
        }
        self.inbox.resize(length, 0);
        self.reader.read_exact(&mut self.inbox)?;
        Ok(head.channel)
    }
}

/// Parses a command. Unknown or irrelevant ones are skipped, as their length is known.
fn parse_message(mut message: &[u8], version: u16, direction: Direction) -> Message<'static> {
    match Command::read_tag_prefixed(&mut message, version) {
        Ok((sequence, Command::Reply)) => {
            let mut reply = TagStructReader::new(&mut message, version);
            let latency = match direction {
                Direction::Input => reply.read::<RecordLatency>().map(|answer| LatencyAnswer {
                    device: Duration::from_micros(answer.source_usec),
                    queued: answer.write_offset.saturating_sub(answer.read_offset),
                    taken_at: answer.remote_time,
                }),
                Direction::Output => reply.read::<PlaybackLatency>().map(|answer| LatencyAnswer {
                    device: Duration::from_micros(answer.sink_usec),
                    queued: answer.write_offset.saturating_sub(answer.read_offset),
                    taken_at: answer.remote_time,
                }),
            };
            latency.map_or(Message::Other, |latency| {
                Message::Latency(sequence, latency)
            })
        }
        Ok((_, Command::Request(request))) => Message::Wanted(request.length),
        Ok((_, Command::Started(_) | Command::Underflow(_))) => Message::Disturbed,
        Ok((_, Command::RecordStreamMoved(_) | Command::PlaybackStreamMoved(_))) => {
            Message::Disturbed
        }
        Ok((_, Command::RecordStreamKilled(_) | Command::PlaybackStreamKilled(_))) => {
            Message::Ended
        }
        Ok((_, Command::SubscribeEvent(_))) => Message::DevicesChanged,
        _ => Message::Other,
    }
}

/// Fault and message of a protocol error.
#[expect(
    clippy::wildcard_enum_match_arm,
    clippy::needless_pass_by_value,
    reason = "the rest are faults of the conversation with the server; it ends the errors of a builder"
)]
pub(super) fn explain(error: ProtocolError) -> (StreamFault, String) {
    let fault = match &error {
        ProtocolError::ServerError(PulseError::AccessDenied | PulseError::AuthKey) => {
            StreamFault::PermissionDenied
        }
        ProtocolError::ServerError(PulseError::NoEntity) => StreamFault::DeviceNotAvailable,
        ProtocolError::ServerError(PulseError::Busy) => StreamFault::DeviceBusy,
        ProtocolError::ServerError(PulseError::Invalid | PulseError::NotSupported) => {
            StreamFault::UnsupportedConfig
        }
        // The server's error for too many streams.
        ProtocolError::ServerError(PulseError::TooLarge) => StreamFault::ResourceExhausted,
        ProtocolError::Io(_) => StreamFault::HostUnavailable,
        _ => StreamFault::BackendError,
    };
    (fault, error.to_string())
}
