//! Columns of numbers, times, booleans, texts and bytes.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, BooleanArray, NullArray, OffsetSizeTrait, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder, ScalarBuffer};
use arrow_schema::DataType;

use super::{ColumnBuilder, Misfit, Unfit, Value, Values};
use crate::files::cell::heap::{Heap, take_trimmed};
use crate::files::cell::reading::Reading;
use crate::files::cell::{self, Float, lenient};
use crate::files::json::lexer::unescape;

/// What a text means; only where it has escapes it is copied.
pub(crate) fn meant<'a>(value: &Value<'a>) -> Cow<'a, [u8]> {
    let inner = value.text.get(1..value.text.len() - 1).unwrap_or_default();
    if value.escaped {
        let mut plain = Vec::with_capacity(inner.len());
        unescape(inner, &mut plain);
        Cow::Owned(plain)
    } else {
        Cow::Borrowed(inner)
    }
}

/// What a value is, in words.
pub(crate) fn found(text: &[u8], expected: &DataType) -> &'static str {
    match text.first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(_) => match cell::float(text) {
            Float::Rounded(value) if expected.is_floating() && value.is_infinite() => "a number beyond all doubles",
            Float::Rounded(_) if expected.is_floating() => "a number of more digits than a double keeps",
            _ if text == b"-0" => "a zero below zero",
            _ if expected.is_integer() && text.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) => "a fraction",
            _ if expected.is_integer() => "a number out of range",
            _ => "a number",
        },
        None => "nothing",
    }
}

#[cold]
fn misfit(row: usize, value: &Value<'_>, expected: &DataType) -> Misfit {
    Misfit::at(row, Unfit::Value { found: found(value.text, expected), expected: expected.clone() })
}

struct Primitives<T: ArrowPrimitiveType> {
    data_type: DataType,
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Primitives<T> {
    fn new(data_type: &DataType) -> Self {
        Self { data_type: data_type.clone(), values: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }

    #[inline]
    fn push(&mut self, value: Option<T::Native>) {
        self.values.push(value.unwrap_or_default());
        self.nulls.append(value.is_some());
    }

    fn held(&self) -> usize {
        size_of_val(self.values.as_slice()) + self.nulls.len() / 8
    }

    fn finish(&mut self) -> ArrayRef {
        let (values, nulls) = (take_trimmed(&mut self.values), self.nulls.finish());
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls);
        Arc::new(array.with_data_type(self.data_type.clone()))
    }
}

/// Texts that stand for what JSON numbers cannot be.
pub(super) trait Specials: Sized {
    /// The value, if the text stands for one.
    fn of(text: &[u8]) -> Option<Self>;
}

macro_rules! specials {
    ($($float:ident),*) => {$(
        impl Specials for $float {
            fn of(text: &[u8]) -> Option<Self> {
                match text {
                    b"NaN" => Some($float::NAN),
                    b"Infinity" => Some($float::INFINITY),
                    b"-Infinity" => Some($float::NEG_INFINITY),
                    _ => None,
                }
            }
        }
    )*};
}
specials!(f32, f64);

/// Numbers. `SPECIAL` is for floats.
pub(super) struct Numbers<T: ArrowPrimitiveType, R, const SPECIAL: bool> {
    strict: bool,
    reading: R,
    special: fn(&[u8]) -> Option<T::Native>,
    column: Primitives<T>,
}

impl<T: ArrowPrimitiveType, R: Reading<T::Native>, const SPECIAL: bool> Numbers<T, R, SPECIAL> {
    pub(super) fn new(strict: bool, data_type: &DataType, reading: R, special: fn(&[u8]) -> Option<T::Native>) -> Self {
        Self { strict, reading, special, column: Primitives::new(data_type) }
    }

    /// Texts, and numbers that only a declared type takes.
    #[cold]
    fn slowly(&self, value: &Value<'_>) -> Option<T::Native> {
        match value.text[0] {
            b'"' => {
                let text = meant(value);
                let special = if SPECIAL { (self.special)(&text) } else { None };
                if self.strict {
                    return special;
                }
                special.or_else(|| self.reading.strict(&text)).or_else(|| self.reading.lenient(&text))
            }
            b'{' | b'[' => None,
            _ if self.strict => None,
            _ => self.reading.lenient(value.text),
        }
    }
}

impl<T: ArrowPrimitiveType, R: Reading<T::Native>, const SPECIAL: bool> ColumnBuilder for Numbers<T, R, SPECIAL> {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        self.column.values.reserve(values.rows());
        for (row, value) in values.iter().enumerate() {
            let Some(value) = value else {
                self.column.push(None);
                continue;
            };
            let read = if matches!(value.text[0], b'-' | b'0'..=b'9') { self.reading.strict(value.text) } else { None };
            let Some(read) = read.or_else(|| self.slowly(&value)) else {
                return Err(misfit(row, &value, &self.column.data_type));
            };
            self.column.push(Some(read));
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.column.held()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(self.column.finish())
    }
}

/// Dates and times, which are texts.
pub(super) struct Times<T: ArrowPrimitiveType, R> {
    strict: bool,
    reading: R,
    column: Primitives<T>,
}

impl<T: ArrowPrimitiveType, R: Reading<T::Native>> Times<T, R> {
    pub(super) fn new(strict: bool, data_type: &DataType, reading: R) -> Self {
        Self { strict, reading, column: Primitives::new(data_type) }
    }

    #[inline]
    fn read(&self, value: &Value<'_>) -> Option<T::Native> {
        if value.text[0] != b'"' {
            return None;
        }
        let text = meant(value);
        match self.reading.strict(&text) {
            None if !self.strict => self.reading.lenient(&text),
            read => read,
        }
    }
}

impl<T: ArrowPrimitiveType, R: Reading<T::Native>> ColumnBuilder for Times<T, R> {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        self.column.values.reserve(values.rows());
        for (row, value) in values.iter().enumerate() {
            let read = match &value {
                None => None,
                Some(value) => match self.read(value) {
                    None => return Err(misfit(row, value, &self.column.data_type)),
                    read => read,
                },
            };
            self.column.push(read);
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.column.held()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(self.column.finish())
    }
}

pub(super) struct Booleans {
    strict: bool,
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

impl Booleans {
    pub(super) fn new(strict: bool) -> Self {
        Self { strict, values: BooleanBufferBuilder::new(0), nulls: NullBufferBuilder::new(0) }
    }
}

impl ColumnBuilder for Booleans {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        for (row, value) in values.iter().enumerate() {
            let read = match &value {
                None => None,
                Some(value) => {
                    let read = match value.text[0] {
                        b't' => Some(true),
                        b'f' => Some(false),
                        b'"' if !self.strict => lenient::boolean(&meant(value)),
                        _ if !self.strict => lenient::boolean(value.text),
                        _ => None,
                    };
                    Some(read.ok_or_else(|| misfit(row, value, &DataType::Boolean))?)
                }
            };
            self.values.append(read.unwrap_or_default());
            self.nulls.append(read.is_some());
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.nulls.len() / 4
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(Arc::new(BooleanArray::new(self.values.finish(), self.nulls.finish())))
    }
}

/// Nothing but NULLs.
#[derive(Default)]
pub(super) struct Empty {
    rows: usize,
}

impl ColumnBuilder for Empty {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        for (row, value) in values.iter().enumerate() {
            if let Some(value) = value {
                return Err(misfit(row, &value, &DataType::Null));
            }
        }
        self.rows += values.rows();
        Ok(())
    }

    fn held(&self) -> usize {
        0
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(Arc::new(NullArray::new(std::mem::take(&mut self.rows))))
    }
}

/// Texts: those of texts, and where the column is JSON or not `strict` the JSON of other values.
pub(super) struct Texts<O> {
    json: bool,
    strict: bool,
    heap: Heap<O>,
}

impl<O: OffsetSizeTrait> Texts<O> {
    pub(super) fn new(json: bool, strict: bool) -> Self {
        Self { json, strict, heap: Heap::new() }
    }
}

impl<O: OffsetSizeTrait> ColumnBuilder for Texts<O> {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        self.heap.offsets.reserve(values.rows());
        for (row, value) in values.iter().enumerate() {
            match &value {
                None => self.heap.end(false),
                Some(value) if value.text[0] == b'"' && !self.json => {
                    let inner = &value.text[1..value.text.len() - 1];
                    if value.escaped {
                        unescape(inner, &mut self.heap.values);
                    } else {
                        self.heap.values.extend_from_slice(inner);
                    }
                    self.heap.end(true);
                }
                Some(value) if self.json || !self.strict => {
                    self.heap.values.extend_from_slice(value.text);
                    self.heap.end(true);
                }
                Some(value) => return Err(misfit(row, value, &DataType::Utf8)),
            }
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.heap.held()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        self.heap.finish_text().map_err(|row| Misfit::at(row, Unfit::Utf8))
    }
}

/// Bytes as hexadecimal text.
pub(super) struct Hex<O> {
    heap: Heap<O>,
}

impl<O: OffsetSizeTrait> Default for Hex<O> {
    fn default() -> Self {
        Self { heap: Heap::new() }
    }
}

impl<O: OffsetSizeTrait> ColumnBuilder for Hex<O> {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        for (row, value) in values.iter().enumerate() {
            if let Some(value) = &value
                && !(value.text[0] == b'"' && cell::hex(&meant(value), &mut self.heap.values))
            {
                return Err(misfit(row, value, &DataType::Binary));
            }
            self.heap.end(value.is_some());
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.heap.held()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(self.heap.finish_bytes())
    }
}
