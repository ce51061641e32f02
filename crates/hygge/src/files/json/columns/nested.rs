//! Columns of objects and lists: each finds the places of its children's values, and hands them on.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray, LargeListArray, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, FieldRef, Fields};

use super::typed::found;
use super::{ColumnBuilder, Misfit, Unfit, Value, Values};
use crate::files::json::keys::{ESCAPED, Keys, Members, name_at, narrow};
use crate::files::json::lexer::{Halt, Wrong, colon, items, members, pass, pass_text};

fn misfit(row: usize, value: &Value<'_>, expected: &DataType) -> Misfit {
    Misfit::at(row, Unfit::Value { found: found(value.text, expected), expected: expected.clone() })
}

/// Of an object or a list that was passed before, and is not what it should be all the same.
fn unfit(row: usize, bytes: &[u8], halt: Halt) -> Misfit {
    let (what, key) = match halt {
        Halt::Bad(bad) => (bad.what, name_at(bytes, bad.at)),
        Halt::More | Halt::Enough => (Wrong::Torn, String::new()),
    };
    Misfit::at(row, Unfit::Object { what, key })
}

/// Objects with known keys.
pub(super) struct Structs {
    fields: Fields,
    members: Members,
    children: Vec<Box<dyn ColumnBuilder>>,
    nulls: NullBufferBuilder,
    slots: Vec<u32>,
}

impl Structs {
    pub(super) fn new(fields: &Fields, children: Vec<Box<dyn ColumnBuilder>>) -> Self {
        let members = Members { keys: Keys::new(fields.iter().map(|f| f.name())), others: false };
        Self { fields: fields.clone(), members, children, nulls: NullBufferBuilder::new(0), slots: Vec::new() }
    }
}

impl ColumnBuilder for Structs {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        let stride = self.members.stride();
        self.slots.clear();
        self.slots.resize(values.rows() * stride, 0);
        for (row, value) in values.iter().enumerate() {
            if let Some(value) = &value {
                if value.text[0] != b'{' {
                    return Err(misfit(row, value, &DataType::Struct(self.fields.clone())));
                }
                let slots = &mut self.slots[row * stride..(row + 1) * stride];
                self.members
                    .find::<false>(values.bytes, value.begin, 0, slots)
                    .map_err(|halt| unfit(row, values.bytes, halt))?;
            }
            self.nulls.append(value.is_some());
        }
        for (at, (child, field)) in self.children.iter_mut().zip(&self.fields).enumerate() {
            child
                .append(Values { bytes: values.bytes, slots: &self.slots, stride, first: at * 2 })
                .map_err(|m| m.below(field.name()))?;
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.nulls.len() / 8 + self.children.iter().map(|child| child.held()).sum::<usize>()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let rows = self.nulls.len();
        let nulls = self.nulls.finish();
        if self.children.is_empty() {
            return Ok(Arc::new(StructArray::new_empty_fields(rows, nulls)));
        }
        let mut arrays = Vec::with_capacity(self.children.len());
        for (child, field) in self.children.iter_mut().zip(&self.fields) {
            arrays.push(child.finish().map_err(|m| m.below(field.name()))?);
        }
        let expected = || DataType::Struct(self.fields.clone());
        StructArray::try_new(self.fields.clone(), arrays, nulls)
            .map(|a| Arc::new(a) as ArrayRef)
            .map_err(|_| lost(expected()))
    }
}

/// Of values that are missing though the type does not allow it.
fn lost(expected: DataType) -> Misfit {
    Misfit::at(0, Unfit::Value { found: "nothing", expected })
}

/// Where the items of each row end.
struct Ends {
    ends: Vec<i64>,
    nulls: NullBufferBuilder,
}

impl Ends {
    fn new() -> Self {
        Self { ends: vec![0], nulls: NullBufferBuilder::new(0) }
    }

    fn last(&self) -> i64 {
        self.ends.last().copied().unwrap_or_default()
    }

    fn push(&mut self, items: usize, valid: bool) {
        self.ends.push(self.last() + i64::try_from(items).unwrap_or(i64::MAX));
        self.nulls.append(valid);
    }

    /// The row that an item belongs to, the items being counted from `base` on, and rows from `row`.
    fn row_of(&self, item: usize, row: usize) -> usize {
        let item = i64::try_from(item).unwrap_or(i64::MAX);
        self.ends[1..].partition_point(|&end| end <= item).saturating_sub(row)
    }

    fn held(&self) -> usize {
        size_of_val(self.ends.as_slice()) + self.nulls.len() / 8
    }

    fn take(&mut self) -> Vec<i64> {
        std::mem::replace(&mut self.ends, vec![0])
    }
}

fn offsets32(ends: Vec<i64>) -> OffsetBuffer<i32> {
    // A batch has fewer bytes than this.
    let ends: Vec<i32> = ends.into_iter().map(|end| i32::try_from(end).unwrap_or(i32::MAX)).collect();
    OffsetBuffer::new(ScalarBuffer::from(ends))
}

/// Lists of any kind.
pub(super) struct Lists {
    data_type: DataType,
    child: Box<dyn ColumnBuilder>,
    rows: Ends,
    slots: Vec<u32>,
}

impl Lists {
    pub(super) fn new(data_type: &DataType, child: Box<dyn ColumnBuilder>) -> Self {
        Self { data_type: data_type.clone(), child, rows: Ends::new(), slots: Vec::new() }
    }

    /// How many items each list must have.
    fn size(&self) -> Option<usize> {
        match self.data_type {
            DataType::FixedSizeList(_, size) => usize::try_from(size).ok(),
            _ => None,
        }
    }
}

impl ColumnBuilder for Lists {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        self.slots.clear();
        let (base, rows) = (self.rows.last(), self.rows.ends.len() - 1);
        let size = self.size();
        for (row, value) in values.iter().enumerate() {
            let before = self.slots.len();
            let Some(value) = value else {
                // The items of a NULL are NULLs, where all lists are of one size.
                self.slots.resize(before + size.unwrap_or(0) * 2, 0);
                self.rows.push(size.unwrap_or(0), false);
                continue;
            };
            if value.text[0] != b'[' {
                return Err(misfit(row, &value, &self.data_type));
            }
            let slots = &mut self.slots;
            items::<false>(values.bytes, value.begin, |at| {
                let passed = pass::<false>(values.bytes, at, 0)?;
                slots.push(narrow(at));
                slots.push(narrow(passed.end) | if passed.escaped { ESCAPED } else { 0 });
                Ok(passed.end)
            })
            .map_err(|halt| unfit(row, values.bytes, halt))?;
            let items = (self.slots.len() - before) / 2;
            if size.is_some_and(|size| size != items) {
                return Err(misfit(row, &value, &self.data_type));
            }
            self.rows.push(items, true);
        }
        let items = Values { bytes: values.bytes, slots: &self.slots, stride: 2, first: 0 };
        self.child.append(items).map_err(|m| {
            let item = m.row + usize::try_from(base).unwrap_or(0);
            Misfit { row: self.rows.row_of(item, rows), ..m.below("[]") }
        })
    }

    fn held(&self) -> usize {
        self.rows.held() + self.child.held()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let nulls = self.rows.nulls.finish();
        let child = self.child.finish().map_err(|m| Misfit { row: self.rows.row_of(m.row, 0), ..m.below("[]") })?;
        let ends = self.rows.take();
        let rows = ends.len() - 1;
        let array = match &self.data_type {
            DataType::LargeList(item) => {
                LargeListArray::try_new(Arc::clone(item), OffsetBuffer::new(ends.into()), child, nulls)
                    .map(|a| Arc::new(a) as ArrayRef)
            }
            DataType::FixedSizeList(item, size) => {
                FixedSizeListArray::try_new_with_length(Arc::clone(item), *size, child, nulls, rows)
                    .map(|a| Arc::new(a) as ArrayRef)
            }
            DataType::List(item) => {
                ListArray::try_new(Arc::clone(item), offsets32(ends), child, nulls).map(|a| Arc::new(a) as ArrayRef)
            }
            other => return Err(lost(other.clone())),
        };
        array.map_err(|_| lost(self.data_type.clone()))
    }
}

/// Objects with any keys.
pub(super) struct Maps {
    data_type: DataType,
    pair: Fields,
    /// Whether keys are texts, and not numbers as texts.
    textual: bool,
    keys: Box<dyn ColumnBuilder>,
    values: Box<dyn ColumnBuilder>,
    rows: Ends,
    /// Of each entry, the key's and the value's place.
    slots: Vec<u32>,
}

impl Maps {
    pub(super) fn new(
        data_type: &DataType,
        pair: &Fields,
        keys: Box<dyn ColumnBuilder>,
        values: Box<dyn ColumnBuilder>,
    ) -> Self {
        let textual = in_quotes(pair[0].data_type());
        let pair = pair.clone();
        Self { data_type: data_type.clone(), pair, textual, keys, values, rows: Ends::new(), slots: Vec::new() }
    }

    fn below(&self, misfit: Misfit, base: i64, rows: usize) -> Misfit {
        let item = misfit.row + usize::try_from(base).unwrap_or(0);
        Misfit { row: self.rows.row_of(item, rows), ..misfit.below("{}") }
    }
}

/// Whether values of the type are written in quotes.
pub(crate) fn in_quotes(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => in_quotes(values),
        t => !(t.is_numeric() || matches!(t, DataType::Boolean | DataType::Null | DataType::Duration(_))),
    }
}

impl ColumnBuilder for Maps {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        self.slots.clear();
        let (base, rows) = (self.rows.last(), self.rows.ends.len() - 1);
        let bytes = values.bytes;
        let mut seen: HashSet<Vec<u8>> = HashSet::new();
        for (row, value) in values.iter().enumerate() {
            let Some(value) = value else {
                self.rows.push(0, false);
                continue;
            };
            if value.text[0] != b'{' {
                return Err(misfit(row, &value, &self.data_type));
            }
            let before = self.slots.len();
            let (slots, textual) = (&mut self.slots, self.textual);
            seen.clear();
            members::<false>(bytes, value.begin, |at| {
                let key = pass_text(bytes, at)?;
                let named = Value { text: &bytes[at..key.end], begin: at, escaped: key.escaped };
                if !seen.insert(super::typed::meant(&named).into_owned()) {
                    return crate::files::json::lexer::bad(Wrong::Twice, at);
                }
                let quotes = usize::from(!textual);
                slots.push(narrow(at + quotes));
                slots.push(narrow(key.end - quotes) | if key.escaped { ESCAPED } else { 0 });
                let begin = colon::<false>(bytes, key.end)?;
                let passed = pass::<false>(bytes, begin, 0)?;
                slots.push(narrow(begin));
                slots.push(narrow(passed.end) | if passed.escaped { ESCAPED } else { 0 });
                Ok(passed.end)
            })
            .map_err(|halt| unfit(row, bytes, halt))?;
            self.rows.push((self.slots.len() - before) / 4, true);
        }
        let at = |first| Values { bytes, slots: &self.slots, stride: 4, first };
        let keys = self.keys.append(at(0));
        let held = self.values.append(at(2));
        keys.and(held).map_err(|m| self.below(m, base, rows))
    }

    fn held(&self) -> usize {
        self.rows.held() + self.keys.held() + self.values.held()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let nulls = self.rows.nulls.finish();
        let (keys, values) = (self.keys.finish(), self.values.finish());
        let keys = keys.map_err(|m| self.below(m, 0, 0))?;
        let values = values.map_err(|m| self.below(m, 0, 0))?;
        let ends = self.rows.take();
        let DataType::Map(entries, sorted) = &self.data_type else { return Err(lost(self.data_type.clone())) };
        let field: FieldRef = Arc::clone(entries);
        let array = StructArray::try_new(self.pair.clone(), vec![keys, values], None)
            .and_then(|pairs| MapArray::try_new(field, offsets32(ends), pairs, nulls, *sorted));
        array.map(|a| Arc::new(a) as ArrayRef).map_err(|_| lost(self.data_type.clone()))
    }
}
