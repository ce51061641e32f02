//! Ways of reading a cell without quotes, one for each family of types.

use std::marker::PhantomData;

use arrow_array::types::ArrowPrimitiveType;

use super::{self as cell, lenient};

/// One way of reading a cell without quotes.
pub(crate) trait Reading<N>: Send {
    /// The strict way.
    fn strict(&self, text: &[u8]) -> Option<N>;

    /// The way of declared types, asked when the strict one fails.
    fn lenient(&self, text: &[u8]) -> Option<N>;
}

pub(crate) struct Whole<T>(pub(crate) PhantomData<fn() -> T>);

impl<T: ArrowPrimitiveType> Reading<T::Native> for Whole<T>
where
    T::Native: TryFrom<i64> + TryFrom<u64> + TryFrom<i128>,
{
    #[inline]
    fn strict(&self, text: &[u8]) -> Option<T::Native> {
        match cell::int(text) {
            Some(n) => T::Native::try_from(n).ok(),
            None => T::Native::try_from(cell::uint(text)?).ok(),
        }
    }

    fn lenient(&self, text: &[u8]) -> Option<T::Native> {
        T::Native::try_from(lenient::int(text)?).ok()
    }
}

pub(crate) struct Doubles;

impl Reading<f64> for Doubles {
    #[inline]
    fn strict(&self, text: &[u8]) -> Option<f64> {
        cell::double(text)
    }

    fn lenient(&self, text: &[u8]) -> Option<f64> {
        lenient::double(text)
    }
}

pub(crate) struct Singles;

impl Reading<f32> for Singles {
    fn strict(&self, text: &[u8]) -> Option<f32> {
        lenient::single(text)
    }

    fn lenient(&self, _: &[u8]) -> Option<f32> {
        None
    }
}

pub(crate) struct Days;

impl Reading<i32> for Days {
    #[inline]
    fn strict(&self, text: &[u8]) -> Option<i32> {
        cell::date(text)
    }

    fn lenient(&self, text: &[u8]) -> Option<i32> {
        cell::date(text.trim_ascii())
    }
}

pub(crate) struct DaysInMillis;

impl Reading<i64> for DaysInMillis {
    fn strict(&self, text: &[u8]) -> Option<i64> {
        Some(i64::from(cell::date(text)?) * 86_400_000)
    }

    fn lenient(&self, text: &[u8]) -> Option<i64> {
        self.strict(text.trim_ascii())
    }
}

pub(crate) struct Clock {
    pub(crate) nanos_each: i64,
}

impl<N: TryFrom<i64>> Reading<N> for Clock {
    fn strict(&self, text: &[u8]) -> Option<N> {
        let nanos = cell::time_of_day(text)?;
        if nanos % self.nanos_each != 0 {
            return None;
        }
        N::try_from(nanos / self.nanos_each).ok()
    }

    fn lenient(&self, text: &[u8]) -> Option<N> {
        self.strict(text.trim_ascii())
    }
}

pub(crate) struct Moments {
    pub(crate) per_second: i64,
    pub(crate) zoned: bool,
}

impl Reading<i64> for Moments {
    #[inline]
    fn strict(&self, text: &[u8]) -> Option<i64> {
        let moment = cell::moment(text)?;
        if moment.zoned == self.zoned { moment.in_units(self.per_second) } else { None }
    }

    /// A date is its midnight, and a time without offset is one in UTC; an offset is never dropped.
    fn lenient(&self, text: &[u8]) -> Option<i64> {
        let text = text.trim_ascii();
        if let Some(day) = cell::date(text) {
            return (i64::from(day) * 86_400).checked_mul(self.per_second);
        }
        let moment = cell::moment(text)?;
        if moment.zoned && !self.zoned { None } else { moment.in_units(self.per_second) }
    }
}

pub(crate) struct Decimals {
    pub(crate) precision: u8,
    pub(crate) scale: i8,
}

impl Reading<i128> for Decimals {
    fn strict(&self, text: &[u8]) -> Option<i128> {
        cell::decimal(text, self.precision, self.scale)?.to_i128()
    }

    fn lenient(&self, text: &[u8]) -> Option<i128> {
        self.strict(text.trim_ascii())
    }
}

impl Reading<arrow_buffer::i256> for Decimals {
    fn strict(&self, text: &[u8]) -> Option<arrow_buffer::i256> {
        cell::decimal(text, self.precision, self.scale)
    }

    fn lenient(&self, text: &[u8]) -> Option<arrow_buffer::i256> {
        self.strict(text.trim_ascii())
    }
}
