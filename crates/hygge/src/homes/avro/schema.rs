//! What an Avro schema says, and which columns that makes.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, StructArray};
use arrow_avro::codec::Tz;
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::AvroSchema;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use hygge_core::{Error, Result};
use serde_json::{Value, json};

use super::container::put_header;
use super::cost::{Cost, least};
use super::project::project;

/// A schema as rows are read by it.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// As JSON, for the library: all rows of some blocks as one list, and behind it a mark. The library reads rows by
    /// their number and never looks whether a block holds more.
    pub(super) json: String,
    /// What is handed on: texts for enumerations.
    pub(super) schema: Schema,
    /// The record of a row, in the form that the library reads.
    record: Value,
    /// The columns as the library decodes them.
    decoded: Fields,
}

/// Some columns of a row, as they are decoded.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    /// The schema to decode by, where it is not that of the file.
    pub(super) json: Option<String>,
    /// Where each column is among those that are decoded; none holds nothing but NULLs, and no bytes.
    pub(super) order: Vec<Option<usize>>,
    /// What rows take in memory.
    pub(super) cost: Cost,
    /// The least bytes that a row of the file has.
    pub(super) least: usize,
    /// Whether rows of the file hold nothing but NULLs, and no bytes.
    pub(super) nothing: bool,
}

impl Columns {
    /// Reads the schema of a file.
    pub(super) fn of(json: &str, shown: &str) -> Result<Self> {
        let refused = |found: &str, next: &str| Error::refused(found.to_owned()).at(shown).next(next.to_owned());
        let mut value: Value = serde_json::from_str(json).map_err(|e| {
            refused("the schema of the file is not readable", "write the file anew, or take it away").because(e)
        })?;
        if value.get("type").and_then(Value::as_str) != Some("record") {
            return Err(refused("the file does not hold records, so it has no columns", "write records, one a row"));
        }
        if let Some(name) = recursion(&value, "", &mut Vec::new()) {
            return Err(refused(
                &format!("the record {name} holds itself, which no table can"),
                "write the file anew without that field",
            ));
        }
        simplify(&mut value, "", &mut HashMap::new());
        let json = listed(&value);
        let mut header = Vec::new();
        put_header(&mut header, &json, [0; 16]);
        let reader = builder().build(Cursor::new(header)).map_err(|e| {
            refused("the schema of the file is not one that hygge knows", "write the file anew, or take it away")
                .because(e)
        })?;
        let DataType::List(rows) = reader.schema().field(0).data_type().clone() else {
            return Err(Error::bug("a list in Avro became something else"));
        };
        let DataType::Struct(rows) = rows.data_type() else {
            return Err(refused("the file does not hold records, so it has no columns", "write records, one a row"));
        };
        let fields: Vec<FieldRef> = rows.iter().map(texts).collect();
        if fields.is_empty() {
            return Err(refused("the file has records without a field", "name files with columns"));
        }
        Ok(Self { json, schema: Schema::new(fields), record: value, decoded: rows.clone() })
    }

    /// The columns of these names. Others are passed over, and not decoded.
    pub(super) fn choose(&self, names: &[&str], shown: &str) -> Result<Chosen> {
        let find = |name: &&str| {
            let found = self.schema.index_of(name);
            found.map_err(|_| Error::failed(format!("the file has no column {name}")).at(shown))
        };
        let wanted = names.iter().map(find).collect::<Result<Vec<_>>>()?;
        // What holds no bytes is not left to the library, which knows no column of nothing but NULLs.
        let empty = |at: usize| self.decoded[at].data_type() == &DataType::Null;
        let mut kept: Vec<usize> = wanted.iter().copied().filter(|at| !empty(*at)).collect();
        if kept.is_empty() {
            kept.extend((0..self.decoded.len()).find(|at| !empty(*at)));
        }
        kept.sort_unstable();
        let order = wanted.iter().map(|at| kept.binary_search(at).ok()).collect();
        let columns = kept.iter().map(|at| self.decoded[*at].as_ref());
        let json = (kept.len() < self.decoded.len()).then(|| {
            let keep = |name: &str| kept.iter().any(|at| self.decoded[*at].name() == name);
            listed(&project(&self.record, &keep))
        });
        let least = least(self.decoded.iter().map(AsRef::as_ref));
        Ok(Chosen { json, order, cost: Cost::of(columns), least, nothing: kept.is_empty() })
    }
}

/// A list of records, and the mark behind it.
fn listed(record: &Value) -> String {
    json!({"type": "record", "name": "hygge_rows", "fields": [
        {"name": "rows", "type": {"type": "array", "items": record}},
        {"name": "end", "type": {"type": "fixed", "name": "hygge_end", "size": MARK.len()}},
    ]})
    .to_string()
}

/// How rows are read, whatever the file.
pub(super) fn builder() -> ReaderBuilder {
    ReaderBuilder::new().with_tz(Tz::Utc)
}

/// What stands behind the rows.
pub(super) const MARK: &[u8; 16] = b"\xffhygge:the end\xff\x00";

/// The rows of a container in memory that was made by [`Columns::json`], decoded as [`Chosen::json`] says; none: it is not
/// what the schema says.
pub(super) fn rows(bytes: Vec<u8>, chosen: Option<&str>) -> Option<StructArray> {
    let builder = match chosen {
        Some(json) => builder().with_reader_schema(AvroSchema::new(json.to_owned())),
        None => builder(),
    };
    // Asked once only: where bytes are left over, the library would look at them for ever.
    let batch = builder.with_batch_size(1).build(Cursor::new(bytes)).ok()?.next()?.ok()?;
    let end = batch.column(1).as_fixed_size_binary_opt()?;
    if end.len() != 1 || end.value(0) != MARK {
        return None;
    }
    let rows = batch.column(0).as_list_opt::<i32>()?;
    Some(rows.value(0).as_struct_opt()?.clone())
}

/// The same schema in the form that the library reads: types are called by short names without namespaces, which it takes
/// for others where they are written out; and UUIDs that are written as texts are texts, so that what they say, and not
/// only what they mean, arrives.
fn simplify(value: &mut Value, namespace: &str, names: &mut HashMap<String, String>) {
    match value {
        Value::String(name) => {
            if let Some(short) = names.get(&full_name(name, namespace)) {
                name.clone_from(short);
            }
        }
        Value::Array(branches) => {
            for branch in branches.iter_mut() {
                simplify(branch, namespace, names);
            }
            // Of one type, with its number before each value: the library takes it for one of several.
            if let [only] = branches.as_slice()
                && only.as_str() != Some("null")
            {
                branches.push("null".into());
            }
        }
        Value::Object(map) => {
            let kind = map.get("type").and_then(Value::as_str).map(str::to_owned);
            let mut inner = String::new();
            if let Some("record" | "error" | "enum" | "fixed") = kind.as_deref() {
                let name = map.get("name").and_then(Value::as_str).unwrap_or_default();
                let own = map.get("namespace").and_then(Value::as_str);
                let name = full_name(name, own.unwrap_or(namespace));
                name.rsplit_once('.').map_or("", |(space, _)| space).clone_into(&mut inner);
                let short = format!("t{}", names.len());
                map.insert("name".to_owned(), short.clone().into());
                names.insert(name, short);
                map.shift_remove("namespace");
                map.shift_remove("aliases");
            }
            match kind.as_deref() {
                Some("record" | "error") => {
                    let fields = map.get_mut("fields").and_then(Value::as_array_mut);
                    for field in fields.into_iter().flatten().filter_map(Value::as_object_mut) {
                        field.retain(|key, _| key == "name" || key == "type");
                        field.get_mut("type").into_iter().for_each(|inside| simplify(inside, &inner, names));
                    }
                }
                Some("array") => map.get_mut("items").into_iter().for_each(|items| simplify(items, namespace, names)),
                Some("map") => map.get_mut("values").into_iter().for_each(|values| simplify(values, namespace, names)),
                Some("enum" | "fixed") => {}
                Some("string") if map.get("logicalType").and_then(Value::as_str) == Some("uuid") => {
                    map.shift_remove("logicalType");
                }
                _ => map.get_mut("type").into_iter().for_each(|kind| simplify(kind, namespace, names)),
            }
        }
        _ => {}
    }
}

/// The name of a record that holds itself.
fn recursion(value: &Value, namespace: &str, open: &mut Vec<String>) -> Option<String> {
    match value {
        Value::String(name) => open.contains(&full_name(name, namespace)).then(|| name.clone()),
        Value::Array(branches) => branches.iter().find_map(|branch| recursion(branch, namespace, open)),
        Value::Object(map) => {
            let kind = map.get("type")?;
            match kind.as_str() {
                Some("record" | "error") => {
                    let name = map.get("name").and_then(Value::as_str).unwrap_or_default();
                    let own = map.get("namespace").and_then(Value::as_str);
                    let name = full_name(name, own.unwrap_or(namespace));
                    let namespace = name.rsplit_once('.').map_or("", |(space, _)| space).to_owned();
                    open.push(name);
                    let fields = map.get("fields").and_then(Value::as_array);
                    let types = fields.into_iter().flatten().filter_map(|field| field.get("type"));
                    let found = types.into_iter().find_map(|inner| recursion(inner, &namespace, open));
                    open.pop();
                    found
                }
                Some("array") => recursion(map.get("items")?, namespace, open),
                Some("map") => recursion(map.get("values")?, namespace, open),
                Some("enum" | "fixed") => None,
                _ => recursion(kind, namespace, open),
            }
        }
        _ => None,
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

/// The same column with texts for enumerations, and without what the library noted.
fn texts(field: &FieldRef) -> FieldRef {
    use DataType as T;
    let data_type = match field.data_type() {
        T::Dictionary(_, value) => value.as_ref().clone(),
        T::List(inner) => T::List(texts(inner)),
        T::Map(inner, sorted) => T::Map(texts(inner), *sorted),
        T::Struct(inner) => T::Struct(inner.iter().map(texts).collect()),
        other => other.clone(),
    };
    let nullable = field.is_nullable() || data_type == T::Null;
    Arc::new(Field::new(field.name(), data_type, nullable))
}
