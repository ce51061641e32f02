//! A small web server that misbehaves as it is told. It listens on this machine only.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How the server answers.
#[derive(Clone)]
pub(crate) struct Knobs {
    pub(crate) body: Vec<u8>,
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<String>,
    /// Whether parts are given.
    pub(crate) ranges: bool,
    /// Whether the length is told; else the answer comes in chunks.
    pub(crate) length: bool,
    /// Whether the answer ends where the connection does, and nothing tells.
    pub(crate) unframed: bool,
    /// After how many bytes of its body each of the next answers is cut.
    pub(crate) cut: VecDeque<usize>,
    /// After how many bytes every answer is cut that has no place in `cut`.
    pub(crate) always_cut: Option<usize>,
    /// The status of each of the next answers, with a header.
    pub(crate) fail: VecDeque<(u16, &'static str)>,
    /// Where a request is led, by its path.
    pub(crate) redirect: Option<(String, String)>,
    /// The `Authorization` that is wanted.
    pub(crate) auth: Option<String>,
    /// Parts begin so much further on than their head says they were asked for.
    pub(crate) shifted: usize,
    /// After how many bytes nothing comes any more.
    pub(crate) stall: Option<usize>,
    /// After how many answers the file becomes another one: its bytes, and its `ETag`.
    pub(crate) change: Option<(usize, Vec<u8>, Option<String>)>,
    /// Parts end so much further on than was asked for.
    pub(crate) further: usize,
    /// How answers with a file begin.
    pub(crate) protocol: &'static str,
    /// So many bytes are given in a part at most, whatever is asked for.
    pub(crate) most: usize,
    /// So many bytes more come than the head of a part says.
    pub(crate) beyond: usize,
    /// Further headers.
    pub(crate) headers: Vec<&'static str>,
}

impl Knobs {
    /// A server that does all well.
    pub(crate) fn well(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            etag: Some("\"one\"".to_owned()),
            modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
            ranges: true,
            length: true,
            unframed: false,
            cut: VecDeque::new(),
            always_cut: None,
            fail: VecDeque::new(),
            redirect: None,
            auth: None,
            shifted: 0,
            stall: None,
            change: None,
            protocol: "HTTP/1.1",
            most: usize::MAX,
            beyond: 0,
            further: 0,
            headers: Vec::new(),
        }
    }
}

/// Wraps a connection, as TLS does.
pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}
pub(crate) type Wrap = Arc<dyn Fn(TcpStream) -> Box<dyn Stream> + Send + Sync>;

pub(crate) struct Server {
    port: u16,
    scheme: &'static str,
    state: Arc<State>,
}

struct State {
    knobs: Mutex<Knobs>,
    /// The heads of all requests.
    asked: Mutex<Vec<String>>,
    answered: Mutex<usize>,
    over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    pub(crate) fn start(knobs: Knobs) -> Self {
        Self::wrapped(knobs, "http", Arc::new(|stream| Box::new(stream)))
    }

    pub(crate) fn wrapped(knobs: Knobs, scheme: &'static str, wrap: Wrap) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State {
            knobs: Mutex::new(knobs),
            asked: Mutex::default(),
            answered: Mutex::new(0),
            over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), state, wrap) = (stream, Arc::clone(&shared), Arc::clone(&wrap)) else { continue };
                std::thread::spawn(move || {
                    let _ = answer(&mut wrap(stream), &state);
                });
            }
        });
        Self { port, scheme, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}/{path}", self.scheme, self.port)
    }

    pub(crate) fn knobs(&self) -> MutexGuard<'_, Knobs> {
        lock(&self.state.knobs)
    }

    /// The heads of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        lock(&self.state.asked).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn answer(stream: &mut dyn Stream, state: &State) -> std::io::Result<()> {
    let mut head = String::new();
    let mut from = BufReader::new(&mut *stream);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    lock(&state.asked).push(head.clone());
    let mut knobs = lock(&state.knobs).clone();
    if let Some(short) = short_answer(&head, &knobs, state) {
        return stream.write_all(short.as_bytes());
    }
    let nth = {
        let mut answered = lock(&state.answered);
        *answered += 1;
        *answered
    };
    if let Some((_, body, etag)) = knobs.change.clone().filter(|(after, ..)| nth > *after) {
        (knobs.body, knobs.etag) = (body, etag);
        knobs.modified = Some("Mon, 07 Nov 1994 08:49:37 GMT".to_owned());
    }
    let cut = lock(&state.knobs).cut.pop_front().or(knobs.always_cut);
    let len = knobs.body.len();
    let mut out = String::new();
    let (begin, end) = match range(&head, &knobs) {
        Some((begin, _)) if begin >= len => {
            let none = format!("416 No\r\nContent-Range: bytes */{len}");
            return stream.write_all(empty(&none).as_bytes());
        }
        Some((begin, last)) => {
            let (begin, end) = (begin + knobs.shifted, last.saturating_add(1 + knobs.further).min(len));
            let end = end.min(begin.saturating_add(knobs.most));
            let _ = write!(out, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {begin}-{}/{len}\r\n", end - 1);
            (begin, (end + knobs.beyond).min(len))
        }
        None => {
            let _ = write!(out, "{} 200 OK\r\n", knobs.protocol);
            (0, len)
        }
    };
    let body = &knobs.body[begin..end];
    for (name, value) in [("ETag", &knobs.etag), ("Last-Modified", &knobs.modified)] {
        if let Some(value) = value {
            let _ = write!(out, "{name}: {value}\r\n");
        }
    }
    for more in &knobs.headers {
        let _ = write!(out, "{more}\r\n");
    }
    if !knobs.length && !knobs.unframed {
        out.push_str("Transfer-Encoding: chunked\r\n");
    } else if !knobs.unframed {
        let _ = write!(out, "Content-Length: {}\r\n", body.len());
    }
    out.push_str("Connection: close\r\n\r\n");
    stream.write_all(out.as_bytes())?;
    send(stream, body, cut, &knobs, state)
}

fn empty(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn header(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// An answer without a file.
fn short_answer(head: &str, knobs: &Knobs, state: &State) -> Option<String> {
    if knobs.auth.is_some() && header(head, "authorization") != knobs.auth {
        return Some(empty("401 Unauthorized"));
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    if let Some((_, to)) = knobs.redirect.as_ref().filter(|(from, _)| from == path || from == "*") {
        return Some(empty(&format!("302 Found\r\nLocation: {to}")));
    }
    let (status, more) = lock(&state.knobs).fail.pop_front()?;
    Some(empty(&if more.is_empty() { format!("{status} No") } else { format!("{status} No\r\n{more}") }))
}

/// The part that is asked for, where one is given.
fn range(head: &str, knobs: &Knobs) -> Option<(usize, usize)> {
    let same = |version: &String| [&knobs.etag, &knobs.modified].into_iter().flatten().any(|known| known == version);
    if !knobs.ranges || header(head, "if-range").is_some_and(|version| !same(&version)) {
        return None;
    }
    let range = header(head, "range")?;
    let (begin, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((begin.parse().ok()?, last.parse().unwrap_or(usize::MAX)))
}

fn send(stream: &mut dyn Stream, body: &[u8], cut: Option<usize>, knobs: &Knobs, state: &State) -> std::io::Result<()> {
    let chunked = !knobs.length && !knobs.unframed;
    let most = [cut, knobs.stall].into_iter().flatten().min().unwrap_or(usize::MAX);
    let mut sent = 0;
    for piece in body.chunks(10_000) {
        let stops = sent + piece.len() >= most;
        let piece = if stops { &piece[..most - sent] } else { piece };
        if chunked {
            write!(stream, "{:x}\r\n", piece.len().max(1))?;
        }
        stream.write_all(piece)?;
        stream.flush()?;
        if stops {
            while knobs.stall == Some(most) && !state.over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
            return Ok(());
        }
        if chunked {
            stream.write_all(b"\r\n")?;
        }
        sent += piece.len();
    }
    if chunked {
        stream.write_all(b"0\r\n\r\n")?;
    }
    stream.flush()
}
