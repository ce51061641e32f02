//! `hygge init`: a project that runs at once.

use std::path::Path;

use hygge_core::shell::argument;
use hygge_core::{Error, Result};

use super::args::Init;
use super::stop::Stop;
use crate::report;

const CONFIG: &str = include_str!("init/hygge.yml");
const ORDERS: &str = include_str!("init/orders.csv");
const GITIGNORE: &str =
    "# What hygge keeps for itself, what it writes, and what is secret.\n.hygge/\n.*.hygge/\n.env\ndata/\nshop.db*\n";

pub(super) fn run(typed: &Init) -> Result<u8, Stop> {
    let folder = &typed.name;
    prepare(folder)?;
    let name = name(folder)?;
    write(&folder.join("hygge.yml"), &CONFIG.replace("{name}", &name))?;
    write(&folder.join("samples").join("orders.csv"), ORDERS)?;
    write(&folder.join(".gitignore"), GITIGNORE)?;
    let shown = folder.display();
    let typed = argument(&shown.to_string());
    report::out(&format!(
        "\
{} {shown}
  hygge.yml            two flows, with comments
  samples/orders.csv   twelve orders to begin with
  .gitignore           keeps .hygge/ and .env out of git

Next:
  cd {typed}
  hygge plan      what would happen
  hygge go        do it; a second time moves nothing
  hygge preview orders
",
        report::style::tick()
    ));
    Ok(0)
}

/// Makes the folder, or takes an empty one.
fn prepare(folder: &Path) -> Result<()> {
    let refuse = |found: String| Err(Error::refused(found).next("choose another name, or an empty folder"));
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => refuse(format!("{} is not empty, and nothing in it shall be overwritten", folder.display())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(folder).map_err(|e| no_folder("make", folder, e))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            refuse(format!("{} is a file", folder.display()))
        }
        Err(error) => Err(no_folder("read", folder, error)),
    }
}

/// The project's name: that of its folder, as far as a name can hold it.
fn name(folder: &Path) -> Result<String> {
    let real = folder.canonicalize().map_err(|e| no_folder("read", folder, e))?;
    let last = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kept: String = last.chars().map(|c| if c.is_alphanumeric() || "_-".contains(c) { c } else { '_' }).collect();
    Ok(if kept.is_empty() { "shop".to_owned() } else { kept })
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| no_folder("make", folder, e))?;
    }
    std::fs::write(path, text).map_err(|e| no_folder("write", path, e))
}

/// Why there can be no project there, and that another folder may do.
fn no_folder(doing: &str, path: &Path, error: std::io::Error) -> Error {
    let error = Error::io(doing, path, error).as_refusal();
    match error.advice() {
        Some(_) => error,
        None => error.next("choose a folder that this user can make and write"),
    }
}
