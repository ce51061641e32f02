//! What a footer says of a row group: where its columns lie, and how large its rows are.

use std::ops::Range;

use parquet::arrow::ProjectionMask;
use parquet::basic::Type as Physical;
use parquet::file::metadata::RowGroupMetaData;

/// Where the columns that are read lie.
pub(super) fn chunks(group: &RowGroupMetaData, mask: &ProjectionMask) -> Vec<Range<u64>> {
    let leaves = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
    leaves
        .map(|(_, column)| {
            let begin =
                column.dictionary_page_offset().unwrap_or(column.data_page_offset()).min(column.data_page_offset());
            let begin = begin.unsigned_abs();
            begin..begin.saturating_add(column.compressed_size().unsigned_abs())
        })
        .collect()
}

/// How large the rows of a row group are.
pub(super) enum Fit {
    /// So many bytes on average, as the footer says.
    Row(usize),
    /// No single one larger than `most`: the footer does not say how often a text of the dictionary comes. All but those
    /// take `known` bytes on average.
    AtMost { known: usize, most: usize },
}

pub(super) fn fit(group: &RowGroupMetaData, mask: &ProjectionMask) -> Fit {
    let mut bytes = 0_u64;
    let mut guess = 0_u64;
    for (leaf, column) in group.columns().iter().enumerate() {
        if !mask.leaf_included(leaf) {
            continue;
        }
        let values = column.num_values().unsigned_abs();
        let width = match column.column_type() {
            Physical::BOOLEAN => 1,
            Physical::INT32 | Physical::FLOAT => 4,
            Physical::INT64 | Physical::DOUBLE | Physical::INT96 => 8,
            Physical::FIXED_LEN_BYTE_ARRAY => {
                u64::try_from(column.column_descr().type_length()).unwrap_or_default().max(16)
            }
            Physical::BYTE_ARRAY => {
                match column.unencoded_byte_array_data_bytes() {
                    Some(text) => bytes = bytes.saturating_add(text.unsigned_abs()),
                    None if column.dictionary_page_offset().is_none() => {
                        bytes = bytes.saturating_add(column.uncompressed_size().unsigned_abs());
                    }
                    None => guess = guess.saturating_add(column.uncompressed_size().unsigned_abs()),
                }
                8
            }
        };
        bytes = bytes.saturating_add(values.saturating_mul(width));
    }
    let a_row = bytes.div_ceil(group.num_rows().unsigned_abs().max(1)).max(1);
    let whole = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    if guess == 0 {
        Fit::Row(whole(a_row))
    } else {
        Fit::AtMost { known: whole(a_row), most: whole(a_row.saturating_add(guess)) }
    }
}
