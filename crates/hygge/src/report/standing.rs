//! What there is and how it stands: the screens of `ls` and `status`.

use std::fmt::Write as _;

use hygge_core::journal::Entry;
use hygge_core::receipt::{Owner, Receipt};

use super::Verbosity;
use super::advisor::advice_alone;
use super::blocks::{Block, columns};
use super::style::{self, CARE, DIM, NAME, paint};
use super::words::{HELD_BACK_ADVICE, duration, held_back, left, moment, name, rows, thousands, when, wide};

/// A flow, for `ls`.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its home, for people.
    pub home: String,
    /// Its place, for people.
    pub place: String,
    /// How rows settle, in a word or two.
    pub mode: String,
    /// How many entities; none where there is one without a name, or where the home must be asked.
    pub entities: Option<String>,
    /// The flows it waits for.
    pub depends_on: Vec<String>,
}

/// The screen of `ls`.
#[must_use]
pub fn listing(flows: &[Listed]) -> String {
    let table: Vec<Vec<String>> = flows
        .iter()
        .map(|flow| {
            let mut more = Vec::new();
            more.extend(flow.entities.clone());
            if !flow.depends_on.is_empty() {
                more.push(format!("after {}", flow.depends_on.join(", ")));
            }
            vec![flow.name.clone(), format!("{} → {}", flow.home, flow.place), flow.mode.clone(), more.join(", ")]
        })
        .collect();
    let mut text = String::new();
    for (line, row) in columns(&table).iter().zip(flows) {
        let rest = line.strip_prefix(&row.name).unwrap_or_default();
        let _ = writeln!(text, "{}{rest}", paint(NAME, &row.name));
    }
    text
}

/// How a flow (entity) stands.
pub struct Standing {
    /// Which.
    pub owner: Owner,
    /// Its place, for people.
    pub place: String,
    /// What the place says, or why it cannot be asked.
    pub receipt: hygge_core::Result<Option<Receipt>>,
    /// Whether the place keeps receipts. Where it does not, what this machine remembers is all there is.
    pub keeps_receipts: bool,
    /// What this machine remembers.
    pub journal: Option<Entry>,
}

/// The screen of `status`: a line each; only for what needs a person for who wants it quiet.
#[must_use]
pub fn overview(all: &[Standing], verbosity: Verbosity) -> String {
    let names = all.iter().map(|s| wide(&name(&s.owner))).max().unwrap_or(0);
    let mut text = String::new();
    for standing in all {
        if verbosity == Verbosity::Quiet && needs_nobody(standing) {
            continue;
        }
        let (mark, line) = told(standing);
        let shown = paint(NAME, left(&name(&standing.owner), names));
        text.push_str(format!("{mark} {shown}    {line}").trim_end());
        text.push('\n');
        for more in below(standing) {
            let _ = writeln!(text, "{}{more}", " ".repeat(names + 6));
        }
    }
    text
}

/// Whether it settled and nothing has gone wrong since, or it has not been asked to settle yet.
fn needs_nobody(standing: &Standing) -> bool {
    let failed = |entry: &Entry| matches!(entry.outcome.as_str(), "failed" | "skipped" | "cancelled");
    standing.receipt.is_ok() && !standing.journal.as_ref().is_some_and(failed) && below(standing).is_empty()
}

fn told(standing: &Standing) -> (String, String) {
    let last = match &standing.receipt {
        Err(error) => return (style::cross(), error.to_string()),
        Ok(None) if !standing.keeps_receipts => remembered(standing.journal.as_ref()),
        Ok(None) => "never settled".to_owned(),
        Ok(Some(receipt)) => settled(receipt),
    };
    let mark = match (&standing.receipt, standing.journal.as_ref().map(|entry| entry.outcome.as_str())) {
        (_, Some("failed")) => style::cross(),
        (_, Some("skipped" | "cancelled")) => style::dash(),
        (Ok(Some(_)), _) => style::tick(),
        (Ok(None), Some("settled")) if !standing.keeps_receipts => style::tick(),
        _ => style::dot(),
    };
    (mark, last)
}

/// How a flow stands whose store keeps no receipts.
fn remembered(entry: Option<&Entry>) -> String {
    let Some(entry) = entry.filter(|entry| entry.outcome == "settled") else {
        return "no receipts are kept there".to_owned();
    };
    let mode = entry.mode.as_deref().unwrap_or_default();
    let load = entry.rows.map(rows).unwrap_or_default();
    format!(
        "settled {}   {mode}, {load}   says this machine's journal; no receipts are kept there",
        when(&entry.started)
    )
}

fn settled(receipt: &Receipt) -> String {
    let total = receipt.total.map(|total| format!(", {} in all", thousands(total.rows))).unwrap_or_default();
    let to = |inclusive| if inclusive { "to" } else { "to before" };
    let upper = receipt.watermark.as_ref().map(|w| format!("   {} {}", to(w.bound.inclusive), moment(&w.bound.upper)));
    let upper = upper.unwrap_or_default();
    format!(
        "settled {}   {}, {}{total}{upper}   seq {}",
        when(&receipt.committed_at),
        receipt.mode.word(),
        rows(receipt.load.rows),
        receipt.seq
    )
}

/// What a person should know beside the receipt: the advice of an error, a later failure, a disagreement.
fn below(standing: &Standing) -> Vec<String> {
    let mut lines = Vec::new();
    if let Err(error) = &standing.receipt {
        lines.extend(advice_alone(error).map(|advice| format!("{} {advice}", paint(DIM, "next:"))));
    }
    let watermark = standing.receipt.as_ref().ok().and_then(Option::as_ref).and_then(|r| r.watermark.as_ref());
    if let Some(watermark) = watermark.filter(|watermark| !watermark.bound.inclusive) {
        lines.push(paint(CARE, held_back(&watermark.bound)));
        lines.push(format!("{} {HELD_BACK_ADVICE}", paint(DIM, "next:")));
    }
    let Some(entry) = &standing.journal else { return lines };
    if matches!(entry.outcome.as_str(), "failed" | "skipped" | "cancelled") {
        let why = entry.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        lines.push(format!("{} {}{why}", entry.outcome, when(&entry.started)));
    }
    if let Some(text) = disagreement(standing, entry) {
        lines.push(paint(CARE, text));
    }
    lines
}

/// Where the place and this machine's journal tell different stories; the place is right.
fn disagreement(standing: &Standing, entry: &Entry) -> Option<String> {
    let receipt = standing.receipt.as_ref().ok()?.as_ref();
    match (entry.outcome.as_str(), receipt) {
        ("settled", None) if standing.keeps_receipts => Some(format!(
            "the journal says it settled in run {}; the place holds no receipt, and that counts",
            entry.run
        )),
        ("settled", Some(receipt)) if receipt.run != entry.run => Some(format!(
            "the journal's last is run {}, the place's is {}; the place counts (another machine, or a crash after the commit)",
            entry.run, receipt.run
        )),
        ("failed" | "cancelled", Some(receipt)) if receipt.run == entry.run => {
            Some("the journal says it did not settle; the place holds the run's receipt, and that counts".to_owned())
        }
        _ => None,
    }
}

/// The screen of `status FLOW`: its standing in full, and its last runs.
#[must_use]
pub fn in_full(all: &[Standing], history: &[Entry], verbosity: Verbosity) -> String {
    let mut text = overview(all, verbosity);
    if verbosity == Verbosity::Quiet {
        return text;
    }
    if let [Standing { place, receipt: Ok(Some(receipt)), .. }] = all {
        let mut block = Block::default();
        block.line("place", place.clone());
        block.line("run", receipt.run.clone());
        if let Some(watermark) = &receipt.watermark {
            let bound = &watermark.bound;
            block.line("watermark", format!("{} = {} ({})", bound.column, bound.upper, bound.home_type));
            block.line("remembers", rows(watermark.edge.len() as u64));
        }
        block.line("columns", thousands(receipt.schema.fields().len() as u64));
        block.line("proof", if receipt.proved { "proved" } else { "counted" });
        text.push_str(&block.shown(None));
    }
    if history.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\n{}", paint(DIM, "last runs on this machine"));
    let table: Vec<Vec<String>> = history
        .iter()
        .map(|entry| {
            vec![
                when(&entry.started),
                entry.owner.entity.clone().unwrap_or_default(),
                entry.outcome.clone(),
                entry.rows.map(rows).unwrap_or_default(),
                if matches!(entry.outcome.as_str(), "settled" | "failed") {
                    duration(entry.took)
                } else {
                    String::new()
                },
                entry.message.clone().unwrap_or_default(),
            ]
        })
        .map(|mut row| {
            if row[1].is_empty() {
                row.remove(1);
            }
            row
        })
        .collect();
    for line in columns(&table) {
        let _ = writeln!(text, "  {line}");
    }
    text
}
