//! Programs as homes and stores: what they promise, and what becomes of a load when they do not keep it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::folder::{Folder, Ran};

/// The Python with pyarrow.
pub(crate) fn python() -> String {
    std::env::var("HYGGE_TEST_PYTHON").expect("HYGGE_TEST_PYTHON is set by ./test")
}

/// Three batches of a thousand rows; `{here}` runs before the last.
const WRITER: &str = r#"
import os, signal, subprocess, sys, time
import pyarrow as pa
schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
stream = pa.ipc.new_stream(sys.stdout.buffer, schema)
def send(start, rows=1000):
    ids = list(range(start, start + rows))
    stream.write_batch(pa.record_batch([pa.array(ids), pa.array([f"user {i}" for i in ids])], schema=schema))
    sys.stdout.flush()
send(0)
send(1000)
{here}
send(2000)
stream.close()
{after}
"#;

/// Takes all rows; `{here}` runs before the first, `{after}` instead of the answer.
const READER: &str = r#"
import json, os, signal, sys, time
import pyarrow as pa
{here}
rows = 0
with pa.ipc.open_stream(sys.stdin.buffer) as stream, open("taken", "a") as out:
    for batch in stream:
        out.writelines(f"{i}\n" for i in batch.column(0).to_pylist())
        out.flush()
        rows += batch.num_rows
open("ended", "w").close()
{after}
"#;

const ANSWER: &str = "print(json.dumps({'rows': rows}))";

/// A flow from a program to a folder of Parquet files.
fn home(here: &str, after: &str) -> Folder {
    home_with(here, after, "")
}

fn home_with(here: &str, after: &str, more: &str) -> Folder {
    let folder = Folder::with(&format!(
        "flows:\n  users:\n    home: {{type: exec, command: [\"{}\", home.py]}}\n    store: data/users/\n{more}",
        python()
    ));
    folder.write("home.py", &WRITER.replace("{here}", here).replace("{after}", after));
    folder
}

/// A flow from a CSV file of 2,500 rows to a program.
fn store(here: &str, after: &str, more: &str) -> Folder {
    let folder = Folder::with(&format!(
        "flows:\n  users:\n    home: {{type: csv, path: users.csv, batch_size: 1000}}\n    store:\n      type: exec\n      command: [\"{}\", store.py]\n{more}",
        python()
    ));
    let rows: Vec<String> = (0..2500).map(|i| format!("{i},user {i}\n")).collect();
    folder.write("users.csv", &format!("id,name\n{}", rows.concat()));
    folder.write("store.py", &READER.replace("{here}", here).replace("{after}", after));
    folder
}

const EVERY_RUN: &str = "    append: every_run\n";

fn fails(folder: &Folder, says: &[&str]) -> Ran {
    let ran = folder.run(&["go"]).exits(1).says(says);
    assert!(!folder.has("data/users"), "a load that failed is visible");
    ran
}

#[test]
fn a_program_that_writes_is_a_home() {
    let folder = home("print('half way', file=sys.stderr)", "");
    folder.run(&["check"]).exits(0).says(&["it was not run"]);
    let plan = folder.run(&["plan"]).exits(0);
    plan.says(&["replace, all rows", "a plan does not run the program", "Nothing was written"]);
    assert!(!folder.has("data") && !folder.has(".hygge"), "a plan writes nothing");
    folder.run(&["go"]).exits(0).says(&["3,000 rows"]);
    folder.run(&["go"]).exits(0).says(&["3,000 rows"]);
    let ran = folder.run(&["preview", "users", "--limit", "2"]).exits(0);
    assert!(ran.out.contains("user 1") && !ran.out.contains("user 2"), "{}", ran.out);
    folder.run(&["verify"]).exits(0);
    // What it said is in the log.
    let logs = std::fs::read_dir(folder.path(".hygge/logs")).expect("logs").flatten();
    let texts: Vec<String> = logs.map(|log| std::fs::read_to_string(log.path()).expect("read")).collect();
    assert!(texts.iter().all(|text| text.contains("home.py says: half way")), "{texts:?}");
}

#[test]
fn a_plan_after_the_first_run_shows_the_columns_that_settled() {
    let folder = home("", "open('ran', 'w').close()");
    folder.run(&["go"]).exits(0);
    std::fs::remove_file(folder.path("ran")).expect("it ran");
    folder.run(&["plan"]).exits(0).says(&["name", "Utf8"]);
    assert!(!folder.has("ran"), "a plan ran the program");
}

#[test]
fn columns_are_chosen_and_entities_are_filled_in() {
    let folder = Folder::with(&format!(
        "flows:\n  all:\n    home: {{type: exec, command: [\"{}\", home.py, \"{{entity}}.txt\"], columns: [name]}}\n    store: data/\n    entities: [users, orders]\n",
        python()
    ));
    folder.write("home.py", &WRITER.replace("{here}", "").replace("{after}", "open(sys.argv[1], 'w').close()"));
    folder.run(&["go"]).exits(0).says(&["3,000 rows"]);
    assert!(folder.has("users.txt") && folder.has("orders.txt"));
    let ran = folder.run(&["preview", "data/users", "--limit", "1"]).exits(0);
    assert!(ran.out.contains("name") && !ran.out.contains("id"), "{}", ran.out);
    folder.write("hygge.yml", "flows:\n  all: {home: {type: exec, command: [a]}, store: data/, entities: [u, v]}\n");
    folder.run(&["go"]).exits(2).says(&["every entity of the flow would run the same command", "put {entity} into"]);
}

#[test]
fn only_all_rows_can_be_asked_of_a_program() {
    let folder = home_with("", "", "    mode: append\n");
    folder.run(&["go"]).exits(2).says(&["cannot tell which are new", "mode: replace"]);
    let folder = home_with("", "", "    watermark: id\n    incremental: true\n");
    folder.run(&["go"]).exits(2).says(&["mode: replace", "take `incremental` and `watermark` out"]);
    let folder = home_with("", "", "    where: id > 3\n");
    folder.run(&["go"]).exits(2).says(&["know no `where`"]);
    let folder = home_with("", "", "    append: every_run\n");
    folder.run(&["go"]).exits(0);
    folder.run(&["go"]).exits(0);
    let count = "import pyarrow.dataset as d; print(d.dataset('data/users').count_rows())";
    let judged = Command::new(python()).args(["-c", count]).current_dir(folder.path("")).output().expect("Python runs");
    assert_eq!(String::from_utf8_lossy(&judged.stdout).trim(), "6000");
}

#[test]
fn a_program_that_is_not_there_is_refused_before_anything_starts() {
    for (command, says) in [
        ("[no-such-program, x]", "there is no program no-such-program in PATH"),
        ("[./no-such-program]", "there is no program ./no-such-program"),
        ("[\"python3 home.py\"]", "command: [python3, home.py]"),
        ("[./data.txt]", "chmod +x ./data.txt"),
        ("[/tmp]", "is a folder"),
    ] {
        for side in [
            "home: {type: exec, command: X}, store: data/x/",
            "home: a.csv, store: {type: exec, command: X}, append: every_run",
        ] {
            let folder = Folder::with(&format!("flows:\n  f: {{{}}}\n", side.replace('X', command)));
            folder.write("a.csv", "id\n1\n");
            folder.write("data.txt", "no program");
            folder.run(&["check"]).exits(2).says(&[says]);
            folder.run(&["go"]).exits(2).says(&[says, "Refused before anything started"]);
            assert!(!folder.has("data"));
        }
    }
}

#[test]
fn a_program_that_dies_midway_fails_the_load_with_its_last_words() {
    let folder = home("sys.exit('the source is on fire')", "");
    fails(&folder, &["ended with exit code 1", "the source is on fire", "users"]);
    let folder = home("os.kill(os.getpid(), signal.SIGKILL)", "");
    fails(&folder, &["breaks off after 2 batches", "was ended by signal 9"]);
    // What settled before stays.
    let folder = home("", "");
    folder.run(&["go"]).exits(0);
    folder.write("home.py", &WRITER.replace("{here}", "os._exit(0)").replace("{after}", ""));
    folder
        .run(&["go"])
        .exits(1)
        .says(&["breaks off after 2 batches, and ended with exit code 0", "let it end its stream"]);
    folder.run(&["preview", "data/users", "--limit", "1"]).exits(0).says(&["user 0"]);
}

#[test]
fn a_whole_stream_is_not_enough() {
    fails(&home("", "sys.exit(3)"), &["the program ended with exit code 3"]);
    fails(&home("", "print('and so on')"), &["wrote on after the end of its stream"]);
    fails(&home("", "sys.stdout.flush(); time.sleep(0.2); print('and so on')"), &["wrote on after the end"]);
}

#[test]
fn rubbish_and_silence_are_told_apart() {
    let shell = |script: &str| {
        Folder::with(&format!(
            "flows:\n  users:\n    home: {{type: exec, command: [sh, -c, '{script}']}}\n    store: data/users/\n"
        ))
    };
    fails(&shell("echo hello world"), &["no sound Arrow IPC stream"]);
    fails(&shell("yes"), &["no sound Arrow IPC stream"]);
    fails(&shell("true"), &["wrote nothing to its standard output, and ended with exit code 0"]);
    fails(&shell("echo broken >&2; exit 7"), &["wrote nothing", "ended with exit code 7", "broken"]);
    let compressed = home("", "");
    let writer = WRITER.replace("{here}", "").replace("{after}", "");
    compressed.write(
        "home.py",
        &writer.replace("schema)\ndef", "schema, options=pa.ipc.IpcWriteOptions(compression='zstd'))\ndef"),
    );
    fails(&compressed, &["its batches are compressed"]);
}

#[test]
fn a_hundred_megabytes_of_complaints_harm_nobody() {
    let folder = home("for _ in range(100): os.write(2, (b'x' * 999 + b'\\n') * 1000)", "");
    folder.run(&["go"]).exits(0).says(&["3,000 rows"]);
    let log = std::fs::read_dir(folder.path(".hygge/logs")).expect("logs").flatten().next().expect("a log");
    let size = log.metadata().expect("there").len();
    assert!((1 << 20..4 << 20).contains(&size), "{size} bytes of log");
    let folder = store("for _ in range(100): os.write(1, b'x' * 1000000)", ANSWER, EVERY_RUN);
    folder.run(&["go"]).exits(1).says(&["answered far more than one line"]);
}

/// The processes that run a script of the folder.
fn alive(folder: &Folder) -> Vec<String> {
    let output = Command::new("pgrep").args(["-f", &folder.path("").display().to_string()]).output();
    let output = output.expect("pgrep runs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Whoever is named by a file of the folder that holds a process id.
fn lives(folder: &Folder, file: &str) -> bool {
    let pid = std::fs::read_to_string(folder.path(file)).expect("it began");
    Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status().expect("kill runs").success()
}

fn gone(folder: &Folder, file: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    while lives(folder, file) {
        assert!(Instant::now() < until, "{file} lives on; {:?}", alive(folder));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Hangs with a child of its own, and both hang on where `stubborn`.
fn hang(stubborn: bool) -> String {
    let stubborn = if stubborn { "signal.signal(signal.SIGTERM, signal.SIG_IGN); " } else { "" };
    format!(
        "import subprocess; {stubborn}child = subprocess.Popen(['sleep', '600']); open('child', 'w').write(str(child.pid)); open('self', 'w').write(str(os.getpid())); time.sleep(600)"
    )
}

#[test]
fn a_program_that_hangs_ends_with_its_timeout() {
    // A shell, which hangs long before its time is up, however busy the machine is.
    for trap in ["", "trap \"\" TERM; "] {
        let program = format!(
            "{{type: exec, command: [sh, -c, '{trap}echo $$ > self; sleep 600 & echo $! > child; wait; wait']}}"
        );
        for flow in [
            format!("{{home: {program}, store: data/users/, timeout: 2s}}"),
            format!("{{home: users.csv, store: {program}, append: every_run, timeout: 2s}}"),
        ] {
            let folder = Folder::with(&format!("flows:\n  users: {flow}\n"));
            folder.write("users.csv", "id\n1\n");
            fails(&folder, &["took longer than its timeout of 2 s", "timeout: 4s"]);
            gone(&folder, "self");
            gone(&folder, "child");
        }
    }
}

#[test]
fn a_program_that_hangs_ends_with_ctrl_c() {
    for stubborn in [false, true] {
        for folder in [home(&hang(stubborn), ""), store(&hang(stubborn), ANSWER, EVERY_RUN)] {
            let mut run =
                folder.command(&["go"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
            let until = Instant::now() + Duration::from_mins(1);
            while !folder.has("self") {
                assert!(Instant::now() < until, "the program never began");
                std::thread::sleep(Duration::from_millis(20));
            }
            let pid = run.id().to_string();
            assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
            assert_eq!(run.wait().expect("ended").code(), Some(130));
            gone(&folder, "self");
            gone(&folder, "child");
            assert!(!folder.has("data/users") && !folder.has("ended"));
        }
    }
}

/// What is killed at once can end nothing.
#[test]
fn a_program_that_hangs_ends_though_hygge_is_killed() {
    for stubborn in [false, true] {
        for folder in [home(&hang(stubborn), ""), store(&hang(stubborn), ANSWER, EVERY_RUN)] {
            let mut run = folder.command(&["go"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
            let until = Instant::now() + Duration::from_mins(1);
            while !folder.has("self") {
                assert!(Instant::now() < until, "the program never began");
                std::thread::sleep(Duration::from_millis(20));
            }
            run.kill().expect("killed");
            run.wait().expect("ended");
            gone(&folder, "self");
            gone(&folder, "child");
            assert!(!folder.has("data/users"));
        }
    }
}

#[test]
fn folders_of_path_start_at_the_root() {
    let folder = Folder::with(
        "flows:\n  users: {home: {type: exec, command: [mine], env: {PATH: \"bin:/usr/bin:/bin\"}}, store: data/users/}\n",
    );
    folder.write("bin/mine", "#!/bin/sh\necho it ran >&2; exit 3\n");
    assert!(Command::new("chmod").arg("+x").arg(folder.path("bin/mine")).status().expect("chmod runs").success());
    folder.write("elsewhere/x", "");
    let root = folder.path("");
    let mut command = folder.command(&["-C", &root.display().to_string(), "go"]);
    let ran = command.current_dir(folder.path("elsewhere")).output().expect("starts");
    assert!(
        String::from_utf8_lossy(&ran.stderr).contains("it ran")
            || String::from_utf8_lossy(&ran.stdout).contains("it ran"),
        "{ran:?}"
    );
}

#[test]
fn what_a_program_leaves_running_does_not_hide_its_answer() {
    let leaves = format!("import subprocess; {ANSWER}; sys.stdout.flush(); subprocess.Popen(['sleep', '30'])");
    let folder = store("", &leaves, EVERY_RUN);
    folder.run(&["go"]).exits(0).says(&["2,500 rows"]);
}

#[test]
fn no_secret_is_told_by_halves() {
    let folder = Folder::with(&format!(
        "flows:\n  users:\n    home:\n      type: exec\n      command: [\"{}\", home.py]\n      env: {{KEY: \"${{KEY}}\", LONG: \"${{LONG}}\"}}\n    store: data/users/\n",
        python()
    ));
    // A key of several lines, line by line; words that end where a line is cut; one with a character that is left out.
    let complain = "print(os.environ['KEY'], file=sys.stderr); k, l = os.environ['KEY'].split('\\n')[1], os.environ['LONG']\nfor n in range(360, 420): print('x' * n + k + 'y' * n + l + l + k, file=sys.stderr)\nsys.exit(1)";
    folder.write("home.py", &WRITER.replace("{here}", complain).replace("{after}", ""));
    let wide = format!("{}\u{1}{}", "0123456789".repeat(70), "é".repeat(80));
    let variables = [("KEY", "-----BEGIN KEY-----\nMIIEvgIBADANBgkq\n-----END KEY-----\n"), ("LONG", &wide)];
    let ran = folder.run_with(&variables, &["go", "-v"]).exits(1);
    let log = std::fs::read_dir(folder.path(".hygge/logs")).expect("logs").flatten().next().expect("a log");
    let log = std::fs::read_to_string(log.path()).expect("read");
    assert!(log.contains("${KEY}"), "it was not told at all");
    for text in [&ran.out, &ran.err, &log] {
        for part in ["MII", "01234567", "éé", "BEGIN"] {
            assert!(!text.contains(part), "{part} is told");
        }
    }
}

#[test]
fn the_place_of_a_program_is_told_without_what_variables_hold() {
    let folder = Folder::with(
        "flows:\n  users:\n    home: {type: exec, command: [\"./${WHERE}/home.sh\"]}\n    store: data/users/\n",
    );
    folder.write("opensesame/home.sh", "#!/bin/sh\n");
    let path = folder.path("opensesame/home.sh");
    assert!(Command::new("chmod").arg("+x").arg(path).status().expect("chmod runs").success());
    let ran = folder.run_with(&[("WHERE", "opensesame")], &["check"]).exits(0).says(&["${WHERE}/home.sh"]);
    assert!(!ran.out.contains("opensesame"), "{}", ran.out);
}

#[test]
fn what_variables_hold_makes_no_other_program_and_other_variables_do() {
    let folder = home_with("", "", "    append: every_run\n");
    let text = std::fs::read_to_string(folder.path("hygge.yml")).expect("read");
    folder.write("hygge.yml", &text.replace("home.py]", "home.py, \"${DAY}\"]"));
    folder.run_with(&[("DAY", "monday")], &["go"]).exits(0);
    folder.run_with(&[("DAY", "tuesday")], &["go"]).exits(0).says(&["3,000 rows"]);
    // One program that settles in two places, and twice in one.
    let folder = store("", ANSWER, EVERY_RUN);
    let flow = |name: &str, to: &str| {
        format!(
            "  {name}: {{home: users.csv, store: {{type: exec, command: [\"{}\", store.py], env: {{TO: {to}}}}}, append: every_run}}\n",
            python()
        )
    };
    folder.write("hygge.yml", &format!("flows:\n{}{}", flow("a", "one"), flow("b", "two")));
    folder.run(&["go"]).exits(0).says(&["2 settled"]);
    folder.write("hygge.yml", &format!("flows:\n{}{}", flow("a", "one"), flow("b", "one")));
    folder.run(&["go"]).exits(2);
}

/// A few bytes that stand for gigabytes: a word of a dictionary, shown by many rows.
#[test]
fn folded_rows_are_cut_by_what_they_show() {
    let folder = home("", "");
    let writer = r#"
import sys
import pyarrow as pa
schema = pa.schema([("word", pa.dictionary(pa.int32(), pa.string())), ("view", pa.string_view())])
with pa.ipc.new_stream(sys.stdout.buffer, schema) as stream:
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 400, pa.int32()), pa.array(["x" * 1000000]))
    stream.write_batch(pa.record_batch([words, pa.array(["y"] * 400, pa.string_view())], schema=schema))
"#;
    folder.write("home.py", writer);
    let ran = folder.run(&["go", "--memory", "32MiB", "--log", "json"]).exits(0);
    let told = ran.out.lines().last().expect("a line");
    let told: serde_json::Value = serde_json::from_str(told).expect("JSON");
    let peak = told["memory_bytes"].as_u64().unwrap_or_else(|| panic!("{told}"));
    assert!(peak < 200 << 20, "{peak} bytes");
}

#[test]
fn a_named_home_of_entities_is_previewed_by_the_name_of_one() {
    let folder = Folder::with(&format!(
        "homes:\n  mine: {{type: exec, command: [\"{}\", home.py, \"{{entity}}\"]}}\nflows:\n  f: {{home: mine, store: data/, entities: [users]}}\n",
        python()
    ));
    let after = "open(sys.argv[1], 'w').close()";
    folder.write("home.py", &WRITER.replace("{here}", "").replace("{after}", after).replace("user ", "{sys.argv[1]} "));
    let refused = folder.run(&["preview", "mine"]).exits(2);
    refused.says(&["the command speaks of an entity, and none is named", "--entity NAME"]);
    assert!(!folder.has("{entity}"));
    folder.run(&["preview", "mine", "--entity", "orders", "--limit", "2"]).exits(0).says(&["orders 1"]);
}

#[test]
fn no_secret_of_the_configuration_is_told() {
    let folder = Folder::with(&format!(
        "flows:\n  users:\n    home:\n      type: exec\n      command: [\"{}\", home.py, \"${{WORD}}\"]\n      env: {{PASS: \"${{PASS}}\", PLAIN: words}}\n    store: data/users/\n",
        python()
    ));
    let complain =
        "print('wrong:', sys.argv[1], os.environ['PASS'], os.environ['PLAIN'], file=sys.stderr); sys.exit(1)";
    folder.write("home.py", &WRITER.replace("{here}", complain).replace("{after}", ""));
    let variables = [("WORD", "opensesame"), ("PASS", "hunter2")];
    let ran = folder.run_with(&variables, &["go", "-v"]).exits(1).says(&["wrong: ${WORD} ${PASS} words"]);
    let log = std::fs::read_dir(folder.path(".hygge/logs")).expect("logs").flatten().next().expect("a log");
    let log = std::fs::read_to_string(log.path()).expect("read");
    for text in [&ran.out, &ran.err, &log] {
        assert!(!text.contains("opensesame") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_batch_is_cut_to_fit_or_refused_with_the_memory_that_would_do() {
    // A batch of 1.5 MiB where 2 are taken at most, then one of 6.
    let folder = home("send(10000, 80000)", "");
    folder.run(&["go", "--memory", "16MiB"]).exits(0).says(&["83,000 rows"]);
    let folder = home("send(10000, 300000)", "");
    fails_with(
        &folder,
        &["go", "--memory", "16MiB"],
        &["home.py, batch 3", "does not fit a memory budget of 16 MiB", "smaller batches"],
    );
    folder.run(&["go"]).exits(0).says(&["303,000 rows"]);
}

fn fails_with(folder: &Folder, arguments: &[&str], says: &[&str]) {
    folder.run(arguments).exits(1).says(says);
    assert!(!folder.has("data/users"), "a load that failed is visible");
}

fn taken(folder: &Folder) -> usize {
    std::fs::read_to_string(folder.path("taken")).unwrap_or_default().lines().count()
}

#[test]
fn a_program_that_reads_is_a_store() {
    let folder = store("", ANSWER, EVERY_RUN);
    let plan = folder.run(&["plan"]).exits(0);
    let plan = plan.says(&["at least once; half a load may be seen", "append, all rows, again on every run"]);
    assert!(!folder.has("taken") && !folder.has(".hygge"), "a plan writes nothing");
    let ran = folder.run(&["go"]).exits(0).says(&["2,500 rows"]);
    let told = format!("{}{}{}", plan.out, ran.out, ran.err);
    assert!(!told.contains("receipts will carry"), "none are kept there: {told}");
    assert_eq!(taken(&folder), 2500);
    folder.run(&["go"]).exits(0).says(&["2,500 rows"]);
    assert_eq!(taken(&folder), 5000);
    folder.run(&["status"]).exits(0).says(&["append, 2,500 rows", "no receipts are kept there"]);
    folder.run(&["ls"]).exits(0).says(&["store.py"]);
    folder.run(&["verify"]).exits(1).says(&["keep no receipts, so there is nothing to compare"]);
}

#[test]
fn a_store_that_is_a_program_takes_all_rows_each_time_and_nothing_else() {
    let says_each = [
        ("", "only take rows, and cannot replace", "append: every_run"),
        ("    incremental: true\n", "keep no receipts, so nobody can tell which rows are new", "append: every_run"),
        ("    mode: merge\n    key: id\n", "keep no receipts, so rows cannot be merged there", "append: every_run"),
        ("    append: every_run\n    verify: contents\n", "cannot be read back", "verify: counted"),
    ];
    for (more, says, advice) in says_each {
        let folder = store("", ANSWER, more);
        folder.run(&["go"]).exits(2).says(&[says, advice]);
        assert!(!folder.has("taken"));
    }
    let folder = store("", ANSWER, "      replaces: true\n");
    folder.run(&["plan"]).exits(0).says(&["each load takes the place of the one before"]);
    folder.run(&["go"]).exits(0).says(&["2,500 rows"]);
    let folder = store("", ANSWER, "      replaces: true\n    append: every_run\n");
    folder.run(&["go"]).exits(2).says(&["stores of type exec cannot append", "mode: replace"]);
}

#[test]
fn the_count_of_the_program_must_be_that_of_the_rows() {
    for (after, says) in [
        ("print(json.dumps({'rows': rows - 1}))", "2500 rows were sent, and it says that it took 2499"),
        ("", "answered nothing"),
        ("print('all is well')", "something else than the count of rows"),
        ("print(json.dumps({'rows': 'many'}))", "something else than the count of rows"),
        ("print(json.dumps({'rows': rows})); sys.exit(4)", "ended with exit code 4"),
    ] {
        let folder = store("", after, EVERY_RUN);
        folder.run(&["go"]).exits(1).says(&[says, "rows that it was given before the end may be there"]);
        assert_eq!(taken(&folder), 2500, "and nothing is tried again");
    }
}

#[test]
fn a_store_that_dies_midway_fails_the_load() {
    let folder = store("print('no room', file=sys.stderr); sys.exit(5)", ANSWER, EVERY_RUN);
    folder.run(&["go"]).exits(1).says(&["ended with exit code 5", "no room"]);
    let folder = store("sys.stdin.close(); print('{\"rows\": 0}'); sys.exit(0)", ANSWER, EVERY_RUN);
    folder.run(&["go"]).exits(1);
}

/// A home that fails in the middle must not make a half stream look whole.
#[test]
fn a_store_never_sees_the_end_of_a_stream_that_was_given_up() {
    let folder = store("", ANSWER, EVERY_RUN);
    folder.write("home.py", &WRITER.replace("{here}", "time.sleep(1); sys.exit(1)").replace("{after}", ""));
    let config = std::fs::read_to_string(folder.path("hygge.yml")).expect("read");
    let config = config.replace(
        "{type: csv, path: users.csv, batch_size: 1000}",
        &format!("{{type: exec, command: [\"{}\", home.py]}}", python()),
    );
    folder.write("hygge.yml", &config);
    folder.run(&["go"]).exits(1).says(&["breaks off", "rows that it was given before the end may be there"]);
    assert!(!folder.has("ended"), "it saw an end");
}

#[test]
fn two_runs_do_not_feed_one_program_at_once() {
    let folder = store("open('self', 'w').close(); time.sleep(3)", ANSWER, EVERY_RUN);
    let mut first = folder.command(&["go"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let until = Instant::now() + Duration::from_secs(20);
    while !folder.has("self") {
        assert!(Instant::now() < until, "the program never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    folder.run(&["go"]).exits(1).says(&["another run is settling there"]);
    assert!(first.wait().expect("ended").success());
    assert_eq!(taken(&folder), 2500);
}
