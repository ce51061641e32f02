//! What columns take in memory beside the text that they are read from.
//!
//! An item of a list may be written with three bytes and take a kilobyte, as `{}` does in a list of objects with a hundred
//! keys. So rows are read only as many at a time as fit even then; one that alone might not fit is weighed.

use arrow_schema::{DataType, Schema};

use crate::files::json::keys::Keys;
use crate::files::json::lexer::{Halt, colon, items, members, pass, pass_text};

/// The positions of a value, while its column is read.
const POSITIONS: usize = 8;

/// How many bytes a value of the type takes beside its text, and beside its items where it is a list.
#[must_use]
pub(crate) fn fixed_bytes(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => 1 + fields.iter().map(|f| fixed_bytes(f.data_type())).sum::<usize>(),
        DataType::Dictionary(_, values) => 4 + fixed_bytes(values),
        // Even where they are NULL.
        DataType::FixedSizeBinary(size) => 5 + usize::try_from(*size).unwrap_or(0),
        DataType::FixedSizeList(item, size) => {
            1 + usize::try_from(*size).unwrap_or(0).saturating_mul(fixed_bytes(item.data_type()))
        }
        // Where its items end is counted in 64 bits, and then kept.
        DataType::List(_) | DataType::LargeList(_) | DataType::Map(..) => 17,
        other => other.primitive_width().unwrap_or(4) + 1,
    }
}

/// How many positions of values are found for one value of the type, beside its own and those of items.
pub(crate) fn positions(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|f| 1 + positions(f.data_type())).sum(),
        _ => 0,
    }
}

/// What one more item takes, wherever it is written.
fn item_bytes(data_type: &DataType) -> usize {
    fixed_bytes(data_type).saturating_add((1 + positions(data_type)) * POSITIONS)
}

/// How many bytes each byte of a value's text may at most come to, on top of [`fixed_bytes`] and the text itself.
fn worst(data_type: &DataType) -> usize {
    let list = |item: &DataType| {
        // The shortest item, with its comma.
        let shortest = if item.is_nested() { 3 } else { 2 };
        item_bytes(item).div_ceil(shortest).saturating_add(worst(item))
    };
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => list(item.data_type()),
        DataType::Map(entries, _) => list(entries.data_type()),
        DataType::Struct(fields) => fields.iter().map(|f| worst(f.data_type())).max().unwrap_or(0),
        _ => 0,
    }
}

/// Weighs rows before they are read.
pub(crate) struct Scales {
    /// [`worst`] of the columns.
    pub(crate) worst: usize,
    columns: Vec<Weigher>,
}

impl Scales {
    pub(crate) fn new(schema: &Schema) -> Self {
        let types = || schema.fields().iter().map(|f| f.data_type());
        Self { worst: types().map(worst).max().unwrap_or(0), columns: types().map(Weigher::new).collect() }
    }

    /// What the lists of a row take, and the column of those that take most. `begins` tells where the value of each column
    /// begins, or 0.
    pub(crate) fn weigh(&mut self, bytes: &[u8], begins: impl Iterator<Item = usize>) -> (usize, usize) {
        let (mut all, mut most, mut heaviest) = (0_usize, 0, 0);
        for (column, (weigher, begin)) in self.columns.iter_mut().zip(begins).enumerate() {
            let mut weight = 0;
            if begin != 0 && !matches!(weigher, Weigher::Plain) {
                // It was passed before; what does not fit its column is told when it is read.
                let _ = weigher.weigh(bytes, begin, &mut weight);
            }
            all = all.saturating_add(weight);
            if weight > most {
                (most, heaviest) = (weight, column);
            }
        }
        (all, heaviest)
    }
}

/// Adds up the items of the lists in values of one type.
enum Weigher {
    /// There is no list in them.
    Plain,
    List(usize, Box<Self>),
    Map(usize, Box<Self>),
    Struct(Keys, Vec<Self>),
}

impl Weigher {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                Self::List(item_bytes(item.data_type()), Box::new(Self::new(item.data_type())))
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => {
                    Self::Map(item_bytes(entries.data_type()), Box::new(Self::new(pair[1].data_type())))
                }
                _ => Self::Plain,
            },
            DataType::Struct(fields) if worst(data_type) > 0 => {
                let children = fields.iter().map(|f| Self::new(f.data_type())).collect();
                Self::Struct(Keys::new(fields.iter().map(|f| f.name())), children)
            }
            _ => Self::Plain,
        }
    }

    /// Adds what the value at `at` takes, and says where it ends.
    fn weigh(&mut self, bytes: &[u8], at: usize, weight: &mut usize) -> Result<usize, Halt> {
        match (self, bytes.get(at)) {
            (Self::List(each, item), Some(b'[')) => items::<false>(bytes, at, |at| {
                *weight = weight.saturating_add(*each);
                item.weigh(bytes, at, weight)
            }),
            (Self::Map(each, value), Some(b'{')) => members::<false>(bytes, at, |at| {
                *weight = weight.saturating_add(*each);
                let begin = colon::<false>(bytes, pass_text(bytes, at)?.end)?;
                value.weigh(bytes, begin, weight)
            }),
            (Self::Struct(keys, children), Some(b'{')) => {
                let mut before = keys.len();
                members::<false>(bytes, at, |at| {
                    let found = keys.find(bytes, at, before)?;
                    let begin = colon::<false>(bytes, found.end)?;
                    match found.key {
                        Some(key) => {
                            before = key;
                            children[key].weigh(bytes, begin, weight)
                        }
                        None => Ok(pass::<false>(bytes, begin, 0)?.end),
                    }
                })
            }
            _ => Ok(pass::<false>(bytes, at, 0)?.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::Field;

    use super::*;

    fn list(item: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("item", item, true)))
    }

    fn object(names: &[(&str, DataType)]) -> DataType {
        DataType::Struct(names.iter().map(|(name, t)| Field::new(*name, t.clone(), true)).collect())
    }

    #[test]
    fn items_are_weighed_where_they_are_written() {
        let wide = object(&[("a", DataType::Int64), ("b", DataType::Utf8), ("c", list(DataType::Boolean))]);
        // 1 + 9 + 5 + 17 bytes, and four positions.
        let each = 32 + 32;
        let schema = Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("l", list(wide.clone()), true),
            Field::new("o", object(&[("x", DataType::Int64), ("l", list(list(wide)))]), true),
        ]);
        let mut scales = Scales::new(&schema);
        let row = br#"{"n":1,"l":[{},null,{"a":"[],[]","c":[true,false]}],"o":{"x":[1,2],"\u006c":[[],[{}]]}}"#;
        let begin = |key: &str| row.windows(key.len()).position(|w| w == key.as_bytes()).map_or(0, |at| at + key.len());
        let begins = [begin("\"n\":"), begin("\"l\":"), begin("\"o\":")];
        let booleans = 2 * (5 + 8);
        let lists = 2 * (17 + 8);
        assert_eq!(scales.weigh(row, begins.into_iter()), (3 * each + booleans + lists + each, 1));
        assert_eq!(scales.weigh(row, [0, 0, begins[2]].into_iter()), (lists + each, 2));
        assert_eq!(scales.worst, (17 + 8_usize).div_ceil(3) + (each).div_ceil(3) + (5 + 8_usize).div_ceil(2));
    }

    #[test]
    fn what_takes_room_though_it_is_null_is_counted() {
        let item = Arc::new(Field::new("item", DataType::Float32, true));
        assert_eq!(fixed_bytes(&DataType::FixedSizeList(item, 1536)), 1 + 1536 * 5);
        assert_eq!(fixed_bytes(&DataType::FixedSizeBinary(100)), 105);
    }

    #[test]
    fn no_value_is_heavier_than_its_text_may_be() {
        let wide = object(&[("a", DataType::Int64), ("b", list(DataType::Int64))]);
        let schema = Schema::new(vec![Field::new("l", list(list(wide)), true)]);
        let mut scales = Scales::new(&schema);
        for text in ["[[{},{},{}],[],[]]", "[[],[],[],[]]", "[[{\"b\":[1,1,1,1]}]]", "[]"] {
            let (weight, _) = scales.weigh(format!(" {text}").as_bytes(), std::iter::once(1));
            assert!(weight <= text.len() * scales.worst, "{text}: {weight}");
        }
    }
}
