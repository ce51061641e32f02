//! How much memory rows take once they are decoded, told before they are.

use arrow_schema::{DataType, Field};

/// What rows of some columns take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Bytes of memory a row, beside those of its texts and lists.
    row: usize,
    /// The most bytes of memory a byte of data: a byte may be a number, a NULL, or an item of a list.
    byte: usize,
}

impl Cost {
    /// Of columns as the library decodes them.
    pub(super) fn of<'a>(columns: impl Iterator<Item = &'a Field> + Clone) -> Self {
        let row = columns.clone().map(width).fold(0, usize::saturating_add);
        Self { row, byte: 1 + columns.map(items).max().unwrap_or(0) }
    }

    /// Of so many rows in so many bytes.
    pub(super) fn rows(self, rows: u64, bytes: u64) -> usize {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        rows.saturating_mul(self.row).saturating_add(bytes.saturating_mul(self.byte))
    }
}

/// The least bytes that a row has as it is written.
pub(super) fn least<'a>(columns: impl Iterator<Item = &'a Field>) -> usize {
    columns.map(least_of).fold(0, usize::saturating_add)
}

/// The bytes of one value, beside those of its text and its items.
fn width(field: &Field) -> usize {
    // Whether it is there takes a part of a byte.
    1 + match field.data_type() {
        DataType::Null => 0,
        DataType::FixedSizeBinary(len) => usize::try_from(*len).unwrap_or(0),
        DataType::Struct(fields) => fields.iter().map(|field| width(field)).fold(0, usize::saturating_add),
        DataType::Dictionary(..) => 8 + longest_word(field),
        data_type => data_type.primitive_width().unwrap_or(4),
    }
}

/// The most bytes that the items of lists take for each byte that they are written in.
fn items(field: &Field) -> usize {
    match field.data_type() {
        DataType::List(item) | DataType::Map(item, _) => width(item).div_ceil(least_of(item).max(1)).max(items(item)),
        DataType::Struct(fields) => fields.iter().map(|field| items(field)).max().unwrap_or(0),
        _ => 0,
    }
}

fn least_of(field: &Field) -> usize {
    match field.data_type() {
        _ if field.is_nullable() => 1,
        DataType::Null => 0,
        DataType::Float32 => 4,
        DataType::Float64 => 8,
        DataType::Interval(_) => 12,
        DataType::FixedSizeBinary(len) => usize::try_from(*len).unwrap_or(0),
        DataType::Struct(fields) => least(fields.iter().map(AsRef::as_ref)),
        _ => 1,
    }
}

/// The longest word of an enumeration, which is written out in each row.
fn longest_word(field: &Field) -> usize {
    let words = field.metadata().get("avro.enum.symbols");
    let words: Vec<String> = words.and_then(|words| serde_json::from_str(words).ok()).unwrap_or_default();
    words.iter().map(String::len).max().unwrap_or(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_cost_what_their_columns_are_wide_and_lists_what_their_items_are() {
        let number = Field::new("n", DataType::Int64, false);
        let block = Field::new("b", DataType::FixedSizeBinary(4096), true);
        let list = Field::new_list("l", Field::new("item", DataType::FixedSizeBinary(100), true), false);
        let of = |fields: &[&Field]| Cost::of(fields.iter().copied());
        assert_eq!(of(&[&number]), Cost { row: 9, byte: 1 });
        assert_eq!(of(&[&number, &block]).rows(10, 20), 10 * (9 + 4097) + 20);
        assert_eq!(of(&[&list]).rows(2, 1_000), 2 * 5 + 1_000 * 102);
        assert_eq!(of(&[&list]).rows(u64::MAX, u64::MAX), usize::MAX);
        assert_eq!(least([&number, &block, &list].into_iter()), 3);
        assert_eq!(least(std::iter::once(&Field::new("f", DataType::FixedSizeBinary(16), false))), 16);
    }
}
