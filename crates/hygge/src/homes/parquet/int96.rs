//! INT96, in which older writers keep times: a day and the nanoseconds of it, more than 64 bits hold.
//!
//! Nanoseconds in 64 bits end in 2262, and microseconds have no room for the last digits. The library would wrap or cut.
//! So the values are looked at before anything is read: all files together are read in the unit that keeps every one.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, TimeUnit};
use hygge_core::{Error, Part, Result};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as Physical;
use parquet::column::reader::ColumnReader;
use parquet::data_type::Int96;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;
use serde_json::{Map, Value};

use super::open_file;
use crate::files::parquet::reader::FileGroups;
use crate::files::parquet::unreadable;
use crate::files::positioned::guarded;
use crate::homes::files::Ask;
use crate::sqlite::names::yaml;

/// Values that are looked at in one go.
const AT_ONCE: usize = 4096;

/// Under which the home remembers the units.
const REMEMBERED: &str = "int96";

const JULIAN_DAY_OF_1970: i128 = 2_440_588;
const DAY: i128 = 86_400_000_000_000;

/// The unit of every INT96 column, by its path in the file.
#[derive(Clone)]
pub(super) struct Units(BTreeMap<String, TimeUnit>);

/// What the values of a column ask for.
#[derive(Default)]
struct Needs {
    /// Some lie beyond what 64 bits of nanoseconds hold.
    far: bool,
    /// Some lie beyond what 64 bits of microseconds hold.
    farther: bool,
    /// Some have digits behind the microseconds.
    fine: bool,
}

impl Needs {
    fn see(&mut self, value: &Int96) {
        let [low, high, day] = [value.data()[0], value.data()[1], value.data()[2]];
        let nanos = i128::from(u64::from(high) << 32 | u64::from(low));
        let since_1970 = (i128::from(day.cast_signed()) - JULIAN_DAY_OF_1970) * DAY + nanos;
        self.fine |= nanos % 1000 != 0;
        self.far |= i64::try_from(since_1970).is_err();
        self.farther |= i64::try_from(since_1970.div_euclid(1000)).is_err();
    }
}

/// The INT96 columns of a file among those that are read, by position.
fn columns<'f>(file: &'f FileGroups, asked: Option<&'f [String]>) -> impl Iterator<Item = (usize, ColumnDescPtr)> + 'f {
    let all = file.metadata.parquet_schema().columns().iter().enumerate();
    let read = move |column: &ColumnDescPtr| {
        column.path().parts().first().is_some_and(|root| asked.is_none_or(|names| names.contains(root)))
    };
    all.filter(move |(_, column)| column.physical_type() == Physical::INT96 && read(column))
        .map(|(at, column)| (at, Arc::clone(column)))
}

impl Units {
    /// Whether a file has columns that must be looked at.
    pub(super) fn are_needed(file: &FileGroups, asked: Option<&[String]>) -> bool {
        columns(file, asked).next().is_some()
    }

    /// Looks at every value of the INT96 columns of all files. Where either unit would do, it is the one of before.
    ///
    /// # Errors
    /// Refused, where one unit does not keep all values of a column.
    pub(super) fn find(ask: &Ask<'_>, asked: Option<&[String]>) -> Result<Self> {
        let before = Self::before(ask);
        let mut needs: BTreeMap<String, Needs> = BTreeMap::new();
        let mut names: Vec<String> = Vec::new();
        for pin in ask.files {
            let file = open_file(pin)?;
            names = file.metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
            for (at, column) in columns(&file, asked) {
                ask.ctx.cancel.check()?;
                let needs = needs.entry(column.path().string()).or_default();
                guarded(&pin.shown, || look(&file, at, &column, needs).map_err(|e| unreadable(&pin.shown, e)))?;
            }
        }
        let mut units = BTreeMap::new();
        for (path, needs) in needs {
            if needs.farther || (needs.far && needs.fine) {
                let root = path.split('.').next().unwrap_or(&path);
                let others: Vec<String> = names.iter().filter(|name| *name != root).map(|name| yaml(name)).collect();
                let error = Error::refused(
                    "times of type INT96 lie both far from today and between two microseconds: no 64 bits hold them all",
                )
                .at(format!("column {path}"));
                return Err(error.next_set(Part::Home, format!("columns: [{}]", others.join(", "))));
            }
            let unit = match before.get(&path) {
                _ if needs.far => TimeUnit::Microsecond,
                Some(unit) if !needs.fine => *unit,
                _ => TimeUnit::Nanosecond,
            };
            units.insert(path, unit);
        }
        Ok(Self(units))
    }

    /// The units of the load before, or of what settled where that is asked for.
    fn before(ask: &Ask<'_>) -> BTreeMap<String, TimeUnit> {
        let Some(like) = &ask.request.like else {
            let units = ask.before.get(REMEMBERED).cloned();
            return units.and_then(|units| serde_json::from_value(units).ok()).unwrap_or_default();
        };
        let unit = |field: &FieldRef| match field.data_type() {
            DataType::Timestamp(unit @ (TimeUnit::Microsecond | TimeUnit::Nanosecond), _) => {
                Some((field.name().clone(), *unit))
            }
            _ => None,
        };
        like.fields().iter().filter_map(unit).collect()
    }

    /// What the next load is to be shown.
    ///
    /// # Errors
    /// A bug, if it cannot be written.
    pub(super) fn remember(&self) -> Result<Map<String, Value>> {
        let units =
            serde_json::to_value(&self.0).map_err(|e| Error::bug("units could not be written as JSON").because(e))?;
        Ok(Map::from_iter([(REMEMBERED.to_owned(), units)]))
    }

    /// Has a file read in these units.
    ///
    /// # Errors
    /// If its footer does not allow for them.
    pub(super) fn apply(&self, file: &mut FileGroups) -> Result<()> {
        let found = file.metadata.schema();
        let mut leaf = 0;
        let units: Vec<Option<TimeUnit>> =
            file.metadata.parquet_schema().columns().iter().map(|c| self.0.get(&c.path().string()).copied()).collect();
        let fields: Vec<FieldRef> = found.fields().iter().map(|field| in_units(field, &units, &mut leaf)).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, found.metadata().clone()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        file.metadata = ArrowReaderMetadata::try_new(Arc::clone(file.metadata.metadata()), options)
            .map_err(|e| unreadable(&file.shown, e))?;
        Ok(())
    }
}

/// Looks at the values of one column.
fn look(
    file: &FileGroups,
    at: usize,
    column: &ColumnDescPtr,
    needs: &mut Needs,
) -> std::result::Result<(), parquet::errors::ParquetError> {
    let reader = SerializedFileReader::new(file.file.clone())?;
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for group in 0..reader.num_row_groups() {
        let ColumnReader::Int96ColumnReader(mut values_of) = reader.get_row_group(group)?.get_column_reader(at)? else {
            continue;
        };
        loop {
            values.clear();
            defined.clear();
            repeated.clear();
            let defined = (column.max_def_level() > 0).then_some(&mut defined);
            let repeated = (column.max_rep_level() > 0).then_some(&mut repeated);
            let (records, _, _) = values_of.read_records(AT_ONCE, defined, repeated, &mut values)?;
            for value in &values {
                needs.see(value);
            }
            if records == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// A field whose INT96 leaves have their units; `leaf` counts the columns of the file.
fn in_units(field: &FieldRef, units: &[Option<TimeUnit>], leaf: &mut usize) -> FieldRef {
    use DataType as T;
    let data_type = match field.data_type() {
        T::List(inner) => T::List(in_units(inner, units, leaf)),
        T::LargeList(inner) => T::LargeList(in_units(inner, units, leaf)),
        T::FixedSizeList(inner, len) => T::FixedSizeList(in_units(inner, units, leaf), *len),
        T::Map(inner, sorted) => T::Map(in_units(inner, units, leaf), *sorted),
        T::Struct(fields) => T::Struct(fields.iter().map(|field| in_units(field, units, leaf)).collect()),
        other => {
            let unit = units.get(*leaf).copied().flatten();
            *leaf += 1;
            match (unit, other) {
                (Some(unit), T::Timestamp(_, zone)) => T::Timestamp(unit, zone.clone()),
                _ => return Arc::clone(field),
            }
        }
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()))
}
