//! Connections and paths: what names a database or a place on disk.

use super::fields::{Fields, Said};
use super::part::{Names, Opened, is_url, without_query};
use super::problem::{Problem, Problems, any_of, nearest};
use super::source::Pos;
use crate::files::web::is_web;

/// The database file that `connection:` or `path:` names.
pub(crate) fn database(opened: &Opened, names: &Names, problems: &mut Problems) -> Option<String> {
    let fields = &opened.fields;
    match (fields.at("connection"), fields.at("path")) {
        (Some(connection), Some(path)) => {
            problems.add(
                Problem::at(path, format!("`path` and `connection` (at {connection}) both name the database"))
                    .next("keep one of the two")
                    .also(connection),
            );
            None
        }
        (None, None) if fields.strange => None,
        (None, None) => {
            problems.add(
                Problem::at(&fields.at, format!("{} needs a `connection`", opened.shown))
                    .next("write  connection: sqlite:///shop.db"),
            );
            None
        }
        (None, Some(_)) => path(fields, problems).map(|path| path.value),
        (Some(_), None) => {
            let node = fields.node("connection")?;
            let scalar = node.scalar()?;
            if is_url(&scalar.text) {
                return problems.keep(sqlite_path(&node.at, &scalar.text));
            }
            let Some((_, url)) = names.connections.entry(&scalar.text) else {
                problems.add(unknown_connection(&node.at, &scalar.text, scalar.shown(), names));
                return None;
            };
            let scalar = url.scalar().filter(|scalar| !scalar.lost)?;
            // What is wrong with the entry itself is told once, where it stands.
            is_url(&scalar.text).then(|| problems.keep(sqlite_path(&url.at, &scalar.text))).flatten()
        }
    }
}

fn unknown_connection(at: &Pos, text: &str, shown: &str, names: &Names) -> Problem {
    let problem = Problem::at(at, format!("no connection is called `{}`", super::source::mask(shown)));
    let known = names.connections.entries.iter().map(|(name, _)| name.text.as_str());
    if text.contains(['/', '.']) {
        return problem.next("write a file as  path: shop.db  or as a URL: sqlite:///shop.db");
    }
    match nearest(text, known.clone()) {
        Some(near) => problem.next(format!("write {near}, if that was meant")),
        None if names.connections.entries.is_empty() => {
            problem.next("write a URL such as sqlite:///shop.db, or name it under  connections:")
        }
        None => problem.next(format!("write {}, or a URL such as sqlite:///shop.db", any_of(known))),
    }
}

/// The file that a SQLite URL names, relative to the root or absolute. The URL is never shown: it may hold a password.
pub(crate) fn sqlite_path(at: &Pos, url: &str) -> Result<String, Problem> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    let refuse = |found: String, advice: &str| Err(Problem::at(at, found).next(advice));
    let scheme = scheme.to_ascii_lowercase();
    let base = scheme.split('+').next().unwrap_or_default();
    if base != "sqlite" {
        let known =
            ["postgres", "postgresql", "mysql", "mariadb", "mssql", "oracle", "duckdb", "snowflake", "bigquery"];
        let files = ["ftp", "sftp", "s3", "gs", "az", "abfs", "abfss", "hdfs"];
        return if is_web(url) {
            refuse(
                "a file behind a URL is no database".into(),
                "write it as the path of a home:  path: https://example.com/users.csv",
            )
        } else if known.contains(&base) {
            refuse(
                format!("connections to {base} come later; this version knows sqlite: and paths of files"),
                "write  sqlite:///shop.db  for a database, or the path of a file or folder",
            )
        } else if files.contains(&base) {
            refuse(
                format!(
                    "files behind {base}: come later; this version reads those of this machine and behind http and https"
                ),
                "give a path of this machine; carry files here before, or there afterwards (curl -O, aws s3 cp)",
            )
        } else if base == "file" {
            refuse("a path is written without file:".into(), "write the path alone: data/users.csv")
        } else {
            refuse(
                "this URL is of nothing that is known: sqlite: is, and paths of files".into(),
                "write  sqlite:///shop.db  for a database, or the path of a file or folder",
            )
        };
    }
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(rest) => match rest.strip_prefix('/') {
            Some(path) => path,
            None if rest.is_empty() => "",
            None => {
                return refuse(
                    "a SQLite URL has no server, and what stands between the second and the third slash is one".into(),
                    "write three slashes for a file below the project (sqlite:///shop.db), four for an absolute path (sqlite:////var/shop.db)",
                );
            }
        },
    };
    if path.is_empty() || path == ":memory:" {
        return refuse(
            "a database in memory is empty for everyone who opens it".into(),
            "name a file: sqlite:///shop.db",
        );
    }
    if path.contains('?') {
        return refuse("options behind `?` in a SQLite URL are not known".into(), "take the ? and what follows out");
    }
    sound_path(at, path)?;
    Ok(path.to_owned())
}

/// The `path:` of a part, checked as far as a text tells.
pub(crate) fn path(fields: &Fields, problems: &mut Problems) -> Option<Said<String>> {
    let said = fields.text("path")?;
    let at = &fields.node("path")?.at;
    problems.keep(sound_path(at, &said.value))?;
    Some(said)
}

/// Refuses URLs that name no one file, and those of a store.
pub(crate) fn sound_url(at: &Pos, url: &str, side: &str) -> Result<(), Problem> {
    if side == "store" {
        return sound_path(at, url);
    }
    let path = without_query(url);
    let bare = path.trim_end_matches('/');
    // The host may be an IPv6 address between brackets.
    let below = path.splitn(4, '/').nth(3).unwrap_or_default();
    if path.contains('*') || below.contains('[') {
        return Err(Problem::at(at, "a web server does not list its files, so no pattern can find them")
            .next("write the URL of one file, or {entity} in it and list the  entities:  of the flow"));
    }
    if path.ends_with('/') || bare.matches('/').count() < 3 {
        return Err(Problem::at(at, "this URL names a folder, and a web server does not list its files")
            .next("write the URL of one file, or {entity} in it and list the  entities:  of the flow"));
    }
    if url.contains(|c: char| c.is_control() || c == ' ') {
        return Err(Problem::at(at, "this URL holds a blank or a control character").next("write a blank as %20"));
    }
    Ok(())
}

/// Refuses what is no path for anyone, and what belongs to hygge alone.
pub(crate) fn sound_path(at: &Pos, path: &str) -> Result<(), Problem> {
    if path == "~" || path.starts_with("~/") {
        return Err(Problem::at(at, "`~` is not expanded in paths").next("write ${HOME}/… or the whole path"));
    }
    if is_web(path) {
        return Err(Problem::at(at, "hygge reads files behind URLs as a home, and writes none there")
            .next("write a path of this machine, and carry the files to the server afterwards"));
    }
    if path.contains("://") {
        return Err(Problem::at(at, "a path is on this machine's disk, and this is a URL")
            .next("write a path below the project or an absolute one"));
    }
    if path.contains(char::is_control) {
        return Err(Problem::at(at, "this path holds a control character").next("write the path without it"));
    }
    let hidden = |part: &str| part.strip_prefix('.').is_some_and(|rest| rest.rsplit('.').next() == Some("hygge"));
    let own = |part: &str| part.starts_with("_hygge") || hidden(part);
    if path.split('/').any(own) {
        return Err(Problem::at(at, "names that begin with _hygge, and folders like .users.hygge, are hygge's own")
            .next("choose another path"));
    }
    Ok(())
}
