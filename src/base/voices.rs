//! The voices of the Live API, for the check of profiles and for the set-up.

/// The prebuilt voices, in the order in which Google's documentation of the Live API lists them.
pub const VOICES: [&str; 30] = [
    "Zephyr",
    "Puck",
    "Charon",
    "Kore",
    "Fenrir",
    "Leda",
    "Orus",
    "Aoede",
    "Callirrhoe",
    "Autonoe",
    "Enceladus",
    "Iapetus",
    "Umbriel",
    "Algieba",
    "Despina",
    "Erinome",
    "Algenib",
    "Rasalgethi",
    "Laomedeia",
    "Achernar",
    "Alnilam",
    "Schedar",
    "Gacrux",
    "Pulcherrima",
    "Achird",
    "Zubenelgenubi",
    "Vindemiatrix",
    "Sadachbia",
    "Sadaltager",
    "Sulafat",
];

/// A voice as the service spells it: one of [`VOICES`], whatever the case, or the id of one of its catalogue, as
/// `en-us-tavi`. `None` for anything else.
pub fn spelled(name: &str) -> Option<String> {
    let prebuilt = VOICES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .map(|known| (*known).to_owned());
    prebuilt.or_else(|| is_of_catalogue(name).then(|| name.to_owned()))
}

/// Language, region and name in small letters.
fn is_of_catalogue(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    let [language, region, name] = parts[..] else {
        return false;
    };
    let small = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase());
    (2..=3).contains(&language.len())
        && region.len() == 2
        && (1..=30).contains(&name.len())
        && [language, region, name].into_iter().all(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_spelled_as_the_service_does() {
        for (name, voice) in [
            ("puck", Some("Puck")),
            ("Kore", Some("Kore")),
            ("en-us-tavi", Some("en-us-tavi")),
            ("en-us", None),
            ("en-US-tavi", None),
            ("Kora", None),
            ("", None),
        ] {
            assert_eq!(spelled(name).as_deref(), voice, "{name}");
        }
    }
}
