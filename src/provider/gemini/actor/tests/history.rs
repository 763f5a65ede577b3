//! A new session is told of the conversation so far, in the form that the model takes.

use super::*;
use crate::provider::gemini::message::{ClientContent, Content};
use crate::turn::context_seed::HistoryTurn;

fn remember(rig: &Rig) {
    let turn = |user: &str, assistant: &str| HistoryTurn {
        user: user.to_owned(),
        assistant: assistant.to_owned(),
    };
    let turns = [
        turn("My name is Ada.", "Hello Ada."),
        turn("(In short.)", ""),
    ];
    rig.handle.history.send_replace(turns.into());
}

/// The turns that the next session is told of.
async fn told(rig: &mut Rig) -> usize {
    loop {
        if let ProviderEvent::Ready(ready) = rig.event().await {
            return ready.told;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_without_a_handle_is_told_before_anything_else() {
    let (mut rig, peer) = Rig::ready().await;
    remember(&rig);
    drop(peer);
    let (mut peer, setup) = Peer::set_up(&mut rig.ends).await;
    let takes = setup.history_config.expect("a history");
    assert_eq!(takes.initial_history_in_client_content, Some(true));
    assert_eq!(told(&mut rig).await, 2);
    rig.tell(ProviderCommand::StartUtterance).await;
    let said = [
        ("user", "My name is Ada."),
        ("model", "Hello Ada."),
        ("user", "(In short.)"),
    ];
    let content = ClientContent {
        turns: said.map(|(role, words)| Content::text(role, words)).into(),
        turn_complete: Some(true),
    };
    assert_eq!(peer.hear().await, ClientMessage::ClientContent(content));
    assert_eq!(peer.hear().await, RealtimeInput::ActivityStart.into());
}

#[tokio::test(start_paused = true)]
async fn a_session_with_a_handle_is_told_nothing() {
    let (mut rig, mut peer) = Rig::ready().await;
    remember(&rig);
    peer.offer("handle-1").await;
    rig.settle().await;
    drop(peer);
    let (_peer, setup) = Peer::set_up(&mut rig.ends).await;
    assert!(setup.history_config.is_none() && handle_of(&setup).is_some());
    assert_eq!(told(&mut rig).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_refuses_a_history_is_told_in_its_instruction() {
    let (mut rig, peer) = Rig::ready().await;
    remember(&rig);
    drop(peer);
    let mut peer = Peer::accept(&mut rig.ends).await;
    assert!(peer.hear_setup().await.history_config.is_some());
    peer.close(1007, "Unknown name historyConfig").await;
    let (_peer, setup) = Peer::set_up(&mut rig.ends).await;
    assert!(setup.history_config.is_none());
    let instruction = setup.system_instruction.expect("always there");
    let words = instruction.parts.last().and_then(|part| part.text.clone());
    let expected = "The conversation goes on. What was said before:\nUser: My name is Ada.\nYou: Hello Ada.\nUser: (In short.)";
    assert_eq!(words.as_deref(), Some(expected));
    assert_eq!(told(&mut rig).await, 2);
}
