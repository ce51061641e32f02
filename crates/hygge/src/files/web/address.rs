//! URLs taken apart, and as they may be shown.

use std::fmt::Write;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hygge_core::{Error, Result};
use ureq::http::Uri;

use crate::files::cell::hex;

/// Whether a text is the URL of a file behind a web server.
#[must_use]
pub fn is_web(text: &str) -> bool {
    let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// A URL as it may be shown: without user and password, and with the names in its query only.
#[must_use]
pub fn shown_url(text: &str) -> String {
    let shown = |text: &str| Address::parse(text).ok().map(|address| address.shown());
    shown(text).or_else(|| shown(&text.replace("{entity}", "entity"))).unwrap_or_else(|| "a URL".to_owned())
}

/// A URL whose user and password were taken out.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) uri: Uri,
    /// `Authorization`, where the URL had a user.
    pub(super) login: Option<String>,
}

impl Address {
    /// Takes a URL apart. The errors do not show it: it may hold a password.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let broken = || {
            Error::refused("this is no URL that can be asked for")
                .next("write it as  https://example.com/data/users.csv  with blanks and other characters as %20")
        };
        let text = text.split('#').next().unwrap_or_default();
        let (scheme, rest) = text.split_once("://").ok_or_else(broken)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let uri: Uri = format!("{}://{host}{rest}", scheme.to_ascii_lowercase()).parse().map_err(|_| broken())?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(broken());
        }
        let login = user.map(|user| {
            let mut login = decoded(user);
            // A user without a password.
            if !user.contains(':') {
                login.push(b':');
            }
            format!("Basic {}", BASE64_STANDARD.encode(login))
        });
        Ok(Self { uri, login })
    }

    /// Where a redirect leads.
    pub(super) fn join(&self, location: &str) -> Result<Self> {
        let named = |error: Error| error.at(self.shown());
        if is_web(location) {
            return Self::parse(location).map_err(named);
        }
        if has_scheme(location) {
            let found = "the server leads to an address that is neither http nor https";
            return Err(named(Error::failed(found).next("open the URL in a browser, and give the one it ends at")));
        }
        let (scheme, host) = (self.scheme(), self.uri.authority().map_or("", |host| host.as_str()));
        let path = self.uri.path();
        let to = if let Some(rest) = location.strip_prefix("//") {
            format!("{scheme}://{rest}")
        } else if location.is_empty() || location.starts_with('#') {
            format!("{}", self.uri)
        } else if location.starts_with('?') {
            format!("{scheme}://{host}{path}{location}")
        } else if location.starts_with('/') {
            format!("{scheme}://{host}{}", without_dots(location))
        } else {
            let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            format!("{scheme}://{host}{}", without_dots(&format!("{folder}{location}")))
        };
        Self::parse(&to).map_err(named)
    }

    pub(super) fn scheme(&self) -> &str {
        self.uri.scheme_str().unwrap_or("https")
    }

    /// Whether secrets for the one may be told to the other.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        let port =
            |address: &Self| address.uri.port_u16().unwrap_or(if address.scheme() == "https" { 443 } else { 80 });
        let host = |address: &Self| address.uri.host().unwrap_or_default().to_ascii_lowercase();
        self.scheme() == other.scheme() && host(self) == host(other) && port(self) == port(other)
    }

    fn before_query(&self) -> String {
        let host = self.uri.authority().map_or("", |host| host.as_str());
        format!("{}://{host}{}", self.scheme(), self.uri.path())
    }

    /// Without user and password, and with the names in its query only: a value may be a secret.
    pub(super) fn shown(&self) -> String {
        let mut out = self.before_query();
        for (at, pair) in self.uri.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
            let name = pair.split_once('=').map(|(name, _)| name);
            out.push(if at == 0 { '?' } else { '&' });
            match name {
                Some(name) => {
                    let _ = write!(out, "{name}=…");
                }
                None => out.push('…'),
            }
        }
        out
    }

    /// The same for receipts: another query may bring other rows, so a digest of it is there.
    pub(super) fn identity(&self) -> String {
        match self.uri.query() {
            None => self.before_query(),
            Some(query) => {
                format!("{}?{}", self.before_query(), &blake3::hash(query.as_bytes()).to_hex()[..16])
            }
        }
    }

    /// The name of the file.
    pub(super) fn name(&self) -> PathBuf {
        PathBuf::from(self.before_query())
    }
}

/// A path from the root, maybe with a query, of which `.` and `..` are carried out: not every server does that.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    let mut out: Vec<&str> = Vec::new();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    for (at, part) in parts.iter().enumerate() {
        match *part {
            "." => {}
            ".." => {
                out.pop();
            }
            name => {
                out.push(name);
                continue;
            }
        }
        // What ends in one of them is a folder.
        if at + 1 == parts.len() {
            out.push("");
        }
    }
    format!("/{}{query}", out.join("/"))
}

/// Whether a text begins with the scheme of a URL.
fn has_scheme(text: &str) -> bool {
    let scheme = text.split([':', '/', '?', '#']).next().unwrap_or_default();
    text[scheme.len()..].starts_with(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// A name as a part of a path.
pub(super) fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The bytes that a percent-encoded text means; a `%` without two digits behind it is itself.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if digits.is_some_and(|digits| hex(digits, &mut out)) {
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_url_are_never_shown() {
        let address =
            Address::parse("HTTPS://ann:p%40ss@Example.com:8443/d/x.csv?key=abc&sig=1&flag#part").expect("fits");
        assert_eq!(address.shown(), "https://Example.com:8443/d/x.csv?key=…&sig=…&…");
        assert_eq!(address.login.as_deref(), Some("Basic YW5uOnBAc3M="));
        assert!(
            address.identity().starts_with("https://Example.com:8443/d/x.csv?") && !address.identity().contains("abc")
        );
        let token = Address::parse("https://TOKEN@example.com/x.csv").expect("fits");
        assert_eq!(token.login.as_deref(), Some("Basic VE9LRU46"));
        assert_eq!(address.name().extension().and_then(|end| end.to_str()), Some("csv"));
        for broken in ["https://", "https://a b/c", "no url", "https://ann:secret@/x y"] {
            let error = Address::parse(broken).err().expect("no URL");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn redirects_lead_where_they_say() {
        let address = Address::parse("https://a.com/d/x.csv?q=1").expect("fits");
        let joined = |location: &str| address.join(location).expect("fits").uri.to_string();
        assert_eq!(joined("y.csv"), "https://a.com/d/y.csv");
        assert_eq!(joined("/y.csv?z=2"), "https://a.com/y.csv?z=2");
        assert_eq!(joined("../e/./y.csv?z=../2"), "https://a.com/e/y.csv?z=../2");
        assert_eq!(joined("/d/../../e/.."), "https://a.com/");
        assert_eq!(joined("//b.com/y"), "https://b.com/y");
        assert_eq!(joined("http://b.com/y"), "http://b.com/y");
        assert_eq!(joined("/y?to=http://b.com/z"), "https://a.com/y?to=http://b.com/z");
        assert_eq!(joined("y?to=http://b.com/z"), "https://a.com/d/y?to=http://b.com/z");
        assert_eq!(
            (joined("?z=1"), joined("")),
            ("https://a.com/d/x.csv?z=1".into(), "https://a.com/d/x.csv?q=1".into())
        );
        for nowhere in ["ftp://b.com/x", "http://b c/x", "/a b"] {
            let error = address.join(nowhere).err().expect("no address");
            assert_eq!(error.place(), Some("https://a.com/d/x.csv?q=…"), "{nowhere}");
        }
        assert!(address.same_origin(&Address::parse("https://A.com:443/other").expect("fits")));
        assert!(!address.same_origin(&Address::parse("https://a.com:444/d/x.csv").expect("fits")));
        assert_eq!(encoded("ä b/c"), "%C3%A4%20b%2Fc");
    }

    #[test]
    fn two_digits_and_no_other_two_characters_are_a_byte() {
        assert_eq!(decoded("%C3%A4%20b%2Fc"), "ä b/c".as_bytes());
        for same in ["%+1", "%-1", "% 1", "%4", "%zz", "100%"] {
            assert_eq!(decoded(same), same.as_bytes());
        }
    }
}
