//! Titled blocks of `label  text` lines, for screens that explain one thing after another.

use super::style::{DIM, paint};
use super::words::{left, wide, wrap};

/// Lines under a title.
#[derive(Debug, Default)]
pub struct Block {
    lines: Vec<(String, String)>,
}

impl Block {
    /// Adds a line. The label is left out where it repeats.
    pub fn line(&mut self, label: &str, text: impl Into<String>) {
        self.lines.push((label.to_owned(), text.into()));
    }

    /// The lines, indented by two, labels in a column.
    #[must_use]
    pub fn shown(&self, width: Option<usize>) -> String {
        let labels = self.lines.iter().map(|(label, _)| wide(label)).max().unwrap_or(0);
        let mut text = String::new();
        let mut before = "";
        for (label, line) in &self.lines {
            let shown = if label == before { "" } else { label.as_str() };
            before = label;
            let indent = 2 + labels + 3;
            let line = wrap(line, indent, width);
            text.push_str(format!("  {}   {line}", paint(DIM, left(shown, labels))).trim_end());
            text.push('\n');
        }
        text
    }
}

/// Cells in columns parted by three spaces, the last one ragged. No line ends in a space.
#[must_use]
pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let most = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> =
        (0..most).map(|i| rows.iter().filter_map(|row| row.get(i)).map(|cell| wide(cell)).max().unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| left(cell, *width)).collect();
            cells.join("   ").trim_end().to_owned()
        })
        .collect()
}
