//! What is shown of the other side's text.

use super::*;

#[test]
fn text_of_the_other_side_is_shown_without_keys_and_control_characters() {
    let key = SecretString::from("canary-0815");
    let shown = presentable("bad\u{1b}[31m\nkey=canary-0815 x-AIzaSyD_9-abc", Some(&key));
    assert_eq!(shown, "bad [31m key=[key] x-[key]");
    assert_eq!(presentable(&"ä".repeat(400), None).chars().count(), 300);
}
