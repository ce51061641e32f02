//! A new project runs at once.

use crate::folder::{Folder, assert_screen};

#[test]
fn a_new_project_says_what_comes_next() {
    let folder = Folder::new();
    assert_screen!(folder.run(&["init", "shop"]).exits(0).screen());
    assert_eq!(
        folder.listing(),
        ["shop", "shop/.gitignore", "shop/hygge.yml", "shop/samples", "shop/samples/orders.csv"]
    );
    let ignored = std::fs::read_to_string(folder.path("shop/.gitignore")).expect("there");
    assert!(ignored.lines().any(|l| l == ".hygge/") && ignored.lines().any(|l| l == ".env"));
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let folder = Folder::new();
    folder.write("shop/precious.txt", "x");
    assert_screen!(folder.run(&["init", "shop"]).exits(2).screen());
    assert_eq!(folder.listing(), ["shop", "shop/precious.txt"]);
    folder.write("file", "x");
    folder.run(&["init", "file"]).exits(2);
}

#[test]
fn it_runs_and_the_second_time_there_is_nothing_to_do() {
    let folder = Folder::new();
    folder.run(&["init", "shop"]).exits(0);
    assert_screen!(folder.run(&["-C", "shop", "plan"]).exits(0).screen());
    assert!(!folder.has("shop/.hygge") && !folder.has("shop/shop.db"), "a plan writes nothing: {:?}", folder.listing());
    assert_screen!(folder.run(&["-C", "shop", "go"]).exits(0).screen());
    assert_screen!(folder.run(&["-C", "shop", "go"]).exits(0).screen());
    assert_screen!(folder.run(&["-C", "shop", "status"]).exits(0).screen());
    assert_screen!(folder.run(&["-C", "shop", "verify"]).exits(0).screen());
    assert_screen!(folder.run(&["-C", "shop", "check"]).exits(0).screen());
    assert_screen!(folder.run(&["-C", "shop", "ls"]).exits(0).screen());
    assert_screen!(folder.run(&["-C", "shop", "preview", "orders"]).exits(0).screen());
    assert_screen!(folder.run(&["-C", "shop", "sweep"]).exits(0).screen());
}
