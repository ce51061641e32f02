//! Any bytes as the stream of a program: read to its end or refused, without panic, hang or memory beyond what is said.
#![no_main]

mod calm;

use std::io::Cursor;

use arrow_array::Array as _;
use hygge::exec::{Broken, IpcStream};
use libfuzzer_sys::fuzz_target;

/// What a budget would take of one message.
const MOST: usize = 1 << 20;

fn read(bytes: &[u8]) -> Result<(), Broken> {
    let mut stream = IpcStream::open(Cursor::new(bytes))?;
    let columns = stream.schema().fields().len();
    while let Some(message) = stream.announced()? {
        if message.bytes.saturating_add(stream.kept_bytes()) > MOST {
            return Ok(());
        }
        if let Some(batch) = stream.read(&message)? {
            assert_eq!(batch.num_columns(), columns);
            // What is sound can be looked at.
            for column in batch.columns() {
                column.to_data().validate_full().expect("a sound column");
            }
        }
    }
    Ok(())
}

// The decoder's panics are caught where it is called, and are none of ours; one that gets out still ends the run.
fuzz_target!(init: calm::calm(), |bytes: &[u8]| {
    if let Err(broken) = read(bytes) {
        assert!(!broken.found().is_empty());
    }
});
