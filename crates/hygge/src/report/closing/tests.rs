use std::sync::Arc;

use arrow_schema::Schema;
use hygge_core::Part;
use hygge_core::receipt::{Owner, Question, RECEIPT_FORMAT, Receipt};
use hygge_core::store::Coverage;
use hygge_core::tally::{RowHash, Tally};
use hygge_core::watermark::{Bound, Edge, Watermark};

use super::*;

fn owner(flow: &str, entity: Option<&str>) -> Owner {
    Owner { project: "air".into(), flow: flow.into(), entity: entity.map(Into::into) }
}

fn settled(rows: u64, mode: Mode, upper: Option<&str>, remembers: bool, proved: bool) -> Outcome {
    let watermark = upper.map(|upper| Watermark {
        bound: Bound {
            column: "time_hour".into(),
            home_type: "TEXT".into(),
            upper: upper.into(),
            low: upper.into(),
            inclusive: true,
            unique: false,
        },
        edge: Edge::empty(),
    });
    let tally = Tally { rows, version: 1, sum: RowHash(7) };
    let receipt = Receipt {
        format: RECEIPT_FORMAT,
        seq: 1,
        run: "20130201T040000Z-00000001".into(),
        committed_at: "2013-02-01T04:00:00.000Z".into(),
        owner: owner("flights", None),
        question: Question {
            home: "shop.db".into(),
            source: "table flights".into(),
            columns: None,
            filter: None,
            cursor: None,
            key: Vec::new(),
            reading: None,
        },
        schema: Arc::new(Schema::empty()),
        mode,
        watermark,
        home_state: remembers.then(|| serde_json::json!({})),
        load: tally,
        total: Some(tally),
        replaced: None,
        adopted: None,
        proved,
        live: serde_json::Value::Null,
        writing: None,
    };
    Outcome::Settled(Box::new(Settlement {
        receipt,
        home: "shop.db".into(),
        place: "data/flights".into(),
        coverage: Coverage::Full,
        bytes: 1000,
        retries: 0,
    }))
}

fn ended(flow: &str, entity: Option<&str>, outcome: Outcome, ms: u64) -> Ended {
    Ended { owner: owner(flow, entity), outcome, took: Duration::from_millis(ms) }
}

fn unchanged(why: &str) -> Outcome {
    Outcome::Unchanged { why: why.to_owned(), held_back: None }
}

#[test]
fn rows_that_are_held_back_are_told_with_what_can_be_done() {
    let upper = Some("2013-02-01 04:00:00");
    let Outcome::Settled(mut settled) = settled(2, Mode::Append, upper, true, false) else { panic!("settled") };
    let mut watermark = settled.receipt.watermark.clone().expect("a watermark");
    watermark.bound.inclusive = false;
    let held_back = Some(Box::new(watermark.bound.clone()));
    settled.receipt.watermark = Some(watermark);
    let all = [
        ended("flights", None, Outcome::Settled(settled), 400),
        ended("planes", None, Outcome::Unchanged { why: "nothing new".into(), held_back }, 1),
    ];
    insta::assert_snapshot!(shown(&all, Verbosity::Normal, None));
}

fn facts() -> Facts {
    Facts {
        took: Duration::from_millis(512),
        memory: Some(41 << 20),
        details: Some(".hygge/logs/20130201T040000Z-00000001.log".into()),
    }
}

fn shown(ended: &[Ended], verbosity: Verbosity, width: Option<usize>) -> String {
    let text = screen(ended, &facts(), &Advisor::default(), verbosity, width);
    anstream::adapter::strip_str(&text).to_string()
}

fn misfit() -> Error {
    Error::failed("text where a number was expected")
        .at("weather.csv.gz, row 16,204, column wind_gust")
        .next_set(Part::Home, "nulls: [\"NA\"]")
}

fn a_morning() -> Vec<Ended> {
    vec![
        ended("flights", None, settled(27_004, Mode::Append, Some("2013-02-01 04:00:00"), true, true), 440),
        ended("planes", None, unchanged("planes.csv.gz is as it was"), 1),
        ended("airports", None, settled(1_458, Mode::Replace, None, true, false), 31),
        ended("weather", None, Outcome::Failed(misfit()), 80),
        ended("report", None, Outcome::Skipped("weather did not settle".into()), 0),
        ended("later", None, Outcome::Cancelled, 0),
    ]
}

#[test]
fn a_morning_reads_well() {
    insta::assert_snapshot!(shown(&a_morning(), Verbosity::Normal, None));
}

#[test]
fn quiet_keeps_errors_and_the_last_line() {
    insta::assert_snapshot!(shown(&a_morning(), Verbosity::Quiet, None));
}

#[test]
fn a_narrow_terminal_wraps_errors_under_their_flow() {
    let errors = vec![ended("weather", None, Outcome::Failed(misfit()), 80)];
    insta::assert_snapshot!(shown(&errors, Verbosity::Normal, Some(60)));
}

#[test]
fn nothing_to_move_is_said() {
    let all: Vec<_> = ["a", "b"].iter().map(|name| ended(name, None, unchanged("x"), 1)).collect();
    insta::assert_snapshot!(shown(&all, Verbosity::Normal, None));
}

#[test]
fn two_hundred_tables_are_one_line_and_their_failures() {
    let mut all: Vec<_> = (0..200)
        .map(|i| {
            let outcome = match i {
                17 | 90 => Outcome::Failed(misfit()),
                150.. => unchanged("as it was"),
                _ => settled(1_000, Mode::Replace, None, false, false),
            };
            ended("shop", Some(&format!("table_{i}")), outcome, 10)
        })
        .collect();
    all.push(ended("other", None, settled(1, Mode::Append, None, true, false), 5));
    insta::assert_snapshot!(shown(&all, Verbosity::Normal, None));
}

#[test]
fn our_own_fault_is_told_calmly() {
    let bug = Error::bug("hygge itself failed: index out of bounds");
    insta::assert_snapshot!(shown(&[ended("a", None, Outcome::Failed(bug), 5)], Verbosity::Normal, None));
}
