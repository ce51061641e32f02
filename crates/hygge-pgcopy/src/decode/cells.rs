//! Cells of one column, found before they are read.

/// A start at which nothing lies: wherever it is looked up, it is NULL.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The cells of one column in a block of rows: each begins with its length, -1 for NULL.
///
/// Whoever made it has seen that every cell lies within the bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) bytes: &'a [u8],
    /// Where cells begin, row by row.
    pub(super) starts: &'a [u32],
    /// How many of them a row has.
    pub(super) stride: usize,
    /// Which of them it is.
    pub(super) column: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn rows(&self) -> usize {
        self.starts.len() / self.stride
    }

    /// Where the cells begin, row by row.
    #[inline]
    pub(super) fn starts(&self) -> impl ExactSizeIterator<Item = usize> + 'a {
        let column = self.column;
        self.starts.chunks_exact(self.stride).map(move |row| row[column] as usize)
    }

    /// A value; none for NULL.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&'a [u8]> {
        let begin = at.checked_add(4)?;
        let length = i32::from_be_bytes(*self.bytes.get(at..begin)?.first_chunk()?);
        self.bytes.get(begin..begin + usize::try_from(length).ok()?)
    }

    /// A value that is as long as it should be; none for NULL and for all others.
    #[inline]
    pub(super) fn fixed<const W: usize>(&self, at: usize) -> Option<&'a [u8; W]> {
        let cell = self.bytes.get(at..at.checked_add(4 + W)?)?;
        let (length, value) = cell.split_first_chunk::<4>()?;
        if u32::from_be_bytes(*length) as usize == W { value.first_chunk() } else { None }
    }

    /// So many bytes from the length on, whatever they are, if there are as many.
    #[inline]
    pub(super) fn window<const W: usize>(&self, at: usize) -> Option<&'a [u8; W]> {
        self.bytes.get(at..at.checked_add(W)?)?.first_chunk()
    }
}
