//! `--log json`: one JSON object a line on standard output, for every event and for the end of the run.
//!
//! Every line has `time` (RFC 3339, UTC), `run` and `event`; lines of a flow have `flow`, and `entity` where it has
//! entities. By event:
//! - `started`: `home`, `store`
//! - `planned`: `mode`, `coverage` (`full`, `since`), `splits`, `rows` and `bytes` where the home guesses them,
//!   `watermark` where there is one, `warnings`, `notes`
//! - `progress`: `rows` and `bytes` of a batch
//! - `withdrawn`: `rows` of a failed attempt, told before as progress, that are taken back
//! - `retrying`: `split`, `attempt`, `error`, `after_ms`
//! - `note`: `text`; without `flow` it is of the run as a whole, as when its history cannot be kept
//! - `proving`
//! - `ended`: `outcome` (`settled`, `unchanged`, `failed`, `skipped`, `cancelled`), `took_ms`; settled: `mode`, `rows`,
//!   `bytes`, `seq`, `watermark`, `proved`, `retries`; else `message`; failed: `kind`, `at`, `next`; `held_back` where
//!   too many rows share the greatest value of the watermark
//! - `refused`, instead of a run, one for each thing that is wrong: `message`, `kind`, `at`, `next`, with `flow` where it
//!   is one flow's plan that is refused
//! - `finished`, always the last line: `exit_code`, `took_ms`, `settled`, `unchanged`, `failed`, `skipped`, `cancelled`,
//!   `rows`, `memory_bytes`, `log`
//!
//! No number is below zero.

use std::sync::Arc;

use hygge_core::context::Clock;
use hygge_core::coordinator::Ended;
use hygge_core::event::{Event, Observer};
use hygge_core::flow::Outcome;
use hygge_core::receipt::Owner;
use hygge_core::store::Coverage;
use hygge_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::advisor::Advisor;
use super::closing::Facts;

/// Writes events as JSON lines.
pub struct JsonLines {
    run: String,
    clock: Arc<dyn Clock>,
    advisor: Arc<Advisor>,
}

impl JsonLines {
    /// For one run.
    #[must_use]
    pub fn new(run: &str, clock: Arc<dyn Clock>, advisor: Arc<Advisor>) -> Self {
        Self { run: run.to_owned(), clock, advisor }
    }

    fn line(&self, event: &str, owner: Option<&Owner>, fields: Value) {
        super::out(&format!("{}\n", self.object(event, owner, fields)));
    }

    fn object(&self, event: &str, owner: Option<&Owner>, fields: Value) -> Value {
        let mut map = Map::new();
        let now = self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        map.insert("time".into(), json!(now));
        map.insert("run".into(), json!(self.run));
        map.insert("event".into(), json!(event));
        if let Some(owner) = owner {
            map.insert("flow".into(), json!(owner.flow));
            if let Some(entity) = &owner.entity {
                map.insert("entity".into(), json!(entity));
            }
        }
        if let Value::Object(fields) = fields {
            map.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
        Value::Object(map)
    }

    /// A refusal before the run.
    pub fn refused(&self, owner: Option<&Owner>, error: &Error, advice: Option<&str>) {
        self.line("refused", owner, failure(error, advice));
    }

    /// Something about the run as a whole.
    pub fn note(&self, text: &str) {
        self.line("note", None, json!({ "text": text }));
    }

    /// The end of the run.
    pub fn finished(&self, ended: &[Ended], facts: &Facts, exit_code: u8) {
        let number = |word: &str| ended.iter().filter(|e| word_of(&e.outcome) == word).count();
        let rows: u64 = ended
            .iter()
            .map(|e| match &e.outcome {
                Outcome::Settled(settled) => settled.receipt.load.rows,
                _ => 0,
            })
            .sum();
        self.line(
            "finished",
            None,
            json!({
                "exit_code": exit_code,
                "took_ms": millis(facts.took),
                "settled": number("settled"),
                "unchanged": number("unchanged"),
                "failed": number("failed"),
                "skipped": number("skipped"),
                "cancelled": number("cancelled"),
                "rows": rows,
                "memory_bytes": facts.memory,
                "log": facts.details,
            }),
        );
    }

    fn ended(&self, ended: &Ended) -> Value {
        let mut fields = json!({ "outcome": word_of(&ended.outcome), "took_ms": millis(ended.took) });
        let more = match &ended.outcome {
            Outcome::Settled(settled) => json!({
                "mode": settled.receipt.mode.word(),
                "rows": settled.receipt.load.rows,
                "replaced": settled.receipt.replaced.map_or(0, |replaced| replaced.load),
                "bytes": settled.bytes,
                "seq": settled.receipt.seq,
                "watermark": settled.receipt.watermark.as_ref().map(|w| &w.bound.upper),
                "proved": settled.receipt.proved,
                "retries": settled.retries,
                "held_back": settled.receipt.held_back().map(super::words::held_back),
            }),
            Outcome::Unchanged { why, held_back } => json!({
                "message": why,
                "held_back": held_back.as_ref().map(|bound| super::words::held_back(bound)),
            }),
            Outcome::Skipped(why) => json!({ "message": why }),
            Outcome::Failed(error) => failure(error, self.advisor.advise(&ended.owner, error).as_deref()),
            Outcome::Cancelled => json!({}),
        };
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
            fields.extend(more);
        }
        fields
    }
}

fn failure(error: &Error, advice: Option<&str>) -> Value {
    let kind = match error.kind() {
        ErrorKind::Refused => "refused",
        ErrorKind::Failed => "failed",
        ErrorKind::CommitUnknown => "commit_unknown",
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::Bug => "bug",
    };
    json!({ "message": error.found(), "kind": kind, "at": error.place(), "next": advice })
}

/// A batch that was written, or the rows of a failed attempt that are taken back: no number is below zero.
fn batch(rows: i64, bytes: u64) -> (&'static str, Value) {
    match rows {
        0.. => ("progress", json!({ "rows": rows, "bytes": bytes })),
        _ => ("withdrawn", json!({ "rows": rows.unsigned_abs() })),
    }
}

fn word_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Settled(_) => "settled",
        Outcome::Unchanged { .. } => "unchanged",
        Outcome::Failed(_) => "failed",
        Outcome::Skipped(_) => "skipped",
        Outcome::Cancelled => "cancelled",
    }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Observer for JsonLines {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Started { owner, home, place } => {
                self.line("started", Some(owner), json!({ "home": home, "store": place }));
            }
            Event::Planned { owner, plan } => self.line(
                "planned",
                Some(owner),
                json!({
                    "mode": plan.mode,
                    "coverage": match plan.coverage { Coverage::Full => "full", Coverage::Since => "since" },
                    "splits": plan.splits.len(),
                    "rows": plan.rows(),
                    "bytes": plan.bytes(),
                    "watermark": plan.bound.as_ref().map(|bound| &bound.upper),
                    "warnings": plan.load.warnings,
                    "notes": plan.notes.iter().map(|note| match &note.next {
                        Some(advice) => format!("{}; next: {}", note.text, self.advisor.sentence(owner, advice)),
                        None => note.text.clone(),
                    }).collect::<Vec<_>>(),
                }),
            ),
            Event::Progress { owner, rows, bytes } => {
                let (event, fields) = batch(*rows, *bytes);
                self.line(event, Some(owner), fields);
            }
            Event::Retrying { owner, split, attempt, error, after } => self.line(
                "retrying",
                Some(owner),
                json!({ "split": split, "attempt": attempt, "error": error, "after_ms": millis(*after) }),
            ),
            Event::Note { owner, text } => self.line("note", Some(owner), json!({ "text": text })),
            Event::Said { who, text } => self.line("said", None, json!({ "who": who, "text": text })),
            Event::Proving { owner } => self.line("proving", Some(owner), json!({})),
            Event::Ended { ended } => {
                let fields = self.ended(ended);
                self.line("ended", Some(&ended.owner), fields);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_is_an_event_of_its_own() {
        assert_eq!(batch(3, 20), ("progress", json!({ "rows": 3, "bytes": 20 })));
        assert_eq!(batch(-2_498_560, 0), ("withdrawn", json!({ "rows": 2_498_560 })));
    }
}
