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
