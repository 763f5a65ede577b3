//! Chooses the sound system. On Linux, because cpal's own default does not probe:
//!
//! ```text
//! PipeWire's socket answers, and it has audio nodes ──▶ PipeWire       devices and default asked through pipewire-pulse
//! else a PulseAudio that is no pipewire-pulse ────────▶ PulseAudio     (cpal's host loses capture on pipewire-pulse)
//! else a card ────────────────────────────────────────▶ ALSA           with the storm detection of the stream manager
//! ```

use cpal::Host;

#[cfg(target_os = "linux")]
pub(super) fn find_host() -> (Option<Host>, Option<Host>) {
    use super::super::sound_server_probes::{
        alsa_has_cards, pipewire_answers, pulse_answers, pulse_is_pipewire,
    };

    let pipewire = pipewire_answers();
    #[cfg(feature = "pipewire")]
    if pipewire && let Ok(host) = cpal::host_from_id(cpal::HostId::PipeWire) {
        return (Some(host), guide());
    }
    // Without audio nodes PipeWire serves video only, and PulseAudio is real. Without its host compiled in this is
    // unknown, and the safe way is ALSA's plugin.
    let disguised = pulse_is_pipewire() || (pipewire && !cfg!(feature = "pipewire"));
    #[cfg(feature = "pulseaudio")]
    if pulse_answers()
        && !disguised
        && let Ok(host) = cpal::host_from_id(cpal::HostId::PulseAudio)
    {
        return (Some(host), None);
    }
    let reachable = alsa_has_cards() || (disguised && pulse_answers());
    (
        reachable
            .then(|| cpal::host_from_id(cpal::HostId::Alsa).ok())
            .flatten(),
        None,
    )
}

#[cfg(not(target_os = "linux"))]
pub(super) fn find_host() -> (Option<Host>, Option<Host>) {
    // There is one host only.
    (Some(cpal::default_host()), None)
}

/// pipewire-pulse knows names, monitors and defaults, which PipeWire's host does not report.
#[cfg(all(target_os = "linux", feature = "pipewire"))]
fn guide() -> Option<Host> {
    #[cfg(feature = "pulseaudio")]
    if super::super::sound_server_probes::pulse_answers() {
        return cpal::host_from_id(cpal::HostId::PulseAudio).ok();
    }
    None
}
