//! Types that become the text that the server shows, written from their binary form.

use std::io::Write as _;
use std::marker::PhantomData;

use arrow_array::ArrayRef;

use super::bytes::Gathered;
use super::cells::Cells;
use super::column::{Column, Late, Nulls};
use super::fixed::LENGTH;
use super::times::{DAY, infinite, months_days_micros};
use crate::error::{Fit, Misfit};
use crate::numeric::Parts;

/// A way to write a value.
pub(crate) trait Write: Send {
    /// Adds the text of a value.
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()>;
}

/// A column of such texts.
pub(super) struct Rendered<W> {
    gathered: Gathered,
    nulls: Nulls,
    way: PhantomData<W>,
}

impl<W: Write> Rendered<W> {
    pub(super) fn new(lenient: bool) -> Self {
        Self { gathered: Gathered::default(), nulls: Nulls::new(lenient), way: PhantomData }
    }
}

impl<W: Write> Column for Rendered<W> {
    fn take(&mut self, cells: Cells<'_>) -> Result<(), (usize, Misfit)> {
        let begin = self.gathered.rows();
        for (row, at) in cells.starts().enumerate() {
            match cells.get(at) {
                Some(cell) => W::write(cell, &mut self.gathered.bytes).map_err(|misfit| (row, misfit))?,
                None => self.nulls.push(begin + row),
            }
            self.gathered.end().map_err(|misfit| (row, misfit))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Late> {
        let nulls = self.nulls.finish(self.gathered.rows());
        self.gathered.text(nulls)
    }

    fn replaced(&self) -> u64 {
        self.nulls.replaced()
    }
}

fn exactly<const N: usize>(cell: &[u8]) -> Fit<[u8; N]> {
    cell.try_into().map_err(|_| LENGTH)
}

macro_rules! put {
    ($out:expr, $($format:tt)*) => {{
        // Writing to memory cannot fail.
        let _ = write!($out, $($format)*);
    }};
}

/// `numeric` of any precision.
pub(crate) struct NumericText;

impl Write for NumericText {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        Parts::read(cell)?.push_text(out)
    }
}

/// `"char"`: one byte. Zero is the empty text; what is no ASCII is shown as later servers show it.
pub(crate) struct Characters;

impl Write for Characters {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        match exactly::<1>(cell)? {
            [0] => {}
            [byte @ 1..=127] => out.push(byte),
            [byte] => put!(out, "\\{byte:03o}"),
        }
        Ok(())
    }
}

/// `pg_lsn`: `16/B374D848`.
pub(crate) struct Lsn;

impl Write for Lsn {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        let place = u64::from_be_bytes(exactly(cell)?);
        put!(out, "{:X}/{:X}", place >> 32, place & 0xFFFF_FFFF);
        Ok(())
    }
}

/// `tid`: `(block,line)`.
pub(crate) struct Tid;

impl Write for Tid {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        let (block, line) = cell.split_first_chunk::<4>().ok_or(LENGTH)?;
        put!(out, "({},{})", u32::from_be_bytes(*block), u16::from_be_bytes(exactly(line)?));
        Ok(())
    }
}

/// `bit` and `bit varying`: a digit for each bit.
pub(crate) struct Bits;

impl Write for Bits {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        let (count, bytes) = cell.split_first_chunk::<4>().ok_or(LENGTH)?;
        let count = usize::try_from(i32::from_be_bytes(*count)).map_err(|_| LENGTH)?;
        if bytes.len() != count.div_ceil(8) {
            return Err(LENGTH);
        }
        out.reserve(count);
        let begin = out.len();
        for byte in bytes {
            out.extend((0..8).map(|bit| b'0' + (byte >> (7 - bit) & 1)));
        }
        out.truncate(begin + count);
        Ok(())
    }
}

fn hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        put!(out, "{byte:02x}");
    }
}

/// `macaddr`: `08:00:2b:01:02:03`.
pub(crate) struct Macaddr;

impl Write for Macaddr {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        hexadecimal(&exactly::<6>(cell)?, out);
        Ok(())
    }
}

/// `macaddr8`: `08:00:2b:01:02:03:04:05`.
pub(crate) struct Macaddr8;

impl Write for Macaddr8 {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        hexadecimal(&exactly::<8>(cell)?, out);
        Ok(())
    }
}

/// `inet`, and `cidr`, which always tells its bits.
pub(crate) struct Inet<const CIDR: bool>;

impl<const CIDR: bool> Write for Inet<CIDR> {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        const MALFORMED: Misfit = Misfit::Malformed("a network address that is damaged");
        let ([family, bits, _, length], address) = cell.split_first_chunk::<4>().ok_or(MALFORMED)?;
        let whole = match (family, length, address) {
            (2, 4, [a, b, c, d]) => {
                put!(out, "{a}.{b}.{c}.{d}");
                32
            }
            (3, 16, address) => {
                six(address.try_into().map_err(|_| MALFORMED)?, out);
                128
            }
            _ => return Err(MALFORMED),
        };
        if *bits > whole {
            return Err(MALFORMED);
        }
        if CIDR || *bits != whole {
            put!(out, "/{bits}");
        }
        Ok(())
    }
}

/// An address of version 6, with its longest run of zeros left out, and the end in decimals where it is one of version 4.
fn six(address: [u8; 16], out: &mut Vec<u8>) {
    let word = |at: usize| u16::from_be_bytes([address[2 * at], address[2 * at + 1]]);
    let (mut from, mut length) = (0, 0);
    let mut at = 0;
    while at < 8 {
        let run = (at..8).take_while(|at| word(*at) == 0).count();
        if run > length {
            (from, length) = (at, run);
        }
        at += run.max(1);
    }
    if length < 2 {
        length = 0;
    }
    let left_out = from..from + length;
    for at in 0..8 {
        if left_out.contains(&at) {
            if at == from {
                out.push(b':');
            }
            continue;
        }
        if at > 0 {
            out.push(b':');
        }
        if at == 6 && length > 0 && from == 0 && (length == 6 || length == 5 && word(5) == 0xFFFF) {
            let [.., a, b, c, d] = address;
            put!(out, "{a}.{b}.{c}.{d}");
            return;
        }
        put!(out, "{:x}", word(at));
    }
    if length > 0 && left_out.end == 8 {
        out.push(b':');
    }
}

/// Hours, minutes and seconds, with as many decimals as it takes.
fn clock(hours: u64, within: u64, out: &mut Vec<u8>) {
    let (minutes, seconds, micros) = (within / 60_000_000, within / 1_000_000 % 60, within % 1_000_000);
    put!(out, "{hours:02}:{minutes:02}:{seconds:02}");
    if micros > 0 {
        put!(out, ".{micros:06}");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// An hour, in microseconds.
const HOUR: u64 = 3_600_000_000;

/// `time with time zone`: `04:05:06.789-08`.
pub(crate) struct TimeTz;

impl Write for TimeTz {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        const OUTSIDE: Misfit = Misfit::Malformed("a time outside of its day");
        let bytes: [u8; 12] = exactly(cell)?;
        let (time, zone) = bytes.split_first_chunk::<8>().ok_or(LENGTH)?;
        let time = i64::from_be_bytes(*time);
        let west = i32::from_be_bytes(exactly(zone)?);
        if !(0..=DAY).contains(&time) || west.unsigned_abs() > 16 * 3600 {
            return Err(OUTSIDE);
        }
        let time = time.unsigned_abs();
        clock(time / HOUR, time % HOUR, out);
        let seconds = west.unsigned_abs();
        put!(out, "{}{:02}", if west > 0 { '-' } else { '+' }, seconds / 3600);
        if seconds % 3600 > 0 {
            put!(out, ":{:02}", seconds / 60 % 60);
        }
        if seconds % 60 > 0 {
            put!(out, ":{:02}", seconds % 60);
        }
        Ok(())
    }
}

/// `interval`: `1 year 2 mons -3 days +04:05:06.789`.
pub(crate) struct IntervalText;

impl Write for IntervalText {
    fn write(cell: &[u8], out: &mut Vec<u8>) -> Fit<()> {
        let parts = months_days_micros(exactly(cell)?);
        match infinite(parts) {
            Some(true) => out.extend_from_slice(b"infinity"),
            Some(false) => out.extend_from_slice(b"-infinity"),
            None => interval(parts, out),
        }
        Ok(())
    }
}

fn interval((months, days, micros): (i32, i32, i64), out: &mut Vec<u8>) {
    let begin = out.len();
    // After a part below zero, one above it needs its sign.
    let mut below = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count != 0 {
            let space = if out.len() > begin { " " } else { "" };
            let sign = if below && count > 0 { "+" } else { "" };
            put!(out, "{space}{sign}{count} {unit}{}", if count == 1 { "" } else { "s" });
            below = count < 0;
        }
    }
    if micros != 0 || out.len() == begin {
        if out.len() > begin {
            out.push(b' ');
        }
        if micros < 0 {
            out.push(b'-');
        } else if below {
            out.push(b'+');
        }
        let micros = micros.unsigned_abs();
        clock(micros / HOUR, micros % HOUR, out);
    }
}
