//! Splits of files of text: small files joined, large plain ones cut where a row begins, packed ones whole.

use hygge_core::Result;
use hygge_core::split::{Split, how_many};
use serde::{Deserialize, Serialize};

use super::cut;
use crate::files::listing::PinnedFile;

/// Part of a file, as a split's payload names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which file of the scan.
    pub file: usize,
    /// Where in it the first row begins, in unpacked bytes.
    pub begin: u64,
    /// Where the row behind the last begins; none reads to the end.
    pub end: Option<u64>,
}

/// A file that is to be read.
pub struct Text<'a> {
    file: &'a PinnedFile,
    data: u64,
    plain: bool,
    can_be_cut: bool,
    weight: u64,
}

/// How a file goes into splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Whole, behind others in their split.
    Joined,
    /// Whole, as the first of its split.
    First,
    /// In parts, each a split of its own, cut at about these bytes.
    Cut(Vec<u64>),
}

impl<'a> Text<'a> {
    /// A plain file whose rows begin at byte `data`; where they stand on lines, it can be cut.
    #[must_use]
    pub fn plain(file: &'a PinnedFile, data: u64, on_lines: bool) -> Self {
        Self { file, data, plain: true, can_be_cut: on_lines, weight: file.len.saturating_sub(data) }
    }

    /// A packed file whose rows begin at byte `data` once it is unpacked, and of which a byte stands for about `times`.
    #[must_use]
    pub fn packed(file: &'a PinnedFile, data: u64, times: u64) -> Self {
        Self { file, data, plain: false, can_be_cut: false, weight: file.len.saturating_mul(times) }
    }

    /// The bytes of a part, as they lie.
    fn bytes(&self, part: &Part) -> u64 {
        if self.plain { part.end.unwrap_or(self.file.len).saturating_sub(part.begin) } else { self.file.len }
    }
}

/// Divides files into the parts of splits, of about `split_bytes` at most and for so many readers. `cuts` looks at each
/// file as its turn comes, and finds where its parts begin behind the first, in rising order; of one that is read whole
/// it finds none.
///
/// # Errors
/// That of `cuts`.
pub fn divide(
    files: &[Text<'_>],
    readers: usize,
    split_bytes: u64,
    mut cuts: impl FnMut(usize, Turn) -> Result<Vec<u64>>,
) -> Result<Vec<Vec<Part>>> {
    let total = files.iter().map(|file| file.weight).fold(0, u64::saturating_add);
    let split_bytes = total.div_ceil(how_many(total, readers, split_bytes)).max(1);
    let mut groups: Vec<Vec<Part>> = Vec::new();
    // How much the last split may still grow.
    let mut room = 0;
    for (file, Text { data, can_be_cut, weight, .. }) in files.iter().enumerate() {
        let parts = if *can_be_cut { weight.div_ceil(split_bytes).max(1) } else { 1 };
        if parts > 1 {
            let at = |i| u64::try_from(u128::from(*weight) * u128::from(i) / u128::from(parts)).unwrap_or(*weight);
            let cuts = cuts(file, Turn::Cut((1..parts).map(|i| data + at(i)).collect()))?;
            let begins = [*data].into_iter().chain(cuts.iter().copied());
            let ends = cuts.iter().copied().map(Some).chain([None]);
            groups.extend(begins.zip(ends).map(|(begin, end)| vec![Part { file, begin, end }]));
            room = 0;
            continue;
        }
        let part = Part { file, begin: *data, end: None };
        if let Some(group) = groups.last_mut().filter(|_| room >= *weight) {
            cuts(file, Turn::Joined)?;
            room -= weight;
            group.push(part);
        } else {
            cuts(file, Turn::First)?;
            room = split_bytes.saturating_sub(*weight);
            groups.push(vec![part]);
        }
    }
    Ok(groups)
}

/// The splits of what was divided. `rows` says how many rows so many plain bytes hold, if it knows.
///
/// # Errors
/// If there are too many.
pub fn splits(groups: &[Vec<Part>], files: &[Text<'_>], rows: impl Fn(u64) -> Option<u64>) -> Result<Vec<Split>> {
    let split = |(ordinal, parts): (usize, &Vec<Part>)| {
        let bytes = parts.iter().map(|part| files[part.file].bytes(part)).sum();
        let plain = parts.iter().all(|part| files[part.file].plain);
        let rows = if plain { rows(bytes) } else { None };
        cut::split(ordinal, label(parts, files), parts, rows, bytes, false)
    };
    groups.iter().enumerate().map(split).collect()
}

fn label(parts: &[Part], files: &[Text<'_>]) -> String {
    let shown = |part: &Part| files[part.file].file.shown.clone();
    match parts {
        [] => String::new(),
        [part] => match part.end {
            None if part.begin == files[part.file].data => shown(part),
            None => format!("{} from byte {}", shown(part), part.begin),
            Some(end) => format!("{} from byte {} to {end}", shown(part), part.begin),
        },
        [first, .., last] => format!("{} to {}", shown(first), shown(last)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn file(name: &str, mib: u64) -> PinnedFile {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        // A hole takes no room on the disk.
        std::fs::File::create(&path).expect("a file").set_len(mib * MIB).expect("its length");
        PinnedFile::pin(Path::new(&path), name.to_owned()).expect("pins")
    }

    #[test]
    fn small_files_are_joined_large_ones_cut_and_packed_ones_whole() {
        let files = [file("a", 1), file("b", 2), file("c", 9), file("d", 1), file("e", 3), file("f", 9), file("g", 2)];
        let texts = [
            Text::plain(&files[0], 0, true),
            Text::plain(&files[1], 0, true),
            Text::plain(&files[2], MIB, true),
            Text::plain(&files[3], 0, true),
            // Twelve once it is unpacked.
            Text::packed(&files[4], 0, 4),
            Text::plain(&files[5], 0, false),
            Text::plain(&files[6], 0, true),
        ];
        let mut turns = Vec::new();
        // 35 MiB in nine splits.
        let groups = divide(&texts, 1, 4 * MIB, |file, turn| {
            // No row begins behind the first cut.
            let found = if let Turn::Cut(at) = &turn { vec![at[0] + 7] } else { Vec::new() };
            turns.push((file, turn));
            Ok(found)
        });
        let groups = groups.expect("divides");
        let cut = Turn::Cut(vec![MIB + 8 * MIB / 3, MIB + 16 * MIB / 3]);
        let first = |file| (file, Turn::First);
        let wanted = [first(0), (1, Turn::Joined), (2, cut), first(3), first(4), first(5), first(6)];
        assert_eq!(turns, wanted);
        let splits = splits(&groups, &texts, |bytes| Some(bytes / 10)).expect("few");
        let at = MIB + 8 * MIB / 3 + 7;
        let labels: Vec<&str> = splits.iter().map(|split| split.label.as_str()).collect();
        let parts = [format!("c from byte {MIB} to {at}"), format!("c from byte {at}")];
        assert_eq!(labels, ["a to b", &parts[0], &parts[1], "d", "e", "f", "g"]);
        let sizes: Vec<_> = splits.iter().map(|split| (split.bytes.expect("known"), split.rows)).collect();
        let plain = |bytes: u64| (bytes, Some(bytes / 10));
        assert_eq!(sizes[..3], [plain(3 * MIB), plain(at - MIB), plain(9 * MIB - at)]);
        assert_eq!(sizes[3..], [plain(MIB), (3 * MIB, None), plain(9 * MIB), plain(2 * MIB)]);
    }
}
