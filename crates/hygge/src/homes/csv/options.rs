//! How the files are read, as receipts keep it: a change can be named, and what only says more is told from it.
//!
//! Words are kept as digests, of hygge's own words for types: they must not change.

use std::collections::BTreeSet;

use hygge_core::home::ReadRequest;
use hygge_core::receipt::Options;
use serde_json::json;

use super::{Csv, CsvHomeConfig, Infer};
use crate::files::codec::Codec;
use crate::homes::typed::{column_line, declared_marks, mark, marks};

impl Csv {
    /// The options that decide which rows are read out of the same bytes, as receipts keep them.
    pub(super) fn reading_options(&self) -> Options {
        let CsvHomeConfig { root: _, path: _, separator, quote, header, nulls, columns: _, infer: _, codec: _ } =
            &self.config;
        let quote = quote.map_or_else(|| "none".to_owned(), |q| char::from(q).to_string());
        // In whatever order they are written.
        let nulls: BTreeSet<String> = nulls.iter().map(|text| mark(text)).collect();
        let options = [
            ("separator", char::from(*separator).to_string()),
            ("quote", quote),
            ("header", header.to_string()),
            ("nulls", nulls.into_iter().collect::<Vec<_>>().join(" ")),
            ("columns", declared_marks(&self.config.columns)),
        ];
        options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// All that decides what is read out of the bytes.
    pub(super) fn all_options(&self, request: &ReadRequest) -> String {
        let CsvHomeConfig { root: _, path: _, separator, quote, header, nulls, columns, infer, codec } = &self.config;
        let columns: Vec<String> = columns.iter().map(|(name, data_type)| column_line(name, data_type)).collect();
        let all_cells = *infer == Infer::All;
        let codec = codec.map(Codec::word);
        let all = json!([separator, quote, header, nulls, columns, all_cells, codec, request.columns]);
        all.to_string()
    }

    /// What `nulls:` has more than before, where it has all that it had.
    pub(super) fn more_nulls(&self, before: &Options) -> Option<String> {
        let nulls = &self.config.nulls;
        let was = marks(before, "nulls");
        let more: Vec<String> =
            nulls.iter().filter(|text| !was.contains(mark(text).as_str())).map(|text| format!("{text:?}")).collect();
        let all_stay = was.iter().all(|old| nulls.iter().any(|text| mark(text) == *old));
        let more = Some(more.join(", ")).filter(|more| all_stay && !more.is_empty())?;
        Some(format!(
            "nulls has {more} more than before: rows that have settled stay as they were read, unless their file is merged again"
        ))
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::{DataType, Field, Schema};
    use hygge_core::receipt::Question;

    use super::*;
    use crate::homes::typed::more_columns;

    fn home(columns: &[(&str, DataType)], nulls: &[&str]) -> Csv {
        let columns = columns.iter().map(|(name, data_type)| ((*name).to_owned(), data_type.clone())).collect();
        let nulls = nulls.iter().map(|&text| text.to_owned()).collect();
        super::super::CsvHome::new(CsvHomeConfig { nulls, columns, ..CsvHomeConfig::new("/", "in") })
            .expect("sound")
            .format
    }

    #[test]
    fn what_receipts_keep_stays_as_it_is() {
        let instant = DataType::Timestamp(arrow_schema::TimeUnit::Microsecond, Some("UTC".into()));
        let home = home(&[("fare", DataType::Utf8), ("at", instant)], &["NA"]);
        let kept = home.reading_options();
        assert_eq!(kept["columns"], "1814e3ba531927c31027ce12c599743e d7d9c915c61aa2a4289758f2b62f13f1");
        assert_eq!(kept["nulls"], "36f9c821d79cb8f9489beadbc7e87483");
        let request = ReadRequest::all(hygge_core::home::Source::Whole { entity: None });
        assert_eq!(Question::digest(&home.all_options(&request)), "b7cbea82834337a889bf585546987c02");
    }

    #[test]
    fn a_type_that_has_settled_may_be_declared_and_another_may_not() {
        let settled =
            Schema::new(vec![Field::new("id", DataType::Int64, true), Field::new("fare", DataType::Utf8, true)]);
        let before = home(&[("id", DataType::Int64)], &[]).reading_options();
        let more = |columns: &[(&str, DataType)]| more_columns(&home(columns, &[]).config.columns, &before, &settled);
        let (int, text) = (DataType::Int64, DataType::Utf8);
        assert_eq!(
            more(&[("fare", text.clone()), ("id", int.clone())]).as_deref(),
            Some("columns says what has settled: fare: text")
        );
        assert_eq!(more(&[("id", int.clone())]), None, "nothing is more");
        assert_eq!(more(&[("fare", text.clone())]), None, "a type was taken out");
        assert_eq!(more(&[("id", text), ("fare", int.clone())]), None, "other types");
        assert_eq!(more(&[("id", int.clone()), ("other", int)]), None, "nothing of it has settled");
    }
}
