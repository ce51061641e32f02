//! Lists as arrays and vectors, structs as rows.

use std::ops::Range;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type};
use arrow_schema::DataType;

use super::bind::{Bound, bind, unlike};
use super::cells::{Cells, Written};
use super::wire::Wire;
use crate::catalogue::{Attribute, Oid};
use crate::error::{Fit, Misfit};

/// More than a server takes.
const TOO_MANY: Misfit = Misfit::Unfit("a list of more items than an array of PostgreSQL holds");
/// As many dimensions as an array may have.
const DIMENSIONS: usize = 6;

/// Which items a list holds.
type Items<'a> = Box<dyn Fn(usize) -> Range<usize> + 'a>;

/// Lists of one level.
struct Level<'a> {
    array: &'a dyn Array,
    items: Items<'a>,
}

fn place(end: i64) -> usize {
    usize::try_from(end).unwrap_or(0)
}

/// The items of lists, however they are kept.
fn level(array: &dyn Array) -> Option<(Level<'_>, &dyn Array)> {
    let (items, values): (Items<'_>, &dyn Array) = match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let ends = list.value_offsets();
            (Box::new(|row| place(ends[row].into())..place(ends[row + 1].into())), list.values().as_ref())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let ends = list.value_offsets();
            (Box::new(|row| place(ends[row])..place(ends[row + 1])), list.values().as_ref())
        }
        DataType::FixedSizeList(_, size) => {
            let size = place(i64::from(*size));
            (Box::new(move |row| row * size..(row + 1) * size), array.as_fixed_size_list().values().as_ref())
        }
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            let (starts, sizes) = (list.value_offsets(), list.value_sizes());
            let items = |row: usize| {
                let start = place(starts[row].into());
                start..start + place(sizes[row].into())
            };
            (Box::new(items), list.values().as_ref())
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            let (starts, sizes) = (list.value_offsets(), list.value_sizes());
            let items = |row: usize| {
                let start = place(starts[row]);
                start..start + place(sizes[row])
            };
            (Box::new(items), list.values().as_ref())
        }
        _ => return None,
    };
    Some((Level { array, items }, values))
}

/// Lists, and lists within lists, as arrays of as many dimensions.
pub(super) fn arrays<'a>(array: &'a dyn Array, element: Oid, item: &'a Wire) -> Bound<'a> {
    let (mut levels, mut values) = (Vec::new(), array);
    while let Some((found, within)) = level(values) {
        levels.push(found);
        values = within;
        // What an item itself is made of lists for is no dimension of the array.
        if matches!(item, Wire::Array { .. } | Wire::Vector(_) | Wire::HalfVector(_)) {
            break;
        }
    }
    if levels.len() > DIMENSIONS {
        return Err(format!("an array has {DIMENSIONS} dimensions at most"));
    }
    let item = bind(values, item)?;
    let depth = u32::try_from(levels.len()).unwrap_or(0);
    let has_nulls = u32::from(values.is_nullable());
    Ok(Box::new(Written::new(array.nulls(), move |row, out| {
        let items = (levels[0].items)(row);
        if items.is_empty() {
            words(&[0, 0, element], out);
            return Ok(());
        }
        let mut lengths = [0; DIMENSIONS];
        let mut first = items.clone();
        for (at, length) in lengths[..levels.len()].iter_mut().enumerate() {
            *length = first.len();
            if let Some(next) = levels.get(at + 1) {
                if next.array.is_null(first.start) {
                    return Err(HOLE);
                }
                first = (next.items)(first.start);
                if first.is_empty() {
                    return Err(Misfit::Unfit("a list of empty lists, which PostgreSQL has no array for"));
                }
            }
        }
        words(&[depth, has_nulls, element], out);
        for length in &lengths[..levels.len()] {
            let length = i32::try_from(*length).map_err(|_| TOO_MANY)?;
            words(&[length.unsigned_abs(), 1], out);
        }
        put(&levels[1..], &lengths[1..], items, item.as_ref(), out)
    })))
}

fn words(words: &[u32], out: &mut Vec<u8>) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

const HOLE: Misfit = Misfit::Unfit("NULL in place of a list within a list, which PostgreSQL has no array for");

fn put(levels: &[Level<'_>], lengths: &[usize], items: Range<usize>, item: &dyn Cells, out: &mut Vec<u8>) -> Fit<()> {
    let Some((level, deeper)) = levels.split_first() else {
        return items.into_iter().try_for_each(|at| item.put(at, out));
    };
    for at in items {
        if level.array.is_null(at) {
            return Err(HOLE);
        }
        let within = (level.items)(at);
        if within.len() != lengths[0] {
            return Err(Misfit::Unfit("a list of lists of several lengths, which PostgreSQL has no array for"));
        }
        put(deeper, &lengths[1..], within, item, out)?;
    }
    Ok(())
}

/// Structs as rows, part by part, by their names.
pub(super) fn rows<'a>(array: &'a dyn Array, parts: &'a [(Attribute, Wire)]) -> Bound<'a> {
    let structs = array.as_struct();
    if structs.num_columns() != parts.len() {
        return Err(format!("it has {} fields, where the other has {}", structs.num_columns(), parts.len()));
    }
    let mut columns = Vec::with_capacity(parts.len());
    for (part, wire) in parts {
        let column =
            structs.column_by_name(&part.name).ok_or_else(|| format!("it has no field called {}", part.name))?;
        let cells = bind(column.as_ref(), wire).map_err(|why| format!("its field {}: {why}", part.name))?;
        columns.push((part.type_oid, cells));
    }
    let count = u32::try_from(columns.len()).map_err(|_| "it has too many fields".to_owned())?;
    Ok(Box::new(Written::new(array.nulls(), move |row, out| {
        out.extend_from_slice(&count.to_be_bytes());
        for (oid, cells) in &columns {
            out.extend_from_slice(&oid.to_be_bytes());
            cells.put(row, out)?;
        }
        Ok(())
    })))
}

/// What vectors are made of.
pub(super) trait Number: ArrowPrimitiveType {
    fn put(value: Self::Native, out: &mut Vec<u8>);
}

impl Number for Float32Type {
    fn put(value: f32, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.to_be_bytes());
    }
}

impl Number for Float16Type {
    fn put(value: half::f16, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Lists of numbers as pgvector's vectors.
pub(super) fn vectors<T: Number>(array: &dyn Array, dimensions: Option<i32>) -> Bound<'_> {
    let Some((lists, values)) = level(array) else { return Err(unlike(array.data_type())) };
    let Some(numbers) = values.as_primitive_opt::<T>() else {
        return Err(format!("a vector is of {}", T::DATA_TYPE));
    };
    Ok(Box::new(Written::new(array.nulls(), move |row, out| {
        let items = (lists.items)(row);
        let count = i16::try_from(items.len()).map_err(|_| TOO_MANY)?;
        if dimensions.is_some_and(|dimensions| dimensions != i32::from(count)) {
            return Err(Misfit::Unfit("a list of another number of items than the vector has"));
        }
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        for at in items {
            if numbers.is_null(at) {
                return Err(Misfit::Unfit("NULL within a vector"));
            }
            T::put(numbers.value(at), out);
        }
        Ok(())
    })))
}
