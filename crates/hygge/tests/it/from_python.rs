//! A project in the layout of the older Python hygge runs as it is; what differs on purpose is told.

use crate::folder::Folder;

const ROOT: &str = "\
name: cozy
flows_dir: pipelines

connections:
  shop: sqlite:///${SHOP_DB:-data/shop.db}

options:
  concurrency: 4
  continue_on_error: false
  log_level: INFO
";

/// Files in folders, entities in files of their own, a name appended to the path of the folder.
const LAKE: &str = "\
name: \"users_to_lake\"
home:
  type: \"parquet\"
  path: \"data/source\"
store:
  type: \"parquet\"
  path: \"data/${LAKE:-lake}\"
  options:
    compression: snappy
run_type: full_drop
defaults:
  batch_size: 10000
";

/// Tables, with entities in the flow: a text and a mapping.
const SHOP: &str = "\
home:
  type: sqlite
  connection: shop
store:
  type: parquet
  path: data/shop/{entity}
run_type: incremental
watermark:
  primary_key: id
  watermark_column: updated_at
entities:
  - customers
  - name: products
    run_type: full_drop
    store:
      options: {compression: zstd}
";

/// Two paths, which mean Parquet.
const EVENTS: &str = "home: data/events\nstore: data/settled/events\n";

const TO_SQLITE: &str = "\
home:
  type: parquet
  path: data/events
store:
  type: sqlite
  path: data/out.db
  table: events
depends_on: events
";

fn project() -> Folder {
    let folder = Folder::with(ROOT);
    folder.write("pipelines/users_to_lake/flow.yml", LAKE);
    folder.write("pipelines/users_to_lake/entities/users.yml", "name: users\ncolumns:\n  - id\n  - name\n");
    folder.write("pipelines/users_to_lake/entities/orders.yml", "name: orders\nrun_type: full_drop\n");
    folder.write("pipelines/shop/flow.yml", SHOP);
    folder.write("pipelines/events/flow.yml", EVENTS);
    folder.write("pipelines/to_sqlite/flow.yml", TO_SQLITE);
    folder.write("rows.csv", "id,name,more\n1,Ada,x\n2,Bo,y\n");
    for place in ["data/source/users/1.parquet", "data/source/orders/1.parquet", "data/events/1.parquet"] {
        folder.run(&["copy", "rows.csv", place]).exits(0);
    }
    folder.sqlite(
        "data/shop.db",
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, updated_at TIMESTAMP);
         INSERT INTO customers VALUES (1, '2024-01-01 00:00:00'), (2, '2024-01-02 00:00:00');
         CREATE TABLE products (id INTEGER PRIMARY KEY, updated_at TIMESTAMP);
         INSERT INTO products VALUES (1, '2024-01-01 00:00:00');",
    );
    folder
}

#[test]
fn a_project_of_the_python_hygge_runs_as_it_is() {
    let folder = project();
    let below = folder.path("pipelines/shop");
    let output = folder.command(&["go"]).current_dir(below).output().expect("the tool starts");
    let ran = folder.ran(&["go"], &output).exits(0);
    let _ = ran.says(&[
        "events 2 rows data/events → data/settled/events",
        "shop/customers 2 rows data/shop.db → data/shop/customers",
        "incremental to 2024-01-02",
        "shop/products 1 row",
        "users_to_lake/orders 2 rows data/source/orders → data/lake/orders",
        "users_to_lake/users 2 rows data/source/users → data/lake/users",
        "to_sqlite 2 rows data/events → data/out.db:events",
        "6 settled.",
    ]);
    let users = folder.run(&["preview", "data/lake/users"]).exits(0).out;
    assert!(users.contains("name") && !users.contains("more"), "the columns that were chosen: {users}");
    assert_eq!(folder.asked("data/out.db", "SELECT count(*) FROM events"), "2\n");

    // Only what is new where the flow says so, everything anew where it says that.
    folder.sqlite(
        "data/shop.db",
        "INSERT INTO customers VALUES (3, '2024-01-03 00:00:00'); INSERT INTO products VALUES (2, '2024-01-03 00:00:00');",
    );
    folder.run(&["go", "--flow", "shop"]).exits(0).says(&["shop/customers 1 row", "shop/products 2 rows"]);
    folder.run(&["verify"]).exits(0).says(&["6 proved"]);
}

#[test]
fn flows_and_entities_are_chosen_by_the_names_that_they_had() {
    let folder = project();
    let plan = |typed: &[&str]| folder.run(&[&["plan"], typed].concat()).exits(0).out;
    let one = plan(&["--flow", "users_to_lake_orders"]);
    assert!(one.contains("users_to_lake/orders") && one.contains("1 to run"), "{one}");
    let two = plan(&["--flow", "events,users_to_lake_users"]);
    assert!(two.contains("events") && two.contains("users_to_lake/users") && two.contains("2 to run"), "{two}");
    let entity = plan(&["--entity", "shop.customers,users_to_lake.users"]);
    assert!(entity.contains("shop/customers") && entity.contains("2 to run"), "{entity}");
    let within = plan(&["--flow", "shop", "--entity", "shop.products"]);
    assert!(within.contains("shop/products") && within.contains("1 to run"), "{within}");
    folder.run(&["plan", "--entity", "shop.nope"]).exits(2).says(&["the flow shop has no entity nope"]);
    folder.run(&["plan", "--flow", "shop_nope"]).exits(2).says(&["there is no flow shop_nope"]);
}

#[test]
fn the_command_line_and_the_environment_win_over_the_files() {
    let folder = project();
    let lake = folder.run_with(&[("LAKE", "swamp")], &["go", "--flow", "users_to_lake"]).exits(0);
    let _ = lake.says(&["data/swamp/orders"]);
    folder.run(&["go", "--flow", "shop"]).exits(0);
    folder.run(&["go", "--flow", "shop", "--full-drop"]).exits(0).says(&["shop/customers 2 rows", "replace"]);
    let more = ["go", "--flow", "events", "--var", "flows.events.store=data/elsewhere"];
    folder.run(&more).exits(0).says(&["data/events → data/elsewhere"]);
}

#[test]
fn what_has_no_like_here_is_told_with_what_to_do() {
    let folder = project();
    folder.write(
        "pipelines/events/flow.yml",
        "home: data/events\nfull_drop: true\njournal: {path: x}\nqueue_size: 10\ntimeout: 300\n\
         store:\n  type: parquet\n  path: data/settled/events\n  if_exists: append\n  file_pattern: x\n  polish: {columns: {case: snake}}\n",
    );
    folder.write("pipelines/shop/flow.yml", "home: {type: mssql, connection: shop}\nstore: {type: open_mirroring}\n");
    folder.write(
        "hygge.yml",
        "flows_dir: pipelines\njournal: {}\nconnections:\n  shop: {type: mssql, server: s, database: d, pool_size: 8}\n",
    );
    folder.run(&["plan"]).exits(2).says(&[
        "hygge.yml:2:1: `journal` is not needed: what has settled is kept with the rows",
        "hygge.yml:4:9: connections of type `mssql` come later",
        "flow.yml:2:1: `full_drop` is nothing that a flow knows",
        "next: write run_type: full_drop or run_type: incremental",
        "flow.yml:3:1: `journal` is not needed",
        "flow.yml:4:1: `queue_size` is nothing that a flow knows",
        "next: write it with its unit: 300s if these are seconds, or m, h, d",
        "next: take it out, and write mode: append or mode: replace in the flow",
        "next: take it out; the names of files carry the run and never repeat",
        "flow.yml:11:3: `polish` comes later",
        "a home of type `mssql` comes later",
        "a store of type `open_mirroring` comes later",
    ]);
    assert!(!folder.has("data/settled") && !folder.has(".hygge/journal.db"), "nothing was written");
}
