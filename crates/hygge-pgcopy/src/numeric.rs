//! PostgreSQL's `numeric` in its binary form: digits of base 10,000, there and back, exact.

use arrow_buffer::i256;

use crate::encode::Digits;
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
/// nothing where the value is another, or none at all: the slow way finds out. `SPARE` is [`QuickScale::spare`].
#[inline]
pub(crate) fn quick<const SPARE: u64>(cell: &[u8; 20], scale: QuickScale) -> Option<i64> {
    let part = |at: usize| -> [u8; 8] { std::array::from_fn(|index| cell[at + index]) };
    let head = u64::from_be_bytes(part(0));
    let rest = u32::from_be_bytes([cell[8], cell[9], cell[10], cell[11]]);
    #[expect(clippy::cast_possible_truncation, reason = "parts of the whole")]
    let (length, count, weight) = ((head >> 32) as u32, (head >> 16) as u32 & 0xFFFF, head as i16);
    // How many digits the value has down to the last that the scale counts, and how many of them are not there.
    let places = i32::from(weight) + 1 + scale.behind;
    let power = places - count.cast_signed();
    // With both from 0 to 4, the count is, too.
    let fits = places.cast_unsigned() <= 4 && power.cast_unsigned() <= 4;
    if !fits || length != 8 + 2 * count || rest & !KNOWN != 0 {
        return None;
    }
    // Digits of what follows the value are shifted out; with none, all are.
    let lanes = u64::from_be_bytes(part(12)).unbounded_shr(64 - 16 * count);
    // Every lane is below 10,000: else one of these additions reaches its highest bit, or it was set.
    if (lanes | ((lanes & !TOP) + MARGIN)) & TOP != 0 {
        return None;
    }
    let pairs = ((lanes >> 16) & 0x0000_FFFF_0000_FFFF) * 10_000 + (lanes & 0x0000_FFFF_0000_FFFF);
    let number = (pairs >> 32) * 100_000_000 + (pairs & 0xFFFF_FFFF);
    let finer = number * POWERS[power.cast_unsigned() as usize & 7];
    let value = finer / SPARE;
    if value * SPARE != finer || value >= scale.limit {
        return None;
    }
    let value = value.cast_signed();
    Some(if rest & MINUS != 0 { -value } else { value })
}

/// The sign below zero, where it stands before the scale.
const MINUS: u32 = (NEGATIVE as u32) << 16;
/// What a number's sign and scale may have.
const KNOWN: u32 = MINUS | SCALE_LIMIT as u32;

/// What lifts 10,000 in each of four lanes to the highest bit.
const MARGIN: u64 = 0x0001_0001_0001_0001 * (0x8000 - 10_000);
/// The highest bits of the lanes.
const TOP: u64 = 0x8000_8000_8000_8000;

const POWERS: [u64; 8] = [1, 10_000, 100_000_000, 1_000_000_000_000, 10_000_000_000_000_000, 0, 0, 0];

/// A scale, prepared for [`quick`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuickScale {
    pub(crate) precision: u8,
    pub(crate) scale: u8,
    /// Digits of base 10,000 behind the point.
    behind: i32,
    /// What the last of them counts too much: 1, 10, 100 or 1000.
    pub(crate) spare: u64,
    /// Values are below it.
    limit: u64,
}

impl QuickScale {
    pub(crate) fn new(precision: u8, scale: u8) -> Self {
        let behind = u32::from(scale).div_ceil(4);
        let spare = 10_u64.pow(behind * 4 - u32::from(scale));
        let limit = 10_u64.pow(u32::from(precision.min(18)));
        Self { precision, scale, behind: behind.cast_signed(), spare, limit }
    }
}

const TOO_LONG: Misfit = Misfit::Unfit("a number of more digits than PostgreSQL holds");
const TOO_LARGE: Misfit = Misfit::Unfit("a number with more digits before the point than its column holds");
const TOO_FINE: Misfit = Misfit::Unfit("a number with more decimals than its column holds");
const SPELLED: Misfit = Misfit::Unfit("a text that is no number, or not as PostgreSQL would write it");

/// A count of units, taken apart from its end.
pub(crate) trait Magnitude: Copy {
    /// The distance from zero, and whether it is below; none for the least number of all, which is no decimal.
    fn parts(self) -> Option<(Self, bool)>;
    fn is_zero(self) -> bool;
    /// What is left of it, and its last digits: `self / unit` and `self % unit`, the unit being at most 10,000.
    fn cut(self, unit: u16) -> (Self, u16);
}

impl Magnitude for i128 {
    fn parts(self) -> Option<(Self, bool)> {
        Some((self.checked_abs()?, self < 0))
    }

    fn is_zero(self) -> bool {
        self == 0
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "what is left after a division by 10,000 at most")]
    fn cut(self, unit: u16) -> (Self, u16) {
        // Most are of 64 bits, which are divided much faster.
        match u64::try_from(self) {
            Ok(narrow) => (Self::from(narrow / u64::from(unit)), (narrow % u64::from(unit)) as u16),
            Err(_) => (self / Self::from(unit), (self.unsigned_abs() % u128::from(unit)) as u16),
        }
    }
}

impl Magnitude for i256 {
    fn parts(self) -> Option<(Self, bool)> {
        Some((self.checked_abs()?, self.is_negative()))
    }

    fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    fn cut(self, unit: u16) -> (Self, u16) {
        let by = Self::from_i128(i128::from(unit));
        let rest = self.wrapping_rem(by).to_i128().and_then(|rest| u16::try_from(rest).ok());
        (self.wrapping_div(by), rest.unwrap_or(0))
    }
}

/// Adds `value * 10^-scale` as it is sent, if the limits of its column take it.
pub(crate) fn push<N: Magnitude>(value: N, scale: i8, limit: Option<Digits>, out: &mut Vec<u8>) -> Fit<()> {
    // 76 digits and a scale of up to 128 zeros, at whatever place.
    let mut digits = [0_u16; 24];
    let (mut rest, negative) = value.parts().ok_or(TOO_LONG)?;
    let exponent = -i32::from(scale);
    // The weight of the lowest digit, and how many zeros end it.
    let lowest = exponent.div_euclid(4);
    let zeros = exponent.rem_euclid(4).unsigned_abs();
    let mut begin = digits.len();
    let mut unit = 10_u16.pow(4 - zeros);
    let mut power = 10_u16.pow(zeros);
    while !rest.is_zero() {
        let (left, digit) = rest.cut(unit);
        begin -= 1;
        digits[begin] = digit * power;
        (rest, unit, power) = (left, BASE, 1);
    }
    let all = &digits[begin..];
    let weight = lowest + i32::try_from(all.len()).map_err(|_| TOO_LONG)? - 1;
    let count = all.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    let digits = &all[..count];
    if let (Some(limit), Some(first), Some(last)) = (limit, digits.first(), digits.last()) {
        within(*first, *last, i32::try_from(count).map_err(|_| TOO_LONG)?, weight, limit)?;
    }
    let scale = u16::from(scale.max(0).unsigned_abs());
    let weight = if count == 0 { 0 } else { i16::try_from(weight).map_err(|_| TOO_LONG)? };
    head(digits.len(), weight, if negative { NEGATIVE } else { POSITIVE }, scale, out)?;
    for digit in digits {
        out.extend_from_slice(&digit.to_be_bytes());
    }
    Ok(())
}

/// A cell of a numeric with its length: no number of 128 bits takes more.
pub(crate) type Cell = [u8; 40];

/// A scale, prepared for writing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    scale: i8,
    limit: Option<Digits>,
    /// What fills up the last digit of base 10,000.
    fill: u64,
    /// Digits of base 10,000 behind the point.
    behind: i32,
}

impl Writer {
    pub(crate) fn new(scale: i8, limit: Option<Digits>) -> Self {
        let decimals = u32::from(scale.max(0).unsigned_abs());
        let behind = decimals.div_ceil(4);
        Self { scale, limit, fill: 10_u64.pow(behind * 4 - decimals), behind: behind.cast_signed() }
    }

    /// Writes the cell of a number, and answers with how many bytes it is.
    #[inline]
    pub(crate) fn write(&self, value: i128, cell: &mut Cell) -> Fit<usize> {
        let narrow = i64::try_from(value).ok().and_then(|value| value.unsigned_abs().checked_mul(self.fill));
        let (Some(mut rest), 0..) = (narrow, self.scale) else { return self.write_wide(value, cell) };
        // Five digits at most, the lowest last; behind them nothing.
        let mut digits = [0_u16; 5];
        let mut begin = digits.len();
        while rest > 0 {
            begin -= 1;
            #[expect(clippy::cast_possible_truncation, reason = "what is left after a division by 10,000")]
            let digit = (rest % u64::from(BASE)) as u16;
            digits[begin] = digit;
            rest /= u64::from(BASE);
        }
        let mut end = digits.len();
        while end > begin && digits[end - 1] == 0 {
            end -= 1;
        }
        let digits = &digits[begin..end];
        let places = i32::try_from(5 - begin).map_err(|_| TOO_LONG)?;
        let weight = places - 1 - self.behind;
        if let (Some(limit), [first, ..], [.., last]) = (self.limit, digits, digits) {
            within(*first, *last, i32::try_from(digits.len()).map_err(|_| TOO_LONG)?, weight, limit)?;
        }
        let weight = if digits.is_empty() { 0 } else { weight };
        #[expect(clippy::cast_possible_truncation, reason = "five digits, and a weight of as many")]
        let (count, weight) = (digits.len() as u16, weight as i16);
        let sign = if value < 0 { NEGATIVE } else { POSITIVE };
        let length = 8 + 2 * usize::from(count);
        cell[..4].copy_from_slice(&(8 + 2 * u32::from(count)).to_be_bytes());
        cell[4..6].copy_from_slice(&count.to_be_bytes());
        cell[6..8].copy_from_slice(&weight.to_be_bytes());
        cell[8..10].copy_from_slice(&sign.to_be_bytes());
        cell[10..12].copy_from_slice(&u16::from(self.scale.unsigned_abs()).to_be_bytes());
        for (digit, place) in digits.iter().zip(cell[12..].as_chunks_mut::<2>().0) {
            *place = digit.to_be_bytes();
        }
        Ok(4 + length)
    }

    #[cold]
    fn write_wide(&self, value: i128, cell: &mut Cell) -> Fit<usize> {
        let mut out = Vec::with_capacity(cell.len());
        push(value, self.scale, self.limit, &mut out)?;
        let length = u32::try_from(out.len()).map_err(|_| TOO_LONG)?;
        cell[..4].copy_from_slice(&length.to_be_bytes());
        cell.get_mut(4..4 + out.len()).ok_or(TOO_LONG)?.copy_from_slice(&out);
        Ok(4 + out.len())
    }
}

fn head(count: usize, weight: i16, sign: u16, scale: u16, out: &mut Vec<u8>) -> Fit<()> {
    let count = u16::try_from(count).map_err(|_| TOO_LONG)?;
    for word in [count, weight.cast_unsigned(), sign, scale] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    Ok(())
}

/// Whether digits without zeros at their ends fit a declaration.
fn within(first: u16, last: u16, count: i32, weight: i32, limit: Digits) -> Fit<()> {
    let zeros = (1..4).take_while(|power| last.is_multiple_of(10_u16.pow(*power))).count();
    let finest = 4 * (weight - count + 1) + i32::try_from(zeros).unwrap_or(0);
    let length = i32::try_from(first.max(1).ilog10()).unwrap_or(0) + 1;
    if finest < -limit.scale {
        Err(TOO_FINE)
    } else if 4 * weight + length > limit.precision - limit.scale {
        Err(TOO_LARGE)
    } else {
        Ok(())
    }
}

/// Adds the number that a text spells, if the server would spell it so.
pub(crate) fn push_text(text: &[u8], limit: Option<Digits>, out: &mut Vec<u8>) -> Fit<()> {
    match text {
        b"NaN" => return head(0, 0, NAN, 0, out),
        b"Infinity" | b"-Infinity" if limit.is_some() => {
            return Err(Misfit::Unfit("infinity, which a numeric with a precision does not hold"));
        }
        b"Infinity" => return head(0, 0, INFINITY, 0, out),
        b"-Infinity" => return head(0, 0, MINUS_INFINITY, 0, out),
        _ => {}
    }
    let (sign, number) = text.strip_prefix(b"-").map_or((POSITIVE, text), |number| (NEGATIVE, number));
    let point = memchr::memchr(b'.', number);
    let (whole, fraction) = point.map_or((number, &[][..]), |at| (&number[..at], &number[at + 1..]));
    let plain = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let leading = whole.len() > 1 && whole[0] == b'0';
    if !plain(whole) || leading || point.is_some() && !plain(fraction) {
        return Err(SPELLED);
    }
    let scale = u16::try_from(fraction.len()).ok().filter(|scale| *scale <= SCALE_LIMIT).ok_or(TOO_LONG)?;

    let begin = out.len();
    head(0, 0, sign, scale, out)?;
    let digits = begin + 8;
    let value = |four: &[u8]| four.iter().fold(0, |value, c| value * 10 + u16::from(c - b'0'));
    // The first digit before the point has what is left of four, the last behind it is filled up with zeros.
    let (first, rest) = whole.split_at((whole.len() - 1) % 4 + 1);
    let before = std::iter::once(first).chain(rest.chunks(4)).map(value);
    let behind = fraction.chunks(4).map(|four| (four.len()..4).fold(value(four), |value, _| value * 10));
    let mut weight = i32::try_from(rest.len() / 4).map_err(|_| TOO_LONG)?;
    for digit in before.chain(behind) {
        if digit == 0 && out.len() == digits {
            weight -= 1;
        } else {
            out.extend_from_slice(&digit.to_be_bytes());
        }
    }
    while out.len() > digits && out.ends_with(&[0, 0]) {
        out.truncate(out.len() - 2);
    }
    let (found, _) = out[digits..].as_chunks::<2>();
    let count = found.len();
    if let (Some(first), Some(last)) = (found.first(), found.last()) {
        if let Some(limit) = limit {
            let count = i32::try_from(count).map_err(|_| TOO_LONG)?;
            within(u16::from_be_bytes(*first), u16::from_be_bytes(*last), count, weight, limit)?;
        }
    } else if sign == NEGATIVE {
        return Err(SPELLED);
    } else {
        weight = 0;
    }
    let count = u16::try_from(count).map_err(|_| TOO_LONG)?;
    let weight = i16::try_from(weight).map_err(|_| TOO_LONG)?;
    out[begin..begin + 2].copy_from_slice(&count.to_be_bytes());
    out[begin + 2..begin + 4].copy_from_slice(&weight.to_be_bytes());
    Ok(())
}
