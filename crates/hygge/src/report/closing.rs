//! The closing screen: what settled, what needs a person, and one last line.

use std::fmt::Write as _;

use std::time::Duration;

use hygge_core::budget::shown_bytes;
use hygge_core::coordinator::Ended;
use hygge_core::flow::{Outcome, Settlement};
use hygge_core::receipt::{Mode, Receipt};
use hygge_core::watermark::Bound;
use hygge_core::{Error, ErrorKind};

use super::Verbosity;
use super::advisor::Advisor;
use super::style::{self, DIM, NAME, paint};
use super::words::{
    HELD_BACK_ADVICE, count, duration, held_back, left, moment, name, right, rows, thousands, wide, wrap,
};

/// A flow with more entities than this is told in one line, and each entity that needs a person in its own.
pub(super) const MOST_ENTITIES: usize = 20;

/// What the closing screen says beside the flows' ends.
#[derive(Debug, Clone)]
pub struct Facts {
    /// How long the whole run took.
    pub took: Duration,
    /// The most memory that was resident, in bytes.
    pub memory: Option<u64>,
    /// Where the details are, as shown to people.
    pub details: Option<String>,
}

/// The screen.
#[must_use]
pub fn screen(ended: &[Ended], facts: &Facts, advisor: &Advisor, verbosity: Verbosity, width: Option<usize>) -> String {
    let lines = lines(ended, verbosity);
    let names = lines.iter().map(|line| wide(&line.name())).max().unwrap_or(0);
    let cells: Vec<Option<Cells>> = lines.iter().map(Line::cells).collect();
    let most = |cell: &dyn Fn(&Cells) -> &str| cells.iter().flatten().map(|c| wide(cell(c))).max().unwrap_or(0);
    let widths = [most(&|c| &c.rows), most(&|c| &c.way), most(&|c| &c.took), most(&|c| &c.how)];
    let indent = 2 + names + 4;
    let mut text = String::new();
    for (line, cells) in lines.iter().zip(&cells) {
        let shown = left(&line.name(), names);
        let head = format!("{} {}    ", line.mark(), paint(NAME, shown));
        let rest = match (line, cells) {
            (_, Some(cells)) => cells.shown(widths),
            (Line::One(ended), None) => one(ended, advisor, indent, width),
            (Line::Many(many), None) => many.quiet(),
        };
        text.push_str(format!("{head}{rest}").trim_end());
        text.push('\n');
        if let Some(bound) = line.held_back() {
            let _ = writeln!(text, "{}{}", " ".repeat(indent), waiting("", bound, indent, width));
        }
    }
    text.push_str(&last_line(ended, facts));
    text.push('\n');
    text
}

/// A line of the screen.
enum Line<'a> {
    One(&'a Ended),
    Many(Many),
}

/// Entities of one flow that need nobody, together.
struct Many {
    flow: String,
    of: u64,
    settled: u64,
    unchanged: u64,
    rows: u64,
    took: Duration,
    way: String,
    proved: bool,
}

fn lines(ended: &[Ended], verbosity: Verbosity) -> Vec<Line<'_>> {
    let mut out = Vec::new();
    let mut rest = ended;
    while let Some(first) = rest.first() {
        let n = rest.iter().take_while(|e| e.owner.flow == first.owner.flow).count();
        let (flow, after) = rest.split_at(n);
        rest = after;
        let one_by_one = flow.len() <= MOST_ENTITIES || verbosity == Verbosity::Verbose;
        if one_by_one {
            let shown = |e: &&Ended| verbosity != Verbosity::Quiet || matches!(e.outcome, Outcome::Failed(_));
            out.extend(flow.iter().filter(shown).map(Line::One));
            continue;
        }
        if verbosity != Verbosity::Quiet {
            out.push(Line::Many(Many::of(flow)));
        }
        let tells = |e: &&Ended| match &e.outcome {
            Outcome::Failed(_) => true,
            Outcome::Unchanged { held_back, .. } => held_back.is_some() && verbosity != Verbosity::Quiet,
            _ => false,
        };
        out.extend(flow.iter().filter(tells).map(Line::One));
    }
    out
}

impl Many {
    fn of(flow: &[Ended]) -> Self {
        let settled: Vec<&Settlement> = flow.iter().filter_map(|e| settlement(&e.outcome)).collect();
        let unchanged = flow.iter().filter(|e| matches!(e.outcome, Outcome::Unchanged { .. })).count();
        Self {
            flow: flow[0].owner.flow.clone(),
            of: flow.len() as u64,
            settled: settled.len() as u64,
            unchanged: unchanged as u64,
            rows: settled.iter().map(|s| s.receipt.brought()).sum(),
            took: flow.iter().map(|e| e.took).sum(),
            way: settled.first().map(|s| s.home.clone()).unwrap_or_default(),
            proved: settled.iter().all(|s| s.receipt.proved),
        }
    }

    fn parts(&self) -> String {
        let mut parts = Vec::new();
        if self.settled > 0 {
            parts.push(format!("{} of {} tables settled", thousands(self.settled), thousands(self.of)));
        }
        if self.unchanged > 0 {
            parts.push(format!("{} up to date", thousands(self.unchanged)));
        }
        let rest = self.of - self.settled - self.unchanged;
        if rest > 0 {
            parts.push(format!("{} not", thousands(rest)));
        }
        parts.join(", ")
    }

    fn quiet(&self) -> String {
        self.parts()
    }
}

impl Line<'_> {
    fn name(&self) -> String {
        match self {
            Self::One(ended) => name(&ended.owner),
            Self::Many(many) => many.flow.clone(),
        }
    }

    fn mark(&self) -> String {
        match self {
            Self::One(ended) => match &ended.outcome {
                Outcome::Settled(_) => style::tick(),
                Outcome::Unchanged { held_back: None, .. } => style::dot(),
                Outcome::Failed(_) => style::cross(),
                Outcome::Unchanged { .. } | Outcome::Skipped(_) | Outcome::Cancelled => style::dash(),
            },
            Self::Many(many) if many.settled + many.unchanged < many.of => style::cross(),
            Self::Many(many) if many.settled == 0 => style::dot(),
            Self::Many(_) => style::tick(),
        }
    }

    /// The end of what settled, where rows at it are held back.
    fn held_back(&self) -> Option<&Bound> {
        let Self::One(ended) = self else { return None };
        let bound = &settlement(&ended.outcome)?.receipt.watermark.as_ref()?.bound;
        (!bound.inclusive).then_some(bound)
    }

    fn cells(&self) -> Option<Cells> {
        match self {
            Self::One(ended) => {
                let settled = settlement(&ended.outcome)?;
                Some(Cells {
                    rows: rows(settled.receipt.load.rows),
                    way: way(settled),
                    took: duration(ended.took),
                    how: how(settled),
                    proof: proof(settled.receipt.proved),
                })
            }
            Self::Many(many) if many.settled > 0 => Some(Cells {
                rows: rows(many.rows),
                way: format!("{} → {}", many.way, count(many.settled, "place", "places")),
                took: duration(many.took),
                how: many.parts(),
                proof: proof(many.proved),
            }),
            Self::Many(_) => None,
        }
    }
}

/// What is said of a load that settled, in columns.
struct Cells {
    rows: String,
    way: String,
    took: String,
    how: String,
    proof: &'static str,
}

impl Cells {
    fn shown(&self, [rows, way, took, how]: [usize; 4]) -> String {
        format!(
            "{}   {}   {}   {}   {}",
            right(&self.rows, rows),
            left(&self.way, way),
            right(&self.took, took),
            left(&self.how, how),
            self.proof
        )
    }
}

fn settlement(outcome: &Outcome) -> Option<&Settlement> {
    match outcome {
        Outcome::Settled(settled) => Some(settled),
        _ => None,
    }
}

fn way(settled: &Settlement) -> String {
    format!("{} → {}", settled.home, settled.place)
}

fn proof(proved: bool) -> &'static str {
    if proved { "proved" } else { "counted" }
}

/// How the rows settled, in a few words.
fn how(settled: &Settlement) -> String {
    let receipt = &settled.receipt;
    let how = joined(receipt);
    match receipt.replaced.map_or(0, |replaced| replaced.load) {
        0 => how,
        n => format!("{how}, {} gave way to later ones", thousands(n)),
    }
}

fn joined(receipt: &Receipt) -> String {
    match (&receipt.mode, &receipt.watermark) {
        // A home that remembers nothing cannot tell that nothing changed.
        (Mode::Replace, _) if receipt.home_state.is_none() => "replace, on every run".to_owned(),
        (Mode::Replace, _) => "replace".to_owned(),
        (_, Some(watermark)) => {
            let upper = moment(&watermark.bound.upper);
            let bound = if watermark.bound.inclusive { "to" } else { "to before" };
            format!("incremental {bound} {upper}")
        }
        (mode, None) => mode.word().to_owned(),
    }
}

/// That rows are held back, and what to do about it.
fn waiting(head: &str, bound: &Bound, indent: usize, width: Option<usize>) -> String {
    advised(&format!("{head}{}", held_back(bound)), Some(HELD_BACK_ADVICE), indent, width)
}

fn one(ended: &Ended, advisor: &Advisor, indent: usize, width: Option<usize>) -> String {
    match &ended.outcome {
        Outcome::Unchanged { held_back: Some(bound), .. } => waiting("up to date, but ", bound, indent, width),
        Outcome::Unchanged { .. } => "up to date".to_owned(),
        Outcome::Skipped(why) => wrap(&format!("skipped: {why}"), indent, width),
        Outcome::Cancelled => "stopped before it settled".to_owned(),
        Outcome::Failed(error) => failure(error, advisor.advise(&ended.owner, error).as_deref(), indent, width),
        Outcome::Settled(_) => String::new(),
    }
}

/// An error after its flow's name, with its advice below.
#[must_use]
pub fn failure(error: &Error, advice: Option<&str>, indent: usize, width: Option<usize>) -> String {
    let (told, advice) = if error.kind() == ErrorKind::Bug {
        let what = error.to_string();
        let what = what.strip_prefix("hygge itself failed: ").unwrap_or(&what).to_owned();
        (
            format!("hygge itself went wrong, and it is our fault: {what}"),
            Some(format!("tell us at {}; nothing of this flow is half visible", super::fault::REPORT_AT)),
        )
    } else {
        (error.to_string(), advice.map(ToOwned::to_owned))
    };
    advised(&told, advice.as_deref(), indent, width)
}

fn advised(told: &str, advice: Option<&str>, indent: usize, width: Option<usize>) -> String {
    let mut text = wrap(told, indent, width);
    if let Some(advice) = advice {
        let pad = " ".repeat(indent);
        let _ = write!(text, "\n{pad}{} {}", paint(DIM, "next:"), wrap(advice, indent + 6, width));
    }
    text
}

/// The last line.
#[must_use]
pub fn last_line(ended: &[Ended], facts: &Facts) -> String {
    let number = |is: &dyn Fn(&Outcome) -> bool| ended.iter().filter(|e| is(&e.outcome)).count() as u64;
    let moved = number(&|o| matches!(o, Outcome::Settled(_)));
    let settled = number(&|o| o.lets_dependants_run());
    let failed = number(&|o| matches!(o, Outcome::Failed(_)));
    let skipped = number(&|o| matches!(o, Outcome::Skipped(_)));
    let stopped = number(&|o| matches!(o, Outcome::Cancelled));
    let mut parts = Vec::new();
    let all_up_to_date = moved == 0 && settled > 0 && settled == ended.len() as u64;
    if all_up_to_date {
        parts.push(format!("{} up to date, nothing to move", thousands(settled)));
    } else if settled > 0 || ended.is_empty() {
        parts.push(format!("{} settled", thousands(settled)));
    }
    if failed > 0 {
        parts.push(format!("{} {} you", thousands(failed), if failed == 1 { "needs" } else { "need" }));
    }
    if skipped > 0 {
        parts.push(format!("{} skipped", thousands(skipped)));
    }
    if stopped > 0 {
        parts.push(format!("{} stopped", thousands(stopped)));
    }
    let total: u64 = ended.iter().filter_map(|e| settlement(&e.outcome)).map(|s| s.receipt.brought()).sum();
    let took = duration(facts.took);
    let memory = facts.memory.map(|bytes| format!(", at most {} of memory", shown_bytes(bytes))).unwrap_or_default();
    let home = if moved > 0 {
        format!("{} {} home in {took}{memory}.", rows(total), if total == 1 { "is" } else { "are" })
    } else {
        format!("{took}{memory}.")
    };
    let details = facts.details.as_ref().map(|at| format!(" Details: {at}")).unwrap_or_default();
    format!("{}. {home}{details}", parts.join(", "))
}

#[cfg(test)]
mod tests;
