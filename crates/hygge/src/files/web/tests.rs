use std::io::Read;
use std::time::Duration;

use hygge_core::{Advice, ErrorKind, Retry};

use self::server::{Knobs, Server};
use super::*;
use crate::files::pinned::Pin;

mod server;

/// Bytes of which none stands where another does.
fn body(len: u32) -> Vec<u8> {
    (0..len / 4).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

struct Reader {
    root: tempfile::TempDir,
    cancel: Cancellation,
    idle: Duration,
}

impl Reader {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().expect("a folder"),
            cancel: Cancellation::default(),
            idle: Duration::from_secs(5),
        }
    }

    fn source(&self, url: &str) -> WebSource {
        let limits = Limits { pause: Duration::from_millis(1), idle: self.idle, ..Limits::default() };
        WebSource { limits, ..WebSource::new(self.root.path(), url) }
    }

    fn pin(&self, url: &str, in_parts: bool) -> Result<PinnedFile> {
        self.source(url).list(None, in_parts, &self.cancel).map(|mut listing| listing.files.remove(0))
    }

    /// All bytes of a file, as a stream and at positions.
    fn read(&self, url: &str, in_parts: bool) -> Result<Vec<u8>> {
        let file = self.pin(url, in_parts)?;
        let failed = |e| Error::io("read", &file.path, e);
        let mut out = Vec::new();
        file.stream(0)?.read_to_end(&mut out).map_err(failed)?;
        assert_eq!(out.len() as u64, file.len);
        let positioned = file.open()?;
        for at in [0, file.len / 2, file.len.saturating_sub(8)] {
            let len = usize::try_from((file.len - at).min(8)).expect("fits");
            let found = positioned.bytes(at, len).map_err(failed)?;
            assert_eq!(found, out[usize::try_from(at).expect("fits")..][..len]);
        }
        file.unchanged()?;
        assert_eq!(std::fs::read_dir(self.root.path()).expect("listed").count(), 0, "what is fetched has no name");
        Ok(out)
    }
}

fn line(error: &Error) -> String {
    match error.advice() {
        Some(Advice::Do(line) | Advice::Set { line, .. }) => line.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_read_by_parts_of_one_state() {
    let server = Server::start(Knobs::well(body(300_000)));
    let reader = Reader::new();
    assert_eq!(reader.read(&server.url("a.csv"), true).expect("reads"), body(300_000));
    let asked = server.asked();
    assert!(asked[0].contains("bytes=0-65535") && !asked[0].to_lowercase().contains("if-range"), "{}", asked[0]);
    for request in &asked {
        let request = request.to_lowercase();
        assert!(request.contains("accept-encoding: identity") && request.contains("user-agent: hygge/"), "{request}");
    }
    assert!(asked[1..].iter().all(|request| request.to_lowercase().contains("if-range: \"one\"")), "{asked:?}");
    // By the time of the last change, where the server has no tag that is equal for equal bytes only.
    server.knobs().etag = Some("W/\"one\"".to_owned());
    assert_eq!(reader.read(&server.url("a.csv"), true).expect("reads"), body(300_000));
    assert!(server.asked().last().expect("asked").to_lowercase().contains("if-range: sun, 06 nov 1994"));
}

#[test]
fn a_lost_connection_is_taken_up_where_it_broke() {
    for (ranges, length) in [(true, true), (false, true), (false, false)] {
        let cut = [0, 1, 1_000, 50_000, 70_000, 100_000].into();
        let server = Server::start(Knobs { ranges, length, cut, ..Knobs::well(body(300_000)) });
        // Where there are no parts, from the beginning.
        assert_eq!(Reader::new().read(&server.url("a.csv"), true).expect("reads"), body(300_000));
    }
}

#[test]
fn a_lost_connection_is_never_the_end_of_a_file() {
    for (ranges, length) in [(true, true), (false, true), (false, false)] {
        for in_parts in [true, false] {
            let knobs = Knobs { ranges, length, always_cut: Some(0), ..Knobs::well(body(100_000)) };
            let server = Server::start(knobs);
            let error = Reader::new().read(&server.url("a.csv"), in_parts).expect_err("never whole");
            assert_eq!(error.retry(), Retry::Split, "{error:?}");
            assert!(error.found().contains("times now"), "{error}");
        }
    }
    let server = Server::start(Knobs { ranges: false, unframed: true, ..Knobs::well(body(100_000)) });
    let error = Reader::new().read(&server.url("a.csv"), true).expect_err("no length");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.found().contains("would look like its end"), "{error}");
}

#[test]
fn an_answer_whose_end_cannot_be_told_is_refused() {
    // The body is plain, and cut: read to the end of the connection it would be a shorter file.
    for (protocol, wrapped) in [
        ("HTTP/1.0", "Transfer-Encoding: chunked"),
        ("HTTP/1.1", "Transfer-Encoding: xchunked"),
        ("HTTP/1.1", "Transfer-Encoding: gzip, chunked"),
    ] {
        let headers = vec![wrapped];
        let knobs = Knobs { protocol, headers, ranges: false, unframed: true, ..Knobs::well(body(100_000)) };
        let server = Server::start(Knobs { always_cut: Some(40_000), ..knobs });
        for in_parts in [true, false] {
            let error = Reader::new().read(&server.url("a.csv"), in_parts).expect_err("no end");
            assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
            assert!(error.found().contains(wrapped), "{error}");
        }
    }
}

#[test]
fn a_file_that_is_fetched_is_one_state_and_goes_on_where_it_broke() {
    // Parts are given, but the format reads at many places.
    let server = Server::start(Knobs { cut: [100_000, 1_000].into(), ..Knobs::well(body(300_000)) });
    let reader = Reader::new();
    assert_eq!(reader.read(&server.url("a.avro"), false).expect("reads"), body(300_000));
    let asked = server.asked();
    assert!(asked.len() == 3 && asked[1].contains("bytes=") && asked[2].contains("bytes="), "{asked:?}");
    let note = reader.pin(&server.url("a.avro"), false).expect("pins").note().expect("a note");
    assert!(note.ends_with("was fetched whole before it is read, since files of this format are read at many places"));
    // Who looks twice fetches once, unless there is another version by then.
    let source = reader.source(&server.url("a.avro"));
    let look = || source.list(None, false, &reader.cancel).expect("lists").files.remove(0);
    let first = look();
    assert_eq!(look(), first);
    server.knobs().etag = Some("\"two\"".to_owned());
    assert_ne!(look(), first);
    // Another state in the middle: all of that one.
    let other = body(200_000).into_iter().rev().collect::<Vec<_>>();
    let change = Some((1, other.clone(), Some("\"two\"".to_owned())));
    let server = Server::start(Knobs { cut: [100_000].into(), change, ..Knobs::well(body(300_000)) });
    assert_eq!(reader.read(&server.url("a.avro"), false).expect("reads"), other);
    // Without anything that tells states apart there are no parts.
    let server = Server::start(Knobs { etag: None, modified: None, ..Knobs::well(body(300_000)) });
    let file = reader.pin(&server.url("a.csv"), true).expect("pins");
    assert!(file.note().is_some_and(|note| note.contains("which version")), "{:?}", file.note());
    assert_eq!(reader.read(&server.url("a.csv"), true).expect("reads"), body(300_000));
    let server = Server::start(Knobs::well(Vec::new()));
    assert_eq!(reader.read(&server.url("a.csv"), true).expect("an empty file"), Vec::<u8>::new());
}

#[test]
fn a_change_under_the_reading_fails_it() {
    let other = body(300_000).into_iter().rev().collect::<Vec<_>>();
    for etag in [Some("\"two\"".to_owned()), None] {
        let change = Some((2, other.clone(), etag));
        let server = Server::start(Knobs { cut: [70_000, 70_000].into(), change, ..Knobs::well(body(300_000)) });
        let error = Reader::new().read(&server.url("a.csv"), true).expect_err("changed");
        assert_eq!(error.retry(), Retry::Run, "{error:?}");
        assert!(error.found().contains("has changed on its server"), "{error}");
    }
    // One that comes when all was read is found by looking once more.
    let server = Server::start(Knobs::well(body(1_000)));
    let file = Reader::new().pin(&server.url("a.csv"), true).expect("pins");
    assert_eq!(file.pinned().expect("asks"), Pin::Same);
    server.knobs().etag = Some("\"two\"".to_owned());
    assert_eq!(file.pinned().expect("asks"), Pin::Changed);
    assert_eq!(file.unchanged().expect_err("changed").retry(), Retry::Run);
}

#[test]
fn what_passes_is_tried_again_and_what_does_not_is_told() {
    let reader = Reader::new();
    let fails = |fail: &[(u16, &'static str)]| {
        let fail = fail.iter().copied().collect();
        let server = Server::start(Knobs { fail, ..Knobs::well(body(1_000)) });
        reader.read(&server.url("a.csv"), true)
    };
    assert_eq!(fails(&[(503, ""), (500, ""), (429, "Retry-After: 0"), (408, "")]).expect("reads"), body(1_000));
    let error = fails(&[(503, ""); 9]).expect_err("given up");
    assert_eq!((error.found(), error.retry()), ("the server answers 503, 5 times now", Retry::Split));
    // Who asks to be left alone is not asked again by the run.
    for crowded in [(429, ""), (503, "Retry-After: 0")] {
        let error = fails(&[crowded; 9]).expect_err("given up");
        assert_eq!(error.found(), format!("the server answers {}, 5 times now", crowded.0));
        assert_eq!(error.retry(), Retry::Never);
    }
    let error = fails(&[(429, "Retry-After: 9999")]).expect_err("too long");
    assert!(error.found().contains("to be left alone for 9999 s"), "{error}");
    assert_eq!(error.retry(), Retry::Never);
    for (status, found, advice) in [
        (404, "there is no such file on the server (404)", "check the URL"),
        (403, "the server does not let this user have the file (403)", "check the headers"),
        (401, "the server wants to know who asks (401)", "headers: {Authorization"),
        (418, "the server answers 418, which is no file", "open the URL"),
    ] {
        let error = fails(&[(status, "")]).expect_err("no file");
        assert_eq!((error.found(), error.retry()), (found, Retry::Never));
        assert!(line(&error).contains(advice), "{error:?}");
    }
    let nobody = "http://127.0.0.1:1/a.csv";
    assert_eq!(reader.read(nobody, true).expect_err("nobody is there").retry(), Retry::Split);
}

#[test]
fn an_answer_that_is_not_what_was_asked_for_is_refused() {
    let reader = Reader::new();
    let server = Server::start(Knobs { shifted: 7, ..Knobs::well(body(300_000)) });
    assert_eq!(reader.pin(&server.url("a.csv"), true).and_then(|file| file.unchanged()).err().map(|e| e.retry()), None);
    let server = Server::start(Knobs::well(body(300_000)));
    let file = reader.pin(&server.url("a.csv"), true).expect("pins");
    server.knobs().shifted = 7;
    let error = std::io::copy(&mut file.stream(0).expect("opens"), &mut std::io::sink()).expect_err("other bytes");
    assert!(error.to_string().contains("other bytes than it was asked for"), "{error}");
    let server = Server::start(Knobs { headers: vec!["Content-Encoding: gzip"], ..Knobs::well(body(1_000)) });
    let error = reader.read(&server.url("a.csv"), true).expect_err("packed on its way");
    assert!(error.found().contains("packs the file on its way (gzip)"), "{error}");
    assert_eq!(reader.read(&server.url("a.csv.gz"), true).expect("is called so"), body(1_000));
}

#[test]
fn an_answer_that_contradicts_its_head_brings_no_row_twice() {
    let reader = Reader::new();
    // More than it says: by its length, or beyond its length where that is not said.
    let server = Server::start(Knobs::well(body(300_000)));
    let file = reader.pin(&server.url("a.csv"), true).expect("pins");
    (server.knobs().beyond, server.knobs().most) = (8, 50_000);
    let error = std::io::copy(&mut file.stream(0).expect("opens"), &mut std::io::sink()).expect_err("other bytes");
    assert!(error.to_string().contains("other bytes than it was asked for"), "{error}");
    server.knobs().length = false;
    let mut found = Vec::new();
    file.stream(0).expect("opens").read_to_end(&mut found).expect("reads");
    assert_eq!(found, body(300_000));
    // The same where the rest of a file is fetched.
    let knobs = Knobs { beyond: 8, most: 50_000, cut: [100_000].into(), ..Knobs::well(body(300_000)) };
    let server = Server::start(knobs);
    let error = reader.read(&server.url("a.avro"), false).expect_err("other bytes");
    assert!(error.found().contains("other bytes than it was asked for"), "{error}");
    // Further than was asked for.
    let server = Server::start(Knobs::well(body(300_000)));
    let file = reader.pin(&server.url("a.csv"), true).expect("pins");
    server.knobs().further = 8;
    let error = file.open().expect("opens").bytes(0, 8).expect_err("other bytes");
    assert!(error.to_string().contains("other bytes than it was asked for"), "{error}");
}

#[test]
fn a_server_that_gives_less_at_once_than_was_asked_for_is_asked_on() {
    // More answers than failures are borne, and the pauses after those would be long.
    let reader = Reader::new();
    let server = Server::start(Knobs { most: 1_000, ..Knobs::well(body(300_000)) });
    let source = reader.source(&server.url("a.csv"));
    let source = WebSource { limits: Limits { pause: Duration::from_mins(10), ..source.limits }, ..source };
    let file = source.list(None, true, &reader.cancel).expect("lists").files.remove(0);
    let mut found = Vec::new();
    file.stream(0).expect("opens").read_to_end(&mut found).expect("reads");
    assert_eq!(found, body(300_000));
    let server = Server::start(Knobs { most: 1_000, cut: [100_000].into(), ..Knobs::well(body(300_000)) });
    assert_eq!(reader.read(&server.url("a.avro"), false).expect("reads"), body(300_000));
}

#[test]
fn parquet_that_changes_while_its_pages_are_walked_does_not_pass_for_too_large() {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    use hygge_core::home::BatchStream as _;
    use parquet::file::properties::WriterProperties;

    use crate::files::parquet::reader::{FileGroups, GroupStream, footer};

    // One column of more than the budget holds, in pages of which many fit.
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1_400_000).map(|i| i * 7_919)));
    let rows = RecordBatch::try_from_iter([("n", numbers)]).expect("rows");
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(rows.num_rows()))
        .build();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).expect("begun");
    writer.write(&rows).expect("written");
    let bytes = writer.into_inner().expect("written");
    let budget = hygge_core::budget::Budget::new(16 << 20, 1).expect("enough");
    let run = hygge_core::context::Context { budget, ..hygge_core::conformance::context(PathBuf::new()) };
    let ctx = hygge_core::conformance::split_context(&run, 8_192);
    let reader = Reader::new();
    let read = |change| -> Result<usize> {
        let server = Server::start(Knobs { change, ..Knobs::well(bytes.clone()) });
        let pin = reader.pin(&server.url("a.parquet"), true)?;
        let file = pin.open()?;
        let metadata = footer(&file, "a.parquet")?;
        let file = FileGroups { file, shown: "a.parquet".to_owned(), metadata, groups: vec![0] };
        let mut stream = GroupStream::of(&rows.schema(), file, &ctx)?;
        let mut came = 0;
        while let Some(batch) = stream.next()? {
            came += batch.rows.num_rows();
        }
        Ok(came)
    };
    assert_eq!(read(None).expect("reads"), rows.num_rows());
    for answers in 4..9 {
        let error = read(Some((answers, body(1_000), Some("\"two\"".to_owned())))).expect_err("another file");
        assert!(error.found().contains("on its server") && error.retry() == Retry::Run, "{answers}: {error}");
    }
}

#[test]
fn redirects_are_followed_and_secrets_stay_where_they_belong() {
    let reader = Reader::new();
    let auth = Some("Basic YW5uOnNlY3JldA==".to_owned());
    let there = Server::start(Knobs::well(body(1_000)));
    let here =
        Server::start(Knobs { auth, redirect: Some(("/a.csv".into(), "b.csv".into())), ..Knobs::well(body(2_000)) });
    let url = here.url("a.csv").replace("//", "//ann:secret@");
    assert_eq!(reader.read(&url, true).expect("reads"), body(2_000));
    here.knobs().redirect = Some(("/a.csv".into(), there.url("c.csv")));
    let source = reader.source(&url).with_headers(vec![Header { name: "X-Key".into(), value: "hidden".into() }]);
    let listing = source.list(None, true, &reader.cancel).expect("lists");
    assert_eq!((listing.files[0].len, listing.files[0].shown.contains("secret")), (1_000, false));
    assert!(here.asked().last().expect("asked").contains("hidden"));
    for request in there.asked() {
        assert!(!request.contains("hidden") && !request.to_lowercase().contains("authorization"), "{request}");
    }
    let error = reader.pin(&url.replace("secret", "wrong"), true).expect_err("another password");
    assert!(error.found().contains("(401)") && !format!("{error:?}").contains("wrong"), "{error:?}");
    here.knobs().redirect = Some(("*".into(), "/round".into()));
    let error = reader.pin(&url, true).expect_err("in circles");
    assert!(error.found().contains("10 redirects"), "{error}");
    assert!(
        !format!("{source:?}", source = reader.pin(&there.url("x.csv?key=abc"), true).expect("pins")).contains("abc")
    );
}

#[test]
fn whoever_waits_for_a_server_can_be_told_to_stop() {
    for in_parts in [true, false] {
        let server = Server::start(Knobs { stall: Some(10), ..Knobs::well(body(100_000)) });
        let reader = Reader::new();
        let cancel = reader.cancel.clone();
        let waiting = std::thread::spawn({
            let url = server.url("a.csv");
            move || reader.read(&url, in_parts)
        });
        while server.asked().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        cancel.cancel("enough");
        let error = waiting.join().expect("ends").expect_err("stopped");
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}");
    }
}

#[test]
fn a_server_that_falls_silent_is_asked_again_and_given_up_in_the_end() {
    let reader = Reader { idle: Duration::from_millis(200), ..Reader::new() };
    let server = Server::start(Knobs { stall: Some(120_000), ..Knobs::well(body(300_000)) });
    assert_eq!(reader.read(&server.url("a.csv"), true).expect("reads"), body(300_000));
    server.knobs().stall = Some(0);
    let file = reader.pin(&server.url("a.csv"), true).expect("pins");
    let error = file.stream(0).expect("opens").read(&mut [0; 8]).expect_err("nothing comes");
    assert!(error.to_string().contains("the server sent nothing for a while"), "{error}");
}

#[test]
fn reading_ahead_makes_few_requests() {
    let all = body(4_000_000);
    let server = Server::start(Knobs::well(all.clone()));
    let file = Reader::new().pin(&server.url("a.parquet"), true).expect("pins").open().expect("opens");
    let before = server.asked().len();
    let read = |file: &crate::files::positioned::Positioned, parts: &[(u64, usize)]| {
        for &(at, len) in parts {
            let from = usize::try_from(at).expect("fits");
            assert_eq!(file.bytes(at, len).expect("reads"), all[from..from + len]);
        }
        server.asked().len() - before
    };
    let near = file.ahead(vec![1_000..200_000, 300_000..900_000, 3_000_000..3_000_100], 1 << 20);
    let parts = [(1_000, 20), (300_000, 100_000), (1_020, 10_000), (800_000, 100_000), (3_000_000, 100)];
    assert_eq!(read(&near, &parts), 2, "two parts lie close together");
    let before = server.asked().len();
    let tight = file.ahead(vec![0..1_500_000, 1_500_000..3_900_000], 2 << 20);
    for n in 0..300_u64 {
        for begin in [0, 1_500_000] {
            let at = begin + n * 5_000;
            let from = usize::try_from(at).expect("fits");
            assert_eq!(tight.bytes(at, 5_000).expect("reads"), all[from..from + 5_000]);
        }
    }
    let requests = server.asked().len() - before;
    assert!(requests < 12, "{requests} requests");
}
