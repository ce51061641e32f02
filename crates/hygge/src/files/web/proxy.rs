//! Through which proxy a server is asked, as the environment says.

use hygge_core::{Error, Result};
use ureq::{Proxy, ProxyProtocol};

/// The proxy for URLs of a scheme, as the variables of this process name it.
///
/// # Errors
/// Refused, if a variable names one that cannot be used.
pub(super) fn from_env(scheme: &str) -> Result<Option<Proxy>> {
    choose(scheme, |name| std::env::var(name).ok())
}

fn choose(scheme: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>> {
    let said = |names: &[&'static str]| {
        let mut all = names.iter().filter_map(|name| Some((*name, variable(name)?.trim().to_owned())));
        all.find(|(_, value)| !value.is_empty())
    };
    // As curl does it: small letters go first, and HTTP_PROXY is not asked. A web server sets that one for the programs it
    // starts to what the header `Proxy:` of a request says, so whoever asks would choose the proxy.
    let own: &[&str] = if scheme == "https" { &["https_proxy", "HTTPS_PROXY"] } else { &["http_proxy"] };
    let Some((name, value)) = said(own).or_else(|| said(&["all_proxy", "ALL_PROXY"])) else { return Ok(None) };
    let refused = |found: &str| {
        Error::refused(format!("{name} names {found}"))
            .next(format!("set  {name}=http://proxy.example.com:8080 , or unset it"))
    };
    let proxy = Proxy::new(&value).map_err(|_| refused("no proxy that can be read"))?;
    if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err(refused("a SOCKS proxy, and hygge speaks to http and https proxies only"));
    }
    let mut built = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(user) = proxy.username() {
        built = built.username(user);
    }
    if let Some(password) = proxy.password() {
        built = built.password(password);
    }
    let past = said(&["no_proxy", "NO_PROXY"]).map(|(_, value)| value).unwrap_or_default();
    for host in past.split(',').map(str::trim).filter(|host| !host.is_empty()) {
        // A name stands for what lies below it, too, with or without its dot.
        let name = host.trim_start_matches("*.").trim_start_matches('.');
        built = built.no_proxy(name);
        if name != "*" {
            built = built.no_proxy(&format!(".{name}"));
        }
    }
    built.build().map(Some).map_err(|_| refused("no proxy that can be used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(scheme: &str, variables: &[(&str, &str)]) -> Result<Option<Proxy>> {
        choose(scheme, |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let all = [("ALL_PROXY", "http://all:1"), ("HTTPS_PROXY", "http://s:2"), ("http_proxy", "p:3")];
        let host = |scheme: &str, from: &[(&str, &str)]| {
            with(scheme, from).expect("fits").map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
        };
        assert_eq!(host("https", &all).as_deref(), Some("s:2"));
        assert_eq!(host("http", &all).as_deref(), Some("p:3"));
        assert_eq!(host("http", &all[..2]).as_deref(), Some("all:1"));
        assert_eq!(host("https", &[("HTTPS_PROXY", ""), ("all_proxy", "http://all:1")]).as_deref(), Some("all:1"));
        for other in [("http", "HTTPS_PROXY"), ("https", "http_proxy"), ("http", "HTTP_PROXY")] {
            assert_eq!(host(other.0, &[(other.1, "http://no:1")]), None);
        }
        let both =
            [("HTTPS_PROXY", "http://large:1"), ("https_proxy", "http://small:2"), ("all_proxy", "http://all:3")];
        assert_eq!(host("https", &both).as_deref(), Some("small:2"), "small letters go first");
        assert_eq!(host("https", &[both[0], ("https_proxy", " ")]).as_deref(), Some("large:1"), "empty is not set");
        assert_eq!(host("http", &[("HTTP_PROXY", "http://no:1"), both[2]]).as_deref(), Some("all:3"));
        let proxy = with("http", &[("http_proxy", "http://ann:p%40ss@p:3")]).expect("fits").expect("a proxy");
        assert_eq!((proxy.username(), proxy.password()), (Some("ann"), Some("p@ss")));
    }

    #[test]
    fn hosts_may_be_asked_past_it() {
        let past_by = |host: &str, all: &[(&str, &str)]| {
            let all = [&[("http_proxy", "p:3")], all].concat();
            let proxy = with("http", &all).expect("fits").expect("a proxy");
            proxy.is_no_proxy(&format!("http://{host}/x").parse().expect("a URL"))
        };
        let past = |host: &str, no: &str| past_by(host, &[("no_proxy", no)]);
        for no in ["a.com", ".a.com", "*.a.com", "b.com, a.com"] {
            assert!(past("a.com", no) && past("x.a.com", no) && !past("xa.com", no), "{no}");
        }
        assert!(past("anything", "*") && !past("a.com", ""));
        let both = [("NO_PROXY", "a.com"), ("no_proxy", "b.com")];
        assert!(past_by("a.com", &both[..1]) && past_by("b.com", &both) && !past_by("a.com", &both));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_by_its_variable() {
        for value in ["socks5://ann:hidden@p:1", "other://ann:hidden@p:1", "http://ann:hid den@p"] {
            let error = with("https", &[("ALL_PROXY", value)]).expect_err("cannot be used");
            assert!(error.found().starts_with("ALL_PROXY names"), "{error}");
            assert!(!format!("{error:?}").contains("hid"), "{error:?}");
        }
    }
}
