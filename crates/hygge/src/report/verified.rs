//! The screen of `verify`: home, place and receipt side by side.

use std::fmt::Write as _;

use hygge_core::flow::Verified;
use hygge_core::receipt::{Mode, Owner};

use super::advisor::Advisor;
use super::closing::failure;
use super::style::{self, DIM, NAME, paint};
use super::words::{left, name, rows, thousands, when, wide};

/// What came of one flow (entity).
pub struct Shown {
    /// Which.
    pub owner: Owner,
    /// What was found.
    pub found: hygge_core::Result<Verified>,
}

/// Whether place, receipt and home say the same.
#[must_use]
pub fn holds(verified: &Verified) -> bool {
    verified.home_equals_store() && verified.store_is_as_settled() != Some(false)
}

/// All of them.
#[must_use]
pub fn screen(all: &[Shown], advisor: &Advisor, width: Option<usize>) -> String {
    let names = all.iter().map(|one| wide(&name(&one.owner))).max().unwrap_or(0);
    let indent = names + 6;
    let mut text = String::new();
    let mut good: u64 = 0;
    for one in all {
        let (mark, lines) = match &one.found {
            Ok(verified) => {
                let holds = holds(verified);
                good += u64::from(holds);
                (if holds { style::tick() } else { style::cross() }, told(verified, &one.owner.flow))
            }
            Err(error) => {
                let advice = advisor.advise(&one.owner, error);
                (style::cross(), vec![failure(error, advice.as_deref(), indent, width)])
            }
        };
        let shown = paint(NAME, left(&name(&one.owner), names));
        let _ = writeln!(text, "{mark} {shown}    {}", lines.join(&format!("\n{}", " ".repeat(indent))));
    }
    let bad = all.len() as u64 - good;
    let needs = match bad {
        0 => String::new(),
        1 => ", 1 needs you".to_owned(),
        n => format!(", {} need you", thousands(n)),
    };
    let _ = writeln!(text, "{} proved{needs}. Nothing was written.", thousands(good));
    text
}

/// What was read, and how it compares. `proved` is said only of what the store's own reader read back.
fn told(verified: &Verified, flow: &str) -> Vec<String> {
    let store = rows(verified.store.rows);
    let settled = when(&verified.receipt.committed_at);
    if holds(verified) {
        return vec![match verified.store_is_as_settled() {
            Some(_) => format!("{store}   home, {} and receipt hold the same   proved", verified.place),
            None => format!(
                "{store}   home and {} hold the same   proved; after a merge the receipt counts no rows of the whole",
                verified.place
            ),
        }];
    }
    let mut lines = Vec::new();
    match verified.store_is_as_settled() {
        Some(true) => lines.push(format!("{} holds what settled {settled}: {store}, proved", verified.place)),
        Some(false) => {
            let total = verified.receipt.total.map_or(0, |total| total.rows);
            lines.push(if total == verified.store.rows {
                format!(
                    "{} holds {store}, but not those that settled {settled}: they were changed by another",
                    verified.place
                )
            } else {
                format!(
                    "{} holds {store}, and {} settled {settled}: rows came or went by another hand",
                    verified.place,
                    rows(total)
                )
            });
        }
        None => lines.push(format!("{} holds {store}", verified.place)),
    }
    if !verified.home_equals_store() {
        lines.push(if verified.home.rows == verified.store.rows {
            format!("the home holds as many, but not the same: some changed since {settled}")
        } else {
            format!("the home holds {} now", rows(verified.home.rows))
        });
    }
    let advice = match (verified.store_is_as_settled(), &verified.receipt.mode) {
        (Some(false), _) => format!("settle everything anew with  hygge go {flow} --full-drop"),
        (_, Mode::Replace) => format!("carry what is new with  hygge go {flow}"),
        _ => format!("carry what is new with  hygge go {flow}, and where old rows changed, with --full-drop"),
    };
    lines.push(format!("{} {advice}", paint(DIM, "next:")));
    lines
}
