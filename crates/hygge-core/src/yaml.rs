//! Lines of YAML that an advice prints, so that they can be pasted as they are.

/// A text as YAML takes it for a key or a value, in a block or between braces: in quotes where it would mean something
/// else without.
#[must_use]
pub fn word(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on = text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let lower = text.to_ascii_lowercase();
    let means_more = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&lower.as_str());
    if begins && goes_on && !means_more { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn what_yaml_would_take_otherwise_goes_in_quotes() {
        let plain = ["price", "my-shop", "_x1"];
        assert_eq!(plain.map(word), plain);
        let quoted = ["my: #shop", "unit price", "No", "2024", "-a", "", "a\"b\\c", "größe"].map(word);
        let wanted = [
            r#""my: #shop""#,
            r#""unit price""#,
            r#""No""#,
            r#""2024""#,
            r#""-a""#,
            r#""""#,
            r#""a\"b\\c""#,
            r#""größe""#,
        ];
        assert_eq!(quoted, wanted);
    }
}
