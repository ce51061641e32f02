//! Files behind URLs, read over a server that misbehaves, and judged against the files themselves.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use self::server::{Knobs, Server};
use crate::judge::{Judge, python};

#[path = "../../src/files/web/tests/server.rs"]
mod server;

/// The same rows as files of all formats, and packed.
const FILES: &str = "import gzip, json, random, sys, pyarrow as pa, pyarrow.parquet as pq, pyarrow.feather as feather
import fastavro, openpyxl
random.seed(7)
rows = [{'id': i, 'word': ''.join(random.choices('abc é,', k=20)), 'share': random.randrange(10**6) / 64} for i in range(60_000)]
table = pa.Table.from_pylist(rows)
pq.write_table(table, 'rows.parquet', row_group_size=9_000, compression='none')
feather.write_feather(table, 'rows.arrow')
pq.write_table(table.slice(0, 2_000), 'few.parquet')
text = 'id,word,share\\n' + ''.join(f'{r[\"id\"]},\"{r[\"word\"]}\",{r[\"share\"]!r}\\n' for r in rows)
open('rows.csv', 'w').write(text)
open('rows.csv.gz', 'wb').write(gzip.compress(text.encode()))
open('rows.ndjson', 'w').write(''.join(json.dumps(r) + '\\n' for r in rows))
fields = [{'name': 'id', 'type': 'long'}, {'name': 'word', 'type': 'string'}, {'name': 'share', 'type': 'double'}]
fastavro.writer(open('rows.avro', 'wb'), {'type': 'record', 'name': 'r', 'fields': fields}, rows)
book = openpyxl.Workbook(write_only=True)
sheet = book.create_sheet()
sheet.append(['id', 'word', 'share'])
for r in rows[:2_000]:
    sheet.append(list(r.values()))
book.save('few.xlsx')";

struct Files {
    folder: tempfile::TempDir,
    judge: Judge,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Command::new(python()).args(["-c", FILES]).current_dir(folder.path()).output().expect("Python runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder, judge: Judge::new() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).expect("reads")
    }

    fn hygge(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hygge"));
        command.args(args).current_dir(self.path()).env("NO_COLOR", "1").env_remove("HYGGE_PROJECT");
        for name in
            ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE"]
        {
            command.env_remove(name);
        }
        command
    }

    fn runs(&self, args: &[&str]) -> String {
        let output = self.hygge(args).output().expect("hygge runs");
        assert!(output.status.success(), "{args:?}: {}", told(&output));
        told(&output)
    }

    fn fails(&self, args: &[&str]) -> String {
        let output = self.hygge(args).output().expect("hygge runs");
        assert!(!output.status.success(), "{args:?}: {}", told(&output));
        told(&output)
    }

    /// The rows of a place are those of the file that was read.
    fn same(&mut self, place: &str, rows: u64) {
        let source = if rows == 60_000 { "rows.parquet" } else { "few.parquet" };
        let (source, place) = (self.path().join(source), self.path().join(place));
        let (source, place) = (format!("parquet:{}", source.display()), format!("duckdb:{}", place.display()));
        assert_eq!(self.judge.same(&source, &place), rows);
    }

    fn project(&self, flow: &str) {
        std::fs::write(self.path().join("hygge.yml"), format!("flows:\n  rows:\n{flow}")).expect("writes");
    }
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_format_is_read_over_connections_that_break() {
    let mut files = Files::new();
    for name in ["rows.parquet", "rows.csv", "rows.csv.gz", "rows.ndjson", "rows.arrow", "rows.avro", "few.xlsx"] {
        for ranges in [true, false] {
            let bytes = files.bytes(name);
            let cut = [70_000, 5_000, 100_000, 300_000].map(|at: usize| at.min(bytes.len() / 2)).into();
            let server = Server::start(Knobs { ranges, cut, ..Knobs::well(bytes) });
            let place = format!("out/{}-{ranges}.parquet", name.replace('.', "-"));
            files.runs(&["copy", &server.url(name), &place, "--memory", "64MiB"]);
            files.same(&place, if name == "few.xlsx" { 2_000 } else { 60_000 });
        }
    }
    let left = std::fs::read_dir(files.path()).expect("listed").flatten().map(|entry| entry.file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().starts_with(".tmp")), "what was fetched is gone");
}

#[test]
fn a_file_that_never_comes_whole_settles_nothing() {
    let files = Files::new();
    for name in ["rows.parquet", "rows.csv", "rows.avro"] {
        for ranges in [true, false] {
            let bytes = files.bytes(name);
            // Parts are cut so short that the whole never comes.
            let server = Server::start(Knobs {
                ranges,
                always_cut: Some(if ranges { 0 } else { bytes.len() - 1 }),
                ..Knobs::well(bytes)
            });
            let said = files.fails(&["copy", &server.url(name), "out/never.parquet", "--var", "retries=0"]);
            assert!(said.contains("times now") && !files.path().join("out/never.parquet").exists(), "{name}: {said}");
        }
    }
}

#[test]
fn a_file_that_changes_under_the_load_fails_it() {
    let mut files = Files::new();
    let bytes = files.bytes("rows.csv");
    let mut other = bytes.clone();
    other.reverse();
    for after in [3, 5] {
        let change = Some((after, other.clone(), Some("\"two\"".to_owned())));
        let server = Server::start(Knobs { cut: vec![200_000; 20].into(), change, ..Knobs::well(bytes.clone()) });
        let said = files.fails(&["copy", &server.url("rows.csv"), "out/changed.parquet"]);
        assert!(said.contains("has changed"), "{said}");
        assert!(!files.path().join("out/changed.parquet").exists(), "{said}");
    }
    let server = Server::start(Knobs::well(bytes));
    files.runs(&["copy", &server.url("rows.csv"), "out/changed.parquet"]);
    files.same("out/changed.parquet", 60_000);
}

#[test]
fn flows_remember_what_they_read_behind_a_url() {
    let mut files = Files::new();
    let server =
        Server::start(Knobs { auth: Some("Bearer t0psecret".to_owned()), ..Knobs::well(files.bytes("rows.csv")) });
    let url = server.url("{entity}.csv?sig=hidden1");
    files.project(&format!(
        "    home: {{path: '{url}', headers: {{Authorization: 'Bearer ${{TOKEN}}'}}}}\n    store: data/{{entity}}/\n    mode: append\n    entities: [rows]\n"
    ));
    std::fs::write(files.path().join(".env"), "TOKEN=t0psecret\n").expect("writes");
    let plan = files.runs(&["plan"]);
    let check = files.runs(&["check"]);
    let went = files.runs(&["go"]);
    files.same("data/rows", 60_000);
    let again = files.runs(&["go"]);
    assert!(again.contains("up to date") && again.contains("rows.csv?sig=…"), "{again}");
    let status = files.runs(&["status"]);
    // The same bytes with another signature are another question; with another version a settled file changed.
    server.knobs().etag = Some("\"two\"".to_owned());
    let changed = files.fails(&["go"]);
    assert!(changed.contains("has changed since its rows were appended"), "{changed}");
    let mut all = format!("{plan}{check}{went}{again}{status}{changed}");
    let grep =
        Command::new("grep").args(["-ral", "-e", "t0psecret", "-e", "hidden1", "."]).current_dir(files.path()).output();
    all.push_str(
        &String::from_utf8(grep.expect("grep runs").stdout)
            .expect("text")
            .replace("./.env\n", "")
            .replace("./hygge.yml\n", ""),
    );
    assert!(!all.contains("t0psecret") && !all.contains("hidden1"), "{all}");
    assert!(!all.ends_with("./"), "{all}");
    std::fs::write(files.path().join(".env"), "TOKEN=wrong\n").expect("writes");
    let said = files.fails(&["go"]);
    assert!(said.contains("does not let this user have the file (401)"), "{said}");
}

#[test]
fn a_preview_of_a_url_shows_rows_and_reads_no_more_than_it_needs() {
    let files = Files::new();
    let server = Server::start(Knobs::well(files.bytes("rows.parquet")));
    let shown = files.runs(&["preview", &server.url("rows.parquet"), "--limit", "3"]);
    assert!(shown.contains("share"), "{shown}");
    let server = Server::start(Knobs { fail: [(404, "")].into(), ..Knobs::well("") });
    let said = files.fails(&["preview", &server.url("rows.csv")]);
    assert!(said.contains("rows.csv: there is no such file on the server (404)"), "{said}");
}

#[test]
fn the_timeout_of_a_flow_ends_a_reading_that_hangs() {
    let files = Files::new();
    let server = Server::start(Knobs { stall: Some(100_000), ..Knobs::well(files.bytes("rows.csv")) });
    files.project(&format!("    home: {}\n    store: data/\n    timeout: 1s\n", server.url("rows.csv")));
    let began = Instant::now();
    let said = files.fails(&["go"]);
    assert!(said.contains("longer than its timeout of 1 s"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(40), "it ended before the server was given up");
}

#[test]
fn urls_that_name_no_one_file_are_refused_with_advice() {
    let files = Files::new();
    for (home, store, found) in [
        ("https://127.0.0.1/data/", "out/", "names a folder"),
        ("https://127.0.0.1/data/*.csv", "out/", "no pattern can find them"),
        ("https://127.0.0.1/export", "out/", "does not tell of which format"),
        ("https://127.0.0.1", "out/", "names a folder"),
        ("rows.csv", "https://127.0.0.1/rows.csv", "writes none there"),
        ("rows.csv", "https://127.0.0.1/rows/", "writes none there"),
        ("ftp://127.0.0.1/rows.csv", "out/", "come later"),
    ] {
        let said = files.fails(&["copy", home, store]);
        assert!(said.contains(found) && said.contains("next:"), "{home} to {store}: {said}");
        files.project(&format!("    home: {home}\n    store: {store}\n"));
        let said = files.fails(&["plan"]);
        assert!(said.contains(found) && said.contains("next:"), "{home} to {store}: {said}");
        std::fs::remove_file(files.path().join("hygge.yml")).expect("removes");
    }
    files.project("    home: {path: rows.csv, headers: {A: b}}\n    store: out/\n");
    assert!(files.fails(&["plan"]).contains("this path is on this machine"));
    files.project("    home: {path: 'http://127.0.0.1:1/rows.csv'}\n    store: out/\n    entities: [a, b]\n");
    let said = files.fails(&["plan"]);
    assert!(said.contains("{entity}"), "{said}");
}

/// A server that speaks TLS, with a certificate that only `ca.pem` vouches for.
fn safe(knobs: Knobs) -> Server {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/web");
    let certificate = CertificateDer::from_pem_file(folder.join("leaf.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(folder.join("leaf.key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("fits");
    let config = Arc::new(config);
    Server::wrapped(
        knobs,
        "https",
        Arc::new(move |stream| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("begins");
            Box::new(rustls::StreamOwned::new(connection, stream))
        }),
    )
}

#[test]
fn certificates_are_looked_at_and_https_is_never_left() {
    let mut files = Files::new();
    let bytes = files.bytes("rows.parquet");
    let server = safe(Knobs { cut: [70_000, 100_000].into(), ..Knobs::well(bytes.clone()) });
    let said = files.fails(&["copy", &server.url("rows.parquet"), "out/safe.parquet"]);
    assert!(said.contains("certificate is not trusted here") && said.contains("SSL_CERT_FILE"), "{said}");
    let trusted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/web/ca.pem");
    let copied = |files: &Files| {
        let url = server.url("rows.parquet");
        files.hygge(&["copy", &url, "out/safe.parquet"]).env("SSL_CERT_FILE", &trusted).output().expect("hygge runs")
    };
    let output = copied(&files);
    assert!(output.status.success(), "{}", told(&output));
    files.same("out/safe.parquet", 60_000);
    let unsafe_one = Server::start(Knobs::well(bytes));
    server.knobs().redirect = Some(("*".to_owned(), unsafe_one.url("rows.parquet")));
    let said = told(&copied(&files));
    assert!(said.contains("leads from https to http"), "{said}");
    assert!(unsafe_one.asked().is_empty(), "nothing was asked there");
}
