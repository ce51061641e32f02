//! Flows and homes without a file: `copy` and `preview URL`.

use hygge_core::Advice;

use super::*;

fn flow(home: &str, store: &str, asked: &AdHoc) -> String {
    let shown = mask(home);
    match Flow::ad_hoc(home, store, asked) {
        Ok(flow) => {
            let Entities::Listed(entities) = &flow.entities else { panic!("one entity") };
            let e = &entities[0];
            format!(
                "{shown} → {store}\n  {:?} {:?} columns {:?} where {:?}\n  {:?}\n  {:?} incremental {} cursor {} key {:?}\n",
                e.home,
                e.source,
                e.columns,
                e.filter,
                e.store,
                e.settling,
                e.incremental,
                e.cursor.is_some(),
                e.key
            )
        }
        Err(error) => {
            let Some(Advice::Do(advice)) = error.advice() else { panic!("{error} advises nothing") };
            format!("{shown} → {store}\n  {error}\n  next: {advice}\n")
        }
    }
}

#[test]
fn a_copy_goes_by_urls_paths_and_options() {
    let none = AdHoc::default();
    let table = AdHoc { table: Some("users".into()), ..AdHoc::default() };
    let query = AdHoc { query: Some("SELECT 1 AS a".into()), ..AdHoc::default() };
    let mode = |mode: &str, key: &[&str]| AdHoc {
        mode: Some(mode.into()),
        key: key.iter().map(|&k| k.into()).collect(),
        ..table.clone()
    };
    let outcomes = [
        flow("weather.csv.gz", "shop.db", &none),
        flow("weather.csv.gz", "sqlite:////tmp/shop.db", &AdHoc { table: Some("w".into()), ..none.clone() }),
        flow("sqlite:///shop.db", "out/", &table),
        flow(
            "shop.sqlite",
            "users.parquet",
            &AdHoc { columns: vec!["a".into(), "b".into()], filter: Some("a > 1".into()), ..table.clone() },
        ),
        flow("data", "copies", &none),
        flow("data/*.parquet", "out.csv.zst", &none),
        flow("shop.db", "other.db", &table),
        flow("shop.db", "other.db", &AdHoc { table: Some("t".into()), ..query.clone() }),
        flow("shop.db", "other.db", &mode("merge", &["id"])),
        flow("shop.db", "out/", &mode("append", &[])),
        flow("x.csv", "out/", &AdHoc { mode: Some("append".into()), ..none.clone() }),
        // What cannot be.
        flow("shop.db", "out/", &none),
        flow("shop.db", "other.db", &query),
        flow("x.csv", "out/", &table),
        flow("x.csv", "out/", &query),
        flow("x.csv", "out/", &AdHoc { filter: Some("a > 1".into()), ..none.clone() }),
        flow("x.orc", "out/", &none),
        flow("postgres://ann:hunter2@db/shop", "out/", &table),
        flow("https://ann:hunter2@example.org/x.csv", "out/", &none),
        flow("x.csv", "s3://bucket/out/", &none),
        flow("file:///tmp/x.csv", "out/", &none),
        flow("shop.db", "out.parquet", &mode("append", &[])),
        flow("shop.db", "out/", &mode("merge", &["id"])),
        flow("shop.db", "other.db", &mode("merge", &[])),
        flow("shop.db", "out/", &mode("banana", &[])),
        flow("shop.db", "out/", &AdHoc { mode: Some("append".into()), ..query.clone() }),
        flow("x.csv", "out/*.csv", &none),
    ];
    let shown = outcomes.join("\n");
    assert!(!shown.contains("hunter2"));
    insta::assert_snapshot!("copies", shown);
}

#[test]
fn any_option_can_be_typed_for_a_copy_and_an_advice_says_how() {
    let asked = AdHoc {
        columns: vec!["id".into(), "fare".into()],
        vars: vec!["home.nulls=[NA]".into(), "store.compression=zstd".into(), "adopt=true".into()],
        ..AdHoc::default()
    };
    let flow = Flow::ad_hoc("trips.csv", "out/", &asked).expect("a copy");
    let Entities::Listed(entities) = &flow.entities else { panic!("one entity") };
    let entity = &entities[0];
    assert!(entity.adopt);
    assert!(matches!(&entity.store, StoreConfig::Parquet(store) if store.codec == ParquetCodec::Zstd(3)));
    assert!(matches!(&entity.home, HomeConfig::Csv(home) if home.nulls == ["NA"]));
    let advice = |part, line: &str| entity.spots.advise(part, line, None);
    assert_eq!(
        advice(hygge_core::Part::Home, "columns: {fare: text}"),
        "add  --var 'home.columns=[id, {fare: text}]'",
        "what --columns chose stays chosen"
    );
    assert_eq!(advice(hygge_core::Part::Flow, "timeout: 2h"), "add  --var 'timeout=2h'");
    let wrong = AdHoc { vars: vec!["home.nulsl=NA".into()], ..AdHoc::default() };
    let error = Flow::ad_hoc("trips.csv", "out/", &wrong).expect_err("misspelt");
    assert!(format!("{error:?}").contains("write `nulls`"), "{error:?}");
}

#[test]
fn a_home_of_the_command_line_goes_by_its_end() {
    let kind = |url: &str| HomeConfig::ad_hoc(url, &[]).map(|(home, _)| format!("{} {}", home.kind(), home.path()));
    assert_eq!(kind("sqlite:///shop.db").expect("a home"), "sqlite shop.db");
    assert_eq!(kind("shop.db").expect("a home"), "sqlite shop.db");
    assert_eq!(kind("/abs/x.csv.gz").expect("a home"), "csv /abs/x.csv.gz");
    assert_eq!(kind("data").expect("a home"), "parquet data");
    let vars = ["home.nulls=[NA]".to_owned(), "home.separator=;".to_owned()];
    let (home, spot) = HomeConfig::ad_hoc("x.csv", &vars).expect("a home");
    assert!(matches!(&home, HomeConfig::Csv(csv) if csv.nulls == ["NA"] && csv.separator == b';'), "{home:?}");
    assert_eq!(spot.advise("nulls: [\"-\"]"), "add  --var 'home.nulls=[NA, \"-\"]'");
    assert!(HomeConfig::ad_hoc("x.csv", &["mode=append".into()]).is_err());
    assert!(HomeConfig::ad_hoc("x.csv", &["home.nulsl=NA".into()]).is_err_and(|e| format!("{e:?}").contains("nulls")));
    assert!(kind("x.orc").is_err());
    assert!(kind("mysql://ann:hunter2@db/shop").is_err_and(|error| !format!("{error:?}").contains("hunter2")));
}
