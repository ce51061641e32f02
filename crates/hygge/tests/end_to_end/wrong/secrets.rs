//! Secrets: never printed, never logged, never in a receipt.

use std::path::Path;

use super::{REPLACE, TO_SQLITE};
use crate::project::Project;
use crate::run::Ran;

const SECRET: &str = "hunter2-correct-horse";

/// Files below a folder that hold the secret.
fn holding(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("listed").map(|e| e.expect("listed")) {
        let path = entry.path();
        if entry.file_type().expect("known").is_dir() {
            holding(&path, found);
        } else {
            let bytes = std::fs::read(&path).expect("read");
            if bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
}

/// Runs every command that could tell too much, with the secret in the environment alone.
#[track_caller]
fn keeps_it_to_itself(project: &Project) {
    for args in [
        &["go", "-v"][..],
        &["go", "--force", "--log", "json"],
        &["go", "-v", "--var", "options.log_level=trace", "--force"],
        &["go", "--var", "flows.users.nothing=${SHOP_PASSWORD}"],
        &["plan", "-v"],
        &["check"],
        &["ls", "-v"],
        &["status", "users"],
        &["preview", "users"],
        &["verify"],
        &["sweep"],
    ] {
        let ran = Ran::of(project.hygge(args).env("SHOP_PASSWORD", SECRET));
        assert!(!ran.all().contains(SECRET), "{args:?} told the secret:\n{}", ran.all());
    }
    let mut found = Vec::new();
    holding(project.path(), &mut found);
    assert!(found.is_empty(), "the secret lies in {found:?}");
}

#[test]
fn a_password_in_a_connection_is_masked_everywhere() {
    for connection in [
        "postgres://shop:${SHOP_PASSWORD}@db.example.org/shop",
        "sqlite://shop:${SHOP_PASSWORD}@/source.db",
        "nosuch://shop:${SHOP_PASSWORD}@host/shop?token=${SHOP_PASSWORD}",
        "sqlite:///source.db?key=${SHOP_PASSWORD}",
        "${SHOP_PASSWORD}",
    ] {
        let project = Project::new(&REPLACE);
        project.grow(5, false);
        project.set_flow(&REPLACE.flow.replace("sqlite:///source.db", connection));
        keeps_it_to_itself(&project);
    }
}

/// In the connection of a store, and in a named connection.
#[test]
fn a_password_in_the_connection_of_a_store_is_masked_everywhere() {
    let project = Project::new(&TO_SQLITE);
    project.grow(5, false);
    project.write(
        "hygge.yml",
        format!(
            "name: crash\nconnections:\n  shop: 'postgres://shop:${{SHOP_PASSWORD}}@db.example.org/shop'\nflows:\n  users:\n{}",
            TO_SQLITE.flow.replace("'sqlite:///target.db'", "shop")
        ),
    );
    keeps_it_to_itself(&project);
}

/// A condition that compares with a secret settles rows, and so leaves log, journal and receipt behind.
#[test]
fn a_secret_in_a_condition_or_a_query_is_masked_everywhere() {
    for part in [
        "table: users, where: \"coalesce(name, '') <> '${SHOP_PASSWORD}'\"",
        "query: \"SELECT * FROM users WHERE coalesce(name, '') <> '${SHOP_PASSWORD}'\"",
    ] {
        let project = Project::new(&REPLACE);
        project.grow(5, false);
        project.set_flow(&REPLACE.flow.replace("table: users", part));
        let ran = Ran::of(project.hygge(&["go"]).env("SHOP_PASSWORD", SECRET));
        assert_eq!(ran.code, Some(0), "{}", ran.all());
        keeps_it_to_itself(&project);
        // And where SQLite complains about it.
        project.set_flow(&REPLACE.flow.replace("table: users", &part.replace("coalesce(name, '')", "nobody")));
        keeps_it_to_itself(&project);
    }
}

/// What stands in `.env` is a secret just so; the file itself is the only one that holds it.
#[test]
fn a_secret_of_the_env_file_stays_there() {
    let project = Project::new(&REPLACE);
    project.grow(5, false);
    project.write("secrets.env", format!("SHOP_PASSWORD={SECRET}\n"));
    project
        .set_flow(&REPLACE.flow.replace("sqlite:///source.db", "postgres://shop:${SHOP_PASSWORD}@db.example.org/shop"));
    let ran = Ran::of(&mut project.hygge(&["go", "-v", "--env-file", "secrets.env"])).exits(2);
    assert!(!ran.all().contains(SECRET), "{}", ran.all());
    let mut found = Vec::new();
    holding(project.path(), &mut found);
    assert_eq!(found, [project.at("secrets.env").display().to_string()]);
}
