//! What the documents say must be so.

use std::path::{Path, PathBuf};

use crate::judge::{Judge, repository};

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository").map(|e| e.expect("an entry")) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().expect("a type").is_dir() {
            if !name.starts_with('.') && name != "target" {
                documents(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

/// The targets of the links in a Markdown text that lead to files, with their line.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(number, line)| {
        line.split("](").skip(1).filter_map(move |rest| {
            let target = rest.split_once(')')?.0.split('#').next()?;
            (!target.is_empty() && !target.contains("://")).then_some((number + 1, target))
        })
    })
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let root = repository();
    let mut found = Vec::new();
    documents(&root, &mut found);
    assert!(found.iter().any(|d| d.ends_with("README.md")), "the documents are found");
    let mut broken = Vec::new();
    for document in &found {
        let text = std::fs::read_to_string(document).expect("a document");
        for (line, target) in links(&text) {
            if !document.parent().expect("in a folder").join(target).exists() {
                broken.push(format!("{}:{line}: {target}", document.strip_prefix(&root).expect("below").display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_architecture_is_told_in_150_lines() {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    assert!(text.lines().count() <= 150, "{} lines", text.lines().count());
}

#[test]
fn readme_has_the_two_commands() {
    let text = std::fs::read_to_string(repository().join("README.md")).expect("README.md");
    for command in ["cargo run --release -- -C examples/quickstart go", "./test"] {
        assert!(text.lines().any(|line| line == command), "README.md has no line `{command}`");
    }
}

#[test]
fn the_quickstart_holds_the_rows_that_its_readme_names() {
    let data = repository().join("examples/quickstart/data");
    let text = std::fs::read_to_string(data.join("README.md")).expect("the data's README");
    let mut judge = Judge::new();
    let mut tables = 0;
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let file = cells.next().expect("a file").trim_matches('`');
        let rows: u64 = cells.next().expect("rows").replace(',', "").parse().expect("a number");
        let table = format!("csv:{}", data.join(file).display());
        assert_eq!(judge.same(&table, &table), rows, "{file}");
        tables += 1;
    }
    assert_eq!(tables, 5);
}
