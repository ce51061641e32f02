//! The one error type of the contract: what was found, where, why it matters and what to do next.

use std::fmt;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who may try again after an error, and how much of the work again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same split may be read and written once more (a busy source, a passing I/O fault).
    Split,
    /// Only a whole new run of the flow can help (the source moved on under the scan).
    Run,
    /// Trying again cannot help.
    Never,
}

/// What sort of end an error means for a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Refused before anything was read or written: configuration, a plan that cannot hold, a lock held by another.
    Refused,
    /// Something went wrong while rows moved. Nothing of the load is visible.
    Failed,
    /// The answer to a commit was lost: the load may or may not have settled. The next lock of the place finds out.
    CommitUnknown,
    /// The run was told to stop.
    Cancelled,
    /// A broken promise of our own code.
    Bug,
}

/// Which part of a flow's configuration an advice speaks of, so that whoever prints it can name the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The flow's home.
    Home,
    /// The flow's store.
    Store,
    /// The flow itself.
    Flow,
}

/// The one thing a person can do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Write `line` (`nulls: ["NA"]`) at the options of `part`; the position is added by whoever knows the file.
    Set {
        /// The part of the flow whose options take the line.
        part: Part,
        /// The YAML to paste.
        line: String,
    },
    /// Run the flow once with `--full-drop`; the rest of the sentence says what for. Whoever prints it knows the command.
    Anew(String),
    /// Anything else, as an imperative sentence without a full stop.
    Do(String),
}

/// An error that can be read without knowing the code: `at`, what was found, and one piece of advice.
///
/// Never holds a cell's value or a secret. The chain of causes is kept in [`std::error::Error::source`] and is not
/// repeated by `Display`.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    at: Option<String>,
    found: String,
    advice: Option<Advice>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    fn new(kind: ErrorKind, retry: Retry, found: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, retry, at: None, found: found.into(), advice: None, source: None }))
    }

    /// Refused before anything was read or written.
    pub fn refused(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, Retry::Never, found)
    }

    /// Went wrong while rows moved; trying again cannot help.
    pub fn failed(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, Retry::Never, found)
    }

    /// Went wrong while rows moved; the same split may be tried again.
    pub fn transient(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, Retry::Split, found)
    }

    /// Went wrong in a way that only a new run of the flow can put right (the source changed under the scan).
    pub fn moved_on(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, Retry::Run, found)
    }

    /// The answer to a commit was lost.
    pub fn commit_unknown(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::CommitUnknown, Retry::Run, found)
    }

    /// The run was told to stop; `reason` says by whom.
    pub fn cancelled(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Cancelled, Retry::Never, reason)
    }

    /// A broken promise of our own code.
    pub fn bug(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, Retry::Never, found)
    }

    /// An I/O error on `path`, told in plain words. Disk full, missing permission and a missing file keep their names
    /// and are never retried; interruptions and timeouts may be. One that carries an error of this kind is that error.
    #[must_use]
    pub fn io(doing: &str, path: &std::path::Path, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let error = match error.downcast::<Self>() {
            Ok(own) => return own,
            Err(error) => error,
        };
        let shown = path.display();
        let (found, retry, advice) = match error.kind() {
            Io::NotFound => (format!("cannot {doing} {shown}: there is no such file or folder"), Retry::Never, None),
            Io::PermissionDenied => (
                format!("cannot {doing} {shown}: permission denied"),
                Retry::Never,
                Some(format!("give the user that runs hygge the right to {doing} {shown}")),
            ),
            Io::StorageFull | Io::QuotaExceeded => (
                format!("cannot {doing} {shown}: the disk is full"),
                Retry::Never,
                Some("free some space, then run again: what had settled before is untouched".to_owned()),
            ),
            Io::FileTooLarge => (
                format!("cannot {doing} {shown}: the file would pass the size limit of this process"),
                Retry::Never,
                Some("raise the file size limit (ulimit -f), then run again".to_owned()),
            ),
            Io::ReadOnlyFilesystem => {
                (format!("cannot {doing} {shown}: the file system is read-only"), Retry::Never, None)
            }
            Io::Interrupted | Io::TimedOut | Io::ResourceBusy => {
                (format!("cannot {doing} {shown}: {error}"), Retry::Split, None)
            }
            _ => (format!("cannot {doing} {shown}: {error}"), Retry::Never, None),
        };
        let mut out = Self::new(ErrorKind::Failed, retry, found).because(error);
        if let Some(advice) = advice {
            out = out.next(advice);
        }
        out
    }

    /// Says where it was found: `hygge.yml:12:5`, or `weather.csv.gz, row 16,204, column wind_gust`.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.0.at = Some(place.into());
        self
    }

    /// Advises one thing to do, as an imperative sentence without a full stop.
    #[must_use]
    pub fn next(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(Advice::Do(advice.into()));
        self
    }

    /// Advises a line of YAML to paste into the options of a part of the flow.
    #[must_use]
    pub fn next_set(mut self, part: Part, line: impl Into<String>) -> Self {
        self.0.advice = Some(Advice::Set { part, line: line.into() });
        self
    }

    /// Advises to run the flow once with `--full-drop`; `more` goes on (`to settle everything anew`).
    #[must_use]
    pub fn next_anew(mut self, more: impl Into<String>) -> Self {
        self.0.advice = Some(Advice::Anew(more.into()));
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// Changes who may try again.
    #[must_use]
    pub fn retry_as(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Makes it a refusal: found before anything was read or written.
    #[must_use]
    pub fn as_refusal(mut self) -> Self {
        self.0.kind = ErrorKind::Refused;
        self.0.retry = Retry::Never;
        self
    }

    /// What sort of end this means.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Who may try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Where it was found, when that is known.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.0.at.as_deref()
    }

    /// What was found, without the place.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.0.found
    }

    /// The same without its cause, for where a library between might lose the first.
    #[must_use]
    pub fn without_cause(&self) -> Self {
        let Inner { kind, retry, at, found, advice, source: _ } = &*self.0;
        Self(Box::new(Inner {
            kind: *kind,
            retry: *retry,
            at: at.clone(),
            found: found.clone(),
            advice: advice.clone(),
            source: None,
        }))
    }

    /// The one thing to do next.
    #[must_use]
    pub fn advice(&self) -> Option<&Advice> {
        self.0.advice.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.at {
            Some(at) => write!(f, "{at}: {}", self.0.found),
            None => f.write_str(&self.0.found),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({:?}): {self}", self.0.kind, self.0.retry)?;
        if let Some(advice) = &self.0.advice {
            write!(f, " [{advice:?}]")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, " because {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|e| e.as_ref() as _)
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::bug("the columnar library refused an operation that was thought valid").because(error)
    }
}
