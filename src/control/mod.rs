//! The control socket: other programs of this user reach the running assistant, as `sovereign press` does for a desktop
//! that binds keys to commands, or a second start that shows the window of the first.
//!
//! ```text
//! {"do":"profile","name":"balanced"}\n ──▶ socket, 0600, in a folder of the user
//!            {"answer":"done"}\n ◀── ControlQuestion::answer
//! ```
//!
//! The program that holds the lock beside the socket owns it; a lock ends with its process, so a crash leaves nothing in
//! the way.

mod message;
mod place;
#[cfg(unix)]
mod socket;
mod window_wish;

pub use message::{ControlAnswer, ControlRequest, ControlStatus};
pub use place::{Claim, ControlPlace};
#[cfg(unix)]
pub use socket::{AskError, ControlQuestion, ControlSocket, ask};
pub use window_wish::WindowWish;
