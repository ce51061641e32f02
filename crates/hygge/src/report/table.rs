//! A few rows as a table: names, types, values.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, FieldRef, Schema};
use hygge_core::Result;

use super::style::{DIM, NAME, paint};
use super::words::{clip, count, left, right, wide};

/// The widest a cell may be.
const WIDEST: usize = 40;

/// The first rows of a home.
#[must_use]
pub struct Table {
    heads: Vec<Head>,
    rows: Vec<Vec<Cell>>,
}

struct Head {
    name: String,
    kind: String,
    number: bool,
}

/// A cell, told apart from what only looks like it: NULL is no text, and a text that says `NULL` is quoted.
struct Cell {
    text: String,
    null: bool,
}

impl Table {
    /// A table without rows yet.
    pub fn new(schema: &Schema) -> Self {
        let heads = schema
            .fields()
            .iter()
            .map(|field| Head {
                name: field.name().clone(),
                kind: kind(field.data_type()),
                number: field.data_type().is_numeric(),
            })
            .collect();
        Self { heads, rows: Vec::new() }
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds rows, up to `limit` in all.
    ///
    /// # Errors
    /// If a value cannot be shown as text, which is a bug.
    pub fn add(&mut self, batch: &RecordBatch, limit: usize) -> Result<()> {
        let options = FormatOptions::default();
        let batch = batch.slice(0, batch.num_rows().min(limit.saturating_sub(self.rows.len())));
        let columns = batch.columns().iter().map(in_utc).collect::<Result<Vec<_>>>()?;
        let formatters =
            columns.iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options)).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(formatters.len());
            for (column, formatter) in columns.iter().zip(&formatters) {
                let null = column.is_null(row);
                let text = if null { "NULL".to_owned() } else { formatter.value(row).try_to_string()? };
                cells.push(Cell { text: if null { text } else { shown(&text) }, null });
            }
            self.rows.push(cells);
        }
        Ok(())
    }

    /// The table as text. On a terminal, columns that do not fit are left out and counted.
    #[must_use]
    pub fn shown(&self, width: Option<usize>) -> String {
        let widths: Vec<usize> = self
            .heads
            .iter()
            .enumerate()
            .map(|(i, head)| {
                let cells = self.rows.iter().map(|row| wide(&row[i].text));
                cells.chain([wide(&head.name), wide(&head.kind)]).max().unwrap_or(0).min(WIDEST)
            })
            .collect();
        let fit = fitting(&widths, width);
        let mut text = String::new();
        let mut line = |cells: Vec<String>| {
            text.push_str(cells.join("   ").trim_end());
            text.push('\n');
        };
        let place = |i: usize, text: &str| {
            let text = clip(text, widths[i]);
            match (self.heads[i].number, i + 1 == fit) {
                (true, _) => right(&text, widths[i]),
                // Nothing stands after it.
                (false, true) => text,
                (false, false) => left(&text, widths[i]),
            }
        };
        line((0..fit).map(|i| paint(NAME, place(i, &self.heads[i].name))).collect());
        line((0..fit).map(|i| paint(DIM, place(i, &self.heads[i].kind))).collect());
        for row in &self.rows {
            let cell = |i: usize| {
                let text = place(i, &row[i].text);
                if row[i].null { paint(DIM, text) } else { text }
            };
            line((0..fit).map(cell).collect());
        }
        let out = self.heads.len() - fit;
        if out > 0 {
            let first = &self.heads[fit].name;
            let more = count(out as u64, "column", "columns");
            text.push_str(&paint(DIM, format!("and {more} more, from {first} on: choose with --columns")));
            text.push('\n');
        }
        text
    }
}

/// The same instants without the names of zones, which only a database of zones could turn into a time of day.
fn in_utc(column: &ArrayRef) -> Result<ArrayRef> {
    let data_type = utc(column.data_type());
    if data_type == *column.data_type() { Ok(Arc::clone(column)) } else { Ok(cast(column, &data_type)?) }
}

fn utc(data_type: &DataType) -> DataType {
    use DataType as T;
    let field = |field: &FieldRef| Arc::new(field.as_ref().clone().with_data_type(utc(field.data_type())));
    match data_type {
        T::Timestamp(unit, Some(_)) => T::Timestamp(*unit, Some("+00:00".into())),
        T::List(inner) => T::List(field(inner)),
        T::LargeList(inner) => T::LargeList(field(inner)),
        T::FixedSizeList(inner, n) => T::FixedSizeList(field(inner), *n),
        T::Map(inner, sorted) => T::Map(field(inner), *sorted),
        T::Struct(fields) => T::Struct(fields.iter().map(field).collect()),
        T::Dictionary(codes, values) => T::Dictionary(codes.clone(), Box::new(utc(values))),
        other => other.clone(),
    }
}

/// How many columns fit a terminal; at least one.
fn fitting(widths: &[usize], width: Option<usize>) -> usize {
    let Some(width) = width else { return widths.len() };
    let mut used = 0;
    for (i, w) in widths.iter().enumerate() {
        used += w + if i > 0 { 3 } else { 0 };
        if used > width {
            return i.max(1);
        }
    }
    widths.len()
}

/// A type as a person calls it.
fn kind(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(zone)) => format!("timestamp {zone}"),
        DataType::Decimal128(digits, scale) | DataType::Decimal256(digits, scale) => {
            format!("decimal({digits}, {scale})")
        }
        other => other.to_string().to_lowercase(),
    }
}

/// A value's text on one line; what could be taken for NULL, or for nothing, is quoted.
fn shown(text: &str) -> String {
    if text.is_empty() || text == "NULL" || text.starts_with(' ') || text.ends_with(' ') {
        return format!("{text:?}");
    }
    if text.contains(|c: char| c.is_control()) {
        return text
            .chars()
            .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
            .collect();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, ListArray, StringArray, TimestampMicrosecondArray};
    use arrow_buffer::OffsetBuffer;
    use arrow_schema::Field;

    use super::*;

    #[test]
    fn instants_of_a_named_zone_are_shown_in_utc() {
        let noon =
            TimestampMicrosecondArray::from(vec![Some(1_704_110_400_000_000), None]).with_timezone("Europe/Oslo");
        let noon: ArrayRef = Arc::new(noon);
        let item = Arc::new(Field::new_list_field(noon.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths([1, 1]);
        let lists: ArrayRef = Arc::new(ListArray::new(item, offsets, Arc::clone(&noon), None));
        let batch = RecordBatch::try_from_iter([("at", noon), ("all", lists)]).expect("a batch");
        let mut table = Table::new(&batch.schema());
        table.add(&batch, 10).expect("shown");
        let text = anstream::adapter::strip_str(&table.shown(None)).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("timestamp Europe/Oslo"), "{text}");
        assert_eq!(lines[2], "2024-01-01T12:00:00Z    [2024-01-01T12:00:00Z]", "{text}");
        assert!(lines[3].starts_with("NULL "), "{text}");
    }

    #[test]
    fn null_is_told_from_the_text_null() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
        ]));
        let names = StringArray::from(vec![Some("NULL"), None, Some("a\nb"), Some("")]);
        let ids = Int64Array::from(vec![Some(1), None, Some(300), Some(4)]);
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(ids), Arc::new(names)]).expect("a batch");
        let mut table = Table::new(&schema);
        table.add(&batch, 3).expect("shown");
        let text = anstream::adapter::strip_str(&table.shown(None)).to_string();
        assert_eq!(text, "   id   name\nint64   text\n    1   \"NULL\"\n NULL   NULL\n  300   a\\nb\n");
        assert_eq!(table.len(), 3);
        let narrow = anstream::adapter::strip_str(&table.shown(Some(9))).to_string();
        assert!(narrow.ends_with("and 1 column more, from name on: choose with --columns\n"), "{narrow}");
    }
}
