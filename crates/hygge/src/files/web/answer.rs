//! What the head of an answer says.

use std::time::Duration;

use ureq::http::header::{self, HeaderName};
use ureq::http::{HeaderMap, Version as Protocol};

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) version: Version,
    /// How many bytes follow, where that is said.
    pub(super) length: Option<u64>,
    /// Whether the end of what follows can be told from a lost connection without its length.
    pub(super) framed: bool,
    /// How the answer is wrapped, where nothing can tell its end.
    pub(super) wrapped: Option<String>,
    /// Which part of the file follows.
    pub(super) part: Option<Part>,
    /// How the bytes are packed on their way.
    pub(super) packed: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

/// A part of a file: from `begin` to `last`, both there, of so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) begin: u64,
    pub(super) last: u64,
    pub(super) of: u64,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Version {
    /// A strong `ETag`: equal for equal bytes only.
    pub(super) etag: Option<String>,
    /// `Last-Modified`, as it was sent.
    pub(super) modified: Option<String>,
}

impl Version {
    /// Whether there is anything to go by.
    pub(super) fn is_known(&self) -> bool {
        self.etag.is_some() || self.modified.is_some()
    }

    /// What `If-Range` says.
    pub(super) fn condition(&self) -> Option<&str> {
        self.etag.as_deref().or(self.modified.as_deref())
    }

    /// Whether an answer is of the same state.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        match &self.etag {
            Some(etag) => other.etag.as_ref() == Some(etag),
            None => self.modified.is_some() && self.modified == other.modified,
        }
    }

    /// A digest of it and of the length.
    pub(super) fn digest(&self, len: u64) -> Option<String> {
        let text = self.condition()?;
        let digest = blake3::hash(format!("{text}\n{len}").as_bytes()).to_hex();
        Some(format!("web-{}", &digest[..32]))
    }

    /// When the file was last written, in nanoseconds since 1970; 0 where that is not said.
    pub(super) fn mtime(&self) -> i64 {
        let date = self.modified.as_deref().and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok());
        date.and_then(|date| date.timestamp_nanos_opt()).unwrap_or_default()
    }
}

impl Head {
    pub(super) fn of(status: u16, protocol: Protocol, headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        // An empty tag is the same for all bytes.
        let strong = |etag: &&str| etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"');
        let etag = text(header::ETAG).filter(strong).map(str::to_owned);
        let modified = text(header::LAST_MODIFIED).map(str::to_owned);
        let wrapping = words(headers, &header::TRANSFER_ENCODING);
        // Anything else is read to the end of the connection, or left packed.
        let chunked = protocol == Protocol::HTTP_11 && wrapping.as_deref() == Some("chunked");
        let length = alike(headers, &header::CONTENT_LENGTH).filter(|_| !chunked).and_then(|value| whole(&value));
        Self {
            status,
            version: Version { etag, modified },
            length,
            framed: chunked || length.is_some(),
            wrapped: wrapping.filter(|_| !chunked),
            part: alike(headers, &header::CONTENT_RANGE).and_then(|value| part(&value)),
            packed: words(headers, &header::CONTENT_ENCODING).and_then(|words| {
                let packed: Vec<&str> = words.split(", ").filter(|word| *word != "identity").collect();
                (!packed.is_empty()).then(|| packed.join(", "))
            }),
            retry_after: text(header::RETRY_AFTER).and_then(after),
        }
    }

    /// Whether the answer holds just this part, of which no more than what stands before `end` was asked for.
    pub(super) fn gives(&self, part: Part, end: u64) -> bool {
        part.last < end && self.length.is_none_or(|length| length == part.last - part.begin + 1)
    }
}

/// The words of all headers of a name, in small letters.
fn words(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase());
    let all = values.collect::<Vec<_>>().join(",");
    let words: Vec<&str> = all.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What all headers of a name say, where they say the same: one of two lengths would be the wrong one.
fn alike(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let words = words(headers, name)?;
    let (first, others) = words.split_once(", ").unwrap_or((&words, ""));
    others.split(", ").all(|other| other.is_empty() || other == first).then(|| first.to_owned())
}

/// A number of digits alone.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `bytes 0-99/1234`.
fn part(text: &str) -> Option<Part> {
    let (range, of) = text.strip_prefix("bytes")?.trim().split_once('/')?;
    let (begin, last) = range.split_once('-')?;
    let part = Part { begin: whole(begin)?, last: whole(last)?, of: whole(of)? };
    (part.begin <= part.last && part.last < part.of).then_some(part)
}

/// Seconds, or a date.
fn after(text: &str) -> Option<Duration> {
    if let Some(seconds) = whole(text) {
        return Some(Duration::from_secs(seconds));
    }
    let until = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some(until.signed_duration_since(chrono::Utc::now()).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_only_where_they_make_sense() {
        assert_eq!(part("bytes 0-99/1234"), Some(Part { begin: 0, last: 99, of: 1234 }));
        for odd in [
            "bytes +0-+1/+2",
            "bytes */1234",
            "bytes 0-99/*",
            "bytes 9-3/10",
            "bytes 0-10/10",
            "items 0-1/2",
            "bytes 0-x/3",
        ] {
            assert_eq!(part(odd), None, "{odd}");
        }
    }

    #[test]
    fn only_what_is_equal_for_equal_bytes_tells_a_version() {
        let head = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().expect("a value"));
            }
            Head::of(200, Protocol::HTTP_11, &map)
        };
        let strong = head(&[("etag", "\"a\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        let weak = head(&[("etag", "W/\"a\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert_eq!(strong.version.condition(), Some("\"a\""));
        assert_eq!(weak.version.condition(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(weak.version.mtime(), 784_111_777_000_000_000);
        assert!(!strong.version.agrees(&weak.version) && weak.version.agrees(&strong.version));
        assert!(!head(&[("etag", "W/\"a\"")]).version.is_known());
        assert!(!head(&[("etag", "\"\"")]).version.is_known());
        assert!(!head(&[]).framed && head(&[("transfer-encoding", "chunked")]).framed);
        assert_eq!(head(&[("retry-after", "7")]).retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn an_answer_of_two_lengths_or_parts_has_none() {
        let head = |name: &'static str, values: &[&str]| {
            let mut map = HeaderMap::new();
            for value in values {
                map.append(name, value.parse().expect("a value"));
            }
            Head::of(206, Protocol::HTTP_11, &map)
        };
        for (values, length) in
            [(&["5"][..], Some(5)), (&["5", "5"], Some(5)), (&["5, 5"], Some(5)), (&["5", "10"], None), (&["+5"], None)]
        {
            let head = head("content-length", values);
            assert_eq!((head.length, head.framed), (length, length.is_some()), "{values:?}");
        }
        assert_eq!(head("content-range", &["bytes 0-1/4", "bytes 2-3/4"]).part, None);
        assert_eq!(head("content-range", &["Bytes 0-1/4"]).part, Some(Part { begin: 0, last: 1, of: 4 }));
    }

    #[test]
    fn only_an_answer_that_is_plainly_in_chunks_ends_by_itself() {
        let head = |protocol, values: &[&str]| {
            let mut map = HeaderMap::new();
            for value in values {
                map.append("transfer-encoding", value.parse().expect("a value"));
            }
            let head = Head::of(200, protocol, &map);
            (head.framed, head.wrapped)
        };
        assert_eq!(head(Protocol::HTTP_11, &["Chunked"]), (true, None));
        assert_eq!(head(Protocol::HTTP_11, &[]), (false, None));
        assert_eq!(head(Protocol::HTTP_10, &["chunked"]), (false, Some("chunked".to_owned())));
        assert_eq!(head(Protocol::HTTP_11, &["xchunked"]), (false, Some("xchunked".to_owned())));
        for values in [&["gzip, chunked"][..], &["gzip", "chunked"]] {
            assert_eq!(head(Protocol::HTTP_11, values), (false, Some("gzip, chunked".to_owned())));
        }
    }

    #[test]
    fn all_that_says_how_bytes_are_packed_counts() {
        let packed = |values: &[&str]| {
            let mut map = HeaderMap::new();
            for value in values {
                map.append("content-encoding", value.parse().expect("a value"));
            }
            Head::of(200, Protocol::HTTP_11, &map).packed
        };
        assert_eq!((packed(&[]), packed(&["Identity"])), (None, None));
        assert_eq!(packed(&["identity", "GZIP"]).as_deref(), Some("gzip"));
    }
}
