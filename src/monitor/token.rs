//! The token of the monitor.

use secrecy::SecretString;

/// The shortest token that is taken.
pub const SHORTEST: usize = 16;
pub const LONGEST: usize = 200;

/// Whether it fits into a header and is long enough not to be guessed.
pub fn is_token(token: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
}

/// A new one: 192 bits of chance, as 48 hexadecimal digits.
pub fn fresh() -> SecretString {
    let (much, more) = (rand::random::<u128>(), rand::random::<u64>());
    SecretString::from(format!("{much:032x}{more:016x}"))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_fresh_token_is_one_and_never_the_same() {
        let (one, two) = (fresh(), fresh());
        assert!(is_token(one.expose_secret()));
        assert_ne!(one.expose_secret(), two.expose_secret());
        for no in [
            "",
            "short",
            "with a space in it",
            "line\nbreak-0123456789",
            "ümläute-0123456789",
        ] {
            assert!(!is_token(no), "{no}");
        }
        assert!(!is_token(&"x".repeat(LONGEST + 1)));
    }
}
