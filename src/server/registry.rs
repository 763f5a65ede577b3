//! Handles of conversations that may go on after their connection has ended. In memory only.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::context_window::ContextWindow;
use super::protocol_rules::CloseReason;

/// How long a handle is good after its connection has ended, as with the service.
const LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);
/// With more handles than this the oldest is forgotten: each answer makes one.
const MOST_HANDLES: usize = 16_384;

/// A conversation across its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionId(u64);

#[derive(Debug, Default)]
pub(super) struct Registry {
    begun: u64,
    conversations: HashMap<SessionId, Conversation>,
    handles: HashMap<String, (SessionId, ContextWindow)>,
    /// Oldest first.
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Conversation {
    model: String,
    /// When its connection ended; `None`: it is open.
    ended: Option<Instant>,
}

impl Registry {
    /// A new conversation, on an open connection.
    pub(super) fn begin(&mut self, model: &str) -> SessionId {
        self.begun += 1;
        let id = SessionId(self.begun);
        let conversation = Conversation {
            model: model.to_owned(),
            ended: None,
        };
        self.conversations.insert(id, conversation);
        id
    }

    /// Goes on with the conversation of a handle, on a new connection.
    pub(super) fn resume(
        &mut self,
        handle: &str,
        model: &str,
        now: Instant,
    ) -> Result<(SessionId, ContextWindow), CloseReason> {
        let refuse = |code, reason: &str| CloseReason {
            code,
            reason: reason.to_owned(),
        };
        let unknown = || refuse(1008, "BidiGenerateContent session not found");
        let &(id, context) = self.handles.get(handle).ok_or_else(unknown)?;
        let conversation = self.conversations.get_mut(&id).ok_or_else(unknown)?;
        match conversation.ended {
            None => {
                return Err(refuse(
                    1011,
                    "the session is still open on another connection",
                ));
            }
            Some(ended) if now.duration_since(ended) > LIFETIME => return Err(unknown()),
            Some(_) if conversation.model != model => {
                return Err(CloseReason::invalid(
                    "setup.model",
                    "a resumed session keeps its model",
                ));
            }
            Some(_) => {}
        }
        conversation.ended = None;
        Ok((id, context))
    }

    /// A handle to come back to this state.
    pub(super) fn issue(&mut self, id: SessionId, context: ContextWindow) -> String {
        let handle = format!("{:032x}", rand::random::<u128>());
        self.handles.insert(handle.clone(), (id, context));
        self.order.push_back(handle.clone());
        if self.order.len() > MOST_HANDLES
            && let Some(oldest) = self.order.pop_front()
        {
            self.handles.remove(&oldest);
        }
        handle
    }

    /// The connection of a conversation has ended.
    pub(super) fn end(&mut self, id: SessionId, now: Instant) {
        let over = |c: &Conversation| {
            c.ended
                .is_some_and(|ended| now.duration_since(ended) > LIFETIME)
        };
        self.conversations
            .retain(|_, conversation| !over(conversation));
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.ended = Some(now);
        }
        let Self {
            conversations,
            handles,
            order,
            ..
        } = self;
        handles.retain(|_, (id, _)| conversations.contains_key(id));
        order.retain(|handle| handles.contains_key(handle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_opens_what_is_closed_once_and_for_two_hours() {
        let mut registry = Registry::default();
        let now = Instant::now();
        let id = registry.begin("models/a");
        let handle = registry.issue(id, ContextWindow::default());
        let code =
            |result: Result<_, CloseReason>| result.map(|_| ()).map_err(|refusal| refusal.code);
        assert_eq!(
            code(registry.resume(&handle, "models/a", now)),
            Err(1011),
            "still open"
        );
        registry.end(id, now);
        assert_eq!(code(registry.resume("made up", "models/a", now)), Err(1008));
        assert_eq!(code(registry.resume(&handle, "models/b", now)), Err(1007));
        assert_eq!(
            code(registry.resume(&handle, "models/a", now + LIFETIME)),
            Ok(())
        );
        assert_eq!(
            code(registry.resume(&handle, "models/a", now + LIFETIME)),
            Err(1011)
        );
        registry.end(id, now + LIFETIME);
        let late = now + LIFETIME * 2 + Duration::from_secs(1);
        assert_eq!(
            code(registry.resume(&handle, "models/a", late)),
            Err(1008),
            "expired"
        );
    }

    #[test]
    fn old_conversations_and_surplus_handles_are_forgotten() {
        let mut registry = Registry::default();
        let now = Instant::now();
        let id = registry.begin("models/a");
        let first = registry.issue(id, ContextWindow::default());
        for _ in 0..MOST_HANDLES {
            registry.issue(id, ContextWindow::default());
        }
        assert_eq!(
            (registry.handles.len(), registry.order.len()),
            (MOST_HANDLES, MOST_HANDLES)
        );
        assert!(!registry.handles.contains_key(&first));
        registry.end(id, now);
        let other = registry.begin("models/a");
        registry.end(other, now + LIFETIME + Duration::from_secs(1));
        assert_eq!(
            (registry.handles.len(), registry.conversations.len()),
            (0, 1)
        );
    }
}
