//! Any bytes as CSV: read the same in blocks of any size, into columns of any type, without panic or hang.
#![no_main]

use std::io::Cursor;
use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};
use hygge::files::csv::blocks::{Blocks, Ending, Next};
use hygge::files::csv::column::{Nulls, Rules, builder};
use hygge::files::csv::head::read_head;
use hygge::files::csv::index::{Dialect, Indexer};
use libfuzzer_sys::fuzz_target;

type Rows = Vec<Vec<Vec<u8>>>;

fn read(bytes: &[u8], dialect: Dialect, columns: usize, block: usize) -> (Rows, Next) {
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let mut blocks = Blocks::new(source, Indexer::new(dialect, columns), Ending::File, block, 1 << 20);
    let rules = Rules { quote: dialect.quote, nulls: Arc::new(Nulls::new(&["NA"])) };
    let types = [
        DataType::Utf8,
        DataType::Int64,
        DataType::Float64,
        DataType::Float32,
        DataType::Boolean,
        DataType::Date32,
        DataType::Time64(TimeUnit::Nanosecond),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Decimal256(76, 10),
        DataType::Binary,
    ];
    let mut rows = Rows::new();
    loop {
        match blocks.next(usize::MAX, &mut |_| Ok(())).expect("memory does not fail") {
            Next::Records => {
                let found = blocks.block();
                for data_type in &types {
                    for strict in [false, true] {
                        let mut column = builder(data_type, strict, &rules).expect("a readable type");
                        if column.append(&found, columns - 1).is_ok()
                            && let Ok(array) = column.finish()
                        {
                            assert_eq!(array.len(), found.rows());
                        }
                    }
                }
                rows.extend((0..found.rows()).map(|row| {
                    (0..columns).map(|column| found.field(row, column).to_vec()).collect()
                }));
            }
            end => return (rows, end),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    for (separator, quote) in [(b',', Some(b'"')), (b',', None), (b'\t', Some(b'\''))] {
        let dialect = Dialect { separator, quote };
        let _ = read_head(&mut Cursor::new(bytes), dialect, true);
        for columns in 1..4 {
            let whole = read(bytes, dialect, columns, 1 << 16);
            assert_eq!(read(bytes, dialect, columns, 7), whole);
        }
    }
});
