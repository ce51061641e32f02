//! Views without what they do not show.
//!
//! A slice of views holds on to all bytes of the array that it was cut from, and the library writes them all: a large
//! batch cut into many would be in the file as often.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch, make_array};
use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};

/// The same rows with only the bytes that their views show.
///
/// # Errors
/// Of the library, where an array contradicts itself.
pub(crate) fn compact(batch: &RecordBatch) -> Result<Cow<'_, RecordBatch>, ArrowError> {
    let views = |column: &ArrayRef| has_views(column.data_type());
    if !batch.columns().iter().any(views) {
        return Ok(Cow::Borrowed(batch));
    }
    let column = |column: &ArrayRef| {
        if views(column) { compacted(column.to_data()).map(make_array) } else { Ok(Arc::clone(column)) }
    };
    let columns = batch.columns().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(batch.schema(), columns).map(Cow::Owned)
}

fn has_views(data_type: &DataType) -> bool {
    use DataType as T;
    match data_type {
        T::Utf8View | T::BinaryView => true,
        T::List(field)
        | T::LargeList(field)
        | T::ListView(field)
        | T::LargeListView(field)
        | T::FixedSizeList(field, _)
        | T::Map(field, _)
        | T::RunEndEncoded(_, field) => has_views(field.data_type()),
        T::Struct(fields) => fields.iter().any(|field| has_views(field.data_type())),
        T::Union(fields, _) => fields.iter().any(|(_, field)| has_views(field.data_type())),
        _ => false,
    }
}

fn compacted(data: ArrayData) -> Result<ArrayData, ArrowError> {
    Ok(match data.data_type() {
        DataType::Utf8View => make_array(data).as_string_view().gc().into_data(),
        DataType::BinaryView => make_array(data).as_binary_view().gc().into_data(),
        data_type if !has_views(data_type) => data,
        DataType::List(_) | DataType::Map(..) => list::<i32>(&data)?,
        DataType::LargeList(_) => list::<i64>(&data)?,
        _ => {
            let children = data.child_data().iter().cloned().map(compacted).collect::<Result<Vec<_>, _>>()?;
            data.into_builder().child_data(children).build()?
        }
    })
}

/// Only the values that a list shows are kept: of a slice, a part of the child.
fn list<O: ArrowNativeType + std::ops::Sub<Output = O>>(data: &ArrayData) -> Result<ArrayData, ArrowError> {
    let offsets = &data.buffer::<O>(0)[..=data.len()];
    let (first, last) = (offsets[0].as_usize(), offsets[data.len()].as_usize());
    let begin = offsets[0];
    let offsets: ScalarBuffer<O> = offsets.iter().map(|&at| at - begin).collect::<Vec<O>>().into();
    let child = compacted(data.child_data()[0].slice(first, last - first))?;
    ArrayData::builder(data.data_type().clone())
        .len(data.len())
        .nulls(data.nulls().cloned())
        .add_buffer(Buffer::from(offsets))
        .add_child_data(child)
        .build()
}
