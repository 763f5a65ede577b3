//! Whether the sound of other programs can be lowered.

use super::check::Check;
use crate::audio::other_sound::look;
use crate::base::plural::count;

const NAME: &str = "other sound";

pub(super) fn check() -> Check {
    match look() {
        Ok(streams) => {
            let streams = count(streams, "stream");
            Check::ok(
                NAME,
                format!("can be made quieter ({streams} of other programs now)"),
            )
        }
        Err(why) => {
            let what = format!("other programs do not become quieter while you talk: {why}");
            let hint = "Start PulseAudio, or PipeWire with pipewire-pulse, or set `lower_other_sound: off`.";
            Check::warn(NAME, what, hint)
        }
    }
}
