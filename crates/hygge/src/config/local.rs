//! `type: local` with `format:`, as the Python project of this name writes it: the same as the format as the type.

use super::part::{Kind, Written};
use super::problem::Problem;
use super::yaml::{Map, Node, Scalar, Value};

/// The same home or store with its format as its type.
pub(crate) fn as_type(written: &Written) -> Result<Written, Problem> {
    let (Some(kind), format) = (find(&written.node, "type"), find(&written.node, "format")) else {
        // A format alone says as much.
        return Ok(with(written, &|name| if name == "format" { Some("type") } else { Some(name) }));
    };
    let of = |node: &Node| node.scalar().and_then(|scalar| Kind::of(&scalar.text));
    let local = kind.scalar().is_some_and(|scalar| scalar.text == "local");
    match format {
        None if !local => Ok(written.clone()),
        None => Ok(with(written, &|name| if name == "type" { None } else { Some(name) })),
        Some(format) if of(format) == Some(Kind::Sql) => {
            Err(Problem::at(&format.at, "a database is no format of files")
                .next("write  type: sqlite  and take `format` out"))
        }
        Some(format) if of(format) == Some(Kind::Exec) => {
            Err(Problem::at(&format.at, "a program is no format of files")
                .next("write  type: exec  and take `format` out"))
        }
        Some(_) if local => Ok(with(written, &|name| match name {
            "type" => None,
            "format" => Some("type"),
            name => Some(name),
        })),
        Some(format) if of(format) == of(kind) => {
            Ok(with(written, &|name| if name == "format" { None } else { Some(name) }))
        }
        Some(format) => {
            let said = |node: &Node| node.scalar().map(Scalar::shown).unwrap_or_default().to_owned();
            Err(Problem::at(
                &format.at,
                format!("`format: {}` disagrees with `type: {}` (at {})", said(format), said(kind), kind.at),
            )
            .next("keep one of the two")
            .also(&kind.at))
        }
    }
}

fn find<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let map = node.map()?;
    map.get(key).or_else(|| map.get("options")?.map()?.get(key))
}

/// The same mapping with other names of keys; none leaves one out.
fn with(written: &Written, rename: &dyn Fn(&str) -> Option<&str>) -> Written {
    let mut node = written.node.clone();
    rename_in(&mut node, rename);
    Written { node, bare: written.bare.clone() }
}

fn rename_in(node: &mut Node, rename: &dyn Fn(&str) -> Option<&str>) {
    let Value::Map(Map { entries }) = &mut node.value else { return };
    entries.retain_mut(|(name, value)| {
        if name.text == "options" {
            rename_in(value, rename);
        }
        match rename(&name.text).map(str::to_owned) {
            Some(new) => name.text = new,
            None => return false,
        }
        true
    });
}
