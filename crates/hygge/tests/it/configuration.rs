//! What is said of a configuration that cannot be used.

use crate::folder::{Folder, assert_screen};

const VERBATIM: &str = include_str!("verbatim.yml");

#[test]
fn no_project_anywhere() {
    assert_screen!(Folder::new().run(&["go"]).exits(2).screen());
}

#[test]
fn a_project_that_is_not_there() {
    assert_screen!(Folder::new().run(&["-C", "nowhere", "go"]).exits(2).screen());
    let ran = Folder::new().run_with(&[("HYGGE_PROJECT", "nowhere")], &["go"]).exits(2);
    assert!(ran.err.contains("HYGGE_PROJECT names"), "{}", ran.err);
}

#[test]
fn a_variable_that_is_not_set() {
    assert_screen!(Folder::with(VERBATIM).run(&["plan"]).exits(2).screen());
}

#[test]
fn a_key_that_is_unknown() {
    let folder = Folder::with("flows:\n  users:\n    home: shop.csv\n    store: data/users/\n    incremantal: true\n");
    assert_screen!(folder.run(&["go"]).exits(2).screen());
    assert_eq!(folder.listing(), ["hygge.yml"], "nothing is made for a project that is refused");
}

#[test]
fn flows_in_a_circle() {
    let flow = |name: &str, on: &str| {
        format!("  {name}:\n    home: {name}.csv\n    store: data/{name}/\n    depends_on: {on}\n")
    };
    let text = format!("flows:\n{}{}{}", flow("a", "[b]"), flow("b", "[c]"), flow("c", "[a]"));
    assert_screen!(Folder::with(&text).run(&["go"]).exits(2).screen());
}
