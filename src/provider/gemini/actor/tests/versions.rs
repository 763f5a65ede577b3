//! A model that is not available under one version of the API.

use super::*;

const BETA: &str = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
const STABLE: &str = "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent";
/// As the service says it.
const NOT_FOUND: &str =
    "models/x is not found for API version v1beta, or is not supported for bidiGenerateContent.";

#[tokio::test(start_paused = true)]
async fn a_model_that_v1beta_does_not_know_is_looked_for_under_v1_once_and_found_there_from_then_on()
 {
    let mut rig = Rig::at(BETA);
    let peer = Peer::accept(&mut rig.ends).await;
    assert_eq!(peer.path, BETA);
    refuse(peer, 1008, NOT_FOUND).await;
    let (peer, _) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(peer.path, STABLE);
    assert!(matches!(
        rig.event().await,
        ProviderEvent::Connecting { attempt: 1 }
    ));
    let ready = rig.event().await;
    assert!(
        matches!(
            ready,
            ProviderEvent::Ready(Ready {
                connection: 1,
                resumed: false,
                ..
            })
        ),
        "no loss in between: {ready:?}"
    );
    // The next connection does not ask under v1beta again, nor does a fresh one to the same endpoint.
    peer.close(1011, "Internal error").await;
    let (peer, _) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(peer.path, STABLE);
    let again = Control::Redial(Box::new(at(BETA)), Box::new(config("x")));
    rig.order(again).await;
    let (peer, _) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(peer.path, STABLE);
    // A model that only v1beta knows is found there.
    rig.order(Control::Roll(Box::new(config("y")))).await;
    let peer = Peer::accept(&mut rig.ends).await;
    assert_eq!(peer.path, STABLE);
    refuse(peer, 1008, "models/y is not found for API version v1").await;
    let (peer, _) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(peer.path, BETA);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_no_version_knows_is_told_with_both_and_not_tried_again() {
    for (code, second) in [
        (1008, "models/x is not found for API version v1"),
        (1007, "models/x is not supported for bidiGenerateContent"),
    ] {
        let mut rig = Rig::at(BETA);
        refuse(Peer::accept(&mut rig.ends).await, 1008, NOT_FOUND).await;
        let peer = Peer::accept(&mut rig.ends).await;
        assert_eq!(peer.path, STABLE);
        refuse(peer, code, second).await;
        rig.event().await;
        let (fault, retry_in) = rig.lost().await;
        assert_eq!(retry_in, None);
        let told = fault.to_string();
        let begins =
            format!("the model is not available (API v1beta: code 1008: {NOT_FOUND}; API v1: ");
        assert!(told.starts_with(&begins) && told.contains(second), "{told}");
        assert!(fault.hint.contains("`sovereign doctor --live`"));
        assert_eq!(rig.silence().await, None);
        assert!(rig.ends.try_recv().is_err(), "two connections, no third");
    }
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_v1_refuses_is_told_by_itself() {
    let mut rig = Rig::at(BETA);
    refuse(Peer::accept(&mut rig.ends).await, 1008, NOT_FOUND).await;
    let peer = Peer::accept(&mut rig.ends).await;
    refuse(peer, 1007, "no matching speaker voice").await;
    rig.event().await;
    let (fault, retry_in) = rig.lost().await;
    assert!(
        fault
            .what
            .english()
            .starts_with("the model does not know this voice"),
        "the model is there: {fault}"
    );
    assert_eq!(retry_in, None);
}

#[tokio::test(start_paused = true)]
async fn what_v1_refuses_of_the_setup_is_told_by_itself() {
    let mut rig = Rig::at(BETA);
    refuse(Peer::accept(&mut rig.ends).await, 1008, NOT_FOUND).await;
    let peer = Peer::accept(&mut rig.ends).await;
    refuse(peer, 1007, "Unknown name at setup").await;
    rig.event().await;
    let (fault, _) = rig.lost().await;
    assert!(
        fault
            .what
            .english()
            .starts_with("the service refused what was sent ("),
        "the setup, not the model: {fault}"
    );
    assert!(
        fault.to_string().contains("Unknown name at setup"),
        "{fault}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_a_version_that_may_be_at_fault_is_changed() {
    for (path, code, reason) in [
        ("/live", 1008, NOT_FOUND),
        (STABLE, 1008, NOT_FOUND),
        (
            BETA,
            1008,
            "models/x is not supported for bidiGenerateContent",
        ),
        (BETA, 1007, "no matching speaker voice"),
        (BETA, 1007, "API key not valid."),
    ] {
        let mut rig = Rig::at(path);
        let peer = Peer::accept(&mut rig.ends).await;
        assert_eq!(peer.path, path);
        refuse(peer, code, reason).await;
        rig.event().await;
        let lost = rig.event().await;
        assert!(
            matches!(lost, ProviderEvent::Lost { retry_in: None, .. }),
            "{path} {reason}: {lost:?}"
        );
        assert!(rig.ends.try_recv().is_err(), "{path} {reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_on_the_way_to_v1_says_nothing_of_the_model() {
    let mut rig = Rig::at(BETA);
    refuse(Peer::accept(&mut rig.ends).await, 1008, NOT_FOUND).await;
    drop(rig.ends.recv().await.expect("it is dialled"));
    rig.event().await;
    let (fault, retry_in) = rig.lost().await;
    assert!(
        fault
            .what
            .english()
            .contains("broke the connection off before"),
        "{fault}"
    );
    assert!(retry_in.is_some());
    let (mut beta, mut stable) = (Peer::accept(&mut rig.ends).await, None);
    assert_eq!(beta.path, BETA, "nothing was settled");
    beta.hear_setup().await;
    beta.close(1008, NOT_FOUND).await;
    stable.get_or_insert(Peer::set_up(&mut rig.ends).await);
    assert_eq!(stable.map(|(peer, _)| peer.path).as_deref(), Some(STABLE));
}

fn at(path: &str) -> ServiceEndpoint {
    ServiceEndpoint {
        url: Url::parse(&format!("ws://127.0.0.1:9{path}")).expect("an address"),
        key: Some(SecretString::from(KEY)),
    }
}

/// Hears the setup and closes.
async fn refuse(mut peer: Peer, code: u16, reason: &str) {
    peer.hear_setup().await;
    peer.close(code, reason).await;
}

impl Rig {
    /// A client of the service under this path.
    fn at(path: &str) -> Self {
        let (dialer, ends) = MemoryDialer::new();
        let counters = Arc::new(Counters::default());
        let handle = spawn(dialer, at(path), config("x"), Arc::clone(&counters));
        Self {
            handle,
            ends,
            counters,
        }
    }
}
