//! Whether the window shall be open.

use tokio::sync::watch;

/// What was asked of the window last, by its user, the tray or another start of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowWish {
    pub is_open: bool,
    /// Counts the requests: one to open brings an open window to the front.
    asked: u64,
}

impl WindowWish {
    /// Where a window, open or not at first, learns what is asked of it.
    #[must_use]
    pub fn channel(is_open: bool) -> watch::Sender<Self> {
        watch::Sender::new(Self { is_open, asked: 0 })
    }

    /// Asks for it to be opened or closed.
    pub fn ask(wishes: &watch::Sender<Self>, is_open: bool) {
        wishes.send_modify(|wish| {
            wish.is_open = is_open;
            wish.asked += 1;
        });
    }
}
