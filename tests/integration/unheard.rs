//! Turns of which no answer was heard: each is told with its reason and one thing to do, and can be asked again.

use std::path::Path;
use std::time::Duration;

use crate::support::{Running, World, simulate, voice};
use serde_json::{Value, json};
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{CaptionEnd, Notice, Speaker};
use sovereign::profile::Detection;
use sovereign::provider::EndKind;
use sovereign::provider::gemini::message::{Blob, Content, ServerContent, ServerMessage};
use sovereign::server::Script;
use sovereign::server::script::{ScriptStep, SpeechKind};
use sovereign::telemetry::diagnosis::Remedy;
use sovereign::telemetry::record::TurnRecord;
use sovereign::telemetry::record::UnheardReason;
use sovereign::turn::machine::Outcome;

fn raw(message: &Value) -> ScriptStep {
    ScriptStep::Raw(message.to_string())
}

fn text(words: &str) -> ScriptStep {
    let parts = json!([{"text": "A thought.", "thought": true}, {"text": words}]);
    raw(&json!({"serverContent": {"modelTurn": {"parts": parts}}}))
}

fn reason(name: &str) -> ScriptStep {
    raw(&json!({"serverContent": {"turnCompleteReason": name}}))
}

/// A tone of 1.5 s in one message.
fn tone(amplitude: f64, mime: &str, bytes: fn(i16) -> [u8; 2]) -> ScriptStep {
    let wave = (0..36_000).map(|n| (f64::from(n) * 0.11).sin() * amplitude);
    let blob = Blob {
        data: wave.flat_map(|sample| bytes(sample as i16)).collect(),
        mime_type: mime.to_owned(),
    };
    let content = ServerContent {
        model_turn: Some(Content::media(blob)),
        ..ServerContent::default()
    };
    let message = ServerMessage {
        server_content: Some(content),
        ..ServerMessage::default()
    };
    ScriptStep::Raw(message.to_json())
}

async fn started(turns: Vec<Vec<ScriptStep>>) -> Running {
    let mut world = World::new("balanced");
    world.script.turns = turns;
    let mut world = world.start();
    world.ready().await;
    world
}

async fn ask(world: &mut Running) -> TurnRecord {
    world.speak(&voice("american-man")).await;
    let turn = world.turn().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    turn
}

fn notices(world: &Running) -> Vec<Notice> {
    world.session.snapshots.borrow().notices.to_vec()
}

fn json_of(turn: &TurnRecord) -> Value {
    serde_json::from_str(&turn.to_json()).expect("JSON")
}

#[test]
fn an_answer_in_writing_is_shown_and_marked_and_the_next_answer_takes_the_notice_away() {
    simulate(async {
        let mut world = started(vec![vec![text("It is noon.")], vec![ScriptStep::Parrot]]).await;
        let turn = ask(&mut world).await;
        assert_eq!(
            (&turn.outcome, &turn.silence),
            (&Outcome::Empty, &Some(UnheardReason::TextOnly))
        );
        assert_eq!(turn.assistant, "It is noon.");
        let line = json_of(&turn);
        assert_eq!(line["reason"], "text_only");
        assert_eq!(line["transcript"]["assistant"], "It is noon.");
        let snapshot = world.session.snapshots.borrow().clone();
        let caption = snapshot.captions.last().expect("the answer");
        assert_eq!(
            (caption.speaker, caption.unspoken),
            (Speaker::Assistant, true)
        );
        let shown = notices(&world);
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(
            shown[0].text.english().contains("wrote its answer"),
            "{shown:?}"
        );
        assert_eq!(snapshot.written, Some(turn.turn));
        world.tell(Command::SayIt).await;
        let spoken = world.turn().await;
        assert_eq!(spoken.outcome, Outcome::Completed);
        assert_eq!(spoken.user, "Say it aloud.");
        assert_eq!(world.session.snapshots.borrow().written, None);
        assert_eq!(ask(&mut world).await.outcome, Outcome::Completed);
        assert_eq!(notices(&world), []);
        assert_eq!(world.quit().await.unheard.get("text_only"), Some(&1));
    });
}

#[test]
fn what_is_too_long_to_be_sent_is_not_offered_to_be_spoken() {
    simulate(async {
        let long = "Noon. ".repeat(1_400);
        let mut world = started(vec![vec![text(&long)]]).await;
        let turn = ask(&mut world).await;
        assert_eq!(turn.assistant, long.trim());
        assert_eq!(world.session.snapshots.borrow().written, None);
        world.quit().await;
    });
}

#[test]
fn text_beside_sound_is_no_answer_in_writing() {
    simulate(async {
        let mut world = started(vec![vec![text("Beside."), ScriptStep::Parrot]]).await;
        let turn = ask(&mut world).await;
        assert_eq!((&turn.outcome, &turn.silence), (&Outcome::Completed, &None));
        assert!(!turn.assistant.contains("Beside."), "{}", turn.assistant);
        world.quit().await;
    });
}

#[test]
fn two_rejected_answers_in_a_row_begin_a_new_conversation() {
    simulate(async {
        let rejected = || vec![reason("RESPONSE_REJECTED")];
        let mut world = started(vec![rejected(), rejected()]).await;
        for _ in 0..2 {
            let turn = ask(&mut world).await;
            assert_eq!(turn.silence, Some(UnheardReason::Ended(EndKind::Rejected)));
            assert_eq!(json_of(&turn)["complete_reason"], "RESPONSE_REJECTED");
            let shown = notices(&world);
            let told = shown
                .iter()
                .filter(|n| n.text.english().contains("rejected its own answer"));
            assert_eq!(told.count(), 1, "{shown:?}");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let shown = notices(&world);
        let anew = shown
            .iter()
            .filter(|n| n.text.english().contains("a new session was begun"));
        assert_eq!(anew.count(), 1, "{shown:?}");
        let summary = world.quit().await;
        assert_eq!(
            (summary.connections, summary.resumes, summary.fresh_starts),
            (2, 0, 1)
        );
    });
}

#[test]
fn a_transcript_without_sound_is_an_answer_in_writing_and_no_rejection() {
    simulate(async {
        let rejected = || vec![reason("RESPONSE_REJECTED")];
        let words = json!({"serverContent": {"outputTranscription": {"text": "It is noon."}}});
        let mut world = started(vec![rejected(), vec![raw(&words)], rejected()]).await;
        ask(&mut world).await;
        let turn = ask(&mut world).await;
        assert_eq!(turn.silence, Some(UnheardReason::TextOnly));
        assert_eq!(json_of(&turn)["text"], "It is noon.");
        ask(&mut world).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let summary = world.quit().await;
        assert_eq!((summary.connections, summary.fresh_starts), (1, 0));
    });
}

#[test]
fn a_rejected_answer_between_good_ones_changes_nothing() {
    simulate(async {
        let rejected = || vec![reason("RESPONSE_REJECTED")];
        let turns = vec![
            rejected(),
            vec![ScriptStep::Parrot],
            rejected(),
            vec![ScriptStep::Parrot],
        ];
        let mut world = started(turns).await;
        for _ in 0..4 {
            ask(&mut world).await;
        }
        let summary = world.quit().await;
        assert_eq!((summary.connections, summary.fresh_starts), (1, 0));
    });
}

#[test]
fn a_sound_that_is_too_faint_is_no_answer_and_pcm_by_another_name_is_played() {
    simulate(async {
        let mut world = started(vec![
            vec![tone(6.0, "audio/pcm;rate=24000", i16::to_le_bytes)],
            vec![tone(8_000.0, "audio/wav", i16::to_le_bytes)],
            vec![tone(8_000.0, "audio/L16;rate=24000", i16::to_be_bytes)],
            vec![tone(
                8_000.0,
                "audio/L16;codec=pcm;rate=24000",
                i16::to_le_bytes,
            )],
        ])
        .await;
        let faint = ask(&mut world).await;
        assert_eq!(
            (&faint.outcome, &faint.silence),
            (&Outcome::Empty, &Some(UnheardReason::NearSilent))
        );
        assert!(
            notices(&world)[0].text.english().contains("too faint"),
            "{:?}",
            notices(&world)
        );
        let other = ask(&mut world).await;
        assert_eq!(
            other.silence,
            Some(UnheardReason::Unplayable("audio/wav".into()))
        );
        assert!(notices(&world)[0].text.english().contains("audio/wav"));
        for _ in 0..2 {
            let from = world.desk.heard_replies().len();
            let played = ask(&mut world).await;
            assert_eq!(played.outcome, Outcome::Completed, "{played:?}");
            let heard = world.desk.heard_replies();
            let peak = heard[from..]
                .iter()
                .fold(0.0_f32, |peak, s| peak.max(s.abs()));
            assert!((0.2..0.35).contains(&peak), "a tone and no noise: {peak}");
        }
        world.quit().await;
    });
}

#[test]
fn a_call_that_nobody_can_answer_ends_the_turn_with_words() {
    simulate(async {
        let call = json!({"toolCall": {"functionCalls": [{"name": "look_up", "args": {}}]}});
        let mut world = started(vec![vec![raw(&call), ScriptStep::Stall]]).await;
        world.speak(&voice("american-man")).await;
        let asked = tokio::time::Instant::now();
        let turn = world.turn().await;
        assert!(
            asked.elapsed() < Duration::from_secs(7),
            "{:?}",
            asked.elapsed()
        );
        let Outcome::Failed(why) = &turn.outcome else {
            panic!("{turn:?}");
        };
        assert!(why.english().contains("without an id"), "{why}");
        world.quit().await;
    });
}

#[test]
fn an_answer_that_breaks_off_is_told_and_the_question_can_be_asked_again() {
    simulate(async {
        let mut world = started(vec![
            vec![ScriptStep::PhantomInterrupt],
            vec![ScriptStep::Parrot],
        ])
        .await;
        let turn = ask(&mut world).await;
        assert_eq!(
            (&turn.outcome, &turn.silence),
            (&Outcome::Empty, &Some(UnheardReason::BrokenOff))
        );
        let shown = notices(&world);
        assert_eq!(shown[0].remedy, Some(Remedy::AskAgain), "{shown:?}");
        assert!(world.session.snapshots.borrow().ask_again);
        world.tell(Command::Apply(Remedy::AskAgain)).await;
        let again = world.turn().await;
        assert_eq!(
            (&again.outcome, again.asked_again),
            (&Outcome::Completed, 1)
        );
        assert_eq!((turn.number, again.number), (1, 2));
        assert_eq!(
            (again.sent, &again.user),
            (turn.sent, &turn.user),
            "all of it"
        );
        assert!(again.user.contains("1.5 seconds"), "{again:?}");
        assert!(!world.session.snapshots.borrow().ask_again);
        assert_eq!(notices(&world), []);
        let summary = world.quit().await;
        assert_eq!((summary.spoken, summary.answered, summary.lost), (1, 1, 0));
    });
}

#[test]
fn a_typed_question_is_asked_again_in_writing() {
    simulate(async {
        let mut world = started(vec![vec![ScriptStep::Empty], vec![ScriptStep::Parrot]]).await;
        let send = |text: &str| Command::SendText(text.to_owned());
        world.tell(send("What time is it?")).await;
        assert_eq!(world.turn().await.outcome, Outcome::Empty);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(notices(&world)[0].remedy, Some(Remedy::AskAgain));
        world.tell(Command::Apply(Remedy::AskAgain)).await;
        let again = world.turn().await;
        assert_eq!(
            (again.typed, &*again.user, again.asked_again),
            (true, "What time is it?", 1)
        );
        assert_eq!(again.outcome, Outcome::Completed);
        assert!(!world.session.snapshots.borrow().ask_again);
        let summary = world.quit().await;
        assert_eq!(
            (summary.turns.typed, summary.spoken, summary.lost),
            (2, 0, 0)
        );
    });
}

#[test]
fn what_was_said_is_kept_until_the_next_turn_begins_and_no_longer() {
    simulate(async {
        let mut world = started(vec![vec![ScriptStep::Empty], vec![ScriptStep::Parrot]]).await;
        ask(&mut world).await;
        assert!(world.session.snapshots.borrow().ask_again);
        assert_eq!(ask(&mut world).await.outcome, Outcome::Completed);
        assert!(!world.session.snapshots.borrow().ask_again);
        world.tell(Command::Apply(Remedy::AskAgain)).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(
            world.quit().await.turns.outcomes,
            [1, 0, 0, 1, 0],
            "nothing was asked"
        );
    });
}

#[test]
fn a_late_answer_is_told_in_time_and_its_notice_goes_when_it_comes() {
    simulate(async {
        let mut world = World::new("balanced");
        world.script.think_ms = 9_500;
        let mut world = world.start();
        world.ready().await;
        world.speak(&voice("american-man")).await;
        tokio::time::sleep(Duration::from_millis(8_000)).await;
        assert_eq!(
            notices(&world),
            [],
            "not yet: it is counted from when it was sent"
        );
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        let shown = notices(&world);
        assert!(
            shown.len() == 1 && shown[0].text.english().starts_with("No answer after 8 s"),
            "{shown:?}"
        );
        assert_eq!(shown[0].remedy, Some(Remedy::AskAgain));
        world.audible().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(notices(&world), []);
        assert_eq!(world.turn().await.outcome, Outcome::Completed);
        world.quit().await;
    });
}

#[test]
fn a_late_answer_can_be_asked_for_again_in_the_same_turn() {
    for detection in [Detection::Manual, Detection::Automatic] {
        simulate(async move {
            let mut world = World::new("balanced");
            world.script.turns = vec![
                vec![ScriptStep::Stall],
                vec![ScriptStep::Wait(Duration::from_secs(1)), ScriptStep::Parrot],
            ];
            world.profile.turn.detection = detection;
            let mut world = world.start();
            world.ready().await;
            world.speak(&voice("american-man")).await;
            tokio::time::sleep(Duration::from_millis(9_500)).await;
            assert!(world.session.snapshots.borrow().ask_again);
            world.tell(Command::Apply(Remedy::AskAgain)).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(notices(&world), [], "the wait begins anew");
            let turn = world.turn().await;
            assert_eq!((&turn.outcome, turn.asked_again), (&Outcome::Completed, 1));
            let own = turn.latencies.client.expect("heard");
            assert!(own < Duration::from_secs(1), "{own:?}");
            assert_eq!(notices(&world), []);
            let summary = world.quit().await;
            assert_eq!(
                (summary.turns.outcomes, summary.connections),
                ([1, 0, 0, 0, 0], 1)
            );
        });
    }
}

#[test]
fn every_search_of_a_question_that_is_asked_again_is_billed() {
    simulate(async {
        let search = |what: &str| raw(&found(what));
        let first = vec![search("one"), ScriptStep::Stall];
        // The search for "two" comes before anything of the second answer: it is the first one's, which has no end.
        let second = vec![search("two"), ScriptStep::Parrot, search("three")];
        let mut world = started(vec![first, second]).await;
        world.speak(&voice("american-man")).await;
        tokio::time::sleep(Duration::from_millis(9_000)).await;
        assert!(world.session.snapshots.borrow().ask_again);
        world.tell(Command::Apply(Remedy::AskAgain)).await;
        let turn = world.turn().await;
        assert_eq!((&turn.outcome, turn.asked_again), (&Outcome::Completed, 1));
        assert_eq!(
            (turn.searches, turn.late_tokens.searches),
            (2, 1),
            "each is billed"
        );
        assert_eq!(
            turn.grounding.queries,
            ["three"],
            "what was dropped is not shown"
        );
        assert_eq!(notices(&world), []);
        let summary = world.quit().await;
        assert_eq!(
            (summary.turns.outcomes, summary.connections),
            ([1, 0, 0, 0, 0], 1)
        );
    });
}

/// A search, as the service tells of it.
fn found(what: &str) -> Value {
    json!({"serverContent": {"groundingMetadata": {"webSearchQueries": [what]}}})
}

#[test]
fn what_was_searched_for_an_interrupted_answer_is_billed_and_not_shown_under_the_next() {
    simulate(async {
        let long = ScriptStep::Say {
            words: "A long story.".into(),
            sound: SpeechKind::Tone {
                hz: 440.0,
                length: Duration::from_secs(9),
            },
        };
        // Its end does not come, so what comes before anything of the next answer is its own.
        let first = vec![long, ScriptStep::Stall];
        let second = vec![raw(&found("old")), ScriptStep::Parrot, raw(&found("new"))];
        let mut world = started(vec![first, second]).await;
        world.speak(&voice("american-man")).await;
        world.audible().await;
        tokio::time::sleep(Duration::from_millis(3_000)).await;
        world.speak(&voice("british-woman")).await;
        let first = world.turn().await;
        assert_eq!((&first.outcome, first.searches), (&Outcome::Interrupted, 0));
        let second = world.turn().await;
        assert_eq!(second.outcome, Outcome::Completed, "{second:?}");
        assert_eq!((second.searches, second.late_tokens.searches), (1, 1));
        assert_eq!(second.grounding.queries, ["new"]);
        assert_eq!(world.quit().await.late_tokens.searches, 1);
    });
}

#[test]
fn the_sources_of_a_searched_answer_are_shown_under_it() {
    simulate(async {
        let page = |title: &str, uri: &str| json!({"web": {"title": title, "uri": uri}});
        let found = json!({"serverContent": {"groundingMetadata": {
            "groundingChunks": [page("One", "https://one.example/"), page("Bad", "javascript:x")],
            "webSearchQueries": ["rain"],
        }}});
        let mut world = started(vec![vec![raw(&found), ScriptStep::Parrot]]).await;
        let turn = ask(&mut world).await;
        let line = json_of(&turn);
        assert_eq!(line["searched"], true);
        assert_eq!(
            line["sources"],
            json!([{"title": "One", "url": "https://one.example/"}])
        );
        assert_eq!(line["queries"], json!(["rain"]));
        let snapshot = world.session.snapshots.borrow().clone();
        let caption = snapshot.captions.last().expect("the answer");
        let found = caption.found.as_ref().expect("its sources");
        assert_eq!((found.sources.len(), caption.unspoken), (1, false));
        world.quit().await;
    });
}

#[test]
fn an_answer_that_breaks_off_while_it_is_heard_was_not_stopped_by_the_user() {
    simulate(async {
        let say = "turns:\n  - - say: A long story.\n      ms: 8000\n    - phantom_interrupt\n";
        let mut world = World::new("balanced");
        world.script = Script::parse(Path::new("breaks.yaml"), say.as_bytes()).expect("a script");
        let mut world = world.start();
        world.ready().await;
        let turn = ask(&mut world).await;
        assert_eq!(
            (&turn.outcome, &turn.silence),
            (&Outcome::Interrupted, &None)
        );
        let snapshot = world.session.snapshots.borrow().clone();
        let caption = snapshot.captions.last().expect("the answer");
        assert!(
            caption.end == CaptionEnd::Whole && !caption.unspoken,
            "{caption:?}"
        );
        let shown = notices(&world);
        assert!(
            shown[0]
                .text
                .english()
                .starts_with("The answer stopped before its end"),
            "{shown:?}"
        );
        assert_eq!(shown[0].remedy, Some(Remedy::AskAgain));
        world.quit().await;
    });
}
