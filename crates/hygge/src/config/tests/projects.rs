//! Projects on disk: where they are looked for, what their files say together, what the command line changes.

use std::fs;

use hygge_core::Part;

use super::*;

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn locate(folder: &tempfile::TempDir) -> Locate {
    Locate { cwd: folder.path().canonicalize().expect("a folder"), environment: environment(), ..Locate::default() }
}

fn load(files: &[(&str, &str)], vars: &[&str]) -> Result<Project, String> {
    let folder = folder(files);
    let vars = vars.iter().map(|&var| var.to_owned()).collect();
    let locate = Locate { vars, ..locate(&folder) };
    Project::load(&locate).map_err(|problems| told(&problems).replace(&locate.cwd.display().to_string(), "CWD"))
}

const ONE: &str = "flows:\n  a: {home: {type: sqlite, path: s.db, table: t}, store: {type: parquet, path: y}}\n";

fn entity<'p>(project: &'p Project, flow: &str) -> &'p Entity {
    match &project.flow(flow).expect("the flow").entities {
        Entities::Listed(entities) => &entities[0],
        Entities::Tables { template, .. } => template,
    }
}

#[test]
fn a_project_is_found_above_in_the_named_folder_or_through_the_environment() {
    let folder = folder(&[("p/hygge.yml", ONE), ("p/deep/er/x", ""), ("other.yml", ONE)]);
    let root = folder.path().canonicalize().expect("a folder");
    let found = |locate: &Locate| Project::load(locate).map(|project| project.file).map_err(|p| told(&p));
    let deep = Locate { cwd: root.join("p/deep/er"), ..locate(&folder) };
    assert_eq!(found(&deep), Ok(root.join("p/hygge.yml")));
    let named = Locate { project: Some("p".into()), ..locate(&folder) };
    assert_eq!(found(&named), Ok(root.join("p/hygge.yml")));
    let up = Locate { project: Some("../..".into()), ..deep.clone() };
    assert_eq!(found(&up), Ok(root.join("p/hygge.yml")));
    let file = Locate { project: Some("other.yml".into()), ..locate(&folder) };
    assert_eq!(found(&file), Ok(root.join("other.yml")));
    let variable = Locate { environment: Environment::of([("HYGGE_PROJECT", "p")]), ..locate(&folder) };
    assert_eq!(found(&variable), Ok(root.join("p/hygge.yml")));
    let wins = Locate { project: Some("other.yml".into()), ..variable };
    assert_eq!(found(&wins), Ok(root.join("other.yml")));
}

#[test]
fn the_folder_of_flows_can_be_said_on_the_command_line() {
    let flow = "home: {type: sqlite, path: s.db, table: t}\nstore: {type: parquet, path: z}\n";
    let files = [("hygge.yml", ONE), ("mine/b/flow.yml", flow)];
    let names = |vars: &[&str]| {
        let project = load(&files, vars)?;
        Ok::<Vec<_>, String>(project.flows.iter().map(|flow| flow.name.clone()).collect())
    };
    assert_eq!(names(&[]).expect("read"), ["a"]);
    assert_eq!(names(&["flows_dir=mine"]).expect("read"), ["a", "b"]);
    let refused = names(&["flows_dir=nowhere"]).expect_err("refused");
    assert!(refused.contains("there is no such file or folder"), "{refused}");
}

#[test]
fn a_project_that_is_nowhere_is_told_with_the_way_out() {
    let folder = folder(&[("empty/x", "")]);
    let cwd = folder.path().canonicalize().expect("a folder");
    let shown = |locate: &Locate| {
        let problems = Project::load(locate).expect_err("there is none");
        told(&problems).replace(&cwd.display().to_string(), "CWD")
    };
    let mut out = shown(&locate(&folder));
    out += &shown(&Locate { project: Some("empty".into()), ..locate(&folder) });
    out += &shown(&Locate { project: Some("nothing".into()), ..locate(&folder) });
    out += &shown(&Locate { environment: Environment::of([("HYGGE_PROJECT", "nope")]), ..locate(&folder) });
    insta::assert_snapshot!("nowhere", out);
}

#[test]
fn positions_are_shown_from_the_current_folder() {
    let bad = "flows:\n  a: {hom: x.csv}\n";
    let folder = folder(&[("p/hygge.yml", bad), ("p/flows/b/flow.yml", "stor: y/\n")]);
    let places = |locate: &Locate| {
        let problems = Project::load(locate).expect_err("broken");
        let places: Vec<_> = problems.iter().map(|p| p.error().place().unwrap_or_default().to_owned()).collect();
        places.join(" ")
    };
    let named = Locate { project: Some("p".into()), ..locate(&folder) };
    assert_eq!(places(&named), "p/hygge.yml:2:7 p/flows/b/flow.yml:1:1");
    let inside = Locate { cwd: locate(&folder).cwd.join("p/flows"), ..locate(&folder) };
    assert_eq!(places(&inside), "hygge.yml:2:7 b/flow.yml:1:1");
}

#[test]
fn folders_of_flows_and_the_single_file_are_one_project() {
    let project = load(
        &[
            (
                "hygge.yml",
                "name: shop\nconnections: {shop: \"${URL}\"}\ndefaults: {retries: 9, verify: contents}\nhomes: {shop: {connection: shop}}\nflows:\n  inline: {home: {connection: shop, table: t}, store: lake/inline}\n",
            ),
            (".env", "# secrets\nexport URL=\"sqlite:///shop.db\"\nDB_CONNECTION=not this one\n"),
            ("flows/shop/flow.yml", "home: shop\nstore: {type: parquet, path: lake}\ndefaults: {incremental: true}\nentities: [first]\ndepends_on: inline\n"),
            ("flows/shop/entities/users.yml", "key: id\nmode: append\nwatermark: updated_at\n"),
            ("flows/shop/entities/orders.yaml", "name: all_orders\nhome: {table: orders}\nmode: replace\nretries: 1\n"),
            ("flows/shop/entities/plain.yml", "# nothing differs\n"),
            ("flows/shop/entities/.hidden.yml", "nonsense\n"),
            ("flows/named/flow.yml", "name: other\nhome: a.csv\nstore: out/a\n"),
            ("flows/.git/flow.yml", "nonsense\n"),
            ("flows/notes/README.md", "no flow here\n"),
        ],
        &[],
    )
    .unwrap_or_else(|told| panic!("{told}"));
    insta::assert_snapshot!("folders", outline(&project));
}

#[test]
fn files_of_a_project_that_do_not_fit_together_are_told() {
    let shown = load(
        &[
            ("hygge.yml", "flows:\n  a: {home: x.csv, store: y/, name: b}\n  b: {home: x.csv, store: z/}\n"),
            ("flows/b/flow.yml", "home: x.csv\nstore: w/\n"),
            ("flows/c/entities/x.yml", "key: id\n"),
            ("flows/d/flow.yml", ""),
            ("flows/e/flow.yml", "home: {type: sqlite, path: s.db}\nstore: v/\n"),
            ("flows/e/entities/x.yml", "kee: id\n"),
            ("flows/e/entities/y.yml", "- id\n"),
            ("flows/e/entities/z.yml", "a: [\n"),
        ],
        &[],
    );
    insta::assert_snapshot!("files_that_do_not_fit", shown.expect_err("broken"));
    let shown = load(&[("hygge.yml", "flows_dir: pipelines\nflows: {a: {home: x.csv, store: y/}}\n")], &[]);
    insta::assert_snapshot!("missing_flows_dir", shown.expect_err("broken"));
}

#[test]
fn an_env_file_wins_over_dot_env_and_its_mistakes_never_show_a_value() {
    let yml = "flows:\n  a: {home: {type: sqlite, path: s.db, table: \"${TABLE}\"}, store: y/}\n";
    let folder =
        folder(&[("hygge.yml", yml), (".env", "TABLE=t"), ("prod.env", "TABLE=p"), ("bad.env", "A=1\nhunter2\n")]);
    let source = |env_file: Option<&str>| {
        let locate = Locate { env_file: env_file.map(Into::into), ..locate(&folder) };
        Project::load(&locate).map(|project| entity(&project, "a").source.clone()).map_err(|problems| told(&problems))
    };
    assert_eq!(source(None), Ok(hygge_core::home::Source::Table("t".into())));
    assert_eq!(source(Some("prod.env")), Ok(hygge_core::home::Source::Table("p".into())));
    let bad = source(Some("bad.env")).expect_err("broken");
    assert!(bad.contains("bad.env:2: this line has no `=`") && !bad.contains("hunter2"), "{bad}");
    assert!(source(Some("none.env")).expect_err("missing").contains("there is no such file"));
}

#[test]
fn the_command_line_wins_over_the_file_wherever_the_option_stands() {
    let yml = "options: {memory: 64MiB}\nhomes:\n  h: {type: sqlite, path: s.db, options: {table: a, batch_size: 5}}\nflows:\n  f:\n    home: h\n    store: {type: parquet, path: y}\n    mode: replace\n  g:\n    home: {type: sqlite, path: s.db}\n    store: z/\n    entities: [u, {name: v, key: id}]\n";
    let project = load(
        &[("hygge.yml", yml)],
        &[
            "options.memory=1GiB",
            "options.retries=0",
            "homes.h.table=b",
            "homes.h.options.path=t.db",
            "homes.h.options.batch_size=6",
            "flows.f.options.mode=append",
            "flows.f.watermark={column: at, lookback: 2h}",
            "flows.f.store.compression=zstd",
            "flows.g.entities.u.key=[a, b]",
            "flows.g.entities.\"v\".incremental=true",
            "name=x=y",
        ],
    )
    .unwrap_or_else(|told| panic!("{told}"));
    insta::assert_snapshot!("overrides", outline(&project));
}

#[test]
fn mistakes_of_the_command_line_are_told_where_they_were_typed() {
    let yml = "homes:\n  users: x.csv\nflows:\n  f:\n    home: users\n    store: y/\n    entities: [a]\n";
    let shown = load(
        &[("hygge.yml", yml)],
        &[
            "nothing",
            "a..b=1",
            "\"a=1",
            "homes.user.path=z.csv",
            "homes.users.path=z.csv",
            "flows.f.entities.b.key=id",
            "flows.f.mode=banana",
            "flows.f.modde=append",
            "home.users=z.csv",
            "options.memory=lots",
            "flows.f.key=[a",
            "flows.f.timeout=${NOT_SET_AT_ALL}",
        ],
    );
    insta::assert_snapshot!("wrong_overrides", shown.expect_err("broken"));
}

#[test]
fn an_advice_names_the_line_to_write_it_at() {
    let yml = "homes:\n  h:\n    type: csv\n    path: x.csv\n    options:\n      separator: tab\n      columns: {a: int}\nflows:\n  f:\n    home: h\n    store: out/y\n  g:\n    home: data/z.csv.gz\n    store:\n      type: parquet\n      path: w\n    options:\n      mode: replace\n";
    let project = load(&[("hygge.yml", yml)], &[]).unwrap_or_else(|told| panic!("{told}"));
    let advice = |flow: &str, part: Part, line: &str| entity(&project, flow).spots.advise(part, line, None);
    assert_eq!(advice("f", Part::Home, "nulls: [\"NA\"]"), "add  nulls: [\"NA\"]  at hygge.yml:6:7");
    assert_eq!(
        advice("f", Part::Home, "columns: {b: double}"),
        "replace  columns:  at hygge.yml:7:7  by  columns: {a: int, b: double}"
    );
    assert_eq!(advice("f", Part::Store, "adopt: true"), "write  store: {path: out/y, adopt: true}  at hygge.yml:11:5");
    assert_eq!(advice("f", Part::Flow, "watermark: at"), "add  watermark: at  at hygge.yml:10:5");
    assert_eq!(
        advice("g", Part::Home, "nulls: [\"NA\"]"),
        "write  home: {path: data/z.csv.gz, nulls: [\"NA\"]}  at hygge.yml:13:5"
    );
    assert_eq!(advice("g", Part::Store, "compression: zstd"), "add  compression: zstd  at hygge.yml:15:7");
    assert_eq!(advice("g", Part::Flow, "missing: ignore"), "add  missing: ignore  at hygge.yml:18:7");
}

#[test]
fn an_advice_can_be_followed_wherever_the_home_is_written() {
    let yml = "homes:\n  raw: data/${BATCH}.csv\n  shop: {type: sqlite, path: shop.db, tables: \"*\"}\n  files:\n    type: csv\n    path: in/{entity}.csv\nstores:\n  out: out/y\nflows:\n  f: {home: raw, store: out}\n  g:\n    home: shop\n    store: z/\n  h:\n    home: files\n    store: w/\n    entities: [users, {name: orders, columns: {amount: int}}]\n  i:\n    home: {type: csv, path: x.csv, columns: {b: int}}\n    store: v/\n    columns: [a, b]\n";
    let project = load(&[("hygge.yml", yml)], &[]).unwrap_or_else(|told| panic!("{told}"));
    let advice = |flow: &str, part: Part, line: &str, name: Option<&str>| {
        let Entities::Listed(entities) = &project.flow(flow).expect("the flow").entities else {
            return entity(&project, flow).spots.advise(part, line, name);
        };
        let entity = entities.iter().find(|entity| entity.name.as_deref() == name).expect("the entity");
        entity.spots.advise(part, line, name)
    };
    // A bare path under `homes:` or `stores:` has its own name as its key.
    assert_eq!(
        advice("f", Part::Home, "nulls: [\"NA\"]", None),
        "write  raw: {path: \"data/${BATCH}.csv\", nulls: [\"NA\"]}  at hygge.yml:2:3"
    );
    assert_eq!(
        advice("f", Part::Store, "adopt: true", None),
        "write  out: {path: out/y, adopt: true}  at hygge.yml:8:3"
    );
    // Between braces a comma parts the keys.
    assert_eq!(advice("f", Part::Flow, "adopt: true  # why", None), "add  adopt: true,  at hygge.yml:10:7");
    // One table of many.
    assert_eq!(
        advice("g", Part::Home, "columns: {fare: text}", Some("trips")),
        "add  columns: {trips.fare: text},  at hygge.yml:3:10"
    );
    // One entity of a list.
    assert_eq!(
        advice("h", Part::Home, "columns: {fare: text}", Some("users")),
        "write  {name: users, columns: {fare: text}}  at hygge.yml:17:16, instead of the name alone"
    );
    assert_eq!(
        advice("h", Part::Home, "columns: {fare: text}", Some("orders")),
        "replace  columns:  at hygge.yml:17:38  by  columns: {amount: int, fare: text}"
    );
    assert_eq!(advice("h", Part::Home, "nulls: [NA]", Some("users")), "add  nulls: [NA]  at hygge.yml:5:5");
    // What the flow says of columns wins over its home.
    assert_eq!(
        advice("i", Part::Home, "columns: {b: text}", None),
        "replace  columns:  at hygge.yml:21:5  by  columns: [a, {b: text}]"
    );
}

#[test]
fn an_env_file_that_is_missing_is_told_with_a_way_out() {
    let folder = folder(&[("hygge.yml", ONE)]);
    let locate = Locate { env_file: Some("nowhere.env".into()), ..locate(&folder) };
    let shown = told(&Project::load(&locate).expect_err("missing"));
    assert!(shown.contains("nowhere.env: there is no such file"), "{shown}");
    assert!(shown.contains("next: give  --env-file  the path of a file that is there"), "{shown}");
}

#[test]
fn a_flow_can_be_made_incremental_from_the_command_line() {
    use hygge_core::flow::Settling;
    let yml = "homes:\n  t: {type: sqlite, path: s.db, table: t}\n  q: {type: sqlite, path: s.db, query: SELECT 1}\nflows:\n  folder: {home: t, store: y/}\n  keyed: {home: t, store: o.db, key: id}\n  files: {home: in/x.csv, store: z/}\n  one: {home: t, store: y.parquet}\n  query: {home: q, store: w/}\n  every: {home: t, store: v/, append: every_run}\n  append: {home: t, store: o.db, key: id, incremental: true, mode: append}\n";
    let project = load(&[("hygge.yml", yml)], &[]).unwrap_or_else(|told| panic!("{told}"));
    let made = |flow: &str| {
        let mut entity = entity(&project, flow).clone();
        entity
            .make_incremental()
            .map(|()| (entity.settling, entity.incremental, entity.every_run, entity.cursor.is_some()))
    };
    assert_eq!(made("folder").expect("fits"), (Settling::Append, true, false, true));
    assert_eq!(made("keyed").expect("fits"), (Settling::Merge, true, false, true));
    assert_eq!(made("files").expect("fits"), (Settling::Append, true, false, false));
    assert_eq!(made("every").expect("fits"), (Settling::Append, true, false, true));
    assert_eq!(made("append").expect("fits"), (Settling::Append, true, false, true));
    assert!(made("one").is_err());
    assert!(made("query").is_err());
}
