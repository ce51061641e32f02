//! What is odd about a whole table: no rows, no values, no columns, their names, their number.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow_schema::{DataType, Field, Schema};
use hygge_core::conformance::context;
use hygge_core::flow::{Outcome, plan_entity};
use hygge_core::memory::MemoryHome;
use hygge_core::{Advice, Error, ErrorKind};

use crate::cases::{Case, cases};
use crate::judge::{Judge, keep};
use crate::matrix::{folder, read, run, spec, tally};
use crate::stores::{STORES, Subject};

/// Settles a table whole, and has it judged by the store's home and by others.
#[track_caller]
fn arrives(subject: &Subject, batch: &RecordBatch, judge: &mut Judge) -> Result<(), Error> {
    let dir = folder();
    let root = dir.path();
    let spec = spec(Arc::new(MemoryHome::new("rows", batch.clone(), 1000)), (subject.store)(root));
    match run(root, &spec) {
        Outcome::Settled(settled) => assert_eq!(settled.receipt.load, tally(batch), "{}", subject.title),
        Outcome::Failed(error) => return Err(error),
        other => panic!("{}: {other:?}", subject.title),
    }
    let own = read(root, &(subject.home)(root, None))?;
    let names = |batch: &RecordBatch| batch.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    assert_eq!((names(&own), own.num_rows()), (names(batch), batch.num_rows()), "{}", subject.title);
    let original = root.join("original.arrow");
    keep(batch, &original);
    for reader in subject.readers.iter().filter(|reader| !reader.starts_with("duck")) {
        let said = judge.says(&original, &reader.replace("{}", &root.display().to_string()), subject.zeros);
        assert_eq!(said, "same", "{}, {reader}", subject.title);
    }
    Ok(())
}

/// The types that a store takes, a column each, with the same number of values made by `values`.
fn held(subject: &Subject, rows: usize, values: impl Fn(&Case) -> ArrayRef) -> RecordBatch {
    let dir = folder();
    let takes = |field: &Field| {
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        let home = MemoryHome::new("rows", RecordBatch::new_empty(schema), 1000);
        plan_entity(&context(dir.path().to_path_buf()), &spec(Arc::new(home), (subject.store)(dir.path()))).is_ok()
    };
    let ids: ArrayRef = Arc::new((0..i64::try_from(rows).expect("few")).collect::<Int64Array>());
    let mut fields = vec![Field::new("id", DataType::Int64, false)];
    let mut columns = vec![ids];
    for case in cases() {
        let field = Field::new(case.name.clone(), case.usual.data_type().clone(), true);
        let beyond = |(who, name, _): &(&str, &str, _)| !who.starts_with("duck") && case.name.starts_with(name);
        // A dictionary of dictionaries has no form that the judge reads.
        if takes(&field) && case.name != "Dictionary of Dictionary" && !subject.beyond.iter().any(beyond) {
            fields.push(field);
            columns.push(values(&case));
        }
    }
    assert!(fields.len() > 40, "{} holds few types", subject.title);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("as many values")
}

#[test]
fn a_table_without_rows_keeps_its_columns() {
    let mut judge = Judge::new();
    for subject in STORES {
        let none = held(subject, 0, |case| case.usual.slice(0, 0));
        match arrives(subject, &none, &mut judge) {
            Ok(()) => assert_ne!(subject.name, "ndjson"),
            // The names of columns stand in rows.
            Err(error) => {
                assert_eq!(subject.name, "ndjson", "{error:?}");
                assert!(error.found().contains("nobody knows the columns") && error.advice().is_some(), "{error:?}");
            }
        }
    }
}

#[test]
fn columns_of_nothing_but_null_arrive_as_such() {
    let mut judge = Judge::new();
    for subject in STORES {
        let empty = held(subject, 3, |case| new_null_array(case.usual.data_type(), 3));
        arrives(subject, &empty, &mut judge).unwrap_or_else(|e| panic!("{}: {e:?}", subject.title));
    }
}

/// `id`, and so many columns more.
fn wide(columns: usize) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![0, 1, 2]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("")]));
    let named = (1..columns).map(|i| (format!("column {i}"), if i % 2 == 0 { ids.clone() } else { texts.clone() }));
    RecordBatch::try_from_iter_with_nullable(
        std::iter::once(("id".to_owned(), ids.clone(), false)).chain(named.map(|(name, column)| (name, column, true))),
    )
    .expect("a table")
}

#[test]
fn two_thousand_columns_arrive() {
    let mut judge = Judge::new();
    for subject in STORES {
        arrives(subject, &wide(2000), &mut judge).unwrap_or_else(|e| panic!("{}: {e:?}", subject.title));
        // SQLite has no more; the others have no end.
        match arrives(subject, &wide(2001), &mut judge) {
            Ok(()) => assert_ne!(subject.name, "sqlite"),
            Err(error) => {
                assert_eq!((subject.name, error.kind()), ("sqlite", ErrorKind::Refused), "{error:?}");
                assert!(error.found().contains("at most 2000 columns, and there are 2001"), "{error:?}");
            }
        }
    }
}

/// A table of numbers with these names, refused by the plan as by the run.
#[track_caller]
fn refused(subject: &Subject, names: &[&str]) -> Error {
    let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect();
    let columns = names.iter().map(|_| Arc::new(Int64Array::from(vec![1])) as ArrayRef).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).expect("a table");
    let dir = folder();
    let spec = spec(Arc::new(MemoryHome::new("rows", batch, 10)), (subject.store)(dir.path()));
    let planned = plan_entity(&context(dir.path().to_path_buf()), &spec).expect_err("refused");
    let Outcome::Failed(ran) = run(dir.path(), &spec) else { panic!("{}: {names:?} settled", subject.title) };
    assert_eq!(ran.kind(), ErrorKind::Refused);
    assert_eq!(ran.found(), planned.found());
    planned
}

#[test]
fn names_that_no_table_can_have_are_refused_by_name() {
    for subject in STORES {
        assert_eq!(refused(subject, &[]).found(), "rows has no columns");
        let nameless = refused(subject, &["id", "", "n"]);
        assert_eq!(nameless.found(), "column 2 of rows has no name");
        let twice = refused(subject, &["id", "n", "x", "n"]);
        assert_eq!(twice.found(), "rows has two columns named n, the columns 2 and 4; a table can have one");
        assert!(nameless.advice().is_some() && twice.advice().is_some());
    }
}

#[test]
fn names_that_differ_only_in_case_are_two_names_but_for_sqlite() {
    let mut judge = Judge::new();
    let numbers = |n: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![n])) };
    let batch =
        RecordBatch::try_from_iter([("id", numbers(1)), ("É", numbers(2)), ("é", numbers(3))]).expect("a table");
    for subject in STORES {
        // Case is a matter of ASCII letters there.
        arrives(subject, &batch, &mut judge).unwrap_or_else(|e| panic!("{}: {e:?}", subject.title));
    }
    let batch =
        RecordBatch::try_from_iter([("id", numbers(1)), ("N", numbers(2)), ("n", numbers(3))]).expect("a table");
    for subject in STORES.iter().filter(|subject| subject.name != "sqlite") {
        arrives(subject, &batch, &mut judge).unwrap_or_else(|e| panic!("{}: {e:?}", subject.title));
    }
    let sqlite = STORES.iter().find(|subject| subject.name == "sqlite").expect("it is there");
    let error = refused(sqlite, &["id", "N", "n", "a b"]);
    assert_eq!(error.found(), "the columns N and n differ only in case, and SQLite takes them for one");
    assert!(
        matches!(error.advice(), Some(Advice::Set { line, .. }) if line == "columns: [id, \"N\", \"a b\"]"),
        "{error:?}"
    );
}
