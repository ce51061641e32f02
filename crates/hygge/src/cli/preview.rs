//! `hygge preview`: the first rows of a home, a flow, a file or a URL.

use std::fmt::Write as _;

use std::path::PathBuf;
use std::sync::Arc;

use hygge_core::context::{Context, SplitContext};
use hygge_core::coordinator::expand;
use hygge_core::event::Silent;
use hygge_core::flow::EntitySpec;
use hygge_core::home::{Home, Opened, ReadRequest, Source};
use hygge_core::receipt::Owner;
use hygge_core::{Advice, Error, Part, Result};

use super::args::{Ask, Everywhere, Preview, Select};
use super::session::{self, Session};
use super::stop::Stop;
use crate::config::{HomeConfig, Locate, Project, Spot};
use crate::project::{self, Overrides};
use crate::report;
use crate::report::advisor::Advisor;
use crate::report::table::Table;
use crate::report::words::{entity_option, rows};

/// A home, and what of it.
struct Asked {
    root: PathBuf,
    home: Arc<dyn Home>,
    source: Source,
    columns: Option<Vec<String>>,
    filter: Option<String>,
    written: Written,
}

/// Where the home's options are written.
enum Written {
    Home(Spot),
    Flow(Arc<Advisor>, Owner),
}

impl Written {
    /// An error of the home, with the place to write what it advises.
    fn told(&self, error: Error) -> Error {
        let advice = match (self, error.advice()) {
            (Self::Home(spot), Some(Advice::Set { part: Part::Home, line })) => Some(spot.advise(line)),
            (Self::Home(_), _) => None,
            (Self::Flow(advisor, owner), _) => advisor.advise(owner, &error),
        };
        match advice {
            Some(advice) => error.next(advice),
            None => error,
        }
    }
}

pub(super) fn run(everywhere: &Everywhere, typed: &Preview) -> Result<u8, Stop> {
    let asked = asked(everywhere, typed)?;
    let ctx = session::context(&asked.root, 512 << 20, 1, Arc::new(Silent), None)?;
    let table = first_rows(&ctx, &asked, typed.limit).map_err(|error| asked.written.told(error))?;
    let mut text = table.shown(report::width());
    if table.is_empty() {
        text.push_str("There are no rows.\n");
    } else if everywhere.verbose {
        let _ = writeln!(text, "{} of {}", rows(table.len() as u64), asked.home.shown(&asked.source));
    }
    report::out(&text);
    Ok(0)
}

fn asked(everywhere: &Everywhere, typed: &Preview) -> Result<Asked, Stop> {
    let locate = session::locate(everywhere)?;
    if session::is_place(&typed.what, &locate)? {
        if is_entity(&typed.what, &locate) {
            return of_flow(everywhere, typed);
        }
        return Ok(of_url(&locate, typed, &everywhere.vars)?);
    }
    let project = Project::load(&locate)?;
    if project.flow(&typed.what).is_some() {
        return of_flow(everywhere, typed);
    }
    if let Some(named) = project.home(&typed.what) {
        let entity = typed.entity.as_deref();
        let named_source = match (&named.source, entity) {
            (Some(Source::Whole { .. }), Some(_)) => Some(Source::Whole { entity: typed.entity.clone() }),
            (named, _) => named.clone(),
        };
        let source = source(&typed.ask, &named.home, named_source)?;
        return Ok(Asked {
            home: project::home(&project.root, &named.home, entity)?,
            source,
            columns: chosen(&typed.ask).or_else(|| named.columns.clone()),
            filter: typed.ask.filter.clone().or_else(|| named.filter.clone()),
            written: Written::Home(named.spot.clone()),
            root: project.root,
        });
    }
    if locate.cwd.join(&typed.what).exists() {
        return Ok(of_url(&locate, typed, &everywhere.vars)?);
    }
    let flows = project.flows.iter().map(|flow| flow.name.as_str());
    let names: Vec<&str> = project.homes.iter().map(|home| home.name.as_str()).chain(flows).take(12).collect();
    let error = Error::refused(format!("{} is no home, no flow and no path", typed.what));
    Err(Stop::Error(if names.is_empty() {
        error.next("name a file, a folder or a URL")
    } else {
        error.next(format!("choose from: {}; or name a file, a folder or a URL", names.join(", ")))
    }))
}

/// Whether it is `flow/entity` of a project, and no path to anything that is there.
fn is_entity(what: &str, locate: &Locate) -> bool {
    let Some((flow, _)) = what.split_once('/') else { return false };
    !locate.cwd.join(what).exists() && Project::load(locate).is_ok_and(|project| project.flow(flow).is_some())
}

fn of_url(locate: &Locate, typed: &Preview, vars: &[String]) -> Result<Asked> {
    let (config, spot) = HomeConfig::ad_hoc(&typed.what, vars)?;
    let root = locate.cwd.clone();
    Ok(Asked {
        home: project::home(&root, &config, None)?,
        source: source(&typed.ask, &config, None)?,
        columns: chosen(&typed.ask),
        filter: typed.ask.filter.clone(),
        root,
        written: Written::Home(spot),
    })
}

fn of_flow(everywhere: &Everywhere, typed: &Preview) -> Result<Asked, Stop> {
    let entities = typed.entity.clone().into_iter().collect();
    let select = Select { flows: vec![typed.what.clone()], entities, ..Select::default() };
    let session = Session::open(everywhere, &select, Overrides::default())?;
    let ctx = session.looking()?;
    let mut entities = Vec::new();
    for flow in &session.flows {
        entities.extend(expand(&ctx, flow)?);
    }
    let spec: EntitySpec = match <[EntitySpec; 1]>::try_from(entities) {
        Ok([spec]) => spec,
        Err(many) => {
            let names: Vec<&str> = many.iter().filter_map(|spec| spec.owner.entity.as_deref()).take(12).collect();
            return Err(Stop::Error(
                Error::refused(format!("{} has {} entities", typed.what, many.len()))
                    .next(format!("choose one, as in  {}", entity_option(names.first().unwrap_or(&"NAME")))),
            ));
        }
    };
    let source = match (&typed.ask.table, &typed.ask.query) {
        (Some(table), _) => Source::Table(table.clone()),
        (_, Some(query)) => Source::Query(query.clone()),
        _ => spec.source,
    };
    Ok(Asked {
        root: session.project.root,
        home: spec.home,
        source,
        columns: chosen(&typed.ask).or(spec.columns),
        filter: typed.ask.filter.clone().or(spec.filter),
        written: Written::Flow(session.advisor, spec.owner),
    })
}

fn chosen(ask: &Ask) -> Option<Vec<String>> {
    (!ask.columns.is_empty()).then(|| ask.columns.clone())
}

/// What of a home is meant.
fn source(ask: &Ask, home: &HomeConfig, named: Option<Source>) -> Result<Source> {
    let is_database = matches!(home, HomeConfig::Sqlite(_));
    match (&ask.table, &ask.query, named) {
        (Some(_), ..) | (_, Some(_), _) if !is_database => {
            Err(Error::refused("--table and --query are for databases, and these are files").next("take them out"))
        }
        (Some(table), ..) => Ok(Source::Table(table.clone())),
        (_, Some(query), _) => Ok(Source::Query(query.clone())),
        (None, None, Some(source)) => Ok(source),
        (None, None, None) if is_database => {
            Err(Error::refused("this is a whole database, and nothing says which table")
                .next("add  --table NAME  or  --query 'SELECT …'"))
        }
        (None, None, None) => Ok(Source::Whole { entity: None }),
    }
}

fn first_rows(ctx: &Context, asked: &Asked, limit: usize) -> Result<Table> {
    let mut request = ReadRequest::all(asked.source.clone());
    request.columns.clone_from(&asked.columns);
    request.filter.clone_from(&asked.filter);
    let Opened::Scan(scan) = asked.home.open(ctx, &request)? else {
        return Err(Error::bug("a home called itself unchanged though nothing was shown to it"));
    };
    let mut table = Table::new(&scan.schema());
    for split in scan.splits() {
        if table.len() >= limit {
            break;
        }
        let ctx = SplitContext {
            run: ctx.clone(),
            share: ctx.budget.share(&ctx.cancel)?,
            attempt: 1,
            batch_rows: limit.clamp(1, 65_536),
            bytes_read: Arc::default(),
        };
        let mut stream = scan.read(split, &ctx)?;
        while table.len() < limit {
            let Some(batch) = stream.next()? else { break };
            table.add(&batch.rows, limit)?;
        }
    }
    Ok(table)
}
