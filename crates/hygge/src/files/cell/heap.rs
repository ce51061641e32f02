//! Columns of text and bytes in the making.

use std::sync::Arc;

use arrow_array::{ArrayRef, GenericBinaryArray, GenericStringArray, OffsetSizeTrait};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};

/// Takes what was gathered, without much room to spare, and makes room for about as much again.
pub(crate) fn take_trimmed<T>(gathered: &mut Vec<T>) -> Vec<T> {
    let fresh = Vec::with_capacity(gathered.len() + gathered.len() / 8);
    let mut out = std::mem::replace(gathered, fresh);
    if out.capacity() - out.len() > out.len() / 4 {
        out.shrink_to_fit();
    }
    out
}

/// The bytes of a column of text or bytes, one cell behind the other.
pub(crate) struct Heap<O> {
    pub(crate) offsets: Vec<O>,
    pub(crate) values: Vec<u8>,
    nulls: NullBufferBuilder,
}

impl<O: OffsetSizeTrait> Heap<O> {
    pub(crate) fn new() -> Self {
        Self { offsets: vec![O::zero()], values: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }

    /// Ends a cell. A column of a batch stays far below the two gigabytes that 32-bit offsets reach, as no record is
    /// greater than an eighth of the budget and none beyond that is read.
    #[inline]
    pub(crate) fn end(&mut self, valid: bool) {
        self.offsets.push(O::usize_as(self.values.len()));
        self.nulls.append(valid);
    }

    /// How many bytes the cells since the last [`Self::take`] take.
    pub(crate) fn held(&self) -> usize {
        self.values.len() + size_of_val(self.offsets.as_slice()) + self.offsets.len() / 8
    }

    pub(crate) fn take(&mut self) -> (OffsetBuffer<O>, Buffer, Option<arrow_buffer::NullBuffer>) {
        let offsets = take_trimmed(&mut self.offsets);
        self.offsets.push(O::zero());
        let values = take_trimmed(&mut self.values);
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), Buffer::from_vec(values), self.nulls.finish())
    }
}

impl<O: OffsetSizeTrait> Heap<O> {
    /// All cells since the last call as texts.
    ///
    /// # Errors
    /// The first cell that is not UTF-8.
    pub(crate) fn finish_text(&mut self) -> Result<ArrayRef, usize> {
        let (offsets, values, nulls) = self.take();
        if let Ok(array) = GenericStringArray::<O>::try_new(offsets.clone(), values.clone(), nulls) {
            return Ok(Arc::new(array));
        }
        let cell = |pair: &[O]| &values[pair[0].as_usize()..pair[1].as_usize()];
        Err(offsets.windows(2).position(|pair| std::str::from_utf8(cell(pair)).is_err()).unwrap_or_default())
    }

    /// All cells since the last call as bytes.
    pub(crate) fn finish_bytes(&mut self) -> ArrayRef {
        let (offsets, values, nulls) = self.take();
        Arc::new(GenericBinaryArray::<O>::new(offsets, values, nulls))
    }
}
