//! What the documents say must be so.

use std::path::{Path, PathBuf};

use crate::judge::{Judge, repository};
use crate::shapes::VICTIMS;

/// The files below a folder whose names end so.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository").map(|e| e.expect("an entry")) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().expect("a type").is_dir() {
            if !name.starts_with('.') && name != "target" {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
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
    files(&root, "md", &mut found);
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

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_path_of_the_architecture_is_there() {
    let root = repository();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let tree = text.split("## The tree").nth(1).and_then(|t| t.split("```").nth(1)).expect("a tree");
    let mut top = PathBuf::new();
    for line in tree.lines().filter(|line| !line.trim().is_empty()) {
        let inner = line.starts_with(' ');
        // Names stand before the two spaces that set off what they are for.
        let mut within = PathBuf::new();
        for name in line.trim_start().split("  ").next().unwrap_or_default().split(' ') {
            let path = if inner { top.join(name) } else { PathBuf::from(name) };
            let beside = within.join(name);
            assert!(root.join(&path).exists() || root.join(&beside).exists(), "{line}: there is no {name}");
            within = path.parent().expect("a folder").to_path_buf();
            if !inner {
                top = path;
            }
        }
    }
    let is_path = |text: &&str| text.contains("/src/") || (text.contains(".rs") && text.contains('/'));
    for path in quoted(&text).filter(|text| !text.contains('\n')).filter(is_path) {
        let there =
            ["", "crates", "crates/hygge/src", "crates/hygge-core/src"].map(|folder| root.join(folder).join(path));
        assert!(there.iter().any(|path| path.exists()), "there is no {path}");
    }
}

#[test]
fn every_test_that_a_guarantee_names_is_there() {
    let root = repository();
    let mut sources = Vec::new();
    files(&root.join("crates"), "rs", &mut sources);
    let sources: Vec<String> = sources.iter().map(|path| std::fs::read_to_string(path).expect("a source")).collect();
    let page = std::fs::read_to_string(root.join("docs/reference/guarantees.md")).expect("the guarantees");
    let mut named = 0;
    for line in page.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| shown by |")) {
        let tests: Vec<&str> = quoted(line.trim_end_matches('|').rsplit('|').next().expect("a cell")).collect();
        assert!(!tests.is_empty(), "no test shows: {line}");
        for test in tests {
            let there = match test.strip_prefix("at_every_point::") {
                Some(victim) => VICTIMS.iter().any(|v| v.shape.name == victim),
                None => sources.iter().any(|source| source.contains(&format!("fn {test}("))),
            };
            assert!(there, "there is no test {test}");
            named += 1;
        }
    }
    for victim in VICTIMS {
        let told = format!("`at_every_point::{}`", victim.shape.name);
        assert!(page.contains(&told), "{told} is not told");
    }
    assert!(named > 40, "{named} tests");
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
