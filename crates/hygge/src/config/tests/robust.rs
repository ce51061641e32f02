//! Nothing that is written makes the reader panic, hang or show a secret.

use proptest::prelude::*;

use super::*;

/// Reads, and shows what was found; both must come to an end.
fn survives(bytes: &[u8]) {
    let environment = Environment::of([("SECRET", "correct-horse"), ("DB_CONNECTION", "sqlite:///correct-horse.db")]);
    if let Err(problems) = Project::from_text("hygge.yml", bytes, &[], &environment) {
        assert!(!problems.is_empty(), "refused without a reason");
        let shown = told(&problems);
        assert!(!shown.contains("correct-horse"), "a secret is shown:\n{shown}");
    }
}

#[test]
fn the_fuzzing_corpus_is_survived() {
    let folder = Path::new(MANIFEST).join("../../fuzz/corpus/config");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        survives(&std::fs::read(entry.expect("a file").path()).expect("a file"));
        count += 1;
    }
    assert!(count > 10, "the corpus has {count} files");
}

#[test]
fn a_wide_and_a_long_file_end_in_time() {
    let lines = |count: u32, line: &dyn Fn(u32) -> String| (0..count).map(line).collect::<Vec<_>>().concat();
    survives(lines(30_000, &|n| format!("k{n}: 1\n")).as_bytes());
    survives(lines(9_000, &|n| format!("{}{n}: 1\n", "k".repeat(60))).as_bytes());
    let flows = lines(3_000, &|n| format!("  f{n}: {{home: x.csv, store: y{n}/, depends_on: f{}}}\n", n + 1));
    survives(format!("flows:\n{flows}").as_bytes());
}

fn all_samples() -> Vec<Vec<u8>> {
    samples("good").into_iter().chain(samples("bad")).map(|(_, bytes)| bytes).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
    }

    #[test]
    fn any_text_of_yaml_signs_is_survived(text in "[a-c:\\-\\[\\]{}&*!|>'\"#%@`, \n\t$0-9~<.]{0,200}") {
        survives(text.as_bytes());
        survives(format!("flows:\n  a: {{home: {text}}}\n").as_bytes());
    }

    #[test]
    fn mutated_samples_are_survived(
        which in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..40,
        cut in 0_usize..20,
    ) {
        let all = all_samples();
        let mut bytes = which.get(&all).clone();
        let donor = other.get(&all);
        let start = if donor.is_empty() { 0 } else { from.index(donor.len()) };
        let piece = donor[start..(start + length).min(donor.len())].to_vec();
        let place = if bytes.is_empty() { 0 } else { at.index(bytes.len()) };
        let end = (place + cut).min(bytes.len());
        bytes.splice(place..end, piece);
        survives(&bytes);
    }

    #[test]
    fn any_override_is_survived(path in "[a-d.\"]{0,12}|(homes|flows|options|stores)(\\.[a-e]{1,3}){0,3}", value in "[a-c:\\[\\]{}'\"*& =]{0,12}") {
        let vars = [format!("{path}={value}")];
        for (_, bytes) in samples("good") {
            if let Err(problems) = Project::from_text("hygge.yml", &bytes, &vars, &environment()) {
                prop_assert!(!problems.is_empty() && !told(&problems).contains("hunter2"));
            }
        }
    }
}
