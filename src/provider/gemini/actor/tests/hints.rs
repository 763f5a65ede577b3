//! A service that refuses setups with hints at what the user says, and one that refuses every setup.

use super::*;
use crate::provider::config::Languages;

/// With this language as a hint, to a model that takes it.
fn hinted(language: &str) -> SessionConfig {
    SessionConfig {
        languages: Languages::These(vec![language.to_owned()]),
        ..config("gemini-3.8-live")
    }
}

/// The languages that were named.
fn languages(setup: &Setup) -> Option<&[String]> {
    let config = setup.input_audio_transcription.as_ref()?;
    config.language_codes.as_deref()
}

/// Refuses the next setup; whether hints were in it.
async fn refuse(rig: &mut Rig) -> bool {
    let mut peer = Peer::accept(&mut rig.ends).await;
    let heard = peer.hear_setup().await;
    peer.close(1008, "Operation is not allowed.").await;
    languages(&heard).is_some()
}

/// How long it waits for the next attempt after the last one was lost.
async fn retry_in(rig: &mut Rig) -> Option<Duration> {
    loop {
        if let ProviderEvent::Lost { retry_in, .. } = rig.event().await {
            return retry_in;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refuses_every_setup_is_given_up_with_hints_as_without() {
    for (config, trials) in [(config("first"), 0), (hinted("de"), 1)] {
        let mut rig = Rig::with(config);
        let has_hints = trials > 0;
        assert_eq!(refuse(&mut rig).await, has_hints);
        for _ in 0..trials {
            assert!(!refuse(&mut rig).await, "once without");
        }
        assert!(retry_in(&mut rig).await.is_some());
        assert_eq!(refuse(&mut rig).await, has_hints);
        assert!(retry_in(&mut rig).await.is_some());
        assert_eq!(refuse(&mut rig).await, has_hints);
        assert_eq!(retry_in(&mut rig).await, None, "the third time");
        assert_eq!(rig.silence().await, None);
        rig.order(Control::RetryNow).await;
        assert_eq!(refuse(&mut rig).await, has_hints);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_known_of_these_hints_until_another_service_answers() {
    let mut rig = Rig::with(hinted("de"));
    assert!(refuse(&mut rig).await);
    let (_, heard) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(languages(&heard), None);
    // The same service, for a fresh conversation.
    let redial = |target| Control::Redial(Box::new(target), Box::new(hinted("de")));
    rig.order(redial(target())).await;
    let (_, heard) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(languages(&heard), None, "it is known");
    rig.order(Control::Roll(Box::new(hinted("fr")))).await;
    let (_, heard) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(languages(&heard), Some(&["fr".to_owned()][..]));
    // It takes this one, which says nothing about the next.
    rig.order(Control::Roll(Box::new(hinted("xx")))).await;
    assert!(refuse(&mut rig).await);
    let (_, heard) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(languages(&heard), None);
    let mut other = target();
    other.url.set_path("/other");
    rig.order(redial(other)).await;
    let (_, heard) = Peer::set_up(&mut rig.ends).await;
    assert_eq!(languages(&heard), Some(&["de".to_owned()][..]));
}
