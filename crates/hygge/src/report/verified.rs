//! The screen of `verify`: home, place and receipt side by side.

use std::fmt::Write as _;

use hygge_core::flow::Verified;
use hygge_core::receipt::{Mode, Owner};

use super::Verbosity;
use super::advisor::Advisor;
use super::closing::failure;
use super::style::{self, DIM, NAME, paint};
use super::words::{go, held_back, left, name, rows, thousands, when, wide};

/// What came of one flow (entity).
pub struct Shown {
    /// Which.
    pub owner: Owner,
    /// What was found.
    pub found: hygge_core::Result<Verified>,
}

/// All of them; only what does not hold for who wants it quiet.
#[must_use]
pub fn screen(all: &[Shown], advisor: &Advisor, verbosity: Verbosity, width: Option<usize>) -> String {
    let names = all.iter().map(|one| wide(&name(&one.owner))).max().unwrap_or(0);
    let indent = names + 6;
    let mut text = String::new();
    let mut good: u64 = 0;
    for one in all {
        let (mark, lines) = match &one.found {
            Ok(verified) => {
                let holds = verified.holds();
                good += u64::from(holds);
                if holds && verbosity == Verbosity::Quiet {
                    continue;
                }
                (if holds { style::tick() } else { style::cross() }, told(verified, &one.owner, advisor))
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
fn told(verified: &Verified, owner: &Owner, advisor: &Advisor) -> Vec<String> {
    let store = rows(verified.store.rows);
    let settled = when(&verified.receipt.committed_at);
    if verified.holds() {
        let place = &verified.place;
        let mut lines = vec![match verified.store_is_as_settled() {
            _ if verified.every_run => format!(
                "{store}   {place} and receipt hold the same   proved; every run appends all of the home, which holds {} now",
                rows(verified.home.rows)
            ),
            Some(_) if verified.adopted_rows() > 0 => format!(
                "{store}   {place} and receipt hold the same, the home all but {}, taken over from others   proved",
                rows(verified.adopted_rows())
            ),
            _ if let (Some(gone), false) = (&verified.gone, verified.home_equals_store()) => {
                format!("{store}   {place} and receipt hold the same   proved; the home was not compared: {gone}")
            }
            _ if !verified.home_equals_store() => format!(
                "{store}   {place} and receipt hold the same   proved; the home was not compared: {} of its {} gave way to \
                 later ones with the same key",
                thousands(verified.gave_way().unwrap_or(0)),
                rows(verified.home.rows)
            ),
            Some(_) => format!("{store}   home, {place} and receipt hold the same   proved"),
            None => {
                let after = if verified.receipt.mode == Mode::Append { "" } else { "after a merge " };
                format!(
                    "{store}   home and {place} hold the same   proved; {after}the receipt counts no rows of the whole"
                )
            }
        }];
        lines.extend(verified.held_back().map(held_back));
        return lines;
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
    if !verified.every_run && !verified.home_equals_store() {
        let adopted = verified.adopted_rows();
        let as_many = verified.home.rows + adopted == verified.store.rows;
        lines.push(if as_many && !verified.is_comparable() {
            format!(
                "the home holds all but the {} taken over; another version of hygge hashed those, so that only numbers of rows can be compared",
                rows(adopted)
            )
        } else if as_many {
            let many =
                if adopted == 0 { "as many".to_owned() } else { format!("all but the {} taken over", rows(adopted)) };
            format!("the home holds {many}, but not the same: some changed since {settled}")
        } else {
            let more = verified.home.rows > verified.store.rows;
            let merged = verified.store_is_as_settled().is_none() && !verified.receipt.question.key.is_empty();
            let one = if merged && more { "; a merge keeps one row of each key" } else { "" };
            let taken = match adopted {
                0 => String::new(),
                n => format!("; {} of {} were taken over from others", rows(n), verified.place),
            };
            format!("the home holds {} now{one}{taken}", rows(verified.home.rows))
        });
    }
    // A run mends the place only if it would carry something; and it never mends what others did there.
    let advice = if verified.store_is_as_settled() != Some(false) && verified.carries && !verified.every_run {
        format!("carry what is new with  {}  and verify again", go(owner))
    } else {
        let theirs = match verified.adopted_rows() {
            // The receipt counts no whole, and no merge is why: rows of others may be among them.
            0 if verified.store_is_as_settled().is_none() && verified.receipt.mode == Mode::Append => {
                "; rows that no load put there go"
            }
            0 => "",
            _ => "; the rows that were taken over go",
        };
        let gone = verified.gone.as_ref().map_or_else(String::new, |gone| format!("; {gone}: rows of it go"));
        advisor.anew(owner, &format!("to settle all rows as the home holds them now{theirs}{gone}"))
    };
    lines.push(format!("{} {advice}", paint(DIM, "next:")));
    lines
}
