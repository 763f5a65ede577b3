//! Volumes of the playback streams of all programs.

use std::ffi::CStr;
use std::time::{Duration, Instant};

use pulseaudio::protocol::{
    ChannelVolume, Command, ExtensionParams, Prop, ProtocolError, SetStreamVolumeParams,
    SinkInputInfo, SubscriptionMask, TagStructReader, Volume,
};

use super::super::device::Direction;
use super::super::other_sound::stream::{OtherStream, StreamVolumes};
use super::connection::{Message, PulseConnection, connect};
use super::remembered_volume::{READ, RememberedVolume, write};

/// A connection to the server that the environment names.
pub(in crate::audio) struct PulseVolumes {
    connection: PulseConnection,
    has_event: bool,
}

impl PulseVolumes {
    pub(in crate::audio) fn connect() -> Result<Self, String> {
        Self::over(connect().map_err(|(_, why)| why)?).map_err(|error| error.to_string())
    }

    pub(super) fn over(connection: PulseConnection) -> Result<Self, ProtocolError> {
        let mut volumes = Self {
            connection,
            has_event: false,
        };
        volumes.ask(&Command::Subscribe(SubscriptionMask::SINK_INPUT))?;
        Ok(volumes)
    }

    fn ask(&mut self, command: &Command) -> Result<(&[u8], u16), ProtocolError> {
        let event = &mut self.has_event;
        self.connection.request_past_events(command, &[], event)
    }

    fn list(&mut self) -> Result<Vec<OtherStream>, ProtocolError> {
        let (mut answer, version) = self.ask(&Command::GetSinkInputInfoList)?;
        let mut reader = TagStructReader::new(&mut answer, version);
        let mut streams = Vec::new();
        while reader.has_data_left()? {
            streams.push(stream(&reader.read()?));
        }
        Ok(streams)
    }

    /// What the server has of a program already, such as its device, stays.
    fn correct(&mut self, name: &str, stream: &OtherStream) -> Result<(), ProtocolError> {
        let extension = Command::Extension(ExtensionParams {
            index: None,
            name: Some(c"module-stream-restore".to_owned()),
        });
        let event = &mut self.has_event;
        let (answer, _) = self
            .connection
            .request_past_events(&extension, &READ, event)?;
        let known = RememberedVolume::read_all(answer).into_iter();
        let known = known.flatten().find(|its| its.name == name.as_bytes());
        let corrected = RememberedVolume {
            name: name.as_bytes().to_vec(),
            places: stream.places.clone(),
            volume: stream.volume.clone(),
            device: known.as_ref().and_then(|its| its.device.clone()),
            muted: known.map_or(stream.muted, |its| its.muted),
        };
        self.connection
            .request_past_events(&extension, &write(&corrected), event)?;
        Ok(())
    }

    fn wait_until(&mut self, due: Instant) -> Result<bool, ProtocolError> {
        // What has arrived is read; the first event ends the wait.
        while self
            .connection
            .wait_until(if self.has_event { Instant::now() } else { due })?
        {
            let message = self.connection.read(0, Direction::Output)?;
            self.has_event |= message == Message::DevicesChanged;
        }
        Ok(std::mem::take(&mut self.has_event))
    }
}

impl StreamVolumes for PulseVolumes {
    fn streams(&mut self) -> Result<Vec<OtherStream>, String> {
        self.list().map_err(|error| error.to_string())
    }

    fn set(&mut self, index: u32, volume: Vec<u32>) -> Result<(), String> {
        let mut channels = ChannelVolume::empty();
        for volume in volume {
            channels.push(Volume::from_u32_clamped(volume));
        }
        let params = SetStreamVolumeParams {
            index,
            volume: channels,
        };
        lost(self.ask(&Command::SetSinkInputVolume(params)).map(drop))
    }

    fn remember(&mut self, stream: &OtherStream) -> Result<(), String> {
        match &stream.identity {
            Some(name) => lost(self.correct(name, stream)),
            None => Ok(()),
        }
    }

    fn wait(&mut self, at_most: Duration) -> Result<bool, String> {
        self.wait_until(Instant::now() + at_most)
            .map_err(|error| error.to_string())
    }
}

/// What a server refuses (the stream is gone, it remembers no volumes) does not end the connection.
fn lost(result: Result<(), ProtocolError>) -> Result<(), String> {
    match result {
        Ok(()) | Err(ProtocolError::ServerError(_)) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn stream(info: &SinkInputInfo) -> OtherStream {
    let text = |name: &[u8]| {
        let name = name.strip_suffix(&[0]).unwrap_or(name);
        String::from_utf8_lossy(name).into_owned()
    };
    let property = |prop: Prop| info.props.get(prop).map(text);
    let other = |name| info.props.get_bytes::<&CStr>(name).map(text);
    OtherStream {
        index: info.index,
        identity: other(c"module-stream-restore.id"),
        volume: info.cvolume.channels().iter().map(Volume::as_u32).collect(),
        places: info
            .channel_map
            .into_iter()
            .map(|place| place as u8)
            .collect(),
        muted: info.muted,
        adjustable: info.client_index.is_some()
            && info.has_volume
            && info.volume_writable
            && other(c"node.link-group").is_none(),
        process: property(Prop::ApplicationProcessId).and_then(|id| id.parse().ok()),
        role: property(Prop::MediaRole).unwrap_or_default(),
        programs: [property(Prop::ApplicationName), other(c"node.name")]
            .into_iter()
            .flatten()
            .collect(),
        title: property(Prop::MediaName).unwrap_or_default(),
    }
}
