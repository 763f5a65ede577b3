//! The volumes that a server remembers of programs, for their next streams: messages of the extension `stream-restore`, which
//! the crate does not know.

/// Subcommands, as tagged numbers.
pub(super) const READ: [u8; 5] = [NUMBER, 0, 0, 0, 1];
const WRITE: [u8; 5] = [NUMBER, 0, 0, 0, 2];
/// Replaces the entry of this name, and no other.
const REPLACE: [u8; 5] = [NUMBER, 0, 0, 0, 2];
/// Streams that play now are not changed.
const NOT_AT_ONCE: u8 = FALSE;

// Tags of the protocol.
const NUMBER: u8 = b'L';
const STRING: u8 = b't';
const NO_STRING: u8 = b'N';
const PLACES: u8 = b'm';
const VOLUMES: u8 = b'v';
const TRUE: u8 = b'1';
const FALSE: u8 = b'0';

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RememberedVolume {
    pub(super) name: Vec<u8>,
    /// Places of the channels.
    pub(super) places: Vec<u8>,
    pub(super) volume: Vec<u32>,
    pub(super) device: Option<Vec<u8>>,
    pub(super) muted: bool,
}

impl RememberedVolume {
    /// The entries of an answer; `None` if it is broken.
    pub(super) fn read_all(mut answer: &[u8]) -> Option<Vec<Self>> {
        let mut entries = Vec::new();
        while !answer.is_empty() {
            entries.push(Self {
                name: string(&mut answer)?.unwrap_or_default(),
                places: counted(&mut answer, PLACES, 1)?.to_vec(),
                volume: counted(&mut answer, VOLUMES, size_of::<u32>())?
                    .as_chunks()
                    .0
                    .iter()
                    .map(|bytes| u32::from_be_bytes(*bytes))
                    .collect(),
                device: string(&mut answer)?,
                muted: answer.split_off_first()? == &TRUE,
            });
        }
        Some(entries)
    }
}

/// The message that replaces an entry.
pub(super) fn write(entry: &RememberedVolume) -> Vec<u8> {
    let count = |of: usize| u8::try_from(of).unwrap_or(u8::MAX);
    let mut message = [WRITE, REPLACE].concat();
    message.push(NOT_AT_ONCE);
    put_string(&mut message, Some(&entry.name));
    message.extend([PLACES, count(entry.places.len())]);
    message.extend(&entry.places);
    message.extend([VOLUMES, count(entry.volume.len())]);
    message.extend(entry.volume.iter().flat_map(|volume| volume.to_be_bytes()));
    put_string(&mut message, entry.device.as_deref());
    message.push(if entry.muted { TRUE } else { FALSE });
    message
}

fn put_string(message: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => {
            message.push(STRING);
            message.extend(text);
            message.push(0);
        }
        None => message.push(NO_STRING),
    }
}

fn string(rest: &mut &[u8]) -> Option<Option<Vec<u8>>> {
    match *rest.split_off_first()? {
        NO_STRING => Some(None),
        STRING => {
            let end = rest.iter().position(|byte| *byte == 0)?;
            let text = rest.split_off(..end)?.to_vec();
            rest.split_off_first()?;
            Some(Some(text))
        }
        _ => None,
    }
}

fn counted<'a>(rest: &mut &'a [u8], tag: u8, size: usize) -> Option<&'a [u8]> {
    if rest.split_off_first()? != &tag {
        return None;
    }
    let count = usize::from(*rest.split_off_first()?);
    rest.split_off(..count * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_were_written() {
        let entry = RememberedVolume {
            name: b"sink-input-by-application-name:Player".to_vec(),
            places: vec![1, 2],
            volume: vec![65_536, 30_000],
            device: Some(b"speaker".to_vec()),
            muted: true,
        };
        let other = RememberedVolume {
            name: b"x".to_vec(),
            places: Vec::new(),
            volume: Vec::new(),
            device: None,
            muted: false,
        };
        let head = READ.len() * 2 + 1;
        let answer = [&write(&entry)[head..], &write(&other)[head..]].concat();
        let read = RememberedVolume::read_all(&answer);
        assert_eq!(read, Some(vec![entry, other]));
    }

    #[test]
    fn a_broken_answer_is_no_entry() {
        for answer in [
            &b"tname"[..],
            b"q",
            b"tname\0m\x02\x01",
            b"tname\0m\x00v\x01abc",
        ] {
            assert_eq!(RememberedVolume::read_all(answer), None);
        }
    }
}
