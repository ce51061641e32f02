//! Where values end, one behind the other, and text of which that is known: the one module with `unsafe` in it.
//!
//! Arrow looks at every end again when an array is made of them, and at every character that begins at one. Both are known
//! here. Measured on `lineitem`: a tenth of decoding.

use arrow_array::{ArrayRef, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::sync::Arc;

use crate::error::{Fit, Misfit};

const TOO_MUCH: Misfit = Misfit::Unfit("more text or bytes than one batch can hold");

/// Where values end: the first begins at 0, none ends before the one before it.
#[derive(Debug)]
pub(super) struct Ends {
    /// Begins with 0 and never falls: only [`Ends::add`] adds to it.
    ends: Vec<i32>,
    last: i32,
}

impl Default for Ends {
    fn default() -> Self {
        Self { ends: vec![0], last: 0 }
    }
}

impl Ends {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Where the last ends.
    pub(super) fn last(&self) -> usize {
        self.last.unsigned_abs() as usize
    }

    /// Adds a value of so many bytes or items.
    #[inline]
    pub(super) fn add(&mut self, length: usize) -> Fit<()> {
        let end = i32::try_from(length).ok().and_then(|length| self.last.checked_add(length)).ok_or(TOO_MUCH)?;
        self.last = end;
        self.ends.push(end);
        Ok(())
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.ends.reserve_exact(more);
    }

    /// Where the values from one on begin and, last, where the last of them ends.
    pub(super) fn from(&self, first: usize) -> &[i32] {
        &self.ends[first..]
    }

    /// The value that holds the byte or the item at a place.
    pub(super) fn holder(&self, at: usize) -> usize {
        self.ends[1..].partition_point(|end| end.unsigned_abs() as usize <= at)
    }

    /// Gives them, and begins anew.
    pub(super) fn take(&mut self) -> OffsetBuffer<i32> {
        let Self { ends, .. } = std::mem::take(self);
        let ends = ScalarBuffer::from(ends);
        #[expect(unsafe_code, reason = "measured: what is known is not looked at again")]
        // SAFETY: an offset buffer is to hold at least one offset, none below zero, none below the one before it. `ends` is
        // private to this module; it begins as `[0]`, and `add` alone adds to it: what was last plus the number of an
        // `usize`, refused where that passes `i32::MAX`. So it is never empty, never below zero, and never falls.
        unsafe {
            OffsetBuffer::new_unchecked(ends)
        }
    }

    /// Gives the texts whose bytes these are, and begins anew; none if they are no UTF-8 or do not end where the bytes do,
    /// together with all there is to find out which.
    pub(super) fn take_text(
        &mut self,
        bytes: Vec<u8>,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, (OffsetBuffer<i32>, Buffer)> {
        let plain =
            bytes.is_ascii() && bytes.len() == self.last() && nulls.as_ref().is_none_or(|n| n.len() == self.len());
        let (ends, bytes) = (self.take(), Buffer::from(bytes));
        if plain {
            #[expect(unsafe_code, reason = "measured: what is known is not looked at again")]
            // SAFETY: what is asked for is what `StringArray::try_new` looks at: that the last offset is within the bytes,
            // which end there; that the bytes are UTF-8, which ASCII is; that every offset is where a character begins, as
            // every byte of ASCII is; and that there is a validity for each value or none at all.
            let array = unsafe { StringArray::new_unchecked(ends, bytes, nulls) };
            return Ok(Arc::new(array));
        }
        StringArray::try_new(ends.clone(), bytes.clone(), nulls)
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|_| (ends, bytes))
    }
}
