//! What a store keeps, together with the rows, as the proof of what has settled.

use std::collections::BTreeMap;

use arrow_schema::{Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::place::PlaceId;
use crate::tally::Tally;
use crate::watermark::Watermark;

/// The form of [`Receipt`] that this version writes; an unknown higher one is refused.
pub const RECEIPT_FORMAT: u32 = 1;

/// How many receipts of a place are kept, the newest ones.
pub const RECEIPTS_KEPT: usize = 100;

/// Options by their names in the configuration, as texts that differ where the options do.
pub type Options = BTreeMap<String, String>;

/// The names of the options that are not the same.
#[must_use]
pub fn changed(before: &Options, now: &Options) -> Vec<String> {
    let mut names: Vec<&String> =
        before.keys().chain(now.keys()).filter(|name| before.get(*name) != now.get(*name)).collect();
    names.sort();
    names.dedup();
    names.into_iter().cloned().collect()
}

/// Which flow a place belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The project's name.
    pub project: String,
    /// The flow's name.
    pub flow: String,
    /// The entity, where the flow has entities.
    pub entity: Option<String>,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.project, self.flow)?;
        match &self.entity {
            Some(entity) => write!(f, "/{entity}"),
            None => Ok(()),
        }
    }
}

/// What a flow asks of its home, part by part, so that a change can be named.
///
/// Parts that may hold literals (query, filter) are kept as digests only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Who the home is, without user, password and options that change no rows; relative to the project's root where it lies below it.
    pub home: String,
    /// The table, the pattern of files, or the digest of the query.
    pub source: String,
    /// The chosen columns, in order; none means all.
    pub columns: Option<Vec<String>>,
    /// Digest of the filter.
    pub filter: Option<String>,
    /// The column of the watermark.
    pub cursor: Option<String>,
    /// The key that rows are merged on.
    pub key: Vec<String>,
    /// [`crate::home::Home::reading`]; none in receipts of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Options>,
}

impl Question {
    /// The names of the parts in which two questions differ, in the words of the configuration.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut note = |differs: bool, name: &str| {
            if differs {
                out.push(name.to_owned());
            }
        };
        // Before the options had a place of their own, the home's name held some of them.
        let home = match self.home.rsplit_once("?separator=") {
            Some((home, _)) if self.reading.is_none() => home,
            _ => &self.home,
        };
        note(home != other.home, "home");
        note(self.source != other.source, "table or query");
        note(self.columns != other.columns, "columns");
        note(self.filter != other.filter, "where");
        note(self.cursor != other.cursor, "watermark");
        note(self.key != other.key, "key");
        if let (Some(before), Some(now)) = (&self.reading, &other.reading) {
            // Which columns are chosen and which types they have may go by one name.
            out.extend(changed(before, now));
            out.dedup();
        }
        out
    }

    /// A digest of a text that may hold literals.
    #[must_use]
    pub fn digest(text: &str) -> String {
        blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
    }
}

/// Rows that a later row with the same key took the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Rows of the load that later ones of the same load replaced: it brought as many fewer rows than it carried.
    pub load: u64,
    /// Those, and the rows of earlier loads that later loads replaced, since all was settled anew. So many rows more, at
    /// most, does a home hold that did not change since.
    pub all: u64,
}

/// How a load's rows join those that are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The new rows are added.
    Append,
    /// The new rows take the place of all rows.
    Replace,
    /// Rows are inserted, or updated where the key is there already.
    Merge {
        /// The columns that identify a row; never empty.
        key: Vec<String>,
    },
}

impl Mode {
    /// The configuration's word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Merge { .. } => "merge",
        }
    }
}

/// Why a text is no receipt.
#[derive(Debug)]
pub enum Unreadable {
    /// A later version of hygge wrote it, in this form.
    Later(u32),
    /// It is something else, or was never whole.
    Broken(serde_json::Error),
}

impl Unreadable {
    /// The refusal to go on at a place.
    #[must_use]
    pub fn at(self, place: &PlaceId) -> crate::Error {
        match self {
            Self::Later(form) => crate::Error::refused(format!(
                "the receipt of {place} was written by a later version of hygge (form {form}, this one knows {RECEIPT_FORMAT})"
            ))
            .next("run it with that version"),
            Self::Broken(error) => crate::Error::refused(format!("the receipt of {place} cannot be read"))
                .next("restore it from a backup, or let the flow settle in another place")
                .because(error),
        }
    }
}

/// The truth about a place: what settled last, and all that the next run must know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`RECEIPT_FORMAT`] of the writer.
    pub format: u32,
    /// Counts the commits of a place, from 1, without gaps.
    pub seq: u64,
    /// The run that committed.
    pub run: String,
    /// When it committed, RFC 3339 in UTC by this machine's clock; for people, never for decisions.
    pub committed_at: String,
    /// Whose place it is.
    pub owner: Owner,
    /// What was asked of the home.
    pub question: Question,
    /// The columns as the home gave them.
    pub schema: SchemaRef,
    /// How the rows joined.
    pub mode: Mode,
    /// The end of what was read, for incremental flows.
    pub watermark: Option<Watermark>,
    /// What the home wants to be shown next time (stamps of settled files, of the database file).
    pub home_state: Option<serde_json::Value>,
    /// The rows of this load.
    pub load: Tally,
    /// All rows of the place, where the store can tell: after a merge only where rows come in an order
    /// ([`crate::store::LoadSpec::last_wins`]). None, too, where another version of the hash wrote it.
    #[serde(default, deserialize_with = "of_this_hash")]
    pub total: Option<Tally>,
    /// The rows that others took the place of, where rows come in an order; none where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
    /// The rows among them that were taken over from others ([`crate::store::LoadSpec::adopt`]), where they were counted.
    /// Their sum may be of another version of the hash, or of several: then only their number says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Tally>,
    /// Whether the store's own reader read the load back before it was published.
    pub proved: bool,
    /// What is live, in the store's own terms (files with sizes; the identity of a table).
    pub live: serde_json::Value,
    /// [`crate::store::Store::writing`]; none in receipts of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writing: Option<Options>,
}

impl Receipt {
    /// The end of what was read, where the rows at it are too many to remember and are held back.
    #[must_use]
    pub fn held_back(&self) -> Option<&crate::watermark::Bound> {
        self.watermark.as_ref().map(|watermark| &watermark.bound).filter(|bound| !bound.inclusive)
    }

    /// How many rows of the load stand.
    #[must_use]
    pub fn brought(&self) -> u64 {
        self.load.rows.saturating_sub(self.replaced.map_or(0, |replaced| replaced.load))
    }

    /// The columns as the home gave them.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Reads a receipt as it was stored.
    ///
    /// # Errors
    /// When the text is no receipt, or one of a later version of hygge.
    pub fn from_json(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_str(text).map_err(Unreadable::Broken)?;
        if head.format > RECEIPT_FORMAT {
            return Err(Unreadable::Later(head.format));
        }
        serde_json::from_str(text).map_err(Unreadable::Broken)
    }

    /// The text that is stored.
    ///
    /// # Errors
    /// Only if a value cannot be written as JSON, which is a bug.
    pub fn to_json(&self) -> crate::Result<String> {
        serde_json::to_string(self).map_err(|e| crate::Error::bug("a receipt could not be written as JSON").because(e))
    }
}

/// Sums of different versions cannot be compared, and not be added.
fn of_this_hash<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Tally>, D::Error> {
    let total = Option::<Tally>::deserialize(deserializer)?;
    Ok(total.filter(Tally::is_of_this_version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(home: &str, reading: Option<&[(&str, &str)]>) -> Question {
        Question {
            home: home.into(),
            source: "all".into(),
            columns: None,
            filter: None,
            cursor: None,
            key: Vec::new(),
            reading: reading.map(|options| options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()),
        }
    }

    #[test]
    fn a_question_names_the_options_that_changed() {
        let semicolons = question("in", Some(&[("separator", ";"), ("nulls", "1")]));
        assert_eq!(semicolons.differences(&semicolons), [""; 0]);
        let others = question("out", Some(&[("separator", ","), ("quote", "none"), ("nulls", "1")]));
        assert_eq!(semicolons.differences(&others), ["home", "quote", "separator"]);
        let mut chosen = question("in", Some(&[("columns", "1")]));
        chosen.columns = Some(vec!["id".into()]);
        assert_eq!(question("in", Some(&[("columns", "2")])).differences(&chosen), ["columns"], "once");
    }

    #[test]
    fn a_receipt_of_before_options_were_kept_asks_what_it_asked() {
        let now = question("in", Some(&[("separator", ";")]));
        assert_eq!(question("in", None).differences(&now), [""; 0]);
        assert_eq!(question("in?separator=;&quote=\"&header=true", None).differences(&now), [""; 0]);
        assert_eq!(question("out?separator=;&quote=\"&header=true", None).differences(&now), ["home"]);
    }
}
