//! Any bytes as JSON: read the same in blocks of any size, into columns of any type, without panic or hang.
#![no_main]

use std::io::Cursor;

use arrow_schema::{DataType, Field, TimeUnit};
use hygge::files::json::blocks::{Blocks, Ending, Layout, Next};
use hygge::files::json::columns::{Form, Values, builder};
use hygge::files::json::infer::{Objects, Telling};
use hygge::files::json::keys::{ESCAPED, Keys, Members};
use hygge::files::json::lexer::{Halt, Wrong};
use libfuzzer_sys::fuzz_target;

type Rows = Vec<[Vec<u8>; 2]>;

fn types() -> Vec<DataType> {
    let list = DataType::List(Field::new("item", DataType::Int64, true).into());
    let object = DataType::Struct(vec![Field::new("a", DataType::Utf8, true)].into());
    vec![
        DataType::Utf8,
        DataType::Int64,
        DataType::Float64,
        DataType::Boolean,
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Decimal256(76, 10),
        DataType::Binary,
        list,
        object,
    ]
}

fn read(bytes: &[u8], layout: Layout, block: usize) -> (Rows, Option<Wrong>) {
    let mut blocks = Blocks::new(Box::new(Cursor::new(bytes.to_vec())), layout, Ending::Whole, block, 1 << 20);
    let mut members = Members { keys: Keys::new(["a", "b"]), others: true };
    let mut objects = Objects::default();
    let mut rows = Rows::new();
    loop {
        let (mut slots, mut whole) = (Vec::new(), 0);
        let mut find = |bytes: &[u8], at: usize| {
            slots.truncate(whole);
            slots.resize(whole + 4, 0_u32);
            let here = &mut slots[whole..];
            let end = match layout {
                Layout::Lines => members.find::<true>(bytes, at, 1, here),
                _ => members.find::<false>(bytes, at, 1, here),
            }?;
            whole += 4;
            match objects.look::<false>(bytes, at) {
                // Names of keys within values that are not read are told apart only here.
                Err(Halt::Bad(bad)) if bad.what == Wrong::Utf8 => {}
                looked => assert_eq!(looked, Ok(end), "both ways of looking pass the same"),
            }
            Ok(end)
        };
        match blocks.next(usize::MAX, &mut find, &mut |_| Ok(())).expect("memory does not fail") {
            Next::Rows(found) => {
                let values = |first| Values { bytes: blocks.bytes(), slots: &slots[..whole], stride: 4, first };
                for (_, seen) in objects.iter() {
                    let told = seen.told(Telling::default());
                    builder(&told.data_type, &told.form, true).expect("what is told can be read");
                }
                for data_type in types() {
                    for strict in [false, true] {
                        let mut column = builder(&data_type, &Form::Values, strict).expect("a readable type");
                        if column.append(values(0)).is_ok()
                            && let Ok(array) = column.finish()
                        {
                            assert_eq!(arrow_array::Array::len(&array), found);
                        }
                    }
                }
                let text = |begin: u32, end: u32| blocks.bytes()[begin as usize..(end & !ESCAPED) as usize].to_vec();
                rows.extend(slots[..whole].chunks(4).map(|row| [text(row[0], row[1]), text(row[2], row[3])]));
            }
            Next::End => return (rows, None),
            Next::Bad(bad) => return (rows, Some(bad.what)),
            Next::TooLarge { .. } => return (rows, None),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    for layout in [Layout::Lines, Layout::Free, Layout::Array] {
        let whole = read(bytes, layout, 1 << 16);
        assert_eq!(read(bytes, layout, 7), whole);
    }
});
