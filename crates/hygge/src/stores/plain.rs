//! Columns as they are compared when they are read back.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};

/// The same columns with dictionaries as their values: what is read cell by cell need not be packed again to be hashed,
/// and some of it could not be.
pub(crate) fn plain(schema: &SchemaRef) -> SchemaRef {
    let one = |field: &FieldRef| {
        let mut data_type = field.data_type();
        while let DataType::Dictionary(_, values) = data_type {
            data_type = values;
        }
        if data_type == field.data_type() {
            return Arc::clone(field);
        }
        Arc::new(field.as_ref().clone().with_data_type(data_type.clone()))
    };
    Arc::new(Schema::new(schema.fields().iter().map(one).collect::<Vec<_>>()))
}
