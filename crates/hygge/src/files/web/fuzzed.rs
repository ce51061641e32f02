//! What must hold of the heads of answers, whatever a server writes into them, and of URLs.

use ureq::http::{HeaderMap, HeaderName, HeaderValue, Version as Protocol};

use super::address::{self, Address, is_web, shown_url};
use super::answer::Head;

/// No one would write these by chance.
const USER: &str = "ann-xyzzy:hunter%32-xyzzy";
const LOGIN: &str = "Basic YW5uLXh5enp5Omh1bnRlcjIteHl6enk=";
const SECRETS: [&str; 4] = ["xyzzy", "hunter2", "YW5uLXh5", "plugh"];

/// The lines as headers of an answer: what they say is understood as the protocol has it, or not at all.
///
/// # Panics
/// If that does not hold.
pub fn check_head(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..at]).ok();
        let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok();
        if let Some((name, value)) = name.zip(value) {
            headers.append(name, value);
        }
    }
    let all = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter();
        let text = values.map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase()).collect::<Vec<_>>();
        let words = text.iter().flat_map(|text| text.split(',')).map(|word| word.trim().to_owned());
        words.filter(|word| !word.is_empty()).collect()
    };
    for protocol in [Protocol::HTTP_10, Protocol::HTTP_11] {
        let head = Head::of(200, protocol, &headers);
        let wrapping = all("transfer-encoding");
        let plain = protocol == Protocol::HTTP_11 && wrapping == ["chunked"];
        assert_eq!(head.wrapped.is_none(), plain || wrapping.is_empty(), "{wrapping:?}");
        assert_eq!(head.framed, plain || head.length.is_some());
        if let Some(length) = head.length {
            assert!(!plain, "an answer in chunks ends by itself");
            for said in all("content-length") {
                assert_eq!(number(&said), Some(length), "an answer of two lengths has none");
            }
        }
        if let Some(part) = head.part {
            assert!(part.begin <= part.last && part.last < part.of);
            for said in all("content-range") {
                let said = said.strip_prefix("bytes").expect("in bytes");
                let numbers: Vec<_> = said.split(['-', '/']).map(number).collect();
                assert_eq!(numbers, [Some(part.begin), Some(part.last), Some(part.of)], "{said:?}");
            }
            let size = part.last - part.begin + 1;
            assert!(!head.gives(part, part.last), "more than was asked for");
            assert_eq!(head.gives(part, part.last + 1), head.length.is_none_or(|length| length == size));
        }
        if head.packed.is_none() {
            let words = all("content-encoding");
            assert!(words.iter().all(|word| word == "identity"), "{words:?}");
        }
        let version = &head.version;
        assert_eq!(version.agrees(version), version.is_known(), "what is not known agrees with nothing");
        assert_eq!(version.digest(7).is_some(), version.is_known());
        assert!(!version.is_known() || version.digest(7) != version.digest(8));
        if let Some(etag) = &version.etag {
            assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'), "{etag:?}");
        }
        let _ = version.mtime();
        if let (Some(after), [said, ..]) = (head.retry_after, all("retry-after").as_slice())
            && let Some(seconds) = number(said)
        {
            assert_eq!(after.as_secs(), seconds);
        }
    }
}

/// Digits, and spaces around them.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The first line as a URL, the others as where a server leads from there: no secret of the URL is ever shown, none goes
/// elsewhere, and what is asked for is http.
///
/// # Panics
/// If that does not hold.
pub fn check_url(bytes: &[u8]) {
    assert_eq!(address::decoded(&address::encoded(&String::from_utf8_lossy(bytes))), lossy(bytes).as_bytes());
    let text = lossy(bytes);
    if !text.as_bytes().windows(3).any(|three| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit)) {
        assert_eq!(address::decoded(&text), text.as_bytes(), "nothing is encoded");
    }
    // Schemes are shown in small letters.
    let small = text.to_ascii_lowercase();
    if SECRETS.iter().any(|secret| small.contains(&secret.to_ascii_lowercase())) {
        return;
    }
    let (url, locations) = text.split_once('\n').unwrap_or((&text, ""));
    let _ = shown_url(url);
    let Some((scheme, rest)) = url.split_once("://") else { return };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let rest = rest[..end].rsplit_once('@').map_or(rest, |(user, _)| &rest[user.len() + 1..]);
    let plain = Address::parse(&format!("{scheme}://{rest}"));
    let secret = Address::parse(&format!("{scheme}://{USER}@{rest}"));
    let (plain, secret) = match (plain, secret) {
        (Ok(plain), Ok(secret)) => (plain, secret),
        (Err(_), Err(error)) => return hides(&format!("{error:?} {error}")),
        (plain, secret) => panic!("a user makes a difference: {} {}", plain.is_ok(), secret.is_ok()),
    };
    assert_eq!(plain.uri, secret.uri);
    assert_eq!((plain.login.as_deref(), secret.login.as_deref()), (None, Some(LOGIN)));
    assert_eq!(plain.identity(), secret.identity(), "who reads makes no other question");
    assert!(plain.same_origin(&secret));
    for shown in [secret.shown(), secret.identity(), secret.name().display().to_string()] {
        hides(&shown);
        assert!(is_web(&shown) == is_web(url));
        assert!(!shown.contains('#'), "{shown:?}");
        assert!(!shown.contains('@') || plain.uri.to_string().contains('@'), "{shown:?}");
    }
    // A query's values may be secrets, too.
    let asked = |query: &str| Address::parse(&format!("{}?{query}", without_query(&plain)));
    let key = asked("key=plugh-1&plugh-2").expect("a query is added");
    hides(&key.shown());
    hides(&key.identity());
    assert_ne!(key.identity(), asked("key=plugh-3").expect("a query is added").identity());
    for location in locations.lines() {
        match secret.join(location) {
            Ok(next) => {
                hides(&next.shown());
                assert!(["http", "https"].contains(&next.scheme()) || !is_web(url), "{}", next.shown());
                assert!(next.login.is_none() || location.contains('@'), "a login goes elsewhere");
                assert!(!next.uri.to_string().contains('#'));
            }
            Err(error) => hides(&format!("{error:?} {error}")),
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn without_query(address: &Address) -> String {
    let uri = address.uri.to_string();
    uri.split('?').next().unwrap_or_default().to_owned()
}

fn hides(shown: &str) {
    assert!(!SECRETS.iter().any(|secret| shown.contains(secret)), "{shown:?}");
}

#[cfg(test)]
#[test]
fn the_fuzzing_corpora_of_the_web_hold() {
    crate::fuzzed::replay("web_head", 15, check_head);
    crate::fuzzed::replay("web_url", 15, check_url);
}
