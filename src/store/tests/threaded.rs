//! The handle, on its thread and in place.

use std::fs;

use super::super::export::ExportFormat;
use super::*;

/// A store that keeps everything in this place.
fn start(place: &Place) -> Store {
    Store::start(Some(place.file()), Retention::Forever)
}

fn write_turn(store: &Store, conversation: ConversationKey, turn: StoredTurn) {
    store.write(Write::Turn { conversation, turn });
}

async fn listed(store: &mut Store) -> Vec<ConversationSummary> {
    store.ask(Query::List(Filter::default()));
    loop {
        if let StoreEvent::Listed { conversations, .. } = store.next().await {
            return conversations;
        }
    }
}

async fn asked(store: &mut Store, query: Query) -> StoreEvent {
    store.ask(query);
    loop {
        let event = store.next().await;
        if !matches!(event, StoreEvent::Begun { .. }) {
            return event;
        }
    }
}

async fn keeps_and_answers() {
    let place = Place::new();
    let mut store = start(&place);
    assert_eq!(listed(&mut store).await, []);
    let key = store.begin();
    let open = StoredTurn {
        outcome: StoredTurn::OPEN.into(),
        ..turn(1, "half", "")
    };
    write_turn(&store, key, open);
    write_turn(&store, key, turn(1, "the whole question", "answer"));
    let StoreEvent::Begun { conversation, id } = store.next().await else {
        panic!("it begins with its first write");
    };
    assert_eq!(conversation, key);
    let opened = asked(&mut store, Query::Open(id)).await;
    let turns = vec![turn(1, "the whole question", "answer")];
    assert_eq!(opened, StoreEvent::Opened { id, turns });
    assert_eq!(listed(&mut store).await.len(), 1);
    assert_eq!(store.finish().await, None);
    drop(store);

    let mut store = start(&place);
    let key = store.go_on(id);
    write_turn(&store, key, turn(2, "goes on", ""));
    assert_eq!(listed(&mut store).await[0].turns, 2);
    let deleted = asked(&mut store, Query::Delete(None)).await;
    assert_eq!(deleted, StoreEvent::Deleted { count: 1 });
    write_turn(&store, key, turn(3, "and on", ""));
    assert_eq!(listed(&mut store).await[0].turns, 1);
    assert_eq!(store.finish().await, None);
    assert_eq!(place.open().turns(id).expect("read").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_conversation_is_exported_into_new_files() {
    let place = Place::new();
    let mut store = start(&place);
    let key = store.begin();
    write_turn(&store, key, turn(1, "a question", "an answer"));
    let StoreEvent::Begun { id, .. } = store.next().await else {
        panic!("it begins with its first write");
    };
    let folder = place.folder().join("documents");
    let mut export = async |id, format| {
        let folder = folder.clone();
        let query = Query::Export { id, format, folder };
        let StoreEvent::Exported(exported) = asked(&mut store, query).await else {
            panic!("answered in order");
        };
        exported
    };
    let text = export(id, ExportFormat::Md).await.expect("written");
    let told = fs::read_to_string(&text).expect("there");
    assert!(told.contains("**You:** a question"), "{told}");
    let again = export(id, ExportFormat::Md).await.expect("written");
    assert_eq!(fs::read_to_string(&again).expect("there"), told);
    let name = again.file_name().expect("a name").to_string_lossy();
    assert!(name.ends_with(" (2).md"), "{name}");
    let json = export(id, ExportFormat::Json).await.expect("written");
    assert!(json.extension().is_some_and(|ending| ending == "json"));
    let silent = export(id, ExportFormat::Wav).await;
    assert!(silent.is_err_and(|why| why.contains("its sound is not kept")));
    let unknown = export(ConversationId(99), ExportFormat::Md).await;
    assert!(unknown.is_err_and(|why| why.contains("no such conversation")));
    fs::remove_dir_all(&folder).expect("removed");
    fs::write(&folder, "a file").expect("written");
    let refused = export(id, ExportFormat::Md).await.expect_err("no folder");
    assert!(refused.contains("documents"), "{refused}");
}

/// An earlier program came to its end.
const NOTHING_LEFT: StoreEvent = StoreEvent::Left {
    conversation: None,
    unsent: Vec::new(),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_conversation_is_kept_and_found_by_the_thread() {
    keeps_and_answers().await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_kept_and_found_in_place() {
    keeps_and_answers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_written_is_kept_without_being_asked_for() {
    let place = Place::new();
    let mut store = start(&place);
    let key = store.begin();
    let piece = SpeechPiece {
        number: 1,
        at: at(0),
        first: 0,
        samples: vec![5; 100],
    };
    store.write(Write::Speech {
        conversation: key,
        piece,
    });
    // It comes once the piece is on the disk.
    assert!(matches!(store.next().await, StoreEvent::Begun { .. }));
    let (database, _) = Database::open(&place.file()).expect("opened");
    assert_eq!(database.unsent().expect("read").len(), 1);
    drop(store);
}

#[tokio::test(start_paused = true)]
async fn unsent_speech_belongs_to_one_program() {
    let place = Place::new();
    let piece = |first: u64| SpeechPiece {
        number: 4,
        at: at(0),
        first,
        samples: vec![3; 10],
    };
    let (mut first, mut second) = (start(&place), start(&place));
    for store in [&mut first, &mut second] {
        let conversation = store.begin();
        store.write(Write::Speech {
            conversation,
            piece: piece(0),
        });
        store.write(Write::Speech {
            conversation,
            piece: piece(10),
        });
        write_turn(store, conversation, turn(4, "both keep their turns", ""));
    }
    assert_eq!(asked(&mut second, Query::Left).await, NOTHING_LEFT);
    assert_eq!(listed(&mut second).await.len(), 2);
    // The first one dies.
    drop(first);
    let mut third = start(&place);
    let StoreEvent::Left {
        conversation: running,
        unsent,
    } = asked(&mut third, Query::Left).await
    else {
        panic!("answered in order");
    };
    assert_eq!((unsent.len(), unsent[0].samples.len()), (1, 20));
    assert_eq!(running, Some(unsent[0].conversation));
    let conversation = third.go_on(unsent[0].conversation);
    third.write(Write::Answered {
        conversation,
        number: 4,
    });
    let unsent = Vec::new();
    let left = StoreEvent::Left {
        conversation: running,
        unsent,
    };
    assert_eq!(asked(&mut third, Query::Left).await, left);
    // Speech that was answered goes also where nothing is kept meanwhile.
    let key = third.go_on(running.expect("a conversation"));
    third.write(Write::Speech {
        conversation: key,
        piece: SpeechPiece {
            number: 5,
            ..piece(0)
        },
    });
    let again = asked(&mut third, Query::Left).await;
    assert!(matches!(again, StoreEvent::Left { unsent, .. } if unsent.len() == 1));
    third.ask(Query::SetRetention(Retention::Off));
    third.write(Write::Answered {
        conversation: key,
        number: 5,
    });
    assert_eq!(third.finish().await, None);
    assert_eq!(place.open().unsent().expect("read"), []);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_opened_where_nothing_is_kept() {
    for path_is_known in [true, false] {
        let place = Place::new();
        let retention = if path_is_known {
            Retention::Off
        } else {
            Retention::Forever
        };
        let mut store = Store::start(path_is_known.then(|| place.file()), retention);
        let key = store.begin();
        write_turn(&store, key, turn(1, "a", "b"));
        assert_eq!(listed(&mut store).await, []);
        let opened = asked(&mut store, Query::Open(ConversationId(1))).await;
        assert_eq!(
            opened,
            StoreEvent::Opened {
                id: ConversationId(1),
                turns: vec![]
            }
        );
        let deleted = asked(&mut store, Query::Delete(None)).await;
        assert_eq!(deleted, StoreEvent::Deleted { count: 0 });
        assert_eq!(asked(&mut store, Query::Left).await, NOTHING_LEFT);
        assert_eq!(store.finish().await, None);
        assert_eq!(fs::read_dir(place.folder()).expect("a folder").count(), 0);
    }
    // What was kept before can be deleted all the same.
    let place = Place::new();
    let mut store = start(&place);
    let key = store.begin();
    write_turn(&store, key, turn(1, "a", "b"));
    store.ask(Query::SetRetention(Retention::Off));
    write_turn(&store, key, turn(2, "not kept", ""));
    assert_eq!(listed(&mut store).await[0].turns, 1);
    let deleted = asked(&mut store, Query::Delete(None)).await;
    assert_eq!(deleted, StoreEvent::Deleted { count: 1 });
    store.ask(Query::SetRetention(Retention::Forever));
    write_turn(&store, key, turn(3, "kept again", ""));
    assert_eq!(listed(&mut store).await[0].turns, 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_waits() {
    let place = Place::new();
    fs::create_dir(place.file()).expect("made");
    let mut store = start(&place);
    let conversation = store.begin();
    for number in 1..=3 {
        write_turn(&store, conversation, turn(number, "waits", ""));
    }
    let StoreEvent::Trouble(why) = store.next().await else {
        panic!("it is told at once");
    };
    assert!(why.contains("is a folder"), "{why}");
    assert_eq!(listed(&mut store).await, []);
    fs::remove_dir(place.file()).expect("removed");
    write_turn(&store, conversation, turn(4, "comes through", ""));
    let mut seen = Vec::new();
    while !seen.contains(&StoreEvent::Mended) {
        seen.push(store.next().await);
    }
    assert_eq!(listed(&mut store).await[0].turns, 4);
    // A folder that vanishes takes nothing along but what was in it.
    fs::remove_dir_all(place.folder()).expect("removed");
    write_turn(&store, conversation, turn(5, "in a new file", ""));
    assert_eq!(listed(&mut store).await[0].turns, 1);
    fs::remove_dir_all(place.folder()).expect("removed");
    fs::write(place.folder(), "a file in the place of the folder").expect("written");
    write_turn(&store, conversation, turn(6, "nowhere", ""));
    let why = store.finish().await.expect("it is told");
    assert!(why.starts_with("The conversation is not kept: "), "{why}");
    fs::remove_file(place.folder()).expect("removed");
    fs::create_dir(place.folder()).expect("made");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_store_is_named_and_replaced_while_it_runs() {
    let place = Place::new();
    let mut store = start(&place);
    let conversation = store.begin();
    write_turn(&store, conversation, turn(1, "before", ""));
    assert_eq!(store.finish().await, None);
    fs::write(place.file(), vec![b'x'; 9_000]).expect("written");
    let mut store = start(&place);
    let StoreEvent::Notice(notice) = store.next().await else {
        panic!("it is told");
    };
    assert!(notice.contains("conversations.damaged-"), "{notice}");
    let conversation = store.begin();
    write_turn(&store, conversation, turn(1, "after", ""));
    assert_eq!(listed(&mut store).await.len(), 1);
}

#[test]
fn what_waits_is_bounded_and_only_the_newest_state() {
    let mut queue = queue::Queue::new(false);
    let key = ConversationKey(1);
    let speech = |number| Write::Speech {
        conversation: key,
        piece: SpeechPiece {
            number,
            at: at(0),
            first: 0,
            samples: vec![0; 1 << 20],
        },
    };
    let spoken = |number| Write::Turn {
        conversation: key,
        turn: turn(number, "words", ""),
    };
    queue.write(spoken(1));
    for _ in 0..100 {
        queue.write(spoken(2));
        queue.write(speech(7));
    }
    assert!(queue.urgent && queue.lost > 80);
    queue.write(Write::Answered {
        conversation: key,
        number: 7,
    });
    let kept = queue.take_writes();
    assert_eq!(kept[..2], [spoken(1), spoken(2)]);
    assert_eq!(kept.len(), 3, "what was answered need not be kept");
    // What came meanwhile is newer.
    let newer = Write::Turn {
        conversation: key,
        turn: turn(2, "newer", ""),
    };
    queue.write(newer.clone());
    queue.restore(kept);
    assert_eq!(queue.take_writes()[1], newer);
    let list = |text: &str| {
        Query::List(Filter {
            text: text.into(),
            ..Filter::default()
        })
    };
    for query in [list("a"), Query::Left, list("ab"), list("abc")] {
        queue.ask(query);
    }
    assert_eq!(queue.take_queries(), [Query::Left, list("abc")]);
}
