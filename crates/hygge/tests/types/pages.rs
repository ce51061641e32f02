//! The matrix itself, and the tables of the documentation that it makes.

use std::fmt::Write as _;

use hygge_core::tally::Kind;

use crate::cases::{Case, cases};
use crate::judge::{Judge, repository};
use crate::matrix::{Arrival, arrival};
use crate::stores::{STORES, Subject};

const BEGIN: &str = "<!-- This table is written by the tests. -->\n";
const END: &str = "<!-- End of the table. -->\n";

/// How every type arrives in a store.
fn column_of(subject: &Subject) -> Result<Vec<Arrival>, String> {
    let mut judge = Judge::new();
    let mut out = Vec::new();
    let mut faults = Vec::new();
    for case in cases() {
        // Every fault is told at once.
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| arrival(subject, &case, &mut judge)));
        match tried {
            Ok(arrival) => out.push(arrival),
            Err(fault) => faults.push(fault.downcast::<String>().map_or_else(|_| case.name.clone(), |text| *text)),
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(faults.join("\n")) }
}

#[test]
fn every_type_arrives_in_every_store_as_the_documents_say() {
    let tried: Vec<Result<Vec<Arrival>, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = STORES.iter().map(|subject| scope.spawn(move || column_of(subject))).collect();
        threads.into_iter().map(|thread| thread.join().expect("ends")).collect()
    });
    let faults: Vec<&str> = tried.iter().filter_map(|column| column.as_ref().err()).map(String::as_str).collect();
    assert!(faults.is_empty(), "types that do not arrive:\n{}", faults.join("\n"));
    let columns: Vec<Vec<Arrival>> = tried.into_iter().filter_map(Result::ok).collect();
    let cases = cases();
    let mut stale = Vec::new();
    for (subject, column) in STORES.iter().zip(&columns) {
        stale.extend(kept_in(subject.page.0, &page(subject, &cases, column)));
    }
    stale.extend(kept_in("types.md", &lattice(&cases, &columns)));
    assert!(stale.is_empty(), "HYGGE_BLESS=1 rewrites the tables of {}", stale.join(", "));
}

/// All stores side by side.
fn lattice(cases: &[Case], columns: &[Vec<Arrival>]) -> String {
    let titles: Vec<&str> = STORES.iter().map(|subject| subject.title).collect();
    let mut out = format!("| Arrow | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
    for (at, case) in cases.iter().enumerate() {
        let cells: Vec<String> =
            STORES.iter().zip(columns).map(|(subject, column)| in_short(subject, case, &column[at])).collect();
        let _ = writeln!(out, "| {} | {} |", code(&case.name), cells.join(" | "));
    }
    out
}

fn in_short(subject: &Subject, case: &Case, arrival: &Arrival) -> String {
    let Arrival::Held { plan, found, not, .. } = arrival else { return "refused".to_owned() };
    let mut cell = if plan.exact_text { "exact text".to_owned() } else { "exact".to_owned() };
    if !subject.untyped && found != case.usual.data_type() {
        let _ = write!(cell, ", back as {}", code(&found.to_string()));
    }
    if loses_sign(subject, case) {
        cell.push_str("; -0.0 as 0.0");
    }
    if !not.is_empty() {
        let _ = write!(cell, "; not {}", not.join(", "));
    }
    cell
}

/// One store, there and back.
fn page(subject: &Subject, cases: &[Case], column: &[Arrival]) -> String {
    let back = if subject.untyped { "found again as" } else { "comes back as" };
    let mut out =
        format!("| Arrow | {} | arrives | {back} | refused when it comes |\n|---|---|---|---|---|\n", subject.page.1);
    for (case, arrival) in cases.iter().zip(column) {
        let name = code(&case.name);
        let Arrival::Held { plan, found, odd, not } = arrival else {
            let _ = writeln!(out, "| {name} | refused by the plan | | | |");
            continue;
        };
        let store = if subject.untyped { plan.store.clone() } else { code(&plan.store) };
        let mut arrives = if plan.exact_text { "as exact text" } else { "as it is" }.to_owned();
        if loses_sign(subject, case) {
            arrives.push_str(", but -0.0 as 0.0");
        }
        let mut back = if found == case.usual.data_type() { "the same".to_owned() } else { code(&found.to_string()) };
        for (name, found) in odd {
            let _ = write!(back, "; {} with {name}", code(&found.to_string()));
        }
        let _ = writeln!(out, "| {name} | {store} | {arrives} | {back} | {} |", not.join(", "));
    }
    out.replace("|  |", "| |")
}

fn loses_sign(subject: &Subject, case: &Case) -> bool {
    subject.zeros && Kind::of(case.usual.data_type()) == Kind::Float
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// Puts a table into its page where it is to be rewritten; else names the page that has another.
fn kept_in(page: &str, table: &str) -> Option<String> {
    let path = repository().join("docs/reference").join(page);
    let text = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("{page} has no place for its table"));
    let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("the table of {page} has no end"));
    let now = format!("{before}{BEGIN}\n{table}\n{END}{after}");
    if now == text {
        return None;
    }
    if std::env::var_os("HYGGE_BLESS").is_some() {
        std::fs::write(&path, now).expect("the page can be written");
        return None;
    }
    Some(page.to_owned())
}
