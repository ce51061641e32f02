//! Flows and homes that no file describes: `hygge copy` and `hygge preview URL`.

use hygge_core::{Error, Result};

use super::connection::{sound_url, sqlite_path};
use super::entity::Layer;
use super::flow::{self, Shared};
use super::home::{self, HomePart};
use super::kinds::HomeConfig;
use super::overrides;
use super::part::{Ending, HOME_SIDE, Kind, Names, ending, is_url, written};
use super::problem::{Problem, Problems, first};
use super::resolved::{Entities, Flow, RootOptions};
use super::source::{Pos, Source};
use super::spot::{Spot, Spots};
use super::yaml::{Map, Name, Node, Value};
use crate::files::web::is_web;

/// What `copy` may say beside its home and its store.
#[derive(Clone, Debug, Default)]
pub struct AdHoc {
    /// The table to read, where the home is a database; else (or with `query`) the table to settle in.
    pub table: Option<String>,
    /// A SELECT to read.
    pub query: Option<String>,
    /// `replace` (the default), `append` or `merge`.
    pub mode: Option<String>,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// A condition in the home's SQL.
    pub filter: Option<String>,
    /// The columns to carry; empty means all.
    pub columns: Vec<String>,
    /// Any other option, as `--var` says it: `home.nulls=["NA"]`, `adopt=true`.
    pub vars: Vec<String>,
}

impl Flow {
    /// One flow from two URLs or paths; formats go by the end of a path, and a folder is one of Parquet files.
    ///
    /// Its name is `copy`, and it has one entity without a name. Paths stay as they were given: relative to whatever the
    /// caller takes for the root.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the command line.
    pub fn ad_hoc(home: &str, store: &str, asked: &AdHoc) -> Result<Self> {
        first(read(home, store, asked))
    }
}

impl HomeConfig {
    /// A home from a URL or a path, and where another option of it would be typed; the format goes by its end, and a
    /// folder is one of Parquet files. `vars` set its options, as `home.nulls=["NA"]`.
    ///
    /// # Errors
    /// If it names nothing that can be read.
    pub fn ad_hoc(url: &str, vars: &[String]) -> Result<(Self, Spot)> {
        let mut problems = Problems::default();
        let part = read_home(url, vars, &mut problems);
        let part = part.filter(|_| problems.is_empty()).map(|part| (part.config, part.spot.typed("home.")));
        first(part.ok_or_else(|| problems.into_vec()))
    }
}

fn read_home(url: &str, vars: &[String], problems: &mut Problems) -> Option<HomePart> {
    let (_, home) = problems.keep(place("HOME", url))?;
    let at = home.at.clone();
    let mut node = Node { at, value: Value::Map(Map::default()) };
    put_node(&mut node, "home", home);
    for var in vars {
        overrides::apply(&mut node, var, problems);
    }
    if let Some((name, _)) = node.map().and_then(|map| map.entries.iter().find(|(name, _)| name.text != "home")) {
        problems
            .add(Problem::at(&name.at, "a preview has a home and nothing else").next("write  --var home.KEY=VALUE"));
    }
    let home = node.map().and_then(|map| map.get("home"))?;
    let names = Names::default();
    home::read(&written(&home.at, home, &HOME_SIDE, &names, problems)?, &names, problems)
}

fn argument(shown: &str, text: &str) -> Pos {
    Pos::new(&Source::argument(shown, text), 1, 1, 1)
}

/// A home or a store as a mapping with one key.
fn place(shown: &str, text: &str) -> Result<(Kind, Node), Problem> {
    let at = argument(shown, text);
    if text == "-" {
        let (stream, advice) = match shown {
            "STORE" => ("output", "name a file to write, such as rows.csv; show rows with  hygge preview"),
            _ => ("input", "save what comes in to a file first, and name that: … > rows.csv"),
        };
        let found = format!("- would be standard {stream}, and hygge moves what lies in files and databases");
        return Err(Problem::at(&at, found).next(advice));
    }
    let (key, kind) = if is_url(text) {
        // A URL that is none of a database is told before anything is missed of it.
        sqlite_path(&at, text)?;
        ("connection", Kind::Sql)
    } else {
        match ending(text) {
            Ending::File(kind) => ("path", kind),
            Ending::Folder | Ending::Unknown(_) if is_web(text) => {
                let side = if shown == "STORE" { "store" } else { "home" };
                sound_url(&at, text, side)?;
                return Err(Problem::at(&at, "the end of this URL does not tell of which format the file is")
                    .next("describe the flow in a project (hygge init), with a  type:  for its home"));
            }
            Ending::Folder => ("path", Kind::Parquet),
            Ending::Unknown(extension) => {
                return Err(Problem::at(&at, format!("files that end in .{extension} are of no format that is known")).next(
                    "give a path that ends in .parquet, .arrow, .csv, .csv.gz, .csv.zst, .tsv, .ndjson, .json, .avro, .xlsx, .db or .sqlite, or a folder (of Parquet files) with / at its end",
                ));
            }
        }
    };
    let entry = (Name { text: key.into(), at: at.clone() }, Node::plain(&at, text));
    Ok((kind, Node { at, value: Value::Map(Map { entries: vec![entry] }) }))
}

fn put(node: &mut Node, key: &str, shown: &str, text: &str) {
    let at = argument(shown, text);
    put_node(node, key, Node::plain(&at, text));
}

fn put_node(node: &mut Node, key: &str, value: Node) {
    if let Value::Map(map) = &mut node.value {
        map.entries.push((Name { text: key.to_owned(), at: value.at.clone() }, value));
    }
}

fn list(shown: &str, items: &[String]) -> Node {
    let at = argument(shown, "");
    Node { at: at.clone(), value: Value::List(items.iter().map(|item| Node::plain(&at, item)).collect()) }
}

fn read(home: &str, store: &str, asked: &AdHoc) -> Result<Flow, Vec<Problem>> {
    let (home_kind, mut home) = place("HOME", home).map_err(|problem| vec![problem])?;
    let (store_kind, mut store) = place("STORE", store).map_err(|problem| vec![problem])?;
    let alone = |problem: Problem| Err(vec![problem]);
    let reads_table = home_kind == Kind::Sql && asked.query.is_none();
    if let Some(table) = &asked.table {
        if reads_table {
            put(&mut home, "table", "--table", table);
        } else if store_kind == Kind::Sql {
            put(&mut store, "table", "--table", table);
        } else {
            return alone(
                Problem::at(&argument("--table", table), "neither side has a table that this could name")
                    .next("take it out; a path is all that files need"),
            );
        }
    } else if reads_table {
        return alone(
            Problem::at(&home.at, "this is a whole database, and nothing says which table")
                .next("add  --table NAME  or  --query 'SELECT …'"),
        );
    } else if store_kind == Kind::Sql && asked.query.is_some() {
        return alone(
            Problem::at(&store.at, "this is a whole database, and a query has no name to give the table")
                .next("add  --table NAME"),
        );
    }
    for (key, shown, text) in [("query", "--query", &asked.query), ("where", "--where", &asked.filter)] {
        let Some(text) = text else { continue };
        if home_kind != Kind::Sql {
            return alone(
                Problem::at(&argument(shown, text), "this is SQL, and files know none")
                    .next("take it out, or copy the files into a .db file first"),
            );
        }
        put(&mut home, key, shown, text);
    }
    if !asked.columns.is_empty() {
        put_node(&mut home, "columns", list("--columns", &asked.columns));
    }
    let at = argument("copy", "");
    let one_file = is_one_file(&store);
    let mut node = Node { at: at.clone(), value: Value::Map(Map::default()) };
    put_node(&mut node, "home", home);
    put_node(&mut node, "store", store);
    if let Some(mode) = &asked.mode {
        if let Some(problem) = no_such_mode(mode, store_kind, one_file, asked) {
            return alone(problem);
        }
        put(&mut node, "mode", "--mode", mode);
        if mode == "append" && home_kind == Kind::Sql {
            put(&mut node, "incremental", "--mode", "true");
        }
    }
    if !asked.key.is_empty() {
        put_node(&mut node, "key", list("--key", &asked.key));
    }
    let mut problems = Problems::default();
    for var in &asked.vars {
        overrides::apply(&mut node, var, &mut problems);
    }
    let (names, options, defaults) = (Names::default(), RootOptions::default(), Layer::default());
    let shared = Shared { names: &names, options: &options, defaults: &defaults };
    let name = Name { text: "copy".into(), at };
    let flow = flow::read(&name, &node, false, &shared, &mut problems).flow;
    match flow {
        Some(mut flow) if problems.is_empty() => {
            flow.at = None;
            if let Entities::Listed(entities) = &mut flow.entities {
                for entity in entities {
                    let Spots { home, store, flow, .. } = std::mem::take(&mut entity.spots);
                    let (home, store, flow) = (home.typed("home."), store.typed("store."), flow.typed(""));
                    entity.spots = Spots { home, store, flow, ..Spots::default() };
                }
            }
            Ok(flow)
        }
        _ if problems.is_empty() => Err(vec![Problem::from(Error::bug("a copy was refused without a reason"))]),
        _ => Err(problems.into_vec()),
    }
}

fn is_one_file(store: &Node) -> bool {
    let path = store.map().and_then(|map| map.get("path")).and_then(Node::scalar);
    path.is_some_and(|path| {
        let kinds = [Kind::Parquet, Kind::Csv, Kind::Ndjson, Kind::Json, Kind::Arrow];
        matches!(ending(&path.text), Ending::File(kind) if kinds.contains(&kind))
    })
}

/// What a mode needs, in the words of the command line.
fn no_such_mode(mode: &str, store: Kind, one_file: bool, asked: &AdHoc) -> Option<Problem> {
    let at = argument("--mode", mode);
    match mode {
        "append" if one_file => Some(
            Problem::at(&at, "one file can only be replaced as a whole")
                .next("give a folder as the store, or leave --mode out"),
        ),
        "append" if asked.query.is_some() => Some(
            Problem::at(&at, "a query has no primary key to tell new rows by, and would bring all of them again")
                .next("describe the flow in a project (hygge init), with  watermark:  or  append: every_run"),
        ),
        "merge" if store != Kind::Sql => Some(
            Problem::at(&at, "files cannot be merged").next("give a SQLite file as the store, or use --mode append"),
        ),
        "merge" if asked.key.is_empty() => {
            Some(Problem::at(&at, "a merge needs to know which columns identify a row").next("add  --key id"))
        }
        _ => None,
    }
}
