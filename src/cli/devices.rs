//! `sovereign devices`: lists microphones and speakers with their ids.

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
pub fn run(args: DevicesArgs, devices: &Devices, out: &mut dyn Write) -> io::Result<ExitCode> {
    if args.json {
        put(out, [json(devices)])?;
    } else {
        put(out, text(devices))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(devices: &Devices) -> Vec<String> {
    let mut text = vec![format!("Sound system: {}", devices.host)];
    for (kind, list) in [
        ("Microphones", &devices.inputs),
        ("Speakers", &devices.outputs),
    ] {
        text.extend([String::new(), format!("{kind}:")]);
        if list.is_empty() {
            text.push("  none".to_owned());
        }
        for device in list {
            let default = if device.is_default { " (default)" } else { "" };
            let headset = if device.headset { " (headset)" } else { "" };
            text.push(format!("  {}{default}{headset}", device.name));
            text.push(format!("      {}", device.id));
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
    serde_json::to_string(&all).expect("texts and truths become JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_names_and_what_is_missing_are_shown() {
        let shown = text(&example());
        assert_eq!(
            shown.join("\n"),
            "Sound system: PipeWire\n\nMicrophones:\n  Desk (default)\n      mic-1\n  Phones (headset)\n      mic-2\n\nSpeakers:\n  none"
        );
        let json: serde_json::Value = serde_json::from_str(&json(&example())).expect("JSON");
        assert_eq!(json["schema"], "sovereign.devices/1");
        assert_eq!(
            json["inputs"][1],
            serde_json::json!({"id": "mic-2", "name": "Phones", "default": false, "headset": true})
        );
        assert_eq!(json["outputs"], serde_json::json!([]));
    }

    #[test]
    fn names_of_any_kind_take_two_lines_each() {
        let device = |id: &str, name: &str| DeviceInfo {
            id: id.into(),
            name: name.into(),
            is_default: false,
            headset: false,
        };
        let devices = Devices {
            host: "Pipe\u{1b}[2JWire".into(),
            inputs: vec![
                device("mic-1", "evil\u{1b}]0;x\u{7}\nSpeakers:\n  forged"),
                device("mic-2", "same \u{202e}name"),
                device("mic-3", "same \u{202e}name"),
                device("mic\n4", &"long ".repeat(2_048)),
            ],
            outputs: vec![],
        };
        let mut out = Vec::new();
        run(DevicesArgs { json: false }, &devices, &mut out).expect("a vector takes all");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text.lines().count(), 3 + 2 * 4 + 3, "{text}");
        assert!(!text.contains(|c| c != '\n' && crate::base::printable::is_hidden(c)));
        assert!(text.contains("      mic-2\n") && text.contains("      mic-3\n"));
        let mut out = Vec::new();
        run(DevicesArgs { json: true }, &devices, &mut out).expect("a vector takes all");
        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(
            json["inputs"][0]["name"], devices.inputs[0].name,
            "as it is"
        );
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
