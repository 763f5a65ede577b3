use super::*;

fn told(book: &mut Captions) -> Vec<(Speaker, String)> {
    let shown = book.shared();
    shown.iter().map(|c| (c.speaker, c.text.clone())).collect()
}

#[test]
fn words_gather_under_their_turn_and_side() {
    let mut book = Captions::default();
    book.add(TurnId(1), Speaker::Assistant, "Hel");
    book.add(TurnId(1), Speaker::User, "hi");
    book.add(TurnId(1), Speaker::Assistant, "lo");
    book.close(TurnId(1), true, None);
    let shown = book.shared();
    let told: Vec<_> = shown
        .iter()
        .map(|c| {
            (
                c.speaker,
                c.text.as_str(),
                c.open,
                c.end == CaptionEnd::Stopped,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Speaker::User, "hi", false, false),
            (Speaker::Assistant, "Hello", false, true)
        ]
    );
}

#[test]
fn a_snapshot_shares_what_has_not_changed() {
    let mut book = Captions::default();
    book.add(TurnId(1), Speaker::User, "hi");
    book.add(TurnId(2), Speaker::User, "and");
    let first = book.shared();
    assert!(Arc::ptr_eq(&first, &book.shared()));
    book.add(TurnId(2), Speaker::User, " more");
    let second = book.shared();
    assert!(Arc::ptr_eq(&first[0], &second[0]));
    assert_eq!((&*first[1].text, &*second[1].text), ("and", "and more"));
    book.close(TurnId(1), false, None);
    assert!(first[0].open && !book.shared()[0].open);
}

#[test]
fn a_turn_that_goes_on_keeps_both_halves_of_the_question_and_drops_the_unheard_reply() {
    let mut book = Captions::default();
    book.add(TurnId(1), Speaker::User, "What is");
    book.add(TurnId(1), Speaker::Assistant, "I beg your");
    book.go_on(TurnId(1));
    book.add(TurnId(1), Speaker::User, "the time?");
    book.add(TurnId(1), Speaker::Assistant, "Noon.");
    assert_eq!(book.text(TurnId(1), Speaker::User), "What is the time?");
    assert_eq!(book.text(TurnId(1), Speaker::Assistant), "Noon.");
}

#[test]
fn a_long_answer_is_kept_whole() {
    let mut book = Captions::default();
    let words = "A sentence of a long story with an é in it. ".repeat(40_000);
    for piece in words.split_inclusive(". ") {
        book.add(TurnId(1), Speaker::Assistant, piece);
    }
    assert_eq!(book.text(TurnId(1), Speaker::Assistant), words.trim());
    let shown = book.shared();
    assert!(!shown[0].continued && shown.iter().skip(1).all(|part| part.continued));
    let all: String = shown.iter().map(|part| part.text.as_str()).collect();
    assert_eq!((all == words, book.dropped()), (true, 0));
    // One delta may be longer than a part, too.
    book.add(TurnId(2), Speaker::User, &"é".repeat(PART));
    assert_eq!(
        book.text(TurnId(2), Speaker::User).chars().count(),
        PART,
        "nothing of it is cut"
    );
}

#[test]
fn the_conversation_as_a_whole_is_bounded_and_what_went_is_counted() {
    let mut book = Captions::default();
    for turn in 0..1_000 {
        book.add(TurnId(turn), Speaker::User, &"x".repeat(20_000));
    }
    let shown = book.shared();
    let bytes: usize = shown.iter().map(|c| c.text.len() + OVERHEAD).sum();
    assert!(bytes <= MOST_BYTES && bytes > MOST_BYTES / 2, "{bytes}");
    assert_eq!(bytes, book.bytes);
    assert_eq!(book.dropped() + shown.len() as u64, 1_000);
    assert_eq!(shown.last().map(|c| c.turn), Some(TurnId(999)));
    // A service that never stops does not fill the memory either.
    for _ in 0..100 {
        book.add(TurnId(2_000), Speaker::Assistant, &"y".repeat(PART));
    }
    assert!(book.bytes <= MOST_BYTES);
    assert!(
        book.text(TurnId(2_000), Speaker::Assistant).len() > MOST_BYTES / 2,
        "its newest part"
    );
    // And many short ones neither.
    let mut book = Captions::default();
    for turn in 0..40_000 {
        book.add(TurnId(turn), Speaker::User, "x");
    }
    assert!(book.bytes <= MOST_BYTES && book.dropped() > 0);
}

#[test]
fn what_is_dropped_and_emptied_is_not_counted_twice() {
    let mut book = Captions::default();
    book.add(TurnId(1), Speaker::User, "one");
    book.add(TurnId(1), Speaker::Assistant, &"z".repeat(PART + 10));
    book.begin_again(TurnId(1));
    book.add(TurnId(1), Speaker::User, "one");
    book.go_on(TurnId(1));
    book.close(TurnId(1), false, None);
    assert_eq!(told(&mut book), [(Speaker::User, "one ".to_owned())]);
    assert_eq!(book.bytes, "one ".len() + OVERHEAD);
}

#[test]
fn nobodys_words_leave_no_caption() {
    let mut book = Captions::default();
    book.add(TurnId(1), Speaker::User, "");
    assert_eq!(book.shared().len(), 1, "while the turn is open");
    book.close(TurnId(1), false, None);
    book.add(TurnId(2), Speaker::User, "  ");
    book.add(TurnId(2), Speaker::Assistant, "Yes?");
    book.close(TurnId(2), false, None);
    assert_eq!(told(&mut book), [(Speaker::Assistant, "Yes?".to_owned())]);
}

#[test]
fn words_that_come_late_stand_at_their_turn_and_are_not_open_for_ever() {
    let mut book = Captions::default();
    book.add(TurnId(1), Speaker::User, "");
    book.close(TurnId(1), false, None);
    book.add(TurnId(2), Speaker::User, "second");
    book.add(TurnId(1), Speaker::User, "first");
    let shown = book.shared();
    assert_eq!(shown[0].text, "first");
    assert!(!shown[0].open && shown[1].open);
}

#[test]
fn a_caption_keeps_the_name_and_the_target_of_its_time() {
    let mut book = Captions::default();
    book.call_assistant("Demo");
    book.add(TurnId(1), Speaker::Assistant, "Your own voice.");
    let latencies = Latencies::default();
    let target = Duration::from_millis(300);
    book.close(TurnId(1), false, Some((&latencies, target)));
    book.add(TurnId(2), Speaker::Assistant, "half an ans");
    book.call_assistant("Gemini");
    // What is asked again is answered by another.
    book.begin_again(TurnId(2));
    book.add(TurnId(2), Speaker::Assistant, "A whole answer.");
    book.add(TurnId(3), Speaker::User, "and");
    let shown = book.shared();
    let names: Vec<_> = shown.iter().map(|c| (c.name, c.target)).collect();
    assert_eq!(
        names,
        [("Demo", Some(target)), ("Gemini", None), ("You", None)]
    );
}

#[test]
fn what_is_gone_on_with_keeps_the_name_of_who_answered() {
    let mut book = Captions::default();
    book.call_assistant("Gemini");
    let record = crate::telemetry::record::TurnRecord {
        answerer: Some(Answerer::Demo),
        ..Default::default()
    };
    let kept = StoredTurn {
        record: record.to_json(),
        ..StoredTurn::default()
    };
    book.restore(TurnId(1), Speaker::User, "Hello", &kept);
    book.restore(TurnId(1), Speaker::Assistant, "Hello.", &kept);
    book.restore(
        TurnId(2),
        Speaker::Assistant,
        "Old.",
        &StoredTurn::default(),
    );
    book.add(TurnId(3), Speaker::Assistant, "New.");
    let shown = book.shared();
    let names: Vec<_> = shown.iter().map(|caption| caption.name).collect();
    assert_eq!(names, ["You", "Demo", "Gemini", "Gemini"]);
}
