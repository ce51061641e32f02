//! Splits of CSV files, which are sampled on the way.

use hygge_core::Result;
use hygge_core::split::Split;

use super::survey::Survey;
use crate::files::codec::Codec;
use crate::files::csv::piece::Piece;
use crate::homes::files::text::{self, Text, Turn};

/// A packed byte stands for about so many.
const PACKED: u64 = 4;

/// Divides `files` into splits of about `split_bytes` at most for so many readers, and samples them on the way: `all` of
/// their cells, or a slice of every split. `careful` finds cuts by walking, not by guessing.
pub(super) fn splits(
    survey: &mut Survey<'_>,
    files: &[Piece],
    readers: usize,
    split_bytes: u64,
    all: bool,
    careful: bool,
) -> Result<Vec<Split>> {
    let texts: Vec<Text<'_>> = files.iter().map(as_text).collect();
    let groups = text::divide(&texts, readers, split_bytes, |file, turn| {
        let piece = &files[file];
        match turn {
            Turn::Cut(wanted) => {
                // Where all are looked at, that is done by the walk that finds the cuts.
                if !all {
                    survey.sample(piece, false)?;
                }
                return survey.cut(piece, &wanted, careful, all);
            }
            Turn::Joined if !all && survey.left == 0 => {}
            Turn::Joined | Turn::First => survey.sample(piece, all)?,
        }
        Ok(Vec::new())
    })?;
    text::splits(&groups, &texts, |bytes| survey.rows_in(bytes))
}

fn as_text(piece: &Piece) -> Text<'_> {
    match piece.codec {
        Codec::Plain => Text::plain(&piece.file, piece.data, true),
        _ => Text::packed(&piece.file, piece.data, PACKED),
    }
}
