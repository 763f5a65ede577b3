//! The pages of the window. [`UiState::leave`](super::ui_state::UiState::leave) returns from one to the conversation.

/// The content of the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Screen {
    Talk,
    Welcome,
    Key,
    Settings,
    Check,
    Details,
    Conversations,
}
