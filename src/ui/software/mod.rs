//! The window where there is no graphics processor: drawn by the processor itself, and only what has changed.
//!
//! OpenGL in software draws every pixel of the window for each frame: with a level meter that moves ten times a second
//! that is a ninth of a core at 1100×720. Here a frame costs what has changed.
//!
//! ```text
//! shapes of a frame ── damage: what differs from the last ──▶ tessellate ── raster ──▶ pixels ── window ──▶ screen
//! ```

mod canvas;
mod damage;
mod raster;
pub(super) mod window;

pub use canvas::Canvas;
