//! `sovereign devices`: the microphones and speakers, and the ids to choose them by.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::profiles::put;
use crate::audio::{DeviceInfo, Devices};

/// Microphones and speakers, and the ids for --input-device and --output-device
#[derive(Args, Clone, Copy, Debug)]
pub struct DevicesArgs {
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Prints `devices`.
///
/// # Errors
///
/// When `out` cannot be written, for another reason than that nobody reads it.
pub fn run(args: DevicesArgs, devices: &Devices, out: &mut dyn Write) -> io::Result<ExitCode> {
    put(
        out,
        &if args.json {
            json(devices)
        } else {
            text(devices)
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn text(devices: &Devices) -> String {
    let mut text = format!("Sound system: {}\n", devices.host);
    for (kind, list) in [
        ("Microphones", &devices.inputs),
        ("Speakers", &devices.outputs),
    ] {
        text += &format!("\n{kind}:\n");
        if list.is_empty() {
            text += "  none\n";
        }
        for device in list {
            let default = if device.is_default { " (default)" } else { "" };
            let headset = if device.headset { " (headset)" } else { "" };
            text += &format!("  {}{default}{headset}\n      {}\n", device.name, device.id);
        }
    }
    text
}

fn json(devices: &Devices) -> String {
    #[derive(Serialize)]
    struct All<'a> {
        schema: &'static str,
        host: &'a str,
        inputs: Vec<Row<'a>>,
        outputs: Vec<Row<'a>>,
    }
    #[derive(Serialize)]
    struct Row<'a> {
        id: &'a str,
        name: &'a str,
        default: bool,
        headset: bool,
    }
    fn rows(list: &[DeviceInfo]) -> Vec<Row<'_>> {
        let mut rows = Vec::with_capacity(list.len());
        for DeviceInfo {
            id,
            name,
            is_default,
            headset,
        } in list
        {
            rows.push(Row {
                id,
                name,
                default: *is_default,
                headset: *headset,
            });
        }
        rows
    }
    let all = All {
        schema: "sovereign.devices/1",
        host: &devices.host,
        inputs: rows(&devices.inputs),
        outputs: rows(&devices.outputs),
    };
    let json = serde_json::to_string(&all).expect("texts and truths become JSON");
    json + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_names_and_what_is_missing_are_shown() {
        let shown = text(&example());
        assert_eq!(
            shown,
            "Sound system: PipeWire\n\nMicrophones:\n  Desk (default)\n      mic-1\n  Phones (headset)\n      mic-2\n\nSpeakers:\n  none\n"
        );
        let json: serde_json::Value = serde_json::from_str(&json(&example())).expect("JSON");
        assert_eq!(json["schema"], "sovereign.devices/1");
        assert_eq!(
            json["inputs"][1],
            serde_json::json!({"id": "mic-2", "name": "Phones", "default": false, "headset": true})
        );
        assert_eq!(json["outputs"], serde_json::json!([]));
    }

    fn example() -> Devices {
        let device = |id: &str, name: &str, is_default, headset| DeviceInfo {
            id: id.into(),
            name: name.into(),
            is_default,
            headset,
        };
        Devices {
            host: "PipeWire".into(),
            inputs: vec![
                device("mic-1", "Desk", true, false),
                device("mic-2", "Phones", false, true),
            ],
            outputs: vec![],
        }
    }
}
