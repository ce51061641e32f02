use std::io::{self, Read};

use proptest::prelude::*;

use super::blocks::{Blocks, Ending, Next};
use super::column::unquoted;
use super::index::{Dialect, Indexer};
use super::reference::{self, Field};

/// Yields bytes in pieces of given sizes, and is interrupted now and then.
struct Dripping {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    reads: usize,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(7) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let size = self.sizes[self.reads % self.sizes.len()].min(buffer.len()).min(self.bytes.len() - self.at);
        buffer[..size].copy_from_slice(&self.bytes[self.at..self.at + size]);
        self.at += size;
        Ok(size)
    }
}

struct Fast {
    rows: Vec<Vec<Field>>,
    end: Next,
    begins: Vec<u64>,
}

fn fast(
    bytes: &[u8],
    dialect: Dialect,
    columns: usize,
    ending: Ending,
    block: usize,
    most: usize,
    sizes: &[usize],
) -> Fast {
    let source = Dripping { bytes: bytes.to_vec(), at: 0, sizes: sizes.to_vec(), reads: 0 };
    let mut blocks = Blocks::new(Box::new(source), Indexer::new(dialect, columns), ending, block, 1 << 20);
    let mut out = Fast { rows: Vec::new(), end: Next::End, begins: Vec::new() };
    let mut scratch = Vec::new();
    loop {
        match blocks.next(most, &mut |_| Ok(())).expect("reads") {
            Next::Records => {
                let found = blocks.block();
                assert!(found.rows() > 0 && found.rows() <= most);
                out.begins.extend(blocks.begins());
                for row in 0..found.rows() {
                    let field = |column| {
                        let field = found.field(row, column);
                        let quoted = dialect.quote.is_some() && field.first().copied() == dialect.quote;
                        (unquoted(field, dialect.quote, &mut scratch).to_vec(), quoted)
                    };
                    out.rows.push((0..columns).map(field).collect());
                }
            }
            end => {
                out.end = end;
                return out;
            }
        }
    }
}

fn nasty() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => Just(&b"a"[..]), 4 => Just(&b","[..]), 3 => Just(&b"\n"[..]), 2 => Just(&b"\r\n"[..]), 3 => Just(&b"\""[..]),
        1 => Just(&b"\"\""[..]), 1 => Just(&b"\r"[..]), 1 => Just("é".as_bytes()), 1 => Just(&b" "[..]), 2 => Just(&b",\""[..]),
        2 => Just(&b"\","[..]), 1 => Just(&b"a long stretch of ordinary text that fills more than a whole block of the search"[..]),
    ];
    prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

fn dialects() -> impl Strategy<Value = Dialect> {
    prop_oneof![
        Just(Dialect::default()),
        Just(Dialect { separator: b',', quote: None }),
        Just(Dialect { separator: b'a', quote: Some(b'"') }),
    ]
}

/// A table of columns x rows, of cells that need quotes more often than not.
fn table() -> impl Strategy<Value = (usize, Vec<Vec<String>>)> {
    (1_usize..5).prop_flat_map(|columns| {
        let cell = prop_oneof![
            3 => "[a-z0-9]{0,6}", 2 => "[a,\"\n\r ]{0,8}", 1 => Just("x,\"y\"\n1,2,3\n".to_owned()), 1 => Just("\"".to_owned()),
        ];
        let row = prop::collection::vec(cell, columns..=columns);
        (Just(columns), prop::collection::vec(row, 0..30))
    })
}

/// Writes every cell in quotes where it must be, or `always`.
pub(crate) fn written(rows: &[Vec<String>], always: bool, line_end: &str) -> String {
    let cell = |cell: &String| {
        let needs = always || cell.is_empty() || cell.contains(['"', ',', '\n', '\r']);
        if needs { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
    };
    let row = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",") + line_end;
    rows.iter().map(row).collect()
}

proptest! {
    #[test]
    fn the_fast_reading_is_the_slow_one(
        bytes in nasty(), dialect in dialects(), columns in 1_usize..5, block in 1_usize..200, most in 1_usize..9,
        sizes in prop::collection::vec(1_usize..40, 1..5),
    ) {
        let slow = reference::read(&bytes, dialect, columns);
        let fast = fast(&bytes, dialect, columns, Ending::File, block, most, &sizes);
        prop_assert_eq!(&fast.rows, &slow.rows);
        let fault = match fast.end { Next::Fault(fault) => Some(fault), Next::End => None, other => panic!("{other:?}") };
        prop_assert_eq!(fault, slow.fault);
    }

    #[test]
    fn tables_come_back_whatever_is_in_their_cells(
        (columns, rows) in table(), always: bool, crlf: bool, block in 1_usize..300,
    ) {
        let text = written(&rows, always, if crlf { "\r\n" } else { "\n" });
        let fast = fast(text.as_bytes(), Dialect::default(), columns, Ending::File, block, usize::MAX, &[64]);
        prop_assert_eq!(fast.end, Next::End);
        let cells: Vec<Vec<String>> = fast.rows.iter().map(|row| {
            row.iter().map(|(cell, _)| String::from_utf8(cell.clone()).unwrap()).collect()
        }).collect();
        prop_assert_eq!(cells, rows);
    }

    #[test]
    fn a_cut_holds_where_records_meet_and_nowhere_else((columns, rows) in table(), always: bool) {
        let text = written(&rows, always, "\n");
        let bytes = text.as_bytes();
        let slow = reference::read(bytes, Dialect::default(), columns);
        prop_assert!(slow.fault.is_none());
        for cut in 0..=bytes.len() {
            let head = fast(&bytes[..cut], Dialect::default(), columns, Ending::Record, 64, usize::MAX, &[64]);
            prop_assert_eq!(head.end == Next::End, slow.borders.contains(&cut), "cut at {}", cut);
            if head.end == Next::End {
                let tail = fast(&bytes[cut..], Dialect::default(), columns, Ending::File, 64, usize::MAX, &[64]);
                let both: Vec<_> = head.rows.into_iter().chain(tail.rows).collect();
                prop_assert_eq!(&both, &slow.rows);
                prop_assert!(head.begins.iter().chain(&tail.begins).zip(&slow.rows).all(|(_, row)| row.len() == columns));
            }
        }
    }
}

#[test]
fn what_is_taken_and_what_is_not() {
    use super::index::Fault;
    let end = |text: &str, columns| {
        let read = fast(text.as_bytes(), Dialect::default(), columns, Ending::File, 64, usize::MAX, &[64]);
        (read.rows.len(), read.end)
    };
    assert_eq!(end("a,b\n\n\r\nc,d", 2), (2, Next::End), "empty lines are no records");
    assert_eq!(end("a\n\nb\n", 1), (3, Next::End), "in a file of one column an empty line is a NULL");
    assert_eq!(end("5\" pipe,x\n", 2), (1, Next::End), "a quote inside an unquoted field is a character");
    assert_eq!(end("a,b\nc\n", 2), (1, Next::Fault(Fault::Ragged { found: 1 })));
    assert_eq!(end("a,b\nc,d,e\n", 2), (1, Next::Fault(Fault::Ragged { found: 3 })));
    assert_eq!(end("a,\"b\"c\n", 2), (0, Next::Fault(Fault::AfterQuote { column: 1 })));
    assert_eq!(end("a,b\nc,\"d\n", 2), (1, Next::Fault(Fault::Unclosed { column: 1 })));
}

#[test]
fn a_record_over_the_limit_is_measured_and_not_held() {
    let blocks = |text: String, limit| {
        Blocks::new(Box::new(io::Cursor::new(text)), Indexer::new(Dialect::default(), 2), Ending::File, 16, limit)
    };
    let long = "x".repeat(5000);
    let mut held = 0;
    let mut quoted = blocks(format!("a,\"{long}\"\"\n{long}\"\nb,c\n"), 1000);
    let next = quoted.next(usize::MAX, &mut |bytes| {
        held = held.max(bytes);
        Ok(())
    });
    assert_eq!(next.expect("reads"), Next::TooLarge { bytes: 10_007, column: Some(1) });
    assert_eq!(held, 1000);
    let plain = blocks(format!("a,{long}\n"), 1000).next(usize::MAX, &mut |_| Ok(()));
    assert_eq!(plain.expect("reads"), Next::TooLarge { bytes: 5002, column: None });
    let unclosed = blocks(format!("a,\"{long}"), 1000).next(usize::MAX, &mut |_| Ok(()));
    assert_eq!(unclosed.expect("reads"), Next::Fault(super::index::Fault::Unclosed { column: 1 }));
}

#[test]
fn the_fuzzing_corpus_is_read_as_the_slow_reading_reads_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/csv");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("a file");
        count += 1;
        for dialect in [Dialect::default(), Dialect { separator: b',', quote: None }] {
            for columns in 1..6 {
                let slow = reference::read(&bytes, dialect, columns);
                for block in [1, 7, 63, 64, 65, 4096] {
                    let fast = fast(&bytes, dialect, columns, Ending::File, block, usize::MAX, &[3, 64]);
                    assert_eq!(fast.rows, slow.rows);
                    let fault = slow.fault.map_or(Next::End, Next::Fault);
                    assert_eq!(fast.end, fault);
                }
            }
        }
    }
    assert!(count > 20, "the corpus has {count} files");
}
