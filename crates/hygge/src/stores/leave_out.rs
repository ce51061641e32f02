//! What to do about a column that a store cannot hold.

use arrow_schema::{DataType, Schema};
use hygge_core::{Error, Part};

use crate::sqlite::names::yaml;

/// Advises to leave out every column that does not fit, by the line that names the others.
pub(crate) fn leave_out(error: Error, schema: &Schema, fits: &dyn Fn(&DataType) -> bool) -> Error {
    let others: Vec<String> =
        schema.fields().iter().filter(|field| fits(field.data_type())).map(|field| yaml(field.name())).collect();
    if others.is_empty() {
        return error.next("turn the column into text or a number where it lives; no other is left to carry");
    }
    error.next_set(Part::Home, format!("columns: [{}]", others.join(", ")))
}
