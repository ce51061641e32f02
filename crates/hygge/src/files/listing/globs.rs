//! Patterns of paths.

use std::path::PathBuf;

use hygge_core::{Error, Result};

/// Whether a path has a character that stands for others.
pub(super) fn is_glob(written: &str) -> bool {
    written.contains(['*', '?', '['])
}

/// The folder that a glob starts from, and its parts from the first that is a pattern on.
pub(super) fn base(written: &str) -> Option<(String, Vec<&str>)> {
    let parts: Vec<&str> = written.split('/').collect();
    let first = parts.iter().position(|part| is_glob(part))?;
    let folder = match parts[..first].join("/") {
        folder if first == 1 && folder.is_empty() => "/".to_owned(),
        folder => folder,
    };
    Some((folder, parts[first..].to_vec()))
}

/// The paths that a pattern names.
pub(super) fn matches(pattern: &str) -> Result<Vec<PathBuf>> {
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let found = glob::glob_with(pattern, options).map_err(|e| {
        Error::refused(format!("{pattern} is no pattern of paths: {}", e.msg))
            .next("write it with *, ? and [..] only")
            .because(e)
    })?;
    found
        // Gone since its folder was listed: it is not there.
        .filter(|entry| !matches!(entry, Err(e) if e.error().kind() == std::io::ErrorKind::NotFound))
        .map(|entry| {
            entry.map_err(|e| {
                let path = e.path().to_path_buf();
                Error::io("list", &path, e.into())
            })
        })
        .collect()
}
