//! Paths as people write them, and the places they name.

use std::path::{Component, Path, PathBuf};

use hygge_core::place::PlaceId;
use hygge_core::{Error, Part, Result};

/// The resource of every place that is a path.
pub const RESOURCE: &str = "file:";

/// The path that `written` names, from the project's root; `.` and `..` are taken out by name where nothing is there yet.
#[must_use]
pub fn resolve(root: &Path, written: &str) -> PathBuf {
    lexical(&root.join(written))
}

/// A path relative to the root where it lies below it, and whole elsewhere: how files are shown and remembered.
#[must_use]
pub fn relative(root: &Path, path: &Path) -> String {
    let path = lexical(path);
    match path.strip_prefix(lexical(root)) {
        Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Ok(below) => below.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Whether a name is hygge's own: such names are never listed by a home nor accepted as a place.
#[must_use]
pub fn is_private(name: &str) -> bool {
    let sibling = name.strip_prefix('.').and_then(|n| n.strip_suffix(".hygge"));
    name.starts_with("_hygge") || sibling.is_some_and(|n| !n.is_empty())
}

/// Puts the entity's name where the path says `{entity}`.
///
/// # Errors
/// Refused, where the path says `{entity}` and the flow has none, or the name would lead elsewhere.
pub fn fill_entity(written: &str, entity: Option<&str>) -> Result<String> {
    let Some(entity) = entity else {
        if written.contains("{entity}") {
            return Err(Error::refused(format!("the path {written} speaks of an entity, but the flow has none"))
                .next("list the flow's entities:, or take {entity} out of the path"));
        }
        return Ok(written.to_owned());
    };
    let leads_elsewhere = entity.is_empty() || entity.contains(['/', '\\', '\0']) || entity == "." || entity == "..";
    if leads_elsewhere || entity.starts_with('.') || is_private(entity) {
        return Err(Error::refused(format!("the entity {entity:?} cannot be part of a path"))
            .next_set(Part::Home, format!("exclude: [{}]", serde_json::Value::from(globset::escape(entity)))));
    }
    if written.contains("{entity}") {
        Ok(written.replace("{entity}", entity))
    } else {
        Ok(format!("{}/{entity}", written.trim_end_matches('/')))
    }
}

/// The place that a path is: its real path, where the end of it need not exist yet.
///
/// # Errors
/// Refused, if the path leads through a file, a link into nowhere, or a folder of hygge's own; or is no UTF-8.
pub fn place_id(path: &Path, shown: &str) -> Result<PlaceId> {
    let real = real_path(path, shown)?;
    let mut parts = Vec::new();
    for component in real.components() {
        if let Component::Normal(name) = component {
            let name = name.to_str().ok_or_else(|| {
                Error::refused(format!("the path {shown} holds a name that is not UTF-8"))
                    .next("rename the folder, or give another path")
            })?;
            if is_private(name) {
                return Err(Error::refused(format!("{name} is a folder of hygge's own and can be no place"))
                    .at(shown)
                    .next("give another path"));
            }
            parts.push(name.to_owned());
        }
    }
    Ok(PlaceId { resource: RESOURCE.to_owned(), path: parts, shown: shown.to_owned() })
}

/// The real path of a place that [`place_id`] made.
#[must_use]
pub fn path_of(place: &PlaceId) -> PathBuf {
    let mut path = PathBuf::from("/");
    path.extend(&place.path);
    path
}

/// The real path: links followed as far as the path exists, the rest by name.
fn real_path(path: &Path, shown: &str) -> Result<PathBuf> {
    let mut missing = Vec::new();
    let mut head = path.to_path_buf();
    loop {
        match head.canonicalize() {
            Ok(real) => {
                if !missing.is_empty() && real.metadata().is_ok_and(|meta| !meta.is_dir()) {
                    return Err(Error::refused(format!("{} is a file, not a folder", head.display()))
                        .at(shown)
                        .next("give a path below a folder"));
                }
                return Ok(missing.iter().rev().fold(real, |path, name| path.join(name)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                match head.symlink_metadata() {
                    Ok(meta) if meta.is_symlink() => {
                        return Err(Error::refused(format!("{} is a link that leads nowhere", head.display()))
                            .at(shown)
                            .next("mend or remove the link"));
                    }
                    // Another flow has made it this instant.
                    Ok(_) => continue,
                    Err(_) => {}
                }
                let (Some(name), Some(parent)) = (head.file_name(), head.parent()) else {
                    return Err(Error::io("find", path, error).as_refusal());
                };
                missing.push(name.to_owned());
                head = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_path_buf() };
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                return Err(Error::refused("a part of the path is a file, not a folder".to_owned())
                    .at(shown)
                    .next("give a path below a folder"));
            }
            Err(error) => return Err(Error::io("look at", &head, error).as_refusal()),
        }
    }
}

/// Takes `.` and `..` out by name.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    out.push("..");
                }
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_fills_its_mark_or_is_appended() {
        assert_eq!(fill_entity("data/{entity}.csv", Some("users")).expect("fills"), "data/users.csv");
        assert_eq!(fill_entity("data/", Some("users")).expect("appended"), "data/users");
        assert_eq!(fill_entity("data", None).expect("as it is"), "data");
        assert!(fill_entity("data/{entity}", None).is_err());
        for bad in ["..", "a/b", "", ".hidden", "_hygge_places"] {
            assert!(fill_entity("data", Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_names_of_one_folder_are_one_place() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("real")).expect("a folder");
        std::os::unix::fs::symlink(dir.path().join("real"), dir.path().join("link")).expect("a link");
        let a = place_id(&dir.path().join("real/users"), "real/users").expect("a place");
        let b = place_id(&dir.path().join("link/users"), "link/users").expect("a place");
        assert_eq!(a.key(), b.key());
        assert_eq!(path_of(&a), dir.path().canonicalize().expect("real").join("real/users"));
    }

    #[test]
    fn links_into_nowhere_files_on_the_way_and_private_names_are_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(dir.path().join("gone"), dir.path().join("link")).expect("a link");
        let error = place_id(&dir.path().join("link"), "link").expect_err("dangling");
        assert!(error.found().contains("leads nowhere"), "{error}");
        std::fs::write(dir.path().join("file"), "x").expect("a file");
        let error = place_id(&dir.path().join("file/users"), "file/users").expect_err("below a file");
        assert!(error.found().contains("is a file"), "{error}");
        assert!(place_id(&dir.path().join(".users.hygge/staging"), "x").is_err());
    }

    #[test]
    fn what_lies_below_the_root_is_shown_without_it() {
        let root = Path::new("/srv/shop");
        assert_eq!(relative(root, &resolve(root, "./data/../raw/a.csv")), "raw/a.csv");
        assert_eq!(relative(root, Path::new("/var/a.csv")), "/var/a.csv");
        assert_eq!(relative(root, root), ".");
    }

    #[test]
    fn a_folder_that_another_makes_meanwhile_is_no_link() {
        let dir = tempfile::tempdir().expect("a folder");
        let shared = dir.path().join("shop");
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    std::fs::create_dir(&shared).expect("made");
                    std::fs::remove_dir(&shared).expect("removed");
                }
            });
            let mut places = (0..20_000).map(|_| place_id(&shared.join("users"), "shop/users"));
            let wrong = places.find_map(Result::err);
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(wrong.is_none(), "{wrong:?}");
        });
    }
}
