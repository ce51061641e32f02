//! `hygge copy`: one table from here to there, with or without a project.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use hygge_core::coordinator::RunOptions;
use hygge_core::flow::Verify;
use hygge_core::home::Source;
use hygge_core::{Error, Result};

use super::args::{Copy, CopyMode, Everywhere, LogFormat};
use super::go::Run;
use super::session;
use super::stop::Stop;
use crate::config::{AdHoc, Entities, Flow, HomeConfig, NamedHome, Project, StoreConfig};
use crate::project::{self, Overrides};

/// The project that copies belong to, so that a second copy into the same place is known by the first one's receipt.
const OWNER: &str = "copy";

pub(super) fn run(everywhere: &Everywhere, typed: &Copy) -> Result<u8, Stop> {
    let began = Instant::now();
    let (root, mut flow) = flow(everywhere, typed)?;
    flow.name = name(&flow);
    let flows = [flow];
    let specs = project::build(&root, OWNER, &flows, Overrides { full: typed.full_drop, ..Overrides::default() })?;
    let advisor = Arc::new(project::advisor(&flows).of_copies());
    let run = Run {
        unnamed: None,
        root,
        memory: session::memory(typed.memory.as_deref(), 512 << 20)?,
        options: RunOptions { concurrency: 1, fail_fast: false },
        verbosity: session::verbosity(everywhere),
        json: typed.log == LogFormat::Json,
        keeping: None,
        began,
    };
    Ok(run.go(&specs, &advisor)?)
}

/// The root that paths are relative to, and the flow.
fn flow(everywhere: &Everywhere, typed: &Copy) -> Result<(PathBuf, Flow), Stop> {
    let locate = session::locate(everywhere)?;
    let mut asked = AdHoc {
        table: typed.ask.table.clone(),
        query: typed.ask.query.clone(),
        mode: Some(mode(typed.mode).to_owned()),
        key: typed.key.clone(),
        filter: typed.ask.filter.clone(),
        columns: typed.ask.columns.clone(),
        vars: Vec::new(),
    };
    let named = if session::is_place(&typed.home, &locate)? {
        None
    } else {
        let project = Project::load(&locate)?;
        // What is called as no home is may be a file or a folder.
        if project.home(&typed.home).is_none() && !locate.cwd.join(&typed.home).exists() {
            return Err(Stop::Error(
                Error::refused(format!("{} is no path, and no home of the project {}", typed.home, project.name))
                    .next("name a file, a folder or a URL, or a home of the project (hygge ls)"),
            ));
        }
        project.home(&typed.home).cloned().map(|named| (project.root, named))
    };
    let (root, mut flow) = if let Some((root, named)) = named {
        let flow = of_named(&named, &typed.store, &mut asked, &root, &locate.cwd)?;
        (root, flow)
    } else {
        asked.vars.clone_from(&everywhere.vars);
        (locate.cwd.clone(), Flow::ad_hoc(&typed.home, &typed.store, &asked)?)
    };
    if let Entities::Listed(entities) = &mut flow.entities {
        for entity in entities {
            if typed.prove {
                entity.verify = Verify::Contents;
            }
            // What is merged may come again: a copy reads all of its home, and changed files too.
            if typed.mode == CopyMode::Merge {
                entity.incremental = false;
                entity.cursor = None;
            }
        }
    }
    Ok((root, flow))
}

fn mode(mode: CopyMode) -> &'static str {
    match mode {
        CopyMode::Replace => "replace",
        CopyMode::Append => "append",
        CopyMode::Merge => "merge",
    }
}

/// A copy from a home of the project, to a place that was typed from the current folder.
fn of_named(named: &NamedHome, store: &str, asked: &mut AdHoc, root: &Path, cwd: &Path) -> Result<Flow> {
    let is_database = matches!(named.home, HomeConfig::Sqlite(_));
    let own_source = asked.table.is_none() && asked.query.is_none();
    let stands_for = if is_database {
        match (&named.source, own_source) {
            (Some(Source::Table(table)), true) => asked.table = Some(table.clone()),
            (Some(Source::Query(query)), true) => asked.query = Some(query.clone()),
            _ => {}
        }
        "sqlite:///home.db"
    } else {
        "home.parquet"
    };
    let mut flow = Flow::ad_hoc(stands_for, store, asked)?;
    if let Entities::Listed(entities) = &mut flow.entities {
        for entity in entities {
            entity.home = named.home.clone();
            entity.spots = entity.spots.clone().with_home(&named.spot);
            if entity.columns.is_none() {
                entity.columns.clone_from(&named.columns);
            }
            if entity.filter.is_none() {
                entity.filter.clone_from(&named.filter);
            }
            if root != cwd {
                let path = match &mut entity.store {
                    StoreConfig::Parquet(store) => &mut store.path,
                    StoreConfig::Csv(store) => &mut store.path,
                    StoreConfig::Json(store) => &mut store.path,
                    StoreConfig::Arrow(store) => &mut store.path,
                    StoreConfig::Sqlite(store) => &mut store.path,
                    StoreConfig::Exec(_) | StoreConfig::Custom(_) => continue,
                };
                *path = cwd.join(path.as_str()).display().to_string();
            }
        }
    }
    Ok(flow)
}

/// The flow's name: that of its place, so that screens and receipts name what a person knows.
fn name(flow: &Flow) -> String {
    let Entities::Listed(entities) = &flow.entities else { return OWNER.to_owned() };
    let Some(entity) = entities.first() else { return OWNER.to_owned() };
    if let StoreConfig::Sqlite(store) = &entity.store
        && let Some(table) = &store.table
    {
        return table.clone();
    }
    let path = Path::new(entity.store.path());
    let last = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = last.split('.').next().unwrap_or_default();
    if stem.is_empty() { OWNER.to_owned() } else { stem.to_owned() }
}
