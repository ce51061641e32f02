//! What the documents and examples show is what the reader takes.

use super::*;

/// All files below a folder with one of the extensions; none if there is no such folder.
fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == extension) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// The YAML blocks of a document, as whole files: what shows only a home or a store is given a flow around it.
fn blocks(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for block in text.split("```yaml\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let indented = || block.lines().map(|line| format!("    {line}\n")).collect::<Vec<_>>().concat();
        if block.lines().any(|line| line.starts_with("flows:")) {
            out.push(block.to_owned());
        } else if block.starts_with("home:") {
            out.push(format!("flows:\n  shown:\n{}    store: out/shown\n", indented()));
        } else if block.starts_with("store:") {
            out.push(format!("flows:\n  shown:\n{}    home: in/shown.csv\n", indented()));
        }
    }
    out
}

#[test]
fn every_example_of_the_documents_loads_and_pleases_the_schema() {
    let schema: Json = serde_json::from_str(&schema_json()).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let root = Path::new(MANIFEST).join("../..");
    let mut count = 0;
    for path in below(&root.join("docs"), "md") {
        let text = std::fs::read_to_string(&path).expect("a document");
        for block in blocks(&text) {
            let problems = read(block.as_bytes()).err().unwrap_or_default();
            assert!(problems.is_empty(), "{}:\n{block}\n{}", path.display(), told(&problems));
            let document = document(block.as_bytes()).expect("YAML");
            assert!(validator.is_valid(&document), "{}: the schema refuses\n{block}", path.display());
            count += 1;
        }
    }
    assert!(count > 5, "only {count} examples were found in the documents");
}

#[test]
fn every_project_of_the_examples_loads_and_pleases_the_schema() {
    let schema: Json = serde_json::from_str(&schema_json()).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    for path in below(&Path::new(MANIFEST).join("../../examples"), "yml") {
        if path.file_name().is_none_or(|name| name != "hygge.yml") {
            continue;
        }
        let locate = Locate { project: Some(path.clone()), environment: environment(), ..Locate::default() };
        let problems = Project::load(&locate).err().unwrap_or_default();
        assert!(problems.is_empty(), "{}", told(&problems));
        let document = document(&std::fs::read(&path).expect("the file")).expect("YAML");
        assert!(validator.is_valid(&document), "the schema refuses {}", path.display());
    }
}
