//! How files are divided: small ones joined, large plain ones cut, packed ones whole.

use hygge_core::Result;
use hygge_core::split::{Split, how_many};

use super::scan::Part;
use super::survey::Survey;
use crate::files::codec::Codec;
use crate::files::csv::piece::Piece;

/// A packed byte stands for about so many.
const PACKED: u64 = 4;

/// A file's bytes as they lie, and about how many they are unpacked.
fn weighed(piece: &Piece) -> (u64, u64) {
    if piece.codec == Codec::Plain {
        let bytes = piece.file.len.saturating_sub(piece.data);
        (bytes, bytes)
    } else {
        (piece.file.len, piece.file.len.saturating_mul(PACKED))
    }
}

/// Divides `files` into splits of about `split_bytes` at most for so many readers, and samples them on the way: `all` of their cells, or a slice of
/// every split. `careful` finds cuts by walking, not by guessing.
pub(super) fn splits(
    survey: &mut Survey<'_>,
    files: &[Piece],
    readers: usize,
    split_bytes: u64,
    all: bool,
    careful: bool,
) -> Result<Vec<Split>> {
    let mut groups: Vec<Vec<(Part, u64)>> = Vec::new();
    let mut room = 0;
    let total = files.iter().map(|piece| weighed(piece).1).fold(0, u64::saturating_add);
    let split_bytes = total.div_ceil(how_many(total, readers, split_bytes)).max(1);
    for (file, piece) in files.iter().enumerate() {
        let packed = piece.codec != Codec::Plain;
        let (bytes, weight) = weighed(piece);
        let count = if packed { 1 } else { weight.div_ceil(split_bytes).max(1) };
        let whole = |begin, end| Part { file, begin, end };
        if count == 1 {
            let fits = !groups.is_empty() && room >= weight;
            if all || survey.left > 0 || !fits {
                survey.sample(piece, all)?;
            }
            let part = (whole(piece.begin, None), bytes);
            if fits {
                room -= weight;
                groups.last_mut().expect("there is one with room").push(part);
            } else {
                room = split_bytes.saturating_sub(weight);
                groups.push(vec![part]);
            }
            continue;
        }
        if !all {
            survey.sample(piece, false)?;
        }
        let wanted: Vec<u64> = (1..count)
            .map(|i| {
                piece.data
                    + u64::try_from(u128::from(bytes) * u128::from(i) / u128::from(count)).expect("less than bytes")
            })
            .filter(|&at| at > piece.data)
            .collect();
        for cut in survey.cut(piece, &wanted, careful, all)? {
            let bytes = cut.end.unwrap_or(piece.file.len) - cut.begin;
            groups.push(vec![(whole(cut.begin, cut.end), bytes)]);
        }
        room = 0;
    }
    Ok(groups.into_iter().enumerate().map(|(ordinal, group)| as_split(ordinal, group, files, survey)).collect())
}

fn as_split(ordinal: usize, group: Vec<(Part, u64)>, files: &[Piece], survey: &Survey<'_>) -> Split {
    let bytes = group.iter().map(|(_, bytes)| bytes).sum();
    let plain = group.iter().all(|(part, _)| files[part.file].codec == Codec::Plain);
    let label = match &group[..] {
        [(part, _)] => {
            let shown = &files[part.file].file.shown;
            match part.end {
                None if part.begin == files[part.file].data => shown.clone(),
                None => format!("{shown} from byte {}", part.begin),
                Some(end) => format!("{shown} from byte {} to {end}", part.begin),
            }
        }
        [(first, _), .., (last, _)] => format!("{} to {}", files[first.file].file.shown, files[last.file].file.shown),
        [] => String::new(),
    };
    let parts: Vec<Part> = group.into_iter().map(|(part, _)| part).collect();
    Split {
        ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
        label,
        payload: serde_json::to_value(parts).expect("numbers can be written as JSON"),
        rows: if plain { survey.rows_in(bytes) } else { None },
        bytes: Some(bytes),
        window: false,
    }
}
