//! What a key in any window says.

/// What happens to the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobalKeyEvent {
    State(GlobalKeyState),
    /// It went down.
    Down,
    /// It went up, or what tells of it is gone.
    Up,
}

/// Whether there is a key that works in any window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GlobalKeyState {
    /// None is wanted.
    #[default]
    Off,
    /// The desktop is asked for it, and may be asking the user.
    Asking,
    Works {
        /// What the desktop calls the key, where it may have chosen another.
        called: Option<String>,
    },
    NotPossible {
        /// Why, in a sentence.
        why: String,
        /// What to do, in a sentence.
        hint: String,
    },
}
