//! Where the window was and how large, in the configuration. The window writes it; what is out of all measure, by hand or
//! by accident, is brought into measure or left out, and is no fault of the file.

use crate::base::keys::{Keyed, Scalar, TextShape, Value, Wrong, any_text};
use crate::base::text::t;

/// Widths and heights that a window can have, in points.
const WIDTHS: (u32, u32) = (360, 16_384);
const HEIGHTS: (u32, u32) = (300, 16_384);
/// Places that a desktop can have, in points: that of X11.
const FARTHEST: i32 = 32_767;
/// Sizes of text in percent.
const ZOOMS: (u32, u32) = (50, 400);

/// Where the window was and how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowFrame {
    /// Width and height in points, as they are without `maximized`.
    pub size: Option<[u32; 2]>,
    /// Left and top edge on the desktop in points, where the system tells.
    pub position: Option<[i32; 2]>,
    /// Whether it fills the screen.
    pub maximized: bool,
    /// Size of everything in percent.
    pub zoom_percent: u32,
}

impl Default for WindowFrame {
    fn default() -> Self {
        Self {
            size: None,
            position: None,
            maximized: false,
            zoom_percent: 100,
        }
    }
}

impl WindowFrame {
    /// The same, brought into measure.
    #[must_use]
    pub fn sane(self) -> Self {
        let near = |place: i32| (-FARTHEST..=FARTHEST).contains(&place);
        Self {
            size: self
                .size
                .filter(|size| !size.contains(&0))
                .map(|[w, h]| [w.clamp(WIDTHS.0, WIDTHS.1), h.clamp(HEIGHTS.0, HEIGHTS.1)]),
            position: self
                .position
                .filter(|place| place.iter().copied().all(near)),
            maximized: self.maximized,
            zoom_percent: match self.zoom_percent {
                0 => 100,
                zoom => zoom.clamp(ZOOMS.0, ZOOMS.1),
            },
        }
    }
}

/// Size and place as X11 writes them.
pub(super) const GEOMETRY: TextShape = TextShape {
    allowed: || t!("allowed-is-a-size-and"),
    check: |text| match parsed(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Wrong::text(text)),
    },
    schema: any_text,
};

/// The rows are those of `table::FRAME`. What is out of measure is brought into it.
impl Keyed for WindowFrame {
    fn take(values: &mut dyn Iterator<Item = Value>) -> Option<Self> {
        let (geometry, maximized) = (values.next()?, values.next()?);
        let geometry: Option<String> = Scalar::from_value(geometry)?;
        let (size, position) = geometry.and_then(|text| parsed(&text)).unwrap_or_default();
        let zoom: f64 = Scalar::from_value(values.next()?)?;
        let frame = Self {
            size,
            position,
            maximized: Scalar::from_value(maximized)?,
            // A cast takes what is too large to the largest.
            zoom_percent: zoom.round() as u32,
        };
        Some(frame.sane())
    }

    fn give(&self, to: &mut Vec<Value>) {
        let geometry = self.size.map(|[width, height]| {
            let place = self
                .position
                .map_or_else(String::new, |[x, y]| format!("{x:+}{y:+}"));
            format!("{width}x{height}{place}")
        });
        let zoom = f64::from(self.zoom_percent);
        to.extend([
            geometry.to_value(),
            self.maximized.to_value(),
            zoom.to_value(),
        ]);
    }
}

type Geometry = (Option<[u32; 2]>, Option<[i32; 2]>);

/// `1100x720+40-30`, as X11 writes it, the place counted from the left and top edge.
fn parsed(text: &str) -> Option<Geometry> {
    let (width, rest) = text.split_once('x')?;
    let end = rest.find(['+', '-']).unwrap_or(rest.len());
    let (height, place) = rest.split_at(end);
    let size = [width.parse().ok()?, height.parse().ok()?];
    let second = place.get(1..).and_then(|rest| rest.find(['+', '-']));
    let second = second.map(|at| at + 1);
    let position = second.and_then(|at| {
        let (x, y) = place.split_at(at);
        Some([x.parse().ok()?, y.parse().ok()?])
    });
    Some((Some(size), position))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::config::Config;

    fn frame(yaml: &str) -> WindowFrame {
        let config = Config::parse("config.yaml", yaml.as_bytes()).expect("no fault of the file");
        config.window.frame
    }

    #[test]
    fn what_the_window_writes_is_read_back() {
        for (size, position, maximized, zoom_percent) in [
            (Some([1_100, 720]), Some([40, 30]), false, 100),
            (Some([640, 480]), Some([-1_280, 0]), true, 150),
            (Some([2_000, 1_000]), None, false, 50),
            (None, None, true, 400),
        ] {
            let written = WindowFrame {
                size,
                position,
                maximized,
                zoom_percent,
            };
            let mut config = Config::default();
            config.window.frame = written;
            let mut yaml = "window:\n".to_owned();
            for (key, value) in config.values() {
                if let ("window", key) = key.parts() {
                    yaml.extend(value.map(|value| format!("  {key}: {value}\n")));
                }
            }
            assert_eq!(frame(&yaml), written, "{yaml}");
        }
    }

    #[test]
    fn what_is_out_of_measure_harms_nobody() {
        let usual = WindowFrame::default();
        for geometry in [
            "0x0",
            "0x0+10+10",
            "-5x10",
            "x",
            "1100",
            "nanx720",
            "12",
            "[1, 2]",
            "1100x",
            "~",
            "",
        ] {
            let read = frame(&format!("window:\n  geometry: {geometry}\n"));
            assert_eq!(read.size, None, "{geometry}");
        }
        let tiny = frame("window:\n  geometry: 1x2+5+5\n");
        assert_eq!((tiny.size, tiny.position), (Some([360, 300]), Some([5, 5])));
        let huge = frame("window:\n  geometry: 4000000000x99999+99999+0\n");
        assert_eq!((huge.size, huge.position), (Some([16_384, 16_384]), None));
        for (zoom, percent) in [
            ("0", 100),
            ("-40", 100),
            ("1", 50),
            (".nan", 100),
            (".inf", 400),
            ("1e30", 400),
            ("big", 100),
            ("125.4", 125),
        ] {
            let read = frame(&format!("window:\n  zoom_percent: {zoom}\n"));
            assert_eq!(read.zoom_percent, percent, "{zoom}");
        }
        assert_eq!(frame("window:\n  maximized: perhaps\n"), usual);
        assert!(frame("window:\n  maximized: on\n").maximized);
    }
}
