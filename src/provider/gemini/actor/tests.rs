//! The client against a scripted service, on simulated time.

mod hints;
mod history;
mod versions;

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use secrecy::SecretString;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use super::peer::{MemoryDialer, Peer, ROUND_TRIP};
use super::*;
use crate::base::supervise::MOST_RESTARTS;
use crate::provider::gemini::message::Setup;
use crate::provider::{self, FaultKind};

const KEY: &str = "AIzaCanary-0815-4711";

#[tokio::test(start_paused = true)]
async fn it_connects_by_itself_with_the_key_in_the_header() {
    let mut rig = Rig::new();
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Connecting { attempt: 1 }
    ));
    let mut peer = Peer::accept(&mut rig.ends).await;
    assert_eq!(peer.key.as_deref(), Some(KEY));
    assert_eq!(peer.hear_setup().await, setup(&config("first"), None));
    assert_eq!(rig.silence().await, None, "not before it was taken");
    peer.say(json!({"setupComplete": {}})).await;
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Ready(Ready {
            connection: 1,
            resumed: false,
            ..
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn an_utterance_leaves_in_order_and_its_end_is_reported() {
    let (mut rig, mut peer) = Rig::ready().await;
    rig.tell(ProviderCommand::StartUtterance).await;
    for _ in 0..2 {
        rig.tell(ProviderCommand::Audio(vec![1; 3_200])).await; // 400 ms of pre-roll in two pieces
    }
    sleep(Duration::from_millis(20)).await;
    rig.tell(ProviderCommand::Audio(vec![1; 320])).await;
    sleep(Duration::from_millis(20)).await;
    rig.tell(ProviderCommand::Audio(vec![1; 160])).await;
    rig.tell(ProviderCommand::EndUtterance).await;
    assert!(matches!(rig.event().await, ProviderEvent::EndSent { .. }));
    let heard = peer.hear_utterance().await;
    assert_eq!(heard[0], "start");
    let [.., live, last, end] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!([live, last, end], ["audio 320", "audio 160", "end"]);
    let burst: Vec<usize> = heard[1..heard.len() - 3]
        .iter()
        .map(|word| samples(word))
        .collect();
    assert_eq!(burst.iter().sum::<usize>(), 40 * 160);
    assert!(burst.iter().all(|&n| n == 320 || n == 480), "{burst:?}");
    assert!(rig.counters.bytes_sent.get() > 15_000);
}

#[tokio::test(start_paused = true)]
async fn sound_without_a_connection_is_dropped_and_counted() {
    let mut rig = Rig::new();
    rig.event().await;
    rig.tell(ProviderCommand::StartUtterance).await;
    rig.tell(ProviderCommand::Audio(vec![1; 480])).await;
    rig.tell(ProviderCommand::EndUtterance).await;
    let (mut peer, _) = Peer::set_up(&mut rig.ends).await;
    assert!(matches!(rig.event().await, ProviderEvent::Ready(_)));
    rig.tell(ProviderCommand::Audio(vec![1; 160])).await; // the rest of that utterance
    rig.tell(ProviderCommand::EndUtterance).await;
    rig.tell(ProviderCommand::StartUtterance).await;
    rig.tell(ProviderCommand::EndUtterance).await;
    assert_eq!(peer.hear_utterance().await, ["start", "end"]);
    assert_eq!(rig.counters.uplink_dropped.get(), 640);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_goes_away_is_left_in_time_and_closed_before_the_next_is_opened() {
    let (mut rig, mut peer) = Rig::ready().await;
    peer.offer("handle-1").await;
    peer.say(json!({"serverContent": {"turnComplete": true}}))
        .await;
    peer.say(json!({"goAway": {"timeLeft": "50s"}})).await;
    let announced = Instant::now();
    assert!(matches!(
        rig.event().await,
        ProviderEvent::TurnComplete { goes_on: false }
    ));
    assert!(
        matches!(rig.event().await, ProviderEvent::GoingAway { time_left } if time_left.as_secs() == 50)
    );
    // Nobody rolls: it is left two seconds before the end.
    assert!(matches!(peer.next().await, Some(Message::Close(_))));
    assert_eq!(announced.elapsed().as_secs(), 48);
    assert!(rig.ends.try_recv().is_err(), "the old one is still open");
    assert!(peer.next().await.is_none());
    let (_, setup) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(handle_of(&setup), Some("handle-1"));
    let (fault, retry_in) = rig.lost().await;
    assert_eq!(fault.what.english(), Fault::GoingAway.to_string());
    assert_eq!(retry_in, Some(Duration::ZERO));
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Connecting { attempt: 1 }
    ));
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Ready(Ready {
            connection: 2,
            resumed: true,
            ..
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_roll_changes_the_setup_keeps_the_handle_and_is_no_loss() {
    let (mut rig, mut peer) = Rig::ready().await;
    peer.offer("handle-1").await;
    rig.settle().await;
    let changed = SessionConfig {
        temperature: Some(0.5),
        ..config("first")
    };
    rig.order(Control::Roll(Box::new(changed))).await;
    assert!(matches!(peer.next().await, Some(Message::Close(_))));
    // This service does not answer the close: it is waited for, but not long.
    let before = Instant::now();
    let (_, setup) = Peer::set_up(&mut rig.ends).await;
    assert!((before.elapsed().as_millis()) <= 301);
    assert_eq!(
        (
            setup.generation_config.as_ref().and_then(|g| g.temperature),
            handle_of(&setup)
        ),
        (Some(0.5), Some("handle-1"))
    );
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Connecting { attempt: 1 }
    ));
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Ready(Ready {
            connection: 2,
            resumed: true,
            ..
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn the_round_trip_is_forgotten_with_its_connection() {
    let (mut rig, peer) = Rig::ready().await;
    assert_eq!(rig.round_trip(), ROUND_TRIP);
    drop(peer);
    assert!(matches!(rig.event().await, ProviderEvent::Lost { .. }));
    assert_eq!(rig.round_trip(), Duration::ZERO, "lost");
    let (mut peer, _) = Peer::set_up(&mut rig.ends).await;
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Connecting { .. }
    ));
    assert!(matches!(rig.event().await, ProviderEvent::Ready(_)));
    assert_eq!(rig.round_trip(), ROUND_TRIP);
    rig.order(Control::Roll(Box::new(config("first")))).await;
    assert!(matches!(peer.next().await, Some(Message::Close(_))));
    assert_eq!(rig.round_trip(), Duration::ZERO, "on the way to the next");
}

#[tokio::test(start_paused = true)]
async fn another_model_begins_a_new_conversation() {
    let (mut rig, mut peer) = Rig::ready().await;
    peer.offer("handle-1").await;
    rig.settle().await;
    rig.order(Control::Roll(Box::new(config("second")))).await;
    let (_, setup) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(
        (setup.model.as_str(), handle_of(&setup)),
        ("models/second", None)
    );
}

#[tokio::test(start_paused = true)]
async fn another_key_forgets_the_handle() {
    let (mut rig, mut peer) = Rig::ready().await;
    peer.offer("handle-1").await;
    rig.settle().await;
    let other = ServiceEndpoint {
        key: Some("other".into()),
        ..target()
    };
    rig.order(Control::Redial(Box::new(other), Box::new(config("first"))))
        .await;
    drop(peer);
    let mut peer = Peer::accept(&mut rig.ends).await;
    assert_eq!(peer.key.as_deref(), Some("other"));
    assert_eq!(handle_of(&peer.hear_setup().await), None);
}

#[tokio::test(start_paused = true)]
async fn a_refused_handle_is_left_out_once_and_a_refused_setup_is_not_repeated() {
    let (mut rig, mut peer) = Rig::ready().await;
    peer.offer("handle-1").await;
    rig.settle().await;
    sleep(Duration::from_secs(60)).await;
    drop(peer);
    let (fault, retry_in) = rig.lost().await;
    assert!(
        fault
            .what
            .english()
            .starts_with("the connection broke off (")
    );
    assert!(retry_in.is_some());
    for (handle, retried) in [(Some("handle-1"), true), (None, false)] {
        let mut peer = Peer::accept(&mut rig.ends).await;
        assert_eq!(handle_of(&peer.hear_setup().await), handle);
        peer.close(1007, "Request contains an invalid argument.")
            .await;
        assert!(matches!(
            rig.event().await,
            ProviderEvent::Connecting { .. }
        ));
        let (fault, retry_in) = rig.lost().await;
        assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
        assert_eq!(retry_in.is_some(), retried);
    }
    assert_eq!(rig.silence().await, None);
    rig.order(Control::RetryNow).await;
    Peer::set_up(&mut rig.ends).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_dials_nothing_before_it_is_told_where() {
    let (dialer, ends) = MemoryDialer::new();
    let counters = Arc::new(Counters::default());
    let handle = spawn(dialer, None, config("first"), Arc::clone(&counters));
    let mut rig = Rig {
        handle,
        ends,
        counters,
    };
    assert_eq!(rig.silence().await, None);
    rig.order(Control::RetryNow).await;
    rig.order(Control::Roll(Box::new(config("second")))).await;
    rig.tell(ProviderCommand::StartUtterance).await;
    assert_eq!(rig.silence().await, None);
    assert!(rig.ends.try_recv().is_err(), "something was dialled");
    let redial = Control::Redial(Box::new(target()), Box::new(config("third")));
    rig.order(redial).await;
    let (_peer, heard) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(heard.model, "models/third");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_waits_for_the_user_and_is_not_shown() {
    let mut rig = Rig::new();
    let mut peer = Peer::accept(&mut rig.ends).await;
    peer.hear_setup().await;
    peer.close(1007, &format!("API key not valid: {KEY}")).await;
    rig.event().await;
    let lost = rig.event().await;
    let shown = format!("{lost:?}");
    assert!(!shown.contains("0815"), "{shown}");
    let ProviderEvent::Lost { fault, retry_in } = lost else {
        panic!("it was closed")
    };
    assert!(fault.kind == FaultKind::Key && retry_in.is_none());
    assert!(!fault.to_string().contains("0815"), "{fault}");
    assert!(
        !format!(
            "{:?} {:?}",
            target(),
            Control::Redial(Box::new(target()), Box::default())
        )
        .contains("0815")
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_nothing_is_given_up_with_a_sentence() {
    let mut rig = Rig::new();
    let begun = Instant::now();
    let _silent = Peer::accept(&mut rig.ends).await;
    rig.event().await;
    let (fault, retry_in) = rig.lost().await;
    assert_eq!(
        fault.to_string(),
        "127.0.0.1:9 did not take up the conversation within 10 s"
    );
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert!(retry_in.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_upgrade_is_given_up() {
    let mut rig = Rig::new();
    let mut end = rig.ends.recv().await.expect("a stream");
    let mut request = [0; 64];
    end.read_exact(&mut request).await.expect("a request");
    assert!(request.starts_with(b"GET /live HTTP/1.1\r\n"));
    rig.event().await;
    let (fault, _) = rig.lost().await;
    let late = "127.0.0.1:9 did not open a conversation within";
    assert!(fault.what.english().starts_with(late), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn three_senseless_messages_in_a_row_end_a_connection_and_two_do_not() {
    let (mut rig, mut peer) = Rig::ready().await;
    let good = json!({"serverContent": {"generationComplete": true}});
    for _ in 0..2 {
        peer.say_raw(Message::text("{")).await;
        peer.say_raw(Message::binary(vec![0xff, 0xfe])).await;
        peer.say_raw(Message::text(good.to_string())).await;
        assert!(matches!(
            rig.event().await,
            ProviderEvent::GenerationComplete
        ));
    }
    peer.say(json!({"newsOfTomorrow": {}})).await; // unknown, not senseless
    for _ in 0..3 {
        peer.say_raw(Message::text("{\"serverContent\":")).await;
    }
    let (fault, retry_in) = rig.lost().await;
    assert!(fault.what.english().contains("make no sense"), "{fault}");
    assert!(retry_in.is_some());
    assert_eq!(rig.counters.bad_messages.get(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_once_with_an_error() {
    let (mut rig, mut peer) = Rig::ready().await;
    for _ in 0..2 {
        peer.say(json!({"toolCall": {"functionCalls": [{"id": "1", "name": "shout"}]}}))
            .await;
        rig.event().await;
    }
    rig.tell(ProviderCommand::StartUtterance).await;
    let ClientMessage::ToolResponse(answer) = peer.hear().await else {
        panic!("no answer")
    };
    let answer = &answer.function_responses[0];
    assert_eq!(
        (answer.id.as_deref(), answer.name.as_deref()),
        (Some("1"), Some("shout"))
    );
    assert!(
        answer
            .response
            .as_ref()
            .is_some_and(|response| response.contains_key("error"))
    );
    assert_eq!(peer.hear().await, RealtimeInput::ActivityStart.into());
}

#[tokio::test(start_paused = true)]
async fn retries_are_spaced_and_counted() {
    let Rig {
        mut handle, ends, ..
    } = Rig::new();
    drop(ends);
    for (attempt, most_ms) in (1..).zip([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000]) {
        let begun = Instant::now();
        let Some(ProviderEvent::Connecting { attempt: seen }) = handle.events.recv().await else {
            panic!("no attempt")
        };
        assert_eq!(seen, attempt);
        let Some(ProviderEvent::Lost { fault, retry_in }) = handle.events.recv().await else {
            panic!("no end")
        };
        assert!(
            fault.what.english().ends_with("refuses connections"),
            "{fault}"
        );
        let retry_in = retry_in.expect("it is tried again");
        assert!(retry_in <= Duration::from_millis(most_ms));
        sleep(retry_in).await;
        assert!(begun.elapsed() <= Duration::from_millis(most_ms + 2));
    }
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_word_is_no_fault_and_pings_are_answered() {
    let (mut rig, mut peer) = Rig::ready().await;
    let heard = timeout(Duration::from_secs(3_600), peer.next()).await;
    assert!(heard.is_err(), "it sent {heard:?}");
    peer.ping().await;
    assert!(matches!(peer.next().await, Some(Message::Pong(_))));
    // It lasts for 58 minutes at most, and may be left in a pause before.
    assert!(matches!(rig.event().await, ProviderEvent::GoingAway { .. }));
    assert_eq!(rig.silence().await, None);
}

#[tokio::test(start_paused = true)]
async fn commands_are_heard_while_nobody_takes_the_events() {
    const MESSAGES: usize = 2_000;
    let (mut rig, peer) = Rig::ready().await;
    let (mut mouth, mut ear) = peer.split();
    let talk = tokio::spawn(async move {
        for n in 0..MESSAGES {
            let words = format!("{n} {}", "x".repeat(200));
            let message = json!({"serverContent": {"outputTranscription": {"text": words}}});
            mouth
                .send(Message::binary(message.to_string()))
                .await
                .expect("somebody reads");
        }
    });
    let heard = tokio::spawn(async move { ear.next().await.expect("a message") });
    sleep(Duration::from_secs(5)).await;
    assert!(!talk.is_finished(), "the service is held back");
    rig.tell(ProviderCommand::StartUtterance).await;
    let heard = heard.await.expect("it is sent all the same");
    assert!(matches!(heard, Ok(Message::Text(_))));
    for n in 0..MESSAGES {
        let ProviderEvent::Transcript { text, .. } = rig.event().await else {
            panic!("message {n} is missing")
        };
        assert!(text.starts_with(&format!("{n} ")));
    }
    talk.await.expect("it ends");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_is_left_with_its_owner_and_controls_are_heard() {
    let (mut rig, peer) = Rig::ready().await;
    rig.tell(ProviderCommand::StartUtterance).await;
    let mut taken = 0;
    // The other side reads nothing.
    while timeout(
        Duration::from_secs(1),
        rig.tell(ProviderCommand::Audio(vec![1; 3_200])),
    )
    .await
    .is_ok()
    {
        taken += 1;
    }
    let seconds = f64::from(taken) * 0.2;
    assert!((1.0..15.0).contains(&seconds), "{seconds} s were taken");
    rig.order(Control::Roll(Box::new(config("first")))).await;
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Connecting { .. }
    ));
    drop(peer);
    let (mut peer, _) = Peer::set_up(&mut rig.ends).await;
    assert!(matches!(rig.event().await, ProviderEvent::Ready(_)));
    // What had been meant for the last connection is not sent on this one.
    rig.tell(ProviderCommand::StartUtterance).await;
    rig.tell(ProviderCommand::EndUtterance).await;
    assert_eq!(peer.hear_utterance().await, ["start", "end"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_stuck_when_nothing_moves_and_not_when_it_is_slow() {
    let (mut rig, mut peer) = Rig::ready().await;
    let sender = rig.handle.commands.clone();
    let speaker = tokio::spawn(async move {
        sender.send(ProviderCommand::StartUtterance).await.ok();
        for _ in 0..600 {
            let second = ProviderCommand::Audio(vec![1; 16_000]);
            if sender.send(second).await.is_err() {
                return;
            }
        }
    });
    // 80 messages of 30 ms in 10 s: four times slower than speech.
    for _ in 0..60 {
        for _ in 0..80 {
            peer.hear().await;
        }
        sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(rig.silence().await, None);
    let stopped = Instant::now();
    let (fault, retry_in) = rig.lost().await;
    assert_eq!(
        fault.to_string(),
        "the connection broke off (nothing that is sent gets away)"
    );
    assert!(stopped.elapsed() <= Duration::from_secs(21) && retry_in.is_some());
    speaker.abort();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stopped_answering_is_left_for_the_same_conversation_and_then_for_a_new_one()
{
    let (mut rig, mut peer) = Rig::ready().await;
    peer.offer("handle-1").await;
    rig.settle().await;
    sleep(Duration::from_secs(60)).await;
    for handle in [Some("handle-1"), None] {
        rig.order(Control::Replace).await;
        let (fault, retry_in) = rig.lost().await;
        assert_eq!(fault.what.english(), Fault::Unanswered.to_string());
        assert!(retry_in.is_some());
        let (next, setup) = Peer::set_up(&mut rig.ends).await;
        assert_eq!(handle_of(&setup), handle);
        assert!(matches!(
            rig.event().await,
            ProviderEvent::Connecting { .. }
        ));
        assert!(matches!(rig.event().await, ProviderEvent::Ready(_)));
        peer = next;
        sleep(Duration::from_secs(60)).await;
    }
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_holds_the_beginning_of_what_is_said_is_not_used() {
    for (goes_on, expected) in [(true, "before"), (false, "after")] {
        let (mut rig, mut peer) = Rig::ready().await;
        peer.offer("before").await;
        rig.settle().await;
        rig.tell(ProviderCommand::StartUtterance).await;
        rig.tell(ProviderCommand::EndUtterance).await;
        assert_eq!(peer.hear_utterance().await, ["start", "end"]);
        if goes_on {
            rig.tell(ProviderCommand::ContinueUtterance).await;
        }
        rig.settle().await;
        peer.say(json!({"serverContent": {"interrupted": true}}))
            .await;
        peer.say(json!({"serverContent": {"turnComplete": true}}))
            .await;
        peer.offer("after").await;
        rig.settle().await;
        drop(peer);
        while !matches!(rig.event().await, ProviderEvent::Lost { .. }) {}
        let mut peer = Peer::accept(&mut rig.ends).await;
        assert_eq!(handle_of(&peer.hear_setup().await), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_is_not_known_is_given_up_at_the_first_refusal() {
    let (mut rig, mut peer) = Rig::ready().await;
    peer.offer("handle-1").await;
    rig.settle().await;
    drop(peer);
    assert!(matches!(rig.event().await, ProviderEvent::Lost { .. }));
    let mut peer = Peer::accept(&mut rig.ends).await;
    assert_eq!(handle_of(&peer.hear_setup().await), Some("handle-1"));
    peer.close(1008, "BidiGenerateContent session not found")
        .await;
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Connecting { .. }
    ));
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Lost {
            retry_in: Some(Duration::ZERO),
            ..
        }
    ));
    let (_, setup) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(handle_of(&setup), None);
}

#[tokio::test(start_paused = true)]
async fn without_an_owner_it_says_goodbye_and_ends() {
    let (rig, mut peer) = Rig::ready().await;
    drop(rig.handle.commands);
    assert!(
        matches!(peer.next().await, Some(Message::Close(Some(frame))) if u16::from(frame.code) == 1000)
    );
    timeout(Duration::from_millis(400), rig.handle.task)
        .await
        .expect("in time")
        .expect("no panic");
}

/// A client, and the other ends of what it dials.
struct Rig {
    handle: ProviderHandle,
    ends: mpsc::Receiver<DuplexStream>,
    counters: Arc<Counters>,
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_lost_connection_and_too_many_wait_for_the_user() {
    let (mut rig, _) = Rig::ready().await;
    for n in 0..=MOST_RESTARTS {
        rig.order(Control::Panic).await;
        let (fault, retry_in) = loop {
            if let ProviderEvent::Lost { fault, retry_in } = rig.event().await {
                break (fault, retry_in);
            }
        };
        assert_eq!(fault.kind, FaultKind::Internal, "{fault}");
        assert_eq!(retry_in.is_some(), n < MOST_RESTARTS, "{n}: {retry_in:?}");
    }
    assert_eq!(rig.silence().await, None);
    rig.order(Control::RetryNow).await;
    while !matches!(rig.event().await, ProviderEvent::Connecting { .. }) {}
}

impl Rig {
    fn new() -> Self {
        Self::with(config("first"))
    }

    fn with(config: SessionConfig) -> Self {
        let (dialer, ends) = MemoryDialer::new();
        let counters = Arc::new(Counters::default());
        let handle = spawn(dialer, target(), config, Arc::clone(&counters));
        Self {
            handle,
            ends,
            counters,
        }
    }

    /// One that is connected.
    async fn ready() -> (Self, Peer) {
        let mut rig = Self::new();
        let (peer, _) = Peer::set_up(&mut rig.ends).await;
        assert!(matches!(
            rig.event().await,
            ProviderEvent::Connecting { .. }
        ));
        assert!(matches!(rig.event().await, ProviderEvent::Ready(_)));
        (rig, peer)
    }

    async fn event(&mut self) -> ProviderEvent {
        let event = timeout(Duration::from_secs(60), self.handle.events.recv()).await;
        event.expect("something happens").expect("it runs")
    }

    /// The next event, which is a loss.
    async fn lost(&mut self) -> (provider::ProviderFault, Option<Duration>) {
        let event = self.event().await;
        let shown = format!("{event:?}");
        let ProviderEvent::Lost { fault, retry_in } = event else {
            panic!("no loss: {shown}")
        };
        (fault, retry_in)
    }

    /// Waits until what was sent has been read.
    async fn settle(&self) {
        sleep(Duration::from_millis(1)).await;
    }

    /// What happens within half a second, in words; `None`: nothing.
    async fn silence(&mut self) -> Option<String> {
        let event = timeout(Duration::from_millis(500), self.handle.events.recv()).await;
        event.ok().map(|event| format!("{event:?}"))
    }

    fn round_trip(&self) -> Duration {
        self.counters.link.round_trip.get()
    }

    async fn order(&self, control: Control) {
        self.handle.controls.send(control).await.expect("it runs");
    }

    async fn tell(&self, command: ProviderCommand) {
        self.handle.commands.send(command).await.expect("it runs");
    }
}

fn target() -> ServiceEndpoint {
    ServiceEndpoint {
        url: Url::parse("ws://127.0.0.1:9/live").expect("an address"),
        key: Some(SecretString::from(KEY)),
    }
}

/// What is asked for, with detection by this program.
fn config(model: &str) -> SessionConfig {
    SessionConfig {
        model: model.to_owned(),
        ..SessionConfig::default()
    }
}

fn handle_of(setup: &Setup) -> Option<&str> {
    setup.session_resumption.as_ref()?.handle.as_deref()
}

fn samples(word: &str) -> usize {
    let number = word.strip_prefix("audio ").and_then(|n| n.parse().ok());
    number.unwrap_or_else(|| panic!("not audio: {word}"))
}
