//! PostgreSQL's `numeric` in its binary form: digits of base 10,000, there and back, exact.

use arrow_buffer::i256;

use crate::error::{Fit, Misfit};

/// What one digit counts to.
const BASE: u16 = 10_000;
/// Digits after the point that the type can show.
const SCALE_LIMIT: u16 = 0x3FFF;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;

pub(crate) const MALFORMED: Misfit = Misfit::Malformed("a numeric that is damaged");
const TOO_WIDE: Misfit = Misfit::Unfit("a number with more digits than the column holds");

/// A value as it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// The place of the first digit: it counts `10,000^weight`.
    weight: i16,
    sign: u16,
    /// Decimals to show.
    scale: u16,
    /// Two bytes a digit.
    digits: &'a [[u8; 2]],
}

impl<'a> Parts<'a> {
    pub(crate) fn read(cell: &'a [u8]) -> Fit<Self> {
        let (head, rest) = cell.split_first_chunk::<8>().ok_or(MALFORMED)?;
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let (digits, odd) = rest.as_chunks::<2>();
        if !odd.is_empty() || digits.len() != usize::from(word(0)) || word(6) > SCALE_LIMIT {
            return Err(MALFORMED);
        }
        if digits.iter().any(|digit| u16::from_be_bytes(*digit) >= BASE) {
            return Err(MALFORMED);
        }
        Ok(Self { weight: word(2).cast_signed(), sign: word(4), scale: word(6), digits })
    }

    fn digit(&self, at: i32) -> u16 {
        usize::try_from(at).ok().and_then(|at| self.digits.get(at)).map_or(0, |digit| u16::from_be_bytes(*digit))
    }

    /// Its sign, or what it is where it is no number.
    fn negative(&self) -> Fit<bool> {
        match self.sign {
            POSITIVE => Ok(false),
            NEGATIVE => Ok(true),
            NAN => Err(Misfit::Unfit("NaN")),
            INFINITY | MINUS_INFINITY => Err(Misfit::Unfit("infinity")),
            _ => Err(MALFORMED),
        }
    }

    /// No more bytes than this are its text.
    pub(crate) fn text_limit(&self) -> usize {
        let whole = usize::try_from(i32::from(self.weight) + 1).unwrap_or(0);
        4 * whole.max(1) + usize::from(self.scale) + 2
    }

    /// Adds the text that the server would show.
    pub(crate) fn push_text(&self, out: &mut Vec<u8>) -> Fit<()> {
        match self.sign {
            NAN => out.extend_from_slice(b"NaN"),
            INFINITY => out.extend_from_slice(b"Infinity"),
            MINUS_INFINITY => out.extend_from_slice(b"-Infinity"),
            POSITIVE | NEGATIVE => {
                if self.sign == NEGATIVE {
                    out.push(b'-');
                }
                self.push_digits(out);
            }
            _ => return Err(MALFORMED),
        }
        Ok(())
    }

    fn push_digits(&self, out: &mut Vec<u8>) {
        let weight = i32::from(self.weight);
        let begin = out.len();
        for at in 0..=weight {
            let digit = four(self.digit(at));
            if out.len() == begin {
                let zeros = digit.iter().take_while(|c| **c == b'0').count();
                out.extend_from_slice(&digit[zeros..]);
            } else {
                out.extend_from_slice(&digit);
            }
        }
        if out.len() == begin {
            out.push(b'0');
        }
        if self.scale > 0 {
            out.push(b'.');
            let end = out.len() + usize::from(self.scale);
            let mut at = weight + 1;
            while out.len() < end {
                // Where the first digit is far behind the point, zeros come before it.
                let digit = four(self.digit(at));
                let room = (end - out.len()).min(4);
                out.extend_from_slice(&digit[..room]);
                at += 1;
            }
        }
    }

    /// The value in units of `10^-scale`, by way of a number type.
    fn scaled<N: Wide>(&self, scale: u8) -> Fit<N> {
        let negative = self.negative()?;
        // Whole digits behind the point, the last of which may be used in part.
        let behind = i32::from(scale.div_ceil(4));
        let spare = u32::try_from(behind * 4 - i32::from(scale)).unwrap_or(0);
        let last = i32::from(self.weight) + behind;
        let mut value = N::default();
        for (at, digit) in (0_i32..).zip(self.digits) {
            let digit = u16::from_be_bytes(*digit);
            if at < last {
                value = value.shifted(10_000, digit).ok_or(TOO_WIDE)?;
            } else {
                let unit = 10_u16.pow(spare);
                if at > last && digit != 0 || at == last && digit % unit != 0 {
                    return Err(Misfit::Unfit("a number with more decimals than the column holds"));
                }
                if at == last {
                    value = value.shifted(BASE / unit, digit / unit).ok_or(TOO_WIDE)?;
                }
            }
        }
        let count = i32::try_from(self.digits.len()).map_err(|_| MALFORMED)?;
        if value != N::default() {
            for at in count..=last {
                let unit = if at == last { 10_u16.pow(4 - spare) } else { BASE };
                value = value.shifted(unit, 0).ok_or(TOO_WIDE)?;
            }
        }
        Ok(if negative { value.minus() } else { value })
    }

    /// The value in units of `10^-scale`, if it is one of at most `10^38`.
    pub(crate) fn narrow(&self, scale: u8, precision: u8) -> Fit<i128> {
        let value: i128 = self.scaled(scale)?;
        if value.unsigned_abs() < 10_u128.pow(u32::from(precision.min(38))) { Ok(value) } else { Err(TOO_WIDE) }
    }

    /// The same for up to 76 digits.
    pub(crate) fn wide(&self, scale: u8, below: i256) -> Fit<i256> {
        let value: i256 = self.scaled(scale)?;
        if value < below && value.wrapping_neg() < below { Ok(value) } else { Err(TOO_WIDE) }
    }
}

/// A number that digits are added to.
trait Wide: Copy + Default + PartialEq {
    /// `self * unit + digit`.
    fn shifted(self, unit: u16, digit: u16) -> Option<Self>;
    fn minus(self) -> Self;
}

impl Wide for i128 {
    fn shifted(self, unit: u16, digit: u16) -> Option<Self> {
        self.checked_mul(Self::from(unit))?.checked_add(Self::from(digit))
    }

    fn minus(self) -> Self {
        -self
    }
}

impl Wide for i256 {
    fn shifted(self, unit: u16, digit: u16) -> Option<Self> {
        self.checked_mul(Self::from_i128(i128::from(unit)))?.checked_add(Self::from_i128(i128::from(digit)))
    }

    fn minus(self) -> Self {
        self.wrapping_neg()
    }
}

/// A digit of base 10,000 as four of base ten.
#[expect(clippy::cast_possible_truncation, reason = "two digits of base ten are less than 100")]
fn four(digit: u16) -> [u8; 4] {
    let (high, low) = ((digit / 100) as u8, (digit % 100) as u8);
    [b'0' + high / 10, b'0' + high % 10, b'0' + low / 10, b'0' + low % 10]
}

/// The value of most numerics, without a branch that depends on it: at most four digits, all in one 64-bit word.
///
/// `cell` is the length word, the head and room for four digits; what of it lies behind the value is not looked at. Gives
/// nothing where the value is another, or none at all: the slow way finds out.
#[inline]
pub(crate) fn quick(cell: &[u8; 20], scale: QuickScale) -> Option<i64> {
    let word = |at: usize| u16::from_be_bytes([cell[at], cell[at + 1]]);
    let length = u32::from_be_bytes([cell[0], cell[1], cell[2], cell[3]]);
    let (count, weight, sign) = (u32::from(word(4)), i32::from(word(6).cast_signed()), word(8));
    // How many digits the value has down to the last that the scale counts.
    let places = weight + 1 + scale.behind;
    let power = places - count.cast_signed();
    if count > 4 || length != 8 + 2 * count || sign & !NEGATIVE != 0 || !(0..=4).contains(&places) || power < 0 {
        return None;
    }
    let lanes = u64::from_be_bytes([cell[12], cell[13], cell[14], cell[15], cell[16], cell[17], cell[18], cell[19]]);
    // Digits of what follows the value are shifted out; with none, all are.
    let lanes = lanes.unbounded_shr(64 - 16 * count);
    // Every lane is below 10,000: else one of these additions reaches its highest bit, or it was set.
    if (lanes | ((lanes & !TOP) + MARGIN)) & TOP != 0 {
        return None;
    }
    let pairs = (lanes >> 16 & 0x0000_FFFF_0000_FFFF) * 10_000 + (lanes & 0x0000_FFFF_0000_FFFF);
    let number = (pairs >> 32) * 100_000_000 + (pairs & 0xFFFF_FFFF);
    let value = number * POWERS[power.cast_unsigned() as usize & 7];
    let value = match scale.spare {
        1 => value,
        10 => whole::<10>(value)?,
        100 => whole::<100>(value)?,
        _ => whole::<1000>(value)?,
    };
    if value >= scale.limit {
        return None;
    }
    let value = value.cast_signed();
    Some(if sign == NEGATIVE { -value } else { value })
}

/// What lifts 10,000 in each of four lanes to the highest bit.
const MARGIN: u64 = 0x0001_0001_0001_0001 * (0x8000 - 10_000);
/// The highest bits of the lanes.
const TOP: u64 = 0x8000_8000_8000_8000;

const POWERS: [u64; 8] = [1, 10_000, 100_000_000, 1_000_000_000_000, 10_000_000_000_000_000, 0, 0, 0];

#[inline]
fn whole<const UNIT: u64>(value: u64) -> Option<u64> {
    value.is_multiple_of(UNIT).then_some(value / UNIT)
}

/// A scale, prepared for [`quick`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuickScale {
    /// Digits of base 10,000 behind the point.
    behind: i32,
    /// What the last of them counts too much.
    spare: u64,
    /// Values are below it.
    limit: u64,
}

impl QuickScale {
    pub(crate) fn new(precision: u8, scale: u8) -> Self {
        let behind = u32::from(scale).div_ceil(4);
        let spare = 10_u64.pow(behind * 4 - u32::from(scale));
        Self { behind: behind.cast_signed(), spare, limit: 10_u64.pow(u32::from(precision.min(18))) }
    }
}
