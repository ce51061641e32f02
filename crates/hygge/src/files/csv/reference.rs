//! A slow reading of CSV, byte by byte, that the fast one is held to.

use super::index::{Dialect, Fault};

/// A field without its quotes, and whether it had any.
pub(crate) type Field = (Vec<u8>, bool);

/// What the slow reading finds.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) rows: Vec<Vec<Field>>,
    pub(crate) fault: Option<Fault>,
    /// Where records begin or could begin: positions at which no record is open.
    pub(crate) borders: Vec<usize>,
}

enum State {
    Begin,
    Plain,
    Quoted,
    QuoteInQuoted,
}

pub(crate) fn read(bytes: &[u8], dialect: Dialect, columns: usize) -> Read {
    let mut out = Read { borders: vec![0], ..Read::default() };
    let mut record: Vec<Field> = Vec::new();
    let mut field: Field = (Vec::new(), false);
    let mut state = State::Begin;
    let mut open = false;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        open = true;
        match state {
            State::Begin if Some(byte) == dialect.quote => {
                field.1 = true;
                state = State::Quoted;
            }
            State::Begin | State::Plain | State::QuoteInQuoted if byte == dialect.separator => {
                record.push(std::mem::take(&mut field));
                state = State::Begin;
            }
            State::Begin | State::Plain | State::QuoteInQuoted if byte == b'\n' => {
                if !field.1 && field.0.last() == Some(&b'\r') {
                    field.0.pop();
                }
                record.push(std::mem::take(&mut field));
                state = State::Begin;
                open = false;
                if let Some(fault) = end(&mut out, std::mem::take(&mut record), columns) {
                    out.fault = Some(fault);
                    return out;
                }
                out.borders.push(at);
            }
            State::Begin | State::Plain => {
                field.0.push(byte);
                state = State::Plain;
            }
            State::Quoted if Some(byte) == dialect.quote => state = State::QuoteInQuoted,
            State::Quoted => field.0.push(byte),
            State::QuoteInQuoted if Some(byte) == dialect.quote => {
                field.0.push(byte);
                state = State::Quoted;
            }
            State::QuoteInQuoted if byte == b'\r' && bytes.get(at).is_none_or(|&next| next == b'\n') => {}
            State::QuoteInQuoted => {
                out.fault = Some(Fault::AfterQuote { column: record.len() });
                return out;
            }
        }
    }
    if matches!(state, State::Quoted) {
        out.fault = Some(Fault::Unclosed { column: record.len() });
    } else if open {
        if !field.1 && field.0.last() == Some(&b'\r') {
            field.0.pop();
        }
        record.push(field);
        out.fault = end(&mut out, record, columns);
    }
    out
}

fn end(out: &mut Read, record: Vec<Field>, columns: usize) -> Option<Fault> {
    let empty = record.len() == 1 && record[0] == (Vec::new(), false);
    if record.len() == columns {
        out.rows.push(record);
        None
    } else if empty {
        None
    } else {
        Some(Fault::Ragged { found: record.len() })
    }
}
