//! Commands that an advice prints, so that they can be typed as they are.

/// An argument as a shell takes it: in quotes where it would not arrive as it is.
#[must_use]
pub fn argument(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-./:+@%,=".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::argument;

    #[test]
    fn what_a_shell_would_change_goes_in_quotes() {
        let typed = ["a/b.db", "my shop", "#c", "it's", ""].map(argument);
        assert_eq!(typed, ["a/b.db", "'my shop'", "'#c'", "'it'\\''s'", "''"]);
    }
}
