//! The plan's screen: what each flow would do, and what holds.

use arrow_schema::SchemaRef;
use hygge_core::budget::shown_bytes;
use hygge_core::coordinator::{Planned, Preflight};
use hygge_core::flow::PlannedFlow;
use hygge_core::receipt::Owner;
use hygge_core::store::Coverage;

use super::Verbosity;
use super::advisor::Advisor;
use super::blocks::{Block, columns};
use super::closing::failure;
use super::style::{self, CARE, NAME, paint};
use super::words::{count, moment, name, thousands};

/// With more flows than this each is told in one line, unless asked for more.
const MOST_BLOCKS: usize = 20;

/// What to know of a project without a name of its own, `unnamed` being its folder's, before its receipts carry that.
#[must_use]
pub fn name_of_folder(preflight: &Preflight, unnamed: Option<&str>) -> Option<String> {
    let name = unnamed.filter(|_| preflight.has_first())?;
    let line = hygge_core::yaml::word(name);
    Some(format!(
        "receipts will carry the name of this folder, {name}: with  name: {line}  at the top of hygge.yml it may be renamed or copied"
    ))
}

/// The screen of a whole project; `unnamed` is the name that its folder gives it, where it has none of its own.
#[must_use]
pub fn screen(
    preflight: &Preflight,
    advisor: &Advisor,
    unnamed: Option<&str>,
    verbosity: Verbosity,
    width: Option<usize>,
) -> String {
    let brief =
        verbosity == Verbosity::Quiet || (preflight.flows.len() > MOST_BLOCKS && verbosity == Verbosity::Normal);
    let quiet = verbosity == Verbosity::Quiet;
    let mut text = String::new();
    for (owner, planned) in &preflight.flows {
        if !brief && !text.is_empty() {
            text.push('\n');
        }
        match planned {
            Planned::Not(error) => {
                let advice = advisor.advise(owner, error);
                text.push_str(&refusal(owner, error, advice.as_deref(), width));
            }
            _ if quiet => {}
            Planned::After(upstream) => {
                let line =
                    format!("{} {}   is planned after {upstream}, whose place it reads\n", style::dot(), title(owner));
                text.push_str(&line);
            }
            Planned::Ready(plan) if brief => text.push_str(&short(owner, plan)),
            Planned::Ready(plan) => text.push_str(&block(owner, plan, advisor, verbosity, width)),
        }
    }
    if let Some(line) = name_of_folder(preflight, unnamed).filter(|_| !quiet) {
        text.push_str(if brief { "" } else { "\n" });
        let mut block = Block::default();
        block.line("name", line);
        text.push_str(&block.shown(width));
    }
    text.push_str(&last_line(preflight));
    text
}

fn title(owner: &Owner) -> String {
    paint(NAME, name(owner))
}

/// A flow that cannot run, and why.
#[must_use]
pub fn refusal(owner: &Owner, error: &hygge_core::Error, advice: Option<&str>, width: Option<usize>) -> String {
    format!("{} {}   {}\n", style::cross(), title(owner), failure(error, advice, 4, width))
}

fn short(owner: &Owner, plan: &PlannedFlow) -> String {
    let what = match &plan.unchanged {
        Some(_) => "up to date".to_owned(),
        None => format!("{}, {}", mode(plan), reads(plan)),
    };
    format!("{} {}   {} → {}   {what}\n", style::tick(), title(owner), plan.home, plan.place)
}

/// One flow in full.
#[must_use]
pub fn block(
    owner: &Owner,
    plan: &PlannedFlow,
    advisor: &Advisor,
    verbosity: Verbosity,
    width: Option<usize>,
) -> String {
    let mut block = Block::default();
    if let Some(why) = &plan.unchanged {
        block.line("unchanged", format!("nothing to do: {why}"));
    } else {
        block.line("mode", mode(plan));
        block.line("reads", reads(plan));
        if verbosity == Verbosity::Verbose {
            for split in &plan.splits {
                let rows = split.rows.map(|n| format!(", about {}", count(n, "row", "rows"))).unwrap_or_default();
                block.line("split", format!("{}{rows}", split.label));
            }
        }
        if let Some(bound) = &plan.bound {
            block.line("watermark", watermark(bound));
        }
        for line in columns_of(plan.schema.as_ref(), plan) {
            block.line("columns", line);
        }
        for statement in &plan.load.ddl {
            block.line("runs", statement.clone());
        }
        for (label, sentence) in [("publishes", &plan.load.publish), ("guarantee", &plan.load.guarantee)] {
            if !sentence.is_empty() {
                block.line(label, sentence.clone());
            }
        }
    }
    for note in &plan.notes {
        block.line("note", note.text.clone());
        if let Some(advice) = &note.next {
            block.line("next", advisor.sentence(owner, advice));
        }
    }
    for warning in &plan.load.warnings {
        block.line("warning", paint(CARE, warning));
    }
    let mark = if plan.unchanged.is_some() { style::dot() } else { style::tick() };
    format!("{mark} {}   {} → {}\n{}", title(owner), plan.home, plan.place, block.shown(width))
}

fn mode(plan: &PlannedFlow) -> String {
    let coverage = match (plan.coverage, &plan.bound) {
        (Coverage::Full, _) if plan.every_run => "all rows, again on every run",
        (Coverage::Full, Some(_)) if plan.mode != "replace" => "all rows now, later those after the watermark",
        (Coverage::Full, None) if plan.mode == "append" => "all rows now, later those of new files",
        (Coverage::Full, _) => "all rows",
        (Coverage::Since, Some(_)) => "rows after the watermark",
        (Coverage::Since, None) => "rows of files that have not settled yet",
    };
    format!("{}, {coverage}", plan.mode)
}

fn reads(plan: &PlannedFlow) -> String {
    if plan.splits.is_empty() {
        return "nothing new".to_owned();
    }
    let mut parts = vec![count(plan.splits.len() as u64, "split", "splits")];
    if let Some(rows) = plan.rows() {
        parts.push(format!("about {}", count(rows, "row", "rows")));
    }
    if let Some(bytes) = plan.bytes() {
        parts.push(format!("about {}", shown_bytes(bytes)));
    }
    parts.join(", ")
}

fn watermark(bound: &hygge_core::watermark::Bound) -> String {
    let upper = moment(&bound.upper);
    let to = if bound.inclusive { "to" } else { "to before" };
    if bound.low == bound.upper {
        format!("{} {to} {upper}", bound.column)
    } else {
        format!("{} {to} {upper}, read again from {}", bound.column, moment(&bound.low))
    }
}

fn columns_of(schema: Option<&SchemaRef>, plan: &PlannedFlow) -> Vec<String> {
    if !plan.load.columns.is_empty() {
        let rows: Vec<Vec<String>> = plan
            .load
            .columns
            .iter()
            .map(|column| {
                let text = if column.exact_text { "as exact text" } else { "" };
                vec![column.name.clone(), column.arrow.clone(), format!("→ {}", column.store), text.to_owned()]
            })
            .collect();
        return columns(&rows);
    }
    let fields = schema.map(|schema| schema.fields().clone()).unwrap_or_default();
    columns(&fields.iter().map(|f| vec![f.name().clone(), f.data_type().to_string()]).collect::<Vec<_>>())
}

fn last_line(preflight: &Preflight) -> String {
    let number = |is: &dyn Fn(&Planned) -> bool| preflight.flows.iter().filter(|(_, p)| is(p)).count() as u64;
    let ready = number(&|p| matches!(p, Planned::Ready(plan) if plan.unchanged.is_none()));
    let unchanged = number(&|p| matches!(p, Planned::Ready(plan) if plan.unchanged.is_some()));
    let after = number(&|p| matches!(p, Planned::After(_)));
    let not = number(&|p| matches!(p, Planned::Not(_)));
    let mut parts = Vec::new();
    for (n, what) in [(ready, "to run"), (unchanged, "up to date"), (after, "planned later")] {
        if n > 0 {
            parts.push(format!("{} {what}", thousands(n)));
        }
    }
    if not > 0 {
        parts.push(format!("{} {} you", thousands(not), if not == 1 { "needs" } else { "need" }));
    }
    format!("{}. Nothing was written.\n", parts.join(", "))
}
