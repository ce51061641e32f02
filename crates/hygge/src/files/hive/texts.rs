//! Values of a column as names of folders.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, LargeStringArray};
use arrow_schema::DataType;
use hygge_core::{Error, Result};

use super::{NULL, encode, percent};

/// The longest name that file systems take, in bytes.
const LONGEST: usize = 255;

/// Whether a column's values can be names of folders that all readers take for the same values.
#[must_use]
pub fn can_part(data_type: &DataType) -> bool {
    use DataType as T;
    match data_type {
        T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Boolean | T::Date32 | T::Decimal128(..) | T::Decimal256(..) => true,
        T::Dictionary(_, values) => matches!(values.as_ref(), T::Utf8 | T::LargeUtf8 | T::Utf8View),
        other => other.is_integer(),
    }
}

/// The type as which a reader of ours gives the values back.
#[must_use]
pub fn given_back(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        other => other.clone(),
    }
}

/// The values of one column of a batch.
pub struct Texts<'a> {
    name: &'a str,
    values: LargeStringArray,
    is_date: bool,
}

impl<'a> Texts<'a> {
    /// Of a column of that name.
    ///
    /// # Errors
    /// If its type cannot be that of partitions.
    pub fn of(name: &'a str, column: &ArrayRef) -> Result<Self> {
        let is_date = *column.data_type() == DataType::Date32;
        let texts = arrow_cast::cast(column, &DataType::LargeUtf8).map_err(|e| {
            // What is far enough off has no text at all, and the library says so with the value.
            if is_date { far_off(name) } else { unfit(name, "the column cannot name folders").because(e) }
        })?;
        Ok(Self { name, values: texts.as_string::<i64>().clone(), is_date })
    }

    /// Whether two rows go to one folder.
    #[must_use]
    pub fn same(&self, a: usize, b: usize) -> bool {
        match (self.values.is_null(a), self.values.is_null(b)) {
            (false, false) => self.values.value(a) == self.values.value(b),
            (a, b) => a == b,
        }
    }

    /// Adds the name of a row's folder.
    ///
    /// # Errors
    /// If the value is one that readers would take for another.
    pub fn folder(&self, row: usize, out: &mut String) -> Result<()> {
        let begin = out.len();
        encode(self.name, out);
        out.push('=');
        if self.values.is_null(row) {
            out.push_str(NULL);
            return Ok(());
        }
        let value = self.values.value(row);
        let another = |found| Err(unfit(self.name, found).next(PART_BY_ANOTHER));
        if value.is_empty() {
            let found = "a value is the empty text, which no reader can tell from NULL in the name of a folder";
            let next = "let the home say NULL there, or part the rows by another column";
            return Err(unfit(self.name, found).next(next));
        }
        if value == NULL {
            return another("a value is the very text that stands for NULL in the names of folders");
        }
        if self.is_date && value.len() != "2024-02-29".len() {
            return Err(far_off(self.name));
        }
        // DuckDB takes the bare word for NULL.
        if value.eq_ignore_ascii_case("null") {
            let (first, rest) = value.split_at(1);
            first.bytes().for_each(|byte| percent(byte, out));
            out.push_str(rest);
        } else {
            encode(value, out);
        }
        if out.len() - begin > LONGEST {
            return another("a value is too long for the name of a folder");
        }
        Ok(())
    }
}

const PART_BY_ANOTHER: &str = "part the rows by another column";

fn unfit(name: &str, found: &str) -> Error {
    Error::failed(found).at(format!("column {name}"))
}

fn far_off(name: &str) -> Error {
    unfit(name, "a date lies outside of the years 0000 to 9999").next(PART_BY_ANOTHER)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray};

    use super::*;

    fn folder(column: &ArrayRef, row: usize) -> Result<String> {
        let mut out = String::new();
        Texts::of("k", column)?.folder(row, &mut out)?;
        Ok(out)
    }

    fn text(value: &str) -> Result<String> {
        folder(&(Arc::new(StringArray::from(vec![value])) as ArrayRef), 0)
    }

    #[test]
    fn a_value_is_the_name_of_a_folder_and_comes_back() {
        let columns: [(ArrayRef, &str); 6] = [
            (Arc::new(Int64Array::from(vec![-7])), "k=-7"),
            (Arc::new(Int64Array::from(vec![None])), "k=__HIVE_DEFAULT_PARTITION__"),
            (Arc::new(BooleanArray::from(vec![true])), "k=true"),
            (Arc::new(Date32Array::from(vec![19_782])), "k=2024-02-29"),
            (Arc::new(Decimal128Array::from(vec![-1_250]).with_precision_and_scale(9, 2).expect("fits")), "k=-12.50"),
            (Arc::new(StringArray::from(vec!["01"])), "k=01"),
        ];
        for (column, wanted) in columns {
            let data_type = column.data_type().clone();
            let name = folder(&column, 0).expect("a name");
            assert_eq!(name, wanted);
            let (_, value) = super::super::key(&name).expect("text").expect("a key");
            let back = super::super::constant(value.as_deref(), &data_type, 1).expect("made").expect("a value");
            assert_eq!(back.as_ref(), column.as_ref());
        }
        for value in
            ["São Paulo/SP", "a=b", "100%", "..", "x y", "null", "NULL", "ä%20", "\u{1}\n", "𝄞", "*?[\"'", "_", ".x"]
        {
            let name = text(value).expect("a name");
            assert!(!name.contains('/') && name.is_ascii(), "{name}");
            assert_eq!(
                super::super::key(&name).expect("text"),
                Some(("k".to_owned(), Some(value.to_owned()))),
                "{name}"
            );
        }
    }

    #[test]
    fn what_readers_would_take_for_another_value_is_refused() {
        for value in ["", NULL, &"x".repeat(254)] {
            let error = text(value).expect_err("refused");
            assert_eq!(error.place(), Some("column k"));
            assert!(error.advice().is_some() && (value.is_empty() || !error.to_string().contains(value)), "{error}");
        }
        assert!(text(&"x".repeat(253)).is_ok());
        // The year 10183, and one that not even the calendar of the library has.
        for days in [3_000_000, i32::MAX] {
            let error = folder(&(Arc::new(Date32Array::from(vec![days])) as ArrayRef), 0).expect_err("refused");
            assert_eq!(error.found(), "a date lies outside of the years 0000 to 9999");
        }
        assert!(can_part(&DataType::UInt8) && !can_part(&DataType::Float64) && !can_part(&DataType::Binary));
    }
}
