//! One request and its answer. It is made on a thread of its own, so that whoever waits for it can be told to stop.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hygge_core::context::Cancellation;
use hygge_core::{Error, Part, Result};
use ureq::http::header::{self, HeaderName, HeaderValue};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::Header;
use super::address::Address;
use super::answer::Head;
use super::proxy;
use super::tries::{Limits, Trouble};
use crate::files::codec::Codec;

/// How many bytes come at once; four such pieces are held at most.
const PIECE: usize = 128 << 10;

/// How often whoever waits looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// So many redirects are followed.
const REDIRECTS: usize = 10;

/// A file's URL, and how it is asked for.
pub(super) struct Site {
    address: Address,
    shown: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For http and for https, made when they are needed.
    agents: [OnceLock<Agent>; 2],
    pub(super) limits: Limits,
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask {
    /// The first and the last byte.
    pub(super) range: Option<(u64, u64)>,
    /// The version that a part must be of; else all of the file is to come.
    pub(super) if_range: Option<String>,
}

/// What comes of an answer behind its head.
pub(super) enum Came {
    Bytes(Vec<u8>),
    /// The answer is over, as the protocol counts it.
    Over,
    /// It broke off.
    Broken(String),
}

enum Sent {
    Head(Result<Head, Trouble>),
    Came(Came),
}

/// An answer on its way.
pub(super) struct Call {
    pub(super) head: Head,
    from: Receiver<Sent>,
    cancel: Cancellation,
}

impl Call {
    /// What comes next.
    ///
    /// # Errors
    /// If the run is told to stop.
    pub(super) fn next(&self) -> Result<Came> {
        match wait(&self.from, &self.cancel)? {
            Some(Sent::Came(came)) => Ok(came),
            Some(Sent::Head(_)) | None => Ok(Came::Broken("the connection broke off".to_owned())),
        }
    }
}

fn wait(from: &Receiver<Sent>, cancel: &Cancellation) -> Result<Option<Sent>> {
    loop {
        match from.recv_timeout(LOOK) {
            Ok(sent) => return Ok(Some(sent)),
            Err(RecvTimeoutError::Timeout) => cancel.check()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}

/// The certificates that this machine trusts, or those that come with hygge where it has none.
fn roots() -> RootCerts {
    static ROOTS: OnceLock<RootCerts> = OnceLock::new();
    let find = || {
        let found = rustls_native_certs::load_native_certs().certs;
        if found.is_empty() {
            return RootCerts::WebPki;
        }
        let certificates = found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        RootCerts::Specific(Arc::new(certificates))
    };
    ROOTS.get_or_init(find).clone()
}

impl Site {
    /// # Errors
    /// Refused, if a header cannot be sent.
    pub(super) fn new(address: Address, headers: &[Header], limits: Limits) -> Result<Self> {
        let headers = headers.iter().map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok();
            let value = HeaderValue::from_str(&header.value).ok();
            name.zip(value).ok_or_else(|| {
                Error::refused("a header has a character that no request can carry")
                    .next("look at  headers:  for line ends and blanks in names and values")
            })
        });
        let shown = address.shown();
        Ok(Self { headers: headers.collect::<Result<_>>()?, agents: Default::default(), address, shown, limits })
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whoever asks servers of a scheme: each has a proxy of its own.
    fn agent(&self, scheme: &str) -> Result<&Agent> {
        let place = &self.agents[usize::from(scheme == "https")];
        if let Some(agent) = place.get() {
            return Ok(agent);
        }
        let limits = self.limits;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_recv_response(Some(limits.idle))
            .timeout_per_read(Some(limits.idle))
            .timeout_per_write(Some(limits.idle))
            .user_agent(concat!("hygge/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .proxy(proxy::from_env(scheme).map_err(|error| error.at(&self.shown))?)
            .build();
        Ok(place.get_or_init(|| config.into()))
    }

    /// Asks, and waits for the head of the answer.
    pub(super) fn call(self: &Arc<Self>, ask: Ask, cancel: &Cancellation) -> Result<Call, Trouble> {
        cancel.check()?;
        let (into, from) = sync_channel(2);
        let site = Arc::clone(self);
        let thread = std::thread::Builder::new().name("web".to_owned()).spawn(move || site.pump(&ask, &into));
        if let Err(error) = thread {
            return Err(Trouble::passing(format!("no thread could be begun ({error})")));
        }
        match wait(&from, cancel)? {
            Some(Sent::Head(head)) => Ok(Call { head: head?, from, cancel: cancel.clone() }),
            Some(Sent::Came(_)) | None => Err(Trouble::passing("the connection broke off")),
        }
    }

    /// Hands on what comes until it is over, or nobody wants more of it.
    fn pump(&self, ask: &Ask, into: &SyncSender<Sent>) {
        let (head, body) = match self.request(ask) {
            Ok(answer) => answer,
            Err(trouble) => {
                let _ = into.send(Sent::Head(Err(trouble)));
                return;
            }
        };
        if into.send(Sent::Head(Ok(head))).is_err() {
            return;
        }
        let mut body = body.into_reader();
        loop {
            let mut piece = vec![0; PIECE];
            let came = match body.read(&mut piece) {
                Ok(0) => Came::Over,
                Ok(n) => {
                    piece.truncate(n);
                    Came::Bytes(piece)
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => Came::Broken(broke(&error)),
            };
            let goes_on = matches!(came, Came::Bytes(_));
            if into.send(Sent::Came(came)).is_err() || !goes_on {
                return;
            }
        }
    }

    fn request(&self, ask: &Ask) -> Result<(Head, Body), Trouble> {
        let mut address = self.address.clone();
        for _ in 0..=REDIRECTS {
            let mut request = self.agent(address.scheme())?.get(address.uri.clone());
            if address.same_origin(&self.address) {
                if let Some(login) = &self.address.login {
                    request = request.header(header::AUTHORIZATION, login);
                }
                for (name, value) in &self.headers {
                    request = request.header(name, value);
                }
            }
            if let Some((begin, last)) = ask.range {
                request = request.header(header::RANGE, format!("bytes={begin}-{last}"));
            }
            if let Some(version) = &ask.if_range {
                request = request.header(header::IF_RANGE, version);
            }
            let answer = request.call().map_err(|error| self.unanswered(&error))?;
            let (parts, body) = answer.into_parts();
            let status = parts.status.as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return self.judge(Head::of(status, parts.version, &parts.headers)).map(|head| (head, body));
            }
            let to = parts.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
            let to =
                to.ok_or_else(|| self.refuses(format!("the server answers {status} and does not say where to go")))?;
            let next = address.join(to)?;
            if address.scheme() == "https" && next.scheme() != "https" {
                let found = "the server leads from https to http, where anyone on the way could change the rows";
                return Err(self.refuses(found).into());
            }
            address = next;
        }
        Err(self.refuses(format!("the server leads on and on: {REDIRECTS} redirects were followed")).into())
    }

    fn refuses(&self, found: impl Into<String>) -> Error {
        Error::failed(found)
            .at(&self.shown)
            .next("open the URL in a browser or with curl -L, and give the one it ends at")
    }

    /// Which answers are to be read.
    fn judge(&self, head: Head) -> Result<Head, Trouble> {
        let failed = |found: String| Error::failed(found).at(&self.shown);
        let status = head.status;
        match status {
            200 | 206 => {
                if let Some(wrapped) = &head.wrapped {
                    let found = format!("the end of the server's answer cannot be told (Transfer-Encoding: {wrapped})");
                    let next = "fetch the file with curl, and give its path";
                    return Err(Error::refused(found).at(&self.shown).next(next).into());
                }
                let named = Codec::of(&self.address.name());
                match &head.packed {
                    // Some servers say so of files that are packed and are called so.
                    Some(packed) if !(named == Codec::Gzip && matches!(packed.as_str(), "gzip" | "x-gzip")) => Err(
                        failed(format!("the server packs the file on its way ({packed}), though it is asked not to"))
                            .next("fetch the file with curl --compressed, and give its path")
                            .into(),
                    ),
                    _ => Ok(head),
                }
            }
            412 | 416 => Ok(head),
            408 | 425 | 429 | 500 | 502 | 503 | 504 => {
                let (found, after) = (format!("the server answers {status}"), head.retry_after);
                Err(Trouble::Passing { found, after, crowded: status == 429 || after.is_some() })
            }
            401 | 407 if self.headers.is_empty() && self.address.login.is_none() => {
                Err(failed(format!("the server wants to know who asks ({status})"))
                    .next_set(Part::Home, "headers: {Authorization: \"Bearer ${TOKEN}\"}")
                    .into())
            }
            401 | 403 | 407 => Err(failed(format!("the server does not let this user have the file ({status})"))
                .next("check the headers: or the user and password of the URL, and what they may read")
                .into()),
            404 | 410 => Err(failed(format!("there is no such file on the server ({status})"))
                .next("check the URL: small and large letters count")
                .into()),
            _ => Err(failed(format!("the server answers {status}, which is no file"))
                .next("open the URL in a browser or with curl -L, and give the one it ends at")
                .into()),
        }
    }

    /// Why there was no answer at all.
    fn unanswered(&self, error: &ureq::Error) -> Trouble {
        let text = error.to_string();
        let failed = |found: String, next: &str| Trouble::Final(Error::failed(found).at(&self.shown).next(next));
        match error {
            _ if text.contains("certificate") || text.contains("UnknownIssuer") => failed(
                "the server's certificate is not trusted here".to_owned() + &reason(&text),
                "set SSL_CERT_FILE to a file with the certificate that signed it, if that is to be trusted",
            ),
            ureq::Error::HostNotFound => Trouble::passing("no such server is known"),
            ureq::Error::Timeout(_) => Trouble::passing("the server does not answer"),
            ureq::Error::ConnectionFailed => Trouble::passing("no connection to the server"),
            ureq::Error::Io(error) => Trouble::passing(broke(error)),
            ureq::Error::Protocol(_) => Trouble::passing("the server's answer is no HTTP, or broke off"),
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => failed(
                "no safe connection to the server".to_owned() + &reason(&text),
                "check that it speaks TLS 1.2 or 1.3",
            ),
            _ => failed(
                "the URL cannot be asked for".to_owned(),
                "check the URL, and https_proxy, http_proxy and all_proxy if they are set",
            ),
        }
    }
}

fn reason(text: &str) -> String {
    format!(" ({text})")
}

/// What is said of a connection that failed.
fn broke(error: &std::io::Error) -> String {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::TimedOut | Kind::WouldBlock => "the server sent nothing for a while",
        Kind::ConnectionRefused => "the server refuses connections",
        _ if error.to_string().contains("timeout") => "the server sent nothing for a while",
        _ => "the connection broke off",
    }
    .to_owned()
}
