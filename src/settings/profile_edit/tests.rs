//! Changes of profiles in files, and what is said where one is not possible.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder of profiles with one file in it.
fn with_file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf, Profiles) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(name);
    fs::write(&file, text).expect("written");
    let profiles = Profiles::load(Some(folder.path().to_owned()));
    assert!(profiles.faults().is_empty(), "{:?}", profiles.faults());
    (folder, file, profiles)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn set(key: &'static str, value: Value) -> ProfileEdit {
    ProfileEdit::Set(key, Some(value))
}

#[test]
fn another_value_is_written_into_the_file_and_nothing_else_is_touched() {
    let old = "gemini-3.1-flash-live-preview";
    for written in [
        format!(
            "# mine\ntarget_ms: 250\nlive:\n  # fast\n  model: {old} # the preview\n  voice: Kore\n"
        ),
        format!("live: {{voice: Kore, model: \"{old}\"}}\r\n"),
        format!("\u{feff}live:\n    model: &m '{old}'\n"),
    ] {
        let (_folder, file, mut profiles) = with_file("mine.yaml", &written);
        let change = set("live.model", text("gemini-3.8-live"));
        profiles.edit("mine", &change).expect(&written);
        let model = &profiles.get("mine").expect("known").live.model;
        assert_eq!(model, "gemini-3.8-live", "read again");
        let now = fs::read_to_string(&file).expect("readable");
        let unquoted = |text: &str| text.replace(['"', '\''], "");
        assert_eq!(
            unquoted(&now),
            unquoted(&written.replace(old, "gemini-3.8-live"))
        );
    }
}

#[test]
fn a_shipped_profile_is_changed_by_a_file_that_says_what_differs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("profiles");
    let mut profiles = Profiles::load(Some(place.clone()));
    let file = |name: &str| fs::read_to_string(place.join(name)).expect("written");
    let changes = [
        (
            "balanced",
            set("turn.patience_ms", Value::Whole(400)),
            "extends: balanced\nturn:\n  patience_ms: 400\n",
        ),
        (
            "balanced",
            set("turn.automatic.silence_ms", Value::None),
            "extends: balanced\nturn:\n  automatic: {silence_ms: default}\n  patience_ms: 400\n",
        ),
        (
            "balanced",
            set("label", text("Mine: own")),
            "extends: balanced\nturn:\n  automatic: {silence_ms: default}\n  patience_ms: 400\nlabel: \"Mine: own\"\n",
        ),
    ];
    for (name, change, ends) in changes {
        assert_eq!(profiles.edit(name, &change).expect("possible"), name);
        let text = file("balanced.yaml");
        assert!(
            text.starts_with("# Changes to the shipped profile Balanced") && text.ends_with(ends),
            "{text}"
        );
    }
    let entry = profiles.entry("balanced").expect("there");
    assert!(entry.is_shipped() && entry.profile.label == "Mine: own");
    assert_eq!(entry.base().label, "Balanced");
    let lines = &entry.origin.as_ref().expect("a file").lines;
    assert_eq!(lines.get("turn.patience_ms"), Some(&5));
    // Back to what is shipped: first one key, then the rest.
    for key in ["turn.automatic.silence_ms", "turn.patience_ms"] {
        profiles
            .edit("balanced", &ProfileEdit::Set(key, None))
            .expect("possible");
    }
    assert!(file("balanced.yaml").ends_with("extends: balanced\nlabel: \"Mine: own\"\n"));
    profiles
        .edit("balanced", &ProfileEdit::Remove)
        .expect("possible");
    assert_eq!(profiles.get("balanced").expect("shipped").label, "Balanced");
    // The one that chooses among others cannot extend, and need not.
    let change = set("auto.prefer", text("speed"));
    profiles.edit("auto", &change).expect("possible");
    assert!(
        file("auto.yaml").ends_with("auto:\n  prefer: speed\n"),
        "{}",
        file("auto.yaml")
    );
    let auto = profiles.get("auto").expect("there");
    assert_eq!(
        auto.auto.as_ref().map(|auto| auto.prefer),
        Some(crate::profile::Preference::Speed)
    );
}

#[test]
fn a_copy_is_as_the_profile_is_and_has_a_name_of_its_own() {
    let (_folder, _, mut profiles) = with_file(
        "mine.yaml",
        "# mine\nextends: high-quality\nturn: {patience_ms: 250}\nlive: {vocabulary: [Ada]}\n",
    );
    for (of, label, name) in [
        ("mine", "My Own!", "my-own"),
        ("mine", "my own", "my-own-2"),
        ("balanced", "Мой", "profile"),
        ("auto", "Auto 2", "auto-2"),
        ("balanced", "Balanced", "balanced-2"),
    ] {
        let copied = profiles.edit(of, &ProfileEdit::Duplicate(label.to_owned()));
        assert_eq!(copied.expect("possible"), name);
        let mut copy = Profile::clone(&profiles.get(name).expect("there"));
        assert_eq!(copy.label, label);
        let original = profiles.get(of).expect("there");
        copy.name.clone_from(&original.name);
        copy.label.clone_from(&original.label);
        assert_eq!(copy, *original, "{label}");
    }
    let about = profiles.edit("my-own", &ProfileEdit::Remove);
    assert_eq!(
        about.expect("possible"),
        "high-quality",
        "what it started from"
    );
    assert!(profiles.get("my-own").is_err() && profiles.faults().is_empty());
}

#[test]
fn what_cannot_be_changed_is_told_and_the_file_left_alone() {
    let before = "turn: {patience_ms: 300}\nlive: {voice: Puck}\n";
    let (folder, file, mut profiles) = with_file("mine.yaml", before);
    let patience = || set("turn.patience_ms", Value::Whole(400));
    let told = |profiles: &mut Profiles, name: &str, change: &ProfileEdit| {
        let told = profiles
            .edit(name, change)
            .expect_err("it cannot be")
            .to_string();
        told.replace(&folder.path().display().to_string(), "FOLDER")
    };
    let high = set("turn.patience_ms", Value::Whole(9_000));
    assert_eq!(
        told(&mut profiles, "mine", &high),
        "This is 9000: allowed is a whole number from 100 to 5000."
    );
    let pair = set("live.compress_to_tokens", Value::Whole(50_000));
    let fits = "Remember after forgetting is 50000: allowed is less than 24000, the value of live.compress_at_tokens";
    assert_eq!(told(&mut profiles, "mine", &pair), fits);
    assert_eq!(
        told(&mut profiles, "balanced", &pair),
        fits,
        "nor in a new file"
    );
    assert!(!folder.path().join("balanced.yaml").exists());
    let unknown = told(&mut profiles, "nobody", &patience());
    assert!(unknown.starts_with("unknown profile `nobody`"), "{unknown}");
    let shipped = told(&mut profiles, "balanced", &ProfileEdit::Remove);
    assert!(shipped.contains("no file to remove"), "{shipped}");
    assert_eq!(fs::read_to_string(&file).expect("there"), before);

    // An editor was quicker: with this key, with another one, with a fault.
    fs::write(&file, "turn: {patience_ms: 350}\n").expect("written");
    assert_eq!(
        told(&mut profiles, "mine", &patience()),
        "FOLDER/mine.yaml:1: this was changed in the file meanwhile, and is left as it is there"
    );
    fs::write(&file, "turn: {patience_ms: 300} # mine\ntarget_ms: 250\n").expect("written");
    profiles
        .edit("mine", &patience())
        .expect("the rest is kept");
    let text = fs::read_to_string(&file).expect("there");
    assert_eq!(text, "turn: {patience_ms: 400} # mine\ntarget_ms: 250\n");
    fs::write(&file, "target_ms: fast\n").expect("written");
    let faulty = told(&mut profiles, "mine", &patience());
    assert!(
        faulty.contains("mine.yaml:1:12: target_ms") && faulty.ends_with("correct it first"),
        "{faulty}"
    );
    fs::remove_file(&file).expect("removed");
    let gone = told(&mut profiles, "mine", &patience());
    assert!(gone.contains("mine.yaml: there is no such file"), "{gone}");

    // A file that is not in use is not written over.
    fs::write(folder.path().join("balanced.yaml"), "rubbish").expect("written");
    let there = told(&mut profiles, "balanced", &patience());
    assert!(there.contains("balanced.yaml is there already"), "{there}");
    let homeless = told(&mut Profiles::load(None), "balanced", &patience());
    assert!(homeless.contains("--config"), "{homeless}");
}
