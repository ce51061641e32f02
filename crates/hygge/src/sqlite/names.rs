//! Names in SQL, in YAML, and the nearest one to a misspelt one.

/// A name as SQL takes it whatever it holds.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names joined for a column list.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// Whether two lists name the same columns, in any order, as SQLite compares names.
pub(crate) fn same_names(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|name| b.iter().any(|other| other.eq_ignore_ascii_case(name)))
}

/// Whether a table is SQLite's or hygge's own: never listed, never accepted as a place.
pub(crate) fn is_own(table: &str) -> bool {
    let lower = table.to_ascii_lowercase();
    lower.starts_with("sqlite_") || lower.starts_with("_hygge")
}

/// The candidate that a misspelt name most likely meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= (c.chars().count().max(3) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// A name as a YAML key inside `{}`.
pub(crate) fn yaml(name: &str) -> String {
    hygge_core::yaml::word(name)
}

/// Whole numbers as people read them: `27,004`.
pub(crate) fn grouped(n: impl Into<i128>) -> String {
    let n: i128 = n.into();
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    if n < 0 {
        out.push('-');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_sql_and_yaml() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(list(["a", "b c"]), "\"a\", \"b c\"");
        assert_eq!(yaml("price"), "price");
        assert_eq!(yaml("unit price"), "\"unit price\"");
        assert_eq!(yaml("no"), "\"no\"");
        assert_eq!(grouped(27_004), "27,004");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
        assert_eq!(grouped(999), "999");
    }

    #[test]
    fn a_misspelt_name_finds_its_neighbour_and_a_strange_one_none() {
        assert_eq!(nearest("ordes", ["orders", "users"]), Some("orders"));
        assert_eq!(nearest("USERS", ["orders", "users"]), Some("users"));
        assert_eq!(nearest("weather", ["orders", "users"]), None);
    }

    #[test]
    fn own_tables_are_known() {
        assert!(is_own("_hygge_places") && is_own("sqlite_sequence") && is_own("SQLITE_stat1"));
        assert!(!is_own("hygge") && !is_own("users"));
    }
}
