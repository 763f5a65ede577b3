use super::*;

const KEY: &str = "AIzaSyCanary-0123456789_abcdefghijklmnop";

#[test]
fn the_first_place_that_has_a_key_counts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("key");
    let store = |environment: Option<&str>, keyring| {
        let variable = environment.map(|value| (VARIABLE, value.into()));
        KeyStore::new(variable, keyring, Some(file.clone()))
    };
    assert!(store(None, none()).find().key.is_none());
    store(None, none())
        .save(&KEY.to_owned().into())
        .expect("kept");
    let source = |store: KeyStore| store.find().key.expect("a key").source;
    assert_eq!(source(store(None, none())), KeySource::File);
    assert_eq!(
        source(store(Some("  "), none())),
        KeySource::File,
        "set to nothing"
    );
    assert_eq!(source(store(None, holding(KEY))), KeySource::Keyring);
    assert_eq!(
        source(store(Some(KEY), holding("another-key-of-the-keyring"))),
        KeySource::Environment(VARIABLE)
    );
    store(None, none()).remove().expect("removed");
    store(None, none()).remove().expect("gone is gone");
    assert!(store(None, none()).find().key.is_none());
}

#[test]
fn blanks_around_a_key_are_no_part_of_it() {
    let key = check(&format!(" \t{KEY}\r\n")).expect("a key");
    assert_eq!(key.expose_secret(), KEY);
    let key = ApiKey {
        secret: key,
        source: KeySource::File,
    };
    assert_eq!(key.ending(), "mnop");
    assert_eq!(
        ApiKey {
            secret: "short".into(),
            source: KeySource::File
        }
        .ending(),
        ""
    );
}

#[test]
fn what_surrounds_a_key_where_it_is_copied_is_taken_off() {
    let around = [
        "\"{}\"",
        "'{}'",
        "`{}`",
        "\u{201c}{}\u{201d}",
        "\u{201e}{}\u{201c}",
        "\u{2018}{}\u{2019}",
        "«{}»",
        "\" {} \"",
        "\u{feff}{}",
        "\u{200b}{}\u{200d}",
        "\u{a0}{}\u{a0}",
        "GEMINI_API_KEY={}",
        "export GEMINI_API_KEY={}",
        "export GEMINI_API_KEY=\"{}\"",
        "\"export GOOGLE_API_KEY='{}';\"",
        "set GEMINI_API_KEY={}",
        "$env:GEMINI_API_KEY = \"{}\"",
        "key={}",
        "key: {}",
        "\"apiKey\": \"{}\",",
        "x-goog-api-key: {}",
        "# made in AI Studio\n\nGEMINI_API_KEY={}\n",
        "{};",
        "{}\n\n\"\n",
    ];
    for written in around {
        let key = check(&written.replace("{}", KEY)).expect(written);
        assert_eq!(key.expose_secret(), KEY, "{written:?}");
    }
    let broken = format!("{}\u{200b}{}", &KEY[..9], &KEY[9..]);
    assert_eq!(check(&broken).expect("a key").expose_secret(), KEY);
    // What looks like an end or a name and is part of it stays.
    for key in [
        "abc.def-_/==",
        "auth_tokens/0123",
        "a=b",
        "user:secret",
        "key-1",
        "0123key=",
    ] {
        assert_eq!(check(key).expect(key).expose_secret(), key);
    }
    for nothing in [
        "\"\"",
        "''",
        "\u{feff}",
        "GEMINI_API_KEY=",
        "export GEMINI_API_KEY=\"\"",
        "# none\n",
    ] {
        assert!(
            matches!(check(nothing), Err(KeyError::Empty)),
            "{nothing:?}"
        );
    }
}

#[test]
fn tokens_of_gateways_are_kept_whole() {
    for token in [
        "my-team-key:secret1234567890",
        "virtual_key=sk-123",
        "sk_key:1:2",
    ] {
        assert_eq!(check(token).expect(token).expose_secret(), token);
    }
    let jwt = "e".repeat(3_000);
    assert_eq!(check(&jwt).expect("a token").expose_secret(), jwt);
    for line in ["x-goog-api-key: abc", "api_key=abc", "key = abc"] {
        assert_eq!(check(line).expect(line).expose_secret(), "abc", "{line}");
    }
}

#[test]
fn the_first_variable_that_holds_a_key_is_used_and_named() {
    let find = |values: [&str; 2]| {
        let variables = VARIABLES.into_iter().zip(values.map(OsString::from));
        KeyStore::new(variables, none(), None).find()
    };
    let other = "AIzaSyOther-0123456789_abcdefghijklmnop";
    for (values, used, unused, warnings) in [
        ([KEY, ""], Some(VARIABLES[0]), None, 0),
        (["", KEY], Some(VARIABLES[1]), None, 0),
        ([KEY, other], Some(VARIABLES[0]), Some(VARIABLES[1]), 0),
        ([KEY, KEY], Some(VARIABLES[0]), None, 0),
        ([KEY, "a b"], Some(VARIABLES[0]), None, 0),
        (["a b", KEY], Some(VARIABLES[1]), None, 1),
        (["", "''"], None, None, 0),
    ] {
        let found = find(values);
        let source = found.key.map(|key| key.source);
        assert_eq!(source, used.map(KeySource::Environment), "{used:?}");
        assert_eq!((found.unused, found.warnings.len()), (unused, warnings));
    }
}

#[test]
fn what_is_no_key_is_refused_and_not_repeated() {
    for text in [
        "",
        " \n",
        "two words",
        "line\nbreak",
        "schlüssel",
        "nul\0",
        "\u{7f}bell",
        "<YOUR_API_KEY>",
        "$GEMINI_API_KEY",
        "${GEMINI_API_KEY}",
        "%GEMINI_API_KEY%",
        "{{ secrets.key }}",
        "two\"parts",
        "GEMINI_API_KEY=two words",
        "bl\u{a0}ank",
        "#AIzaSyNoLonger0123456789",
        &"x".repeat(9000),
    ] {
        let error = check(text).expect_err(text).to_string();
        assert!(
            text.trim().is_empty() || !error.contains(text.trim()),
            "{error}"
        );
    }
    let store = KeyStore::new(Some((VARIABLE, "a b".into())), none(), None);
    let found = store.find();
    assert!(found.key.is_none());
    assert_eq!(found.warnings.len(), 1);
    assert!(
        found.warnings[0].starts_with("GEMINI_API_KEY is not used"),
        "{}",
        found.warnings[0]
    );
    assert!(matches!(
        store.save(&KEY.to_owned().into()),
        Err(KeyError::Homeless)
    ));
}

#[test]
fn nothing_prints_the_key() {
    let store = KeyStore::new(Some((VARIABLE, KEY.into())), none(), None);
    let found = store.find();
    for text in [
        format!("{store:?}"),
        format!("{found:?}"),
        format!("{:?}", found.key),
    ] {
        assert!(!text.contains("Canary"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("key");
    let store = KeyStore::new(None, none(), Some(file.clone()));
    store.save(&KEY.to_owned().into()).expect("kept");
    assert_eq!(
        std::fs::metadata(&file)
            .expect("there")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("ours");
    let found = store.find();
    assert!(found.key.is_none());
    assert!(
        found.warnings[0].contains("(mode 0640)") && found.warnings[0].contains("chmod 600"),
        "{}",
        found.warnings[0]
    );
}

#[test]
fn a_keyring_that_hangs_or_fails_is_left_behind() {
    let (open, closed) = mpsc::sync_channel::<()>(1);
    let hung: Arc<dyn Keyring> = Arc::new(Hung(std::sync::Mutex::new(closed)));
    let mut store = KeyStore::new(None, hung, None);
    store.limit = Duration::from_millis(1);
    assert!(store.find().warnings[0].contains("did not answer"));
    drop(open);
    let store = KeyStore::new(None, Arc::new(Fake(Err("It is locked.".to_owned()))), None);
    assert_eq!(store.find().warnings, ["It is locked."]);
}

fn none() -> Arc<dyn Keyring> {
    Arc::new(Fake(Ok(None)))
}

fn holding(key: &str) -> Arc<dyn Keyring> {
    Arc::new(Fake(Ok(Some(key.to_owned()))))
}

struct Fake(Result<Option<String>, String>);

impl Keyring for Fake {
    fn get(&self) -> Result<Option<SecretString>, String> {
        self.0.clone().map(|key| key.map(SecretString::from))
    }
}

/// Answers when the other end of its channel is gone.
struct Hung(std::sync::Mutex<mpsc::Receiver<()>>);

impl Keyring for Hung {
    fn get(&self) -> Result<Option<SecretString>, String> {
        self.0.lock().expect("nobody else holds it").recv().ok();
        Ok(None)
    }
}
