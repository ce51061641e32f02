//! What rows take in memory once they are decoded: told from their bytes, so that a batch ends before it is too large.

use super::nested::{Shape, Words};
use crate::numeric::Parts;
use crate::plan::{Form, Node, Render, Scalar};

/// Bytes that a value takes whatever it is, beside those that it came in.
pub(super) fn fixed(node: &Node) -> usize {
    // One for whether it is NULL.
    1 + match &node.form {
        Form::Scalar(scalar) => match scalar {
            Scalar::Bool => 1,
            Scalar::Int2 => 2,
            Scalar::Int4 | Scalar::Uint4 | Scalar::Float4 | Scalar::Date => 4,
            // Where they end.
            Scalar::Text | Scalar::Versioned | Scalar::Char | Scalar::Bytes => size_of::<i32>(),
            Scalar::Int8 | Scalar::Uint8 | Scalar::Float8 | Scalar::Time | Scalar::Timestamp => 8,
            Scalar::Decimal { .. } | Scalar::Money | Scalar::Interval | Scalar::Uuid => 16,
            Scalar::WideDecimal { .. } => 32,
            Scalar::Vector { dimensions } => dimensions.map_or(0, |count| 4 * count.unsigned_abs() as usize),
            Scalar::HalfVector { dimensions } => dimensions.map_or(0, |count| 2 * count.unsigned_abs() as usize),
            Scalar::Rendered(render) => 4 + text(*render),
        },
        Form::List { depth, .. } => 4 * *depth as usize,
        Form::Struct(parts) => parts.iter().map(|(_, part)| fixed(part)).sum(),
    }
}

/// The longest text of a type whose texts have an end that is not far.
fn text(render: Render) -> usize {
    match render {
        Render::Numeric | Render::Bits => 0,
        Render::Interval => 72,
        Render::Inet | Render::Cidr => 48,
        Render::TimeTz | Render::Macaddr | Render::Macaddr8 => 24,
        Render::Lsn | Render::Tid => 20,
    }
}

/// Whether a value can take more than it came in and what all of its type take.
pub(super) fn grows(node: &Node) -> bool {
    match &node.form {
        Form::Scalar(scalar) => matches!(scalar, Scalar::Rendered(Render::Numeric | Render::Bits)),
        Form::List { .. } => true,
        Form::Struct(parts) => parts.iter().any(|(_, part)| grows(part)),
    }
}

/// By how much. What cannot be read counts nothing: whoever decodes it says so.
pub(super) fn growth(node: &Node, cell: &[u8]) -> usize {
    match &node.form {
        Form::Scalar(Scalar::Rendered(Render::Numeric)) => Parts::read(cell).map_or(0, |parts| parts.text_limit()),
        Form::Scalar(Scalar::Rendered(Render::Bits)) => cell.len() * 8,
        Form::Scalar(_) => 0,
        Form::List { item, .. } => {
            let mut words = Words(cell);
            let Some(shape) = Shape::read(&mut words) else { return 0 };
            // The lists within lists have ends of their own.
            let each = fixed(item) + 4 * shape.depth;
            let all = shape.items().saturating_mul(each);
            if grows(item) { all.saturating_add(parts(&mut words, shape.items(), 0, |_| Some(item))) } else { all }
        }
        Form::Struct(fields) => {
            let mut words = Words(cell);
            let _count = words.next();
            parts(&mut words, fields.len(), 4, |at| fields.get(at).map(|(_, part)| part))
        }
    }
}

/// The growth of parts that lie one behind the other, each after a head of so many bytes.
fn parts<'a>(words: &mut Words<'_>, count: usize, head: usize, node: impl Fn(usize) -> Option<&'a Node>) -> usize {
    let mut sum = 0_usize;
    for at in 0..count {
        if head > 0 && words.next().is_none() {
            break;
        }
        let rest = words.0;
        let Some(length) = words.pass() else { break };
        if let (Some(part), Some(cell)) = (node(at), rest.get(4..length)) {
            sum = sum.saturating_add(growth(part, cell));
        }
    }
    sum
}
