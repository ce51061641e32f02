//! What can be typed. What it means is decided by each command.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::extend::Registry;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Begin here:
  hygge init shop && cd shop      a project that runs at once
  hygge plan                      what would happen; writes nothing
  hygge go                        do it
  hygge copy users.csv users.parquet   one table, no project

Exit codes: 0 settled or up to date · 1 a flow failed or was skipped · 2 refused before anything started · 70 our bug · 130 interrupted";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "hygge",
    version,
    about = "Moves tables from where they live to where they settle, exactly once, and says so.",
    after_help = EXAMPLES,
    styles = STYLES,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true
)]
pub(crate) struct LowArgs {
    #[command(flatten)]
    pub(crate) everywhere: Everywhere,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Everywhere {
    #[arg(
        short = 'C',
        long,
        value_name = "DIR|FILE",
        global = true,
        help = "The project: its folder, or its hygge.yml [default: $HYGGE_PROJECT, or the nearest hygge.yml upwards]"
    )]
    pub(crate) project: Option<PathBuf>,
    /// Read variables from this file instead of .env beside hygge.yml
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) env_file: Option<PathBuf>,
    /// Set one value of the configuration, as in `flows.users.mode=append`; of copy and preview, as in `home.nulls=["NA"]`
    #[arg(long = "var", value_name = "PATH=VALUE", global = true)]
    pub(crate) vars: Vec<String>,
    /// Tell more: plans, splits, retries, notes
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Tell only errors and the last line
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Types of homes and stores beside hygge's own; nobody types them.
    #[arg(skip)]
    pub(crate) registry: Arc<Registry>,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new project that runs at once
    #[command(after_help = "Example:\n  hygge init shop && hygge -C shop go")]
    Init(Init),
    /// Run flows: carry what is new, or all, as the project says
    #[command(visible_alias = "run", after_help = GO_EXAMPLES)]
    Go(Go),
    /// Show what go would do; writes nothing
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Plan),
    /// Check the configuration, and that every home and store answers
    #[command(visible_alias = "debug", after_help = "Example:\n  hygge check flights")]
    Check(Select),
    /// List the flows
    Ls(Select),
    /// Tell how flows stand: when they settled, how far they have read
    #[command(after_help = "Examples:\n  hygge status\n  hygge status flights      with its last runs")]
    Status(Select),
    /// Show the first rows of a home, a flow, a file or a URL
    #[command(after_help = PREVIEW_EXAMPLES)]
    Preview(Preview),
    /// Copy one table from here to there, with or without a project
    #[command(after_help = COPY_EXAMPLES)]
    Copy(Copy),
    /// Read homes and stores whole and compare them with the receipts
    #[command(after_help = "Example:\n  hygge verify flights")]
    Verify(Select),
    /// Clear away what dead runs left behind
    Sweep(Select),
    /// Print the JSON Schema of hygge.yml, for editors
    #[command(after_help = "Example:\n  hygge schema > hygge.schema.json")]
    Schema,
}

impl Command {
    /// Whether what it does is told in lines of JSON.
    pub(crate) fn is_told_in_json(&self) -> bool {
        match self {
            Self::Go(go) => go.log == LogFormat::Json && !go.dry_run,
            Self::Copy(copy) => copy.log == LogFormat::Json,
            _ => false,
        }
    }
}

const GO_EXAMPLES: &str = "\
Examples:
  hygge go                        every flow, in order
  hygge go users orders           these two
  hygge go 'sales_*'              all whose names match
  hygge go +report                report, and all it depends on
  hygge go users --full-drop      settle everything anew
  hygge go shop --entity users    one table of a flow with many";

const PLAN_EXAMPLES: &str = "\
Examples:
  hygge plan
  hygge plan users -v             with every split
  hygge plan users --full-drop    what settling anew would do";

const PREVIEW_EXAMPLES: &str = "\
Examples:
  hygge preview users                                 a home or a flow of the project
  hygge preview weather.csv.gz --limit 3
  hygge preview sqlite:///shop.db --table users --where 'id > 100'";

const COPY_EXAMPLES: &str = "\
Examples:
  hygge copy users.csv users.parquet
  hygge copy sqlite:///shop.db data/users --table users
  hygge copy 'logs/*.csv' sqlite:///logs.db --table logs --mode append";

/// `hygge init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The new project's folder; made if it is not there, refused if it is not empty
    pub(crate) name: PathBuf,
}

/// Which flows.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Select {
    /// Flows by name or pattern ('sales_*'); +NAME brings along all it depends on [default: all]
    #[arg(value_name = "FLOW")]
    pub(crate) flows: Vec<String>,
    /// The same, as an option; several with commas between them
    #[arg(long = "flow", value_name = "FLOW", value_delimiter = ',')]
    pub(crate) more_flows: Vec<String>,
    /// Only these entities (tables) of the flows; `FLOW.NAME` means one of one flow
    #[arg(long = "entity", value_name = "NAME", value_delimiter = ',')]
    pub(crate) entities: Vec<String>,
}

/// `hygge plan`.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) select: Select,
    /// Show what settling everything anew would do
    #[arg(long, visible_alias = "full-refresh")]
    pub(crate) full_drop: bool,
}

/// `hygge go`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
pub(crate) struct Go {
    #[command(flatten)]
    pub(crate) select: Select,
    /// Carry only what is new, whatever the file says
    #[arg(long, conflicts_with = "full_drop")]
    pub(crate) incremental: bool,
    /// Settle everything anew, whatever the receipts say
    #[arg(long, visible_alias = "full-refresh")]
    pub(crate) full_drop: bool,
    /// Run flows though their homes are unchanged
    #[arg(long)]
    pub(crate) force: bool,
    /// How many flows run at once [default: options.concurrency, or the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) concurrency: Option<u32>,
    /// The memory that all flows share, as in 512MiB [default: options.memory, or 512MiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// Show what would be done; the same as plan
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Begin nothing new once a flow has failed
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// How the run tells what it does
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log: LogFormat,
}

/// How a run tells what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, on standard output
    Json,
}

/// `hygge preview`.
#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// A home or a flow of the project, a path, or a URL
    #[arg(value_name = "HOME|FLOW|URL")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) ask: Ask,
    /// Which entity of a flow or a home
    #[arg(long, value_name = "NAME")]
    pub(crate) entity: Option<String>,
    /// How many rows
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
}

/// What is asked of a home on the command line.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Ask {
    /// The table of a database
    #[arg(long, value_name = "NAME", conflicts_with = "query")]
    pub(crate) table: Option<String>,
    /// A query in the database's own language
    #[arg(long, value_name = "SQL")]
    pub(crate) query: Option<String>,
    /// Only these columns, in this order
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Only rows for which this holds, in the home's own language
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) filter: Option<String>,
}

/// `hygge copy`.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// Where rows are: a path, a pattern, a URL, or a home of the project
    pub(crate) home: String,
    /// Where they are to settle: a path or a URL; the format goes by the extension, a folder is Parquet
    pub(crate) store: String,
    #[command(flatten)]
    pub(crate) ask: Ask,
    /// How rows join those that are there
    #[arg(long, value_enum, default_value_t = CopyMode::Replace)]
    pub(crate) mode: CopyMode,
    /// The columns that identify a row, for merge
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', required_if_eq("mode", "merge"))]
    pub(crate) key: Vec<String>,
    /// Settle everything anew, whatever the receipt says
    #[arg(long, visible_alias = "full-refresh", conflicts_with = "mode")]
    pub(crate) full_drop: bool,
    /// Read the copy back before it becomes visible
    #[arg(long)]
    pub(crate) prove: bool,
    /// The memory to use, as in 512MiB
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// How the run tells what it does
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log: LogFormat,
}

/// How copied rows join those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CopyMode {
    /// They take the place of all rows
    Replace,
    /// They are added
    Append,
    /// They are inserted, or updated by key
    Merge,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::LowArgs::command().debug_assert();
    }
}
