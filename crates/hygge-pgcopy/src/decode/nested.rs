//! Arrays and rows. Their parts lie in the same bytes, each behind its length, and are read by columns of their own.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_schema::{DataType, FieldRef, Fields};

use super::cells::{Cells, NOWHERE};
use super::column::{Column, Late, Nulls, column};
use super::ends::Ends;
use crate::catalogue::{Attribute, Oid};
use crate::error::{Fit, Misfit};
use crate::plan::Node;

const BROKEN_ARRAY: Misfit = Misfit::Malformed("an array that is damaged");
const BROKEN_ROW: Misfit = Misfit::Malformed("a row that is damaged");
const OTHER_TYPE: Misfit =
    Misfit::Malformed("a value of another type than was planned; the table was altered meanwhile");

/// Reads big-endian words off the front.
pub(crate) struct Words<'a>(pub(crate) &'a [u8]);

impl Words<'_> {
    pub(crate) fn next(&mut self) -> Option<i32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*word))
    }

    /// Passes a cell, and answers with how many bytes it was, with its length.
    pub(crate) fn pass(&mut self) -> Option<usize> {
        let length = self.next()?;
        let length = if length == -1 { 0 } else { usize::try_from(length).ok()? };
        self.0 = self.0.get(length..)?;
        Some(length + 4)
    }
}

/// The head of an array: how long each dimension is, the outermost first.
pub(crate) struct Shape {
    pub(crate) dimensions: [usize; 6],
    pub(crate) depth: usize,
    /// Whether each begins at 1.
    pub(super) even: bool,
    pub(super) element: Oid,
}

impl Shape {
    /// Reads it, and leaves the items. There are never more of them than the bytes can hold.
    pub(crate) fn read(words: &mut Words<'_>) -> Option<Self> {
        let depth = usize::try_from(words.next()?).ok().filter(|depth| *depth <= 6)?;
        let _has_nulls = words.next()?;
        let element = words.next()?.cast_unsigned();
        let mut out = Self { dimensions: [0; 6], depth, even: true, element };
        let mut count = 1_usize;
        for length in &mut out.dimensions[..depth] {
            *length = usize::try_from(words.next()?).ok().filter(|length| *length > 0)?;
            out.even &= words.next()? == 1;
            count = count.checked_mul(*length)?;
        }
        (count <= words.0.len() / 4 || depth == 0).then_some(out)
    }

    pub(crate) fn items(&self) -> usize {
        if self.depth == 0 { 0 } else { self.dimensions[..self.depth].iter().product() }
    }
}

/// Arrays, as lists within lists.
pub(super) struct Lists {
    /// The field of what each list holds, the outermost first.
    fields: Vec<FieldRef>,
    /// Where each list ends, the outermost first.
    ends: Vec<Ends>,
    nulls: Nulls,
    element: Oid,
    item: Box<dyn Column>,
    /// Where the items of a block begin.
    starts: Vec<u32>,
}

impl Lists {
    pub(super) fn new(data_type: &DataType, depth: u32, element: Oid, item: Box<dyn Column>, lenient: bool) -> Self {
        let mut fields = Vec::new();
        let mut data_type = data_type;
        for _ in 0..depth {
            if let DataType::List(field) = data_type {
                fields.push(Arc::clone(field));
                data_type = field.data_type();
            }
        }
        let ends = fields.iter().map(|_| Ends::default()).collect();
        Self { fields, ends, nulls: Nulls::new(lenient), element, item, starts: Vec::new() }
    }

    /// Finds the items of an array of which `begin` is the place in the block.
    fn items(&mut self, cell: &[u8], begin: usize) -> Fit<()> {
        let mut words = Words(cell);
        let shape = Shape::read(&mut words).ok_or(BROKEN_ARRAY)?;
        if shape.depth > 0 && shape.element != self.element {
            return Err(OTHER_TYPE);
        }
        if shape.depth > 0 && shape.depth != self.ends.len() {
            return Err(Misfit::Unfit("an array of another number of dimensions than its column was declared with"));
        }
        if !shape.even {
            return Err(Misfit::Unfit("an array whose first item is not number 1"));
        }
        // Items of an array that is damaged further on are not looked at.
        let first = self.starts.len();
        for _ in 0..shape.items() {
            let at = begin + cell.len() - words.0.len();
            self.starts.extend(u32::try_from(at));
            if words.pass().is_none() {
                self.starts.truncate(first);
                return Err(BROKEN_ARRAY);
            }
        }
        if !words.0.is_empty() {
            self.starts.truncate(first);
            return Err(BROKEN_ARRAY);
        }
        let mut lists = 1;
        for (ends, length) in self.ends.iter_mut().zip(shape.dimensions) {
            for _ in 0..lists {
                ends.add(length)?;
            }
            lists *= length;
        }
        Ok(())
    }

    fn empty(&mut self) -> Fit<()> {
        self.ends.first_mut().map_or(Ok(()), |ends| ends.add(0))
    }

    fn rows(&self) -> usize {
        self.ends.first().map_or(0, Ends::len)
    }

    /// The row that an item of the batch is in.
    fn row_of(&self, item: usize) -> usize {
        self.ends.iter().rev().fold(item, |at, ends| ends.holder(at))
    }
}

impl Column for Lists {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = self.rows();
        let before = self.ends.last().map_or(0, Ends::last);
        self.starts.clear();
        let mut wrong = None;
        for (row, at) in cells.starts().enumerate() {
            let Some(cell) = cells.get(at) else {
                self.nulls.push(begin + row);
                self.empty().map_err(|misfit| (row, misfit))?;
                continue;
            };
            if let Err(misfit) = self.items(cell, at + 4) {
                if let Err(misfit) = self.nulls.settle(begin + row, misfit) {
                    wrong = Some((row, misfit));
                    break;
                }
                self.empty().map_err(|misfit| (row, misfit))?;
            }
        }
        let starts = std::mem::take(&mut self.starts);
        let taken = self.item.take(Cells { starts: &starts, stride: 1, column: 0, ..cells });
        self.starts = starts;
        // What is wrong with an item is in an earlier row, or in the same.
        taken.map_err(|(item, misfit)| (self.row_of(before + item) - begin, misfit))?;
        wrong.map_or(Ok(()), Err)
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        let rows = self.rows();
        let mut values = match self.item.finish() {
            Ok(values) => values,
            Err(Late::Row(item, misfit)) => return Err(Late::Row(self.row_of(item), misfit)),
            Err(whole) => return Err(whole),
        };
        let mut nulls = self.nulls.finish(rows);
        for (level, (field, ends)) in self.fields.iter().zip(&mut self.ends).enumerate().rev() {
            let nulls = if level == 0 { nulls.take() } else { None };
            let list = ListArray::try_new(Arc::clone(field), ends.take(), values, nulls);
            values = Arc::new(list.map_err(|e| Late::Whole(e.to_string()))?);
        }
        Ok(values)
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced() + self.item.replaced()
    }
}

/// Rows within a column.
pub(super) struct Structs {
    fields: Fields,
    /// The type of each part.
    types: Vec<Oid>,
    parts: Vec<Box<dyn Column>>,
    nulls: Nulls,
    rows: usize,
    starts: Vec<u32>,
}

impl Structs {
    pub(super) fn new(data_type: &DataType, parts: &[(Attribute, Node)], lenient: bool) -> Self {
        let fields = if let DataType::Struct(fields) = data_type { fields.clone() } else { Fields::empty() };
        let types = parts.iter().map(|(part, _)| part.type_oid).collect();
        let parts = parts.iter().map(|(_, node)| column(node, lenient)).collect();
        Self { fields, types, parts, nulls: Nulls::new(lenient), rows: 0, starts: Vec::new() }
    }

    fn cells(&mut self, cell: &[u8], begin: usize) -> Fit<()> {
        let mut words = Words(cell);
        let count = words.next().ok_or(BROKEN_ROW)?;
        if usize::try_from(count) != Ok(self.types.len()) {
            return Err(OTHER_TYPE);
        }
        for type_oid in &self.types {
            if words.next().ok_or(BROKEN_ROW)?.cast_unsigned() != *type_oid {
                return Err(OTHER_TYPE);
            }
            let at = begin + cell.len() - words.0.len();
            self.starts.push(u32::try_from(at).map_err(|_| BROKEN_ROW)?);
            words.pass().ok_or(BROKEN_ROW)?;
        }
        if words.0.is_empty() { Ok(()) } else { Err(BROKEN_ROW) }
    }
}

impl Column for Structs {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = self.rows;
        self.starts.clear();
        let mut wrong = None;
        let mut sound = 0;
        for (row, at) in cells.starts().enumerate() {
            if let Some(cell) = cells.get(at) {
                if let Err(misfit) = self.cells(cell, at + 4) {
                    wrong = Some((row, misfit));
                    break;
                }
            } else {
                self.nulls.push(begin + row);
                self.starts.resize(self.starts.len() + self.types.len(), NOWHERE);
            }
            sound += 1;
        }
        let stride = self.types.len();
        let starts = std::mem::take(&mut self.starts);
        for (column, part) in self.parts.iter_mut().enumerate() {
            let found = part.take(Cells { starts: &starts[..sound * stride], stride, column, ..cells });
            if let Err((row, misfit)) = found
                && wrong.is_none_or(|(other, _)| row < other)
            {
                wrong = Some((row, misfit));
            }
        }
        self.starts = starts;
        self.rows += sound;
        wrong.map_or(Ok(()), Err)
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        let rows = std::mem::take(&mut self.rows);
        let parts: Result<Vec<ArrayRef>, Late> = self.parts.iter_mut().map(|part| part.finish()).collect();
        let array = StructArray::try_new(self.fields.clone(), parts?, self.nulls.finish(rows));
        Ok(Arc::new(array.map_err(|e| Late::Whole(e.to_string()))?))
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced() + self.parts.iter().map(|part| part.replaced()).sum::<u64>()
    }
}
