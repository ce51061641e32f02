//! The traits in full as somebody else would implement them, with nothing but what `hygge::extend` gives; and homes that
//! break a law, each of which is told.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use hygge::extend::arrow_array::RecordBatch;
use hygge::extend::arrow_schema::SchemaRef;
use hygge::extend::conformance::{HomeUnderTest, Row, batch, home_laws, schema};
use hygge::extend::context::{Context, SplitContext};
use hygge::extend::cut::Cut;
use hygge::extend::event::Note;
use hygge::extend::home::{Batch, BatchStream, Home, Opened, ReadRequest, Repeat, Scan, Source, TableInfo};
use hygge::extend::place::PlaceId;
use hygge::extend::receipt::Options;
use hygge::extend::serde_json::{Value, json};
use hygge::extend::simple::{chosen, only_all};
use hygge::extend::split::Split;
use hygge::extend::watermark::Bound;
use hygge::extend::{Error, Result};

type Rows = Arc<Mutex<Vec<Row>>>;

/// The rows of a page.
const PAGE: usize = 600;

/// A law that the home breaks.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Breaks {
    None,
    Filter,
    Cursor,
    Settled,
    Columns,
    Rows,
    Bytes,
    Cancel,
    Once,
}

/// A home of pages, each a split that may be read again.
struct Pages {
    rows: Rows,
    breaks: Breaks,
}

impl Home for Pages {
    fn kind(&self) -> &'static str {
        "pages"
    }

    fn shown(&self, _: &Source) -> String {
        "pages".to_owned()
    }

    fn identity(&self) -> String {
        "pages:".to_owned()
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn location(&self, _: &Source) -> Option<PlaceId> {
        None
    }

    fn max_readers(&self) -> usize {
        4
    }

    fn check(&self, _: &Context, _: &Source, _: bool) -> Result<Vec<String>> {
        Ok(vec!["pages".to_owned()])
    }

    fn tables(&self, _: &Context, _: &str) -> Result<Vec<TableInfo>> {
        Err(Error::refused("pages have no tables"))
    }

    fn open(&self, _: &Context, request: &ReadRequest) -> Result<Opened> {
        let mut asked = request.clone();
        match self.breaks {
            Breaks::Filter => asked.filter = None,
            Breaks::Cursor => asked.cursor = None,
            Breaks::Settled => asked.skip_settled = false,
            Breaks::Columns => asked.columns = None,
            _ => {}
        }
        only_all("pages", &asked)?;
        let rows = batch(&self.rows.lock().expect("no panic"));
        let columns = chosen(&rows.schema(), asked.columns.as_deref())?;
        let rows = rows.project(&columns)?;
        let page = |n: usize| Split {
            ordinal: u32::try_from(n).expect("few pages"),
            label: format!("page {}", n + 1),
            payload: json!(n),
            rows: None,
            bytes: None,
            window: false,
        };
        let splits = (0..rows.num_rows().div_ceil(PAGE)).map(page).collect();
        Ok(Opened::Scan(Box::new(Pinned { rows, splits, breaks: self.breaks })))
    }
}

struct Pinned {
    rows: RecordBatch,
    splits: Vec<Split>,
    breaks: Breaks,
}

impl Scan for Pinned {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn bound(&self) -> Option<&Bound> {
        None
    }

    fn repeat(&self) -> Repeat {
        if self.breaks == Breaks::Once { Repeat::Once } else { Repeat::Snapshot }
    }

    fn notes(&self) -> Vec<Note> {
        Vec::new()
    }

    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let from = split.payload.as_u64().and_then(|n| usize::try_from(n).ok()).expect("a page") * PAGE;
        let rows = self.rows.slice(from, PAGE.min(self.rows.num_rows() - from));
        let mut how = ctx.clone();
        if self.breaks == Breaks::Rows {
            how.batch_rows = usize::MAX;
        }
        let parts: Parts = if self.breaks == Breaks::Bytes {
            let step = how.batch_rows;
            let slice = move |at| Ok(rows.slice(at, step.min(rows.num_rows() - at)));
            Box::new((0..PAGE.min(self.rows.num_rows() - from)).step_by(step).map(slice))
        } else {
            let bytes = Cut::size(&rows);
            Box::new(Cut::new(rows, bytes, &how, || split.label.clone())?)
        };
        let ctx = (self.breaks != Breaks::Cancel).then(|| ctx.clone());
        Ok(Box::new(Page { parts, ctx }))
    }

    fn finish(self: Box<Self>, _: &Context) -> Result<Option<Value>> {
        Ok(None)
    }
}

type Parts = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

struct Page {
    parts: Parts,
    ctx: Option<SplitContext>,
}

impl BatchStream for Page {
    fn next(&mut self) -> Result<Option<Batch>> {
        if let Some(ctx) = &self.ctx {
            ctx.cancel().check()?;
        }
        self.parts.next().transpose().map(|rows| rows.map(Batch::from))
    }
}

impl HomeUnderTest for Pages {
    fn home(&self) -> &dyn Home {
        self
    }

    fn source(&self) -> Source {
        Source::Whole { entity: None }
    }

    fn fill(&self, rows: &[Row]) {
        *self.rows.lock().expect("no panic") = rows.to_vec();
    }

    fn follows_id(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        format!("{:?}", self.rows)
    }

    fn root(&self) -> PathBuf {
        PathBuf::new()
    }
}

#[test]
fn a_home_in_full_keeps_the_laws_and_one_that_breaks_a_law_is_told_which() {
    assert_eq!(schema().fields().len(), 2);
    for (breaks, law) in [
        (Breaks::None, ""),
        (Breaks::Filter, "a condition is obeyed or refused"),
        (Breaks::Cursor, "a cursor is followed or refused"),
        (Breaks::Settled, "what has settled is left out, or that is refused"),
        (Breaks::Columns, "chosen columns come in the order asked"),
        (Breaks::Rows, "batches are cut by rows"),
        (Breaks::Bytes, "batches are cut by bytes"),
        (Breaks::Cancel, "a stream ends when the run is told to stop"),
        (Breaks::Once, "splits cover every row once"),
    ] {
        let outcome = std::panic::catch_unwind(|| home_laws(|| Pages { rows: Rows::default(), breaks }));
        let told = outcome.err().map(|panic| *panic.downcast::<String>().expect("a text")).unwrap_or_default();
        let expected = if law.is_empty() { String::new() } else { format!("law broken: {law}: ") };
        assert!(told.starts_with(&expected) && told.is_empty() == law.is_empty(), "{breaks:?}: {told}");
    }
}
