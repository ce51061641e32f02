//! One type in one store: planned, carried by a whole run with `verify: contents`, read by its home, judged by others.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use hygge_core::conformance::{context, split_context};
use hygge_core::coordinator::{self, RunOptions};
use hygge_core::flow::{
    Entities, EntitySpec, FlowSpec, Missing, Outcome, Settling, Verify, plan_entity, verify_entity,
};
use hygge_core::home::{Home, Opened, ReadRequest, Source};
use hygge_core::memory::MemoryHome;
use hygge_core::receipt::Owner;
use hygge_core::store::{ColumnPlan, Store};
use hygge_core::tally::{Tallier, Tally};
use hygge_core::{Error, ErrorKind};

use crate::cases::Case;
use crate::judge::{Judge, keep};
use crate::stores::{Asked, Subject};

/// How a type arrives.
pub(crate) enum Arrival {
    /// Refused by the plan.
    Refused,
    /// Held.
    Held {
        plan: ColumnPlan,
        /// The type that the home finds where nobody told it one.
        found: DataType,
        /// The odd values with which it finds another, and which.
        odd: Vec<(&'static str, DataType)>,
        /// The odd values that are refused when they come, by their names.
        not: Vec<&'static str>,
    },
}

/// Columns `id` and `value`.
pub(crate) fn rows_of(values: &ArrayRef) -> RecordBatch {
    let ids: Int64Array = (0..i64::try_from(values.len()).expect("few")).collect();
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids), Arc::clone(values)]).expect("as many ids as values")
}

pub(crate) fn spec(home: Arc<dyn Home>, store: Arc<dyn Store>) -> EntitySpec {
    EntitySpec {
        owner: Owner { project: "types".into(), flow: "t".into(), entity: None },
        formerly: None,
        home,
        source: Source::Whole { entity: None },
        columns: None,
        filter: None,
        store,
        settling: Settling::Replace,
        incremental: false,
        cursor: None,
        key: Vec::new(),
        full: false,
        force: false,
        every_run: false,
        batch_rows: 1000,
        readers: None,
        verify: Verify::Contents,
        missing: Missing::Error,
        adopt: false,
        retries: 0,
        timeout: None,
    }
}

/// Runs a flow to its end.
pub(crate) fn run(root: &Path, spec: &EntitySpec) -> Outcome {
    let flow = FlowSpec { name: "t".into(), depends_on: Vec::new(), entities: Entities::Listed(vec![spec.clone()]) };
    let options = RunOptions { concurrency: 1, fail_fast: false };
    coordinator::run(&context(root.to_path_buf()), &[flow], options, None).ended.pop().expect("one flow").outcome
}

pub(crate) fn folder() -> tempfile::TempDir {
    // In memory, where syncing costs nothing.
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.expect("a folder")
}

/// What a home reads.
pub(crate) fn read(root: &Path, (home, source): &Asked) -> Result<RecordBatch, Error> {
    let ctx = context(root.to_path_buf());
    let Opened::Scan(scan) = home.open(&ctx, &ReadRequest::all(source.clone()))? else {
        panic!("unchanged, though nothing was read before")
    };
    let mut batches = Vec::new();
    for split in scan.splits() {
        let mut stream = scan.read(split, &split_context(&ctx, 1000))?;
        while let Some(batch) = stream.next()? {
            batches.push(batch.rows);
        }
    }
    let schema = scan.schema();
    scan.finish(&ctx)?;
    Ok(arrow_select::concat::concat_batches(&schema, &batches).expect("one schema"))
}

pub(crate) fn tally(batch: &RecordBatch) -> Tally {
    let mut tallier = Tallier::new(&batch.schema());
    tallier.add(batch).expect("hashes");
    tallier.tally()
}

/// Settles values, and judges what is there; or says why they did not settle. Answers with the type that is found.
fn settle(subject: &Subject, case: &Case, values: &ArrayRef, judge: &mut Judge) -> Result<DataType, Error> {
    let dir = folder();
    let root = dir.path();
    let label = format!("{} in {}", case.name, subject.title);
    let batch = rows_of(values);
    let spec = spec(Arc::new(MemoryHome::new("rows", batch.clone(), 1000)), (subject.store)(root));
    let receipt = match run(root, &spec) {
        Outcome::Settled(settled) => settled.receipt,
        Outcome::Failed(error) => return Err(error),
        other => panic!("{label}: {other:?}"),
    };
    assert!(receipt.proved, "{label}: not read back");
    assert_eq!(receipt.load, tally(&batch), "{label}: the receipt's tally");
    let verified = verify_entity(&context(root.to_path_buf()), &spec).unwrap_or_else(|e| panic!("{label}: {e:?}"));
    assert!(verified.holds(), "{label}: verify finds {verified:?}");

    let original = root.join("original.arrow");
    keep(&rows_of(&unpacked(values)), &original);
    let mut told = values.data_type();
    while let DataType::Dictionary(_, inner) = told {
        told = inner;
    }
    let told = (subject.home)(root, subject.untyped.then_some(told));
    let own = read(root, &told).unwrap_or_else(|e| panic!("{label}: its home: {e:?}"));
    let again = root.join("again.arrow");
    keep(&own, &again);
    let mut faults = Vec::new();
    let mut ask = |found: &str| {
        let reader = found.split(':').next().unwrap_or_default();
        let beyond = subject.beyond.iter().any(|(who, name, _)| reader == *who && case.name.starts_with(name));
        let says = judge.says(&original, found, subject.zeros);
        if says != "same" && !beyond {
            faults.push(format!("{label}, {reader}: {says}"));
        }
    };
    ask(&format!("arrow:{}", again.display()));
    for reader in subject.readers {
        ask(&reader.replace("{}", &root.display().to_string()));
    }
    if tally(&own) != receipt.load {
        faults.push(format!("{label}: the home's rows hash otherwise ({})", own.schema().field(1).data_type()));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let found = read(root, &(subject.home)(root, None)).unwrap_or_else(|e| panic!("{label}: its home, untold: {e:?}"));
    Ok(found.schema().field(1).data_type().clone())
}

/// A dictionary of dictionaries has no form that the judge reads.
fn unpacked(values: &ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Dictionary(_, inner) if matches!(**inner, DataType::Dictionary(..)) => {
            let packed = values.as_any_dictionary();
            arrow_select::take::take(packed.values().as_ref(), packed.keys(), None).expect("keys of the dictionary")
        }
        _ => Arc::clone(values),
    }
}

/// Puts a type into a store, with all its values.
pub(crate) fn arrival(subject: &Subject, case: &Case, judge: &mut Judge) -> Arrival {
    let label = format!("{} in {}", case.name, subject.title);
    let dir = folder();
    let home = MemoryHome::new("rows", rows_of(&case.usual), 1000);
    let planned = plan_entity(&context(dir.path().to_path_buf()), &spec(Arc::new(home), (subject.store)(dir.path())));
    let mut plan = match planned {
        Ok(plan) => plan.load.columns,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Refused, "{label}: {error:?}");
            assert_eq!(error.place(), Some("column value"), "{label}: {error:?}");
            assert!(error.advice().is_some(), "{label}: {error:?}");
            return Arrival::Refused;
        }
    };
    let plan = plan.swap_remove(1);
    assert_eq!((plan.name.as_str(), &plan.arrow), ("value", &case.usual.data_type().to_string()), "{label}");
    let found = settle(subject, case, &case.usual, judge).unwrap_or_else(|e| panic!("{label}: {e:?}"));
    let (mut not, mut odd) = (Vec::new(), Vec::new());
    // All at once where all fit, else one by one.
    if settle(subject, case, &case.all(), judge).is_ok_and(|all| all == found) {
        return Arrival::Held { plan, found, odd, not };
    }
    for (name, value) in &case.odd {
        for i in 0..value.len() {
            let values = arrow_select::concat::concat(&[&case.usual, &value.slice(i, 1)]).expect("one type");
            match settle(subject, case, &values, judge) {
                Ok(other) if other == found || odd.iter().any(|(odd, _)| odd == name) => {}
                Ok(other) => odd.push((*name, other)),
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::Bug, "{label}, {name}: {error:?}");
                    let place = error.place().unwrap_or_default();
                    assert!(place.contains("column value"), "{label}, {name}: the column is not named: {error:?}");
                    assert!(place.contains("row "), "{label}, {name}: the row is not named: {error:?}");
                    assert!(error.advice().is_some(), "{label}, {name}: {error:?}");
                    if !not.contains(name) {
                        not.push(*name);
                    }
                }
            }
        }
    }
    Arrival::Held { plan, found, odd, not }
}
