//! Finding a project, reading its files, and joining them into one tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygge_core::{Error, Result};

use super::environment::{Environment, expand};
use super::problem::{Problem, Problems};
use super::resolved::Project;
use super::root::{Layout, resolve};
use super::source::{Pos, Source};
use super::yaml::{Map, Name, Node, Value, parse};
use crate::extend::Registry;

/// The most bytes of a configuration file; what is larger is something else.
const MOST_BYTES: u64 = 4 << 20;

/// The file that makes a folder a project.
const FILE: &str = "hygge.yml";

/// Where to look for a project, and what the command line changes in it.
#[derive(Clone, Debug, Default)]
pub struct Locate {
    /// `-C`: a folder that holds a hygge.yml, or the file itself. Wins over `HYGGE_PROJECT`.
    pub project: Option<PathBuf>,
    /// The folder that the search begins in and that shown paths are relative to.
    pub cwd: PathBuf,
    /// `--env-file`: read instead of `.env` beside the hygge.yml.
    pub env_file: Option<PathBuf>,
    /// `--var path=value`, each wins over the file.
    pub vars: Vec<String>,
    /// Types of homes and stores beside hygge's own.
    pub registry: Arc<Registry>,
    /// The variables of the process.
    pub environment: Environment,
}

impl Locate {
    /// Looks from the current folder, with the variables of this process.
    ///
    /// # Errors
    /// If there is no current folder.
    pub fn here() -> Result<Self> {
        let cwd =
            std::env::current_dir().map_err(|e| Error::io("find", Path::new("the current folder"), e).as_refusal())?;
        Ok(Self { cwd, environment: Environment::of_process(), ..Self::default() })
    }

    /// The hygge.yml: that of `-C`, of `HYGGE_PROJECT`, or the nearest one at or above the current folder.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(&self) -> Result<PathBuf> {
        let given = self.project.clone().map(|path| (path, "-C"));
        let variable = || {
            let value = self.environment.get("HYGGE_PROJECT").filter(|value| !value.is_empty())?;
            Some((PathBuf::from(value), "HYGGE_PROJECT"))
        };
        if let Some((path, said_by)) = given.or_else(variable) {
            let path = self.cwd.join(path);
            let refuse = |found: String| {
                Err(Error::refused(format!("{said_by} names {}, and {found}", path.display()))
                    .next("name a folder with a hygge.yml, or the file itself"))
            };
            return match std::fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => match in_folder(&path) {
                    Some(file) => Ok(file),
                    None => refuse(format!("there is no {FILE} in it")),
                },
                Ok(_) => Ok(path),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    refuse("there is no such file or folder".into())
                }
                Err(error) => Err(Error::io("read", &path, error).as_refusal()),
            };
        }
        self.cwd.ancestors().find_map(in_folder).ok_or_else(|| {
            Error::refused(format!("there is no {FILE} in {} or in any folder above it", self.cwd.display()))
                .next("make a project with  hygge init NAME, or name one with  -C FOLDER")
        })
    }

    /// A path as messages show it: relative to the current folder where it lies below it, else to the root.
    fn shown(&self, path: &Path, root: &Path) -> String {
        path.strip_prefix(&self.cwd).or_else(|_| path.strip_prefix(root)).unwrap_or(path).display().to_string()
    }
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    [FILE, "hygge.yaml"].iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

impl Project {
    /// Finds the project, reads all of its files, and works out what they mean.
    ///
    /// # Errors
    /// Every problem that was found, in the order of the files.
    pub fn load(locate: &Locate) -> Result<Self, Vec<Problem>> {
        let alone = |error: Error| vec![Problem::from(error)];
        let file = locate.find().map_err(alone)?;
        let root = file.parent().map_or_else(|| locate.cwd.clone(), Path::to_path_buf);
        let mut problems = Problems::default();
        let mut environment = locate.environment.clone();
        let env_file = locate.env_file.as_ref().map(|path| locate.cwd.join(path));
        let default = root.join(".env");
        if let Some(path) = env_file.or_else(|| default.is_file().then_some(default)) {
            let added = environment.add_file(&path).map_err(|error| match error.advice() {
                None => error.next(
                    "give  --env-file  the path of a file that is there, or leave it out to read .env beside hygge.yml",
                ),
                Some(_) => error,
            });
            problems.keep(added.map_err(Problem::from));
        }
        let files = Files { locate, root: &root };
        let Some(source) = problems.keep(files.read(&file)) else { return Err(problems.into_vec()) };
        let mut node = parse(&source, &mut problems);
        if node.is_none() {
            if problems.is_empty() {
                problems.add(empty(&source));
            }
            return Err(problems.into_vec());
        }
        let mut layout = Layout::default();
        if let Some(node) = &mut node {
            // It says which files there are to read; what is wrong with it is told with the others.
            for var in locate.vars.iter().filter(|var| var.starts_with("flows_dir=")) {
                super::overrides::apply(node, var, &mut Problems::default());
            }
            files.join_folders(node, &mut layout, &environment, &mut problems);
        }
        let project = node.map(|node| finish(node, &layout, locate, &environment, &mut problems));
        match project {
            Some(project) if problems.is_empty() => {
                // Without links and dots, so that one place has one name; as it is where that cannot be told.
                let root = root.canonicalize().unwrap_or(root);
                let file = file.file_name().map_or_else(|| file.clone(), |name| root.join(name));
                let folder =
                    || root.file_name().map_or_else(|| "hygge".to_owned(), |n| n.to_string_lossy().into_owned());
                let is_named = !project.name.is_empty();
                let name = if is_named { project.name } else { folder() };
                Ok(Self { root, file, name, is_named, ..project })
            }
            _ => Err(problems.into_vec()),
        }
    }

    /// Reads one text as a hygge.yml, without looking at any file; paths stay relative to an empty root.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn from_text(
        shown: &str,
        bytes: &[u8],
        vars: &[String],
        environment: &Environment,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let Some(source) = problems.keep(text(shown, bytes.to_vec())) else { return Err(problems.into_vec()) };
        let Some(node) = parse(&source, &mut problems) else {
            if problems.is_empty() {
                problems.add(empty(&source));
            }
            return Err(problems.into_vec());
        };
        let project = finish(
            node,
            &Layout::default(),
            &Locate { vars: vars.to_vec(), ..Locate::default() },
            environment,
            &mut problems,
        );
        if problems.is_empty() { Ok(project) } else { Err(problems.into_vec()) }
    }
}

fn finish(
    mut node: Node,
    layout: &Layout,
    locate: &Locate,
    environment: &Environment,
    problems: &mut Problems,
) -> Project {
    for var in &locate.vars {
        super::overrides::apply(&mut node, var, problems);
    }
    expand(&mut node, environment, problems);
    resolve(&node, layout, &locate.registry, problems)
}

fn empty(source: &Arc<Source>) -> Problem {
    Problem::at(&Pos::new(source, 1, 1, 1), "this file is empty")
        .next("describe a flow in it: the guide's first page has one to copy, and  hygge init NAME  writes one")
}

/// The text of a file, or why it is none.
fn text(shown: &str, mut bytes: Vec<u8>) -> Result<Arc<Source>, Problem> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::file(shown, text)),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let at = Pos::new(&Source::file(shown, ""), line, column, 1);
            Err(Problem::at(&at, "this byte is not UTF-8 text").next("save the file as UTF-8"))
        }
    }
}

struct Files<'l> {
    locate: &'l Locate,
    root: &'l Path,
}

impl Files<'_> {
    fn read(&self, path: &Path) -> Result<Arc<Source>, Problem> {
        let io = |error| Problem::from(Error::io("read", path, error));
        let size = std::fs::metadata(path).map_err(io)?.len();
        let shown = self.locate.shown(path, self.root);
        if size > MOST_BYTES {
            return Err(Problem::somewhere(format!("{shown} has {size} bytes, and no configuration is that long"))
                .next("check that this is the right file"));
        }
        text(&shown, std::fs::read(path).map_err(io)?)
    }

    /// Adds the flows of `flows/<flow>/flow.yml` to those of the root.
    fn join_folders(&self, root: &mut Node, layout: &mut Layout, environment: &Environment, problems: &mut Problems) {
        let Value::Map(map) = &mut root.value else { return };
        let said = map.get("flows_dir").cloned();
        let folder = match &said {
            None => "flows".to_owned(),
            Some(node) => {
                // The one value that is needed before the files are all there; what is wrong with it is told later.
                let mut node = node.clone();
                expand(&mut node, environment, &mut Problems::default());
                match node.scalar() {
                    Some(scalar) if !scalar.is_null() && !scalar.lost => scalar.text.clone(),
                    _ => return,
                }
            }
        };
        let folder = self.root.join(folder);
        let entries = match folders(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                if let Some(node) = said {
                    let error = Error::io("read", &folder, error);
                    problems.add(Problem::at(&node.at, error.found()).next("make the folder, or mend `flows_dir`"));
                }
                return;
            }
        };
        for path in entries {
            let Some(file) = either(&path, "flow") else {
                if path.join("entities").is_dir() {
                    let shown = self.locate.shown(&path, self.root);
                    problems.add(
                        Problem::somewhere(format!("{shown} has entities and no flow.yml"))
                            .next(format!("describe the flow in {shown}/flow.yml")),
                    );
                }
                continue;
            };
            let Some((name, node)) = self.flow_folder(&path, &file, problems) else { continue };
            if map.get("flows").is_none_or(Node::is_null) {
                map.entries.retain(|(name, _)| name.text != "flows");
                let key = Name { text: "flows".into(), at: name.at.clone() };
                map.entries.push((key, Node { at: name.at.clone(), value: Value::Map(Map::default()) }));
            }
            let flows = map.entries.iter_mut().find(|(name, _)| name.text == "flows").map(|(_, node)| &mut node.value);
            let Some(Value::Map(flows)) = flows else { return };
            if let Some((first, _)) = flows.entry(&name.text) {
                problems.add(
                    Problem::at(
                        &name.at,
                        format!("the flow `{}` is described twice, first at {}", name.text, first.at),
                    )
                    .next("keep one of the two, or give one another name")
                    .also(&first.at),
                );
                continue;
            }
            layout.in_files.insert(name.text.clone());
            flows.entries.push((name, node));
        }
    }

    fn flow_folder(&self, folder: &Path, file: &Path, problems: &mut Problems) -> Option<(Name, Node)> {
        let source = problems.keep(self.read(file))?;
        let before = problems.told();
        let Some(mut node) = parse(&source, problems) else {
            if problems.told() == before {
                problems.add(empty(&source));
            }
            return None;
        };
        let own = node.map().and_then(|map| map.get("name"));
        let name = match own.and_then(|node| Some((node.scalar()?, &node.at))) {
            Some((scalar, at)) if !scalar.is_null() => Name { text: scalar.text.clone(), at: at.clone() },
            _ => Name { text: file_name(folder), at: Pos::new(&source, 1, 1, 1) },
        };
        let mut files = match std::fs::read_dir(folder.join("entities")) {
            Ok(entries) => entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.extension().is_some_and(|end| end == "yml" || end == "yaml"))
                .filter(|path| !file_name(path).starts_with('.'))
                .collect(),
            Err(_) => Vec::new(),
        };
        files.sort();
        for path in files {
            self.entity_file(&path, &mut node, problems);
        }
        Some((name, node))
    }

    fn entity_file(&self, path: &Path, flow: &mut Node, problems: &mut Problems) {
        let Some(source) = problems.keep(self.read(path)) else { return };
        let before = problems.told();
        let at = Pos::new(&source, 1, 1, 1);
        let mut node = match parse(&source, problems) {
            Some(node) => node,
            // An entity that changes nothing needs no words: its file's name is its name.
            None if problems.told() == before => Node { at: at.clone(), value: Value::Map(Map::default()) },
            None => return,
        };
        let Value::Map(entity) = &mut node.value else {
            problems.add(
                Problem::at(&node.at, format!("an entity is written as a mapping, and this is {}", node.kind()))
                    .next("write  key: value  lines"),
            );
            return;
        };
        if entity.get("name").is_none() {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            entity.entries.push((Name { text: "name".into(), at: at.clone() }, Node::plain(&at, stem)));
        }
        let Value::Map(flow) = &mut flow.value else { return };
        if flow.get("entities").is_none_or(Node::is_null) {
            flow.entries.retain(|(name, _)| name.text != "entities");
            let key = Name { text: "entities".into(), at: at.clone() };
            flow.entries.push((key, Node { at, value: Value::List(Vec::new()) }));
        }
        let list = flow.entries.iter_mut().find(|(name, _)| name.text == "entities").map(|(_, node)| &mut node.value);
        // What is no list is told by whoever reads the flow.
        if let Some(Value::List(items)) = list {
            items.push(node);
        }
    }
}

/// The folders in a folder, by name, without hidden ones.
fn folders(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !file_name(&path).starts_with('.') {
            out.push(path);
        }
    }
    out.sort();
    Ok(out)
}

fn either(folder: &Path, stem: &str) -> Option<PathBuf> {
    ["yml", "yaml"].iter().map(|end| folder.join(format!("{stem}.{end}"))).find(|path| path.is_file())
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
