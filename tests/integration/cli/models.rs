//! Models that are not there, that cannot talk, or that know no such voice: what the program says of them.

use serde_json::json;

use super::desk::{Home, Server, voice};

#[test]
fn a_model_that_is_refused_ends_with_its_sentence_and_what_to_do() {
    let home = Home::new();
    let not_found = "models/gemini-3.8-live is not found for API version v1beta, or is not supported for bidiGenerateContent.";
    for (code, reason, sentence, hint) in [
        (
            1008,
            not_found,
            "the model is not available (API v1beta: code 1008: models/gemini-3.8-live",
            "`sovereign doctor --live`",
        ),
        (
            1007,
            "models/x is not supported for bidiGenerateContent",
            "the model is not made for live talk (code 1007",
            "live.model",
        ),
        (
            1007,
            "no matching speaker voice",
            "the model does not know this voice (code 1007",
            "live.voice",
        ),
    ] {
        let script = format!("refuse_setup: {{code: {code}, reason: \"{reason}\"}}");
        let server = Server::script(&home, &script);
        let ended = talk(&home, &server, &[]);
        ended.assert_fault(1, &[sentence, hint]);
    }
}

#[test]
fn a_model_that_v1beta_does_not_know_is_talked_to_under_v1() {
    let home = Home::new();
    let reason = "models/gemini-3.8-live is not found for API version v1beta";
    let script = format!("refuse_setup: {{code: 1008, reason: {reason}, versions: [v1beta]}}");
    let server = Server::script(&home, &script);
    let ended = talk(&home, &server, &["--json"]);
    ended.assert(0, &[]);
    let (turns, summary) = ended.turns();
    assert_eq!(turns[0]["outcome"], "completed");
    assert_eq!(summary["connections"], 1);
}

#[test]
fn a_profile_whose_model_cannot_talk_is_an_error_of_start_and_check() {
    let home = Home::new();
    let text = "live:\n  model: gemini-3.5-transcribe-live\n";
    let file = home.write("config/sovereign/profiles/mine.yaml", text);
    let server = Server::parrot(&home);
    let what = "mine.yaml:2:10: live.model: is `gemini-3.5-transcribe-live`, which writes down what it hears and answers nothing, allowed is a model that talks, such as gemini-3.8-live";
    let ended = talk(&home, &server, &["--profile", "mine"]);
    ended.assert(2, &["the profile `mine` cannot be used: ", what]);
    let checked = home.run(["profiles", "check", file.to_str().expect("our own name")]);
    assert_eq!(checked.status, Some(2), "{checked:?}");
    assert!(checked.out.contains(what), "{checked:?}");
}

#[test]
fn doctor_lists_the_models_and_tells_of_one_that_ended() {
    let home = Home::new();
    let text = "live:\n  model: gemini-3.1-flash-live-preview\n";
    home.write("config/sovereign/profiles/mine.yaml", text);
    let server = Server::parrot(&home);
    let ended = home.run([
        "doctor",
        "--live",
        "--no-sound-check",
        "--json",
        "--profile",
        "mine",
        "--endpoint",
        &server.url,
    ]);
    let report = &ended.json()[0];
    let model = json!({"name": "gemini-3.8-live", "state": "stable", "talks": true});
    assert_eq!(report["models"][0], model, "{report}");
    let told = |name: &str| {
        let checks = report["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("{name}: {report}")).clone()
    };
    let among = told("models");
    assert_eq!(among["status"], "warn", "{among}");
    let what = among["what"].as_str().expect("words");
    assert!(
        what.contains("gemini-3.1-flash-live-preview, which `mine` uses, is not among them"),
        "{what}"
    );
    let model = told("model");
    assert_eq!(model["status"], "warn", "{model}");
    assert!(
        model["what"]
            .as_str()
            .is_some_and(|what| what.contains("ended on 2026-11-17"))
    );
}

fn talk(home: &Home, server: &Server, more: &[&str]) -> super::desk::Ended {
    let question = voice("american-man");
    let args = [
        "talk",
        "--endpoint",
        &server.url,
        "--input",
        &question,
        "--output",
        "none",
        "--turns",
        "1",
    ];
    home.run(args.iter().chain(more))
}
