//! Checks of input, and the error that names the field.

use thiserror::Error;

/// Refused input: the field, and the reason for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// Name of the field as the client wrote it; a path with `/` for inner ones.
    pub field: String,
    /// The problem and what is allowed.
    pub message: String,
}

impl FieldError {
    /// Creates an error.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Longest name of a cluster (contract magnum-v1 section 6.1).
pub const MAX_CLUSTER_NAME: usize = 242;

/// Longest text of most other attributes.
pub const MAX_TEXT: usize = 255;

/// Size of the largest volume in GiB: on the docker infrastructure it is a file, and ext4 limits files to 16 TiB.
pub const MAX_VOLUME_SIZE: u32 = 16 * 1024 - 1;

/// Limits on the size of one cluster. Configured by the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most nodes, not counting masters.
    pub nodes: u32,
    /// Most masters.
    pub masters: u32,
}

impl Default for Limits {
    /// 200 nodes fit the address range of one network on the docker infrastructure; more than seven masters slow etcd
    /// and Raft down without making them safer.
    fn default() -> Self {
        Self { nodes: 200, masters: 7 }
    }
}

/// A cluster's name: a letter, then letters, digits, `_`, `.`, `-` (contract magnum-v1 section 6.1).
///
/// # Errors
/// Names the violated rule.
pub fn cluster_name(field: &str, name: &str) -> Result<(), FieldError> {
    if name.is_empty() || name.chars().count() > MAX_CLUSTER_NAME {
        return Err(FieldError::new(
            field,
            format!("must have 1 to {MAX_CLUSTER_NAME} characters, this has {}", name.chars().count()),
        ));
    }
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
        return Err(FieldError::new(
            field,
            format!("'{name}' must begin with a letter, followed by letters, digits, '_', '.' or '-'"),
        ));
    }
    Ok(())
}

/// A text of 1 to [`MAX_TEXT`] characters.
///
/// # Errors
/// When it is empty or too long.
pub fn text(field: &str, value: &str) -> Result<(), FieldError> {
    let length = value.chars().count();
    if length == 0 || length > MAX_TEXT {
        return Err(FieldError::new(field, format!("must have 1 to {MAX_TEXT} characters, this has {length}")));
    }
    Ok(())
}

/// A text that is displayed as it is: without control characters and invisible characters that change the rendering of
/// their surroundings (directions, joiners, zero-width spaces; those of Unicode's general category Cf that are not
/// needed in names).
///
/// # Errors
/// Names the first character that is not allowed.
pub fn one_line(field: &str, value: &str) -> Result<(), FieldError> {
    let is_unseen = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    match value.chars().find(is_unseen) {
        Some(unseen) => {
            let code = u32::from(unseen);
            Err(FieldError::new(field, format!("must not have invisible characters, this has U+{code:04X}")))
        }
        None => Ok(()),
    }
}

/// A number of nodes between `min` and `max`.
///
/// # Errors
/// When it is outside.
pub fn count(field: &str, value: i64, min: u32, max: u32) -> Result<u32, FieldError> {
    u32::try_from(value)
        .ok()
        .filter(|count| (min..=max).contains(count))
        .ok_or_else(|| FieldError::new(field, format!("must be a number from {min} to {max}, this is {value}")))
}

/// A number of masters: odd, so that a majority survives as much as possible (contract magnum-v1 section 6.8).
///
/// # Errors
/// When it is even or out of bounds.
pub fn master_count(field: &str, value: i64, limits: Limits) -> Result<u32, FieldError> {
    let masters = count(field, value, 1, limits.masters)?;
    if masters % 2 == 0 {
        return Err(FieldError::new(
            field,
            format!("must be odd, so that the masters can form a majority; this is {masters}"),
        ));
    }
    Ok(masters)
}

/// Proxy schemes that container runtimes support. The default is `http`.
const PROXY_SCHEMES: [&str; 3] = ["http", "https", "socks5"];

/// A proxy: a URL, or only its host and port, as in the environment variable `http_proxy`.
///
/// # Errors
/// When it cannot be parsed.
pub fn proxy(field: &str, value: &str) -> Result<(), FieldError> {
    let wrong = |why: &str| FieldError::new(field, format!("must be a URL like http://proxy.example:3128, {why}"));
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    if !PROXY_SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(wrong(&format!("with one of the schemes {}", PROXY_SCHEMES.join(", "))));
    }
    // Not shown: it may carry a password.
    let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
    let address = address.split_once('/').map_or(address, |(address, _)| address);
    if rest.chars().any(|c| c.is_whitespace() || c.is_control()) || !is_host_and_port(address) {
        return Err(wrong("with a host and optionally a port"));
    }
    Ok(())
}

/// A comma-separated list of hosts, domains, addresses, networks or `*` that need no proxy.
///
/// # Errors
/// Names the part that contains blanks or control characters.
pub fn proxy_exceptions(field: &str, value: &str) -> Result<(), FieldError> {
    let wrong = |part: &&str| part.chars().any(|c| c.is_whitespace() || c.is_control());
    match value.split(',').map(str::trim).find(wrong) {
        None => Ok(()),
        Some(part) => Err(FieldError::new(
            field,
            format!("must be a comma-separated list of hosts, domains and networks; '{part}' is none of these"),
        )),
    }
}

/// A comma-separated list of registries: `host` or `host:port`.
///
/// # Errors
/// Names the part that is not a registry.
pub fn registries(field: &str, value: &str) -> Result<(), FieldError> {
    match value.split(',').map(str::trim).find(|part| !part.is_empty() && !is_host_and_port(part)) {
        None => Ok(()),
        Some(part) => Err(FieldError::new(
            field,
            format!("must be a comma-separated list of registries like registry.example:5000; '{part}' is not one"),
        )),
    }
}

/// A host name or address, with or without a port. A name has only letters, digits, `.`, `-` and `_`, as it is also
/// used as a directory name on nodes.
fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) => match port.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None => return false,
            },
            None => return false,
        },
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_host = match text.starts_with('[') {
        true => host.parse::<std::net::Ipv6Addr>().is_ok(),
        false => {
            host.starts_with(|c: char| c.is_ascii_alphanumeric())
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        }
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_refused_in_one_line() {
        for fine in ["dev", "Größe 2", "テンプレート", "a b"] {
            assert!(one_line("name", fine).is_ok(), "{fine}");
        }
        for (bad, code) in
            [("a\nb", "U+000A"), ("a\u{202e}txt", "U+202E"), ("\u{200b}", "U+200B"), ("a\u{1b}[31m", "U+001B")]
        {
            assert!(one_line("name", bad).unwrap_err().to_string().contains(code), "{code}");
        }
    }

    #[test]
    fn proxies_are_urls_or_hosts() {
        for good in [
            "http://proxy:3128",
            "HTTPS://proxy.example/",
            "http://proxy/path",
            "proxy:3128",
            "socks5://[::1]:1080",
            "http://u:p@a@proxy:1",
        ] {
            assert_eq!(proxy("http_proxy", good), Ok(()), "{good}");
        }
        for bad in ["", "ftp://proxy", "http://", "http://pro xy", "proxy:0", "proxy:x", "a\nB=c", "http://[::1", "::1"]
        {
            assert_eq!(proxy("http_proxy", bad).unwrap_err().field, "http_proxy", "{bad}");
        }
        let secret = proxy("http_proxy", "http://user:secret@pro xy").unwrap_err();
        assert!(!secret.message.contains("secret"), "{secret}");
        assert_eq!(proxy_exceptions("no_proxy", "localhost, .example.org,10.0.0.0/8,*"), Ok(()));
        assert!(proxy_exceptions("no_proxy", "a,b c").unwrap_err().message.contains("'b c'"));
    }

    #[test]
    fn registries_are_hosts_with_ports() {
        assert_eq!(registries("insecure_registry", "172.17.0.1:5000, other:80,[fd00::1]:5000,plain"), Ok(()));
        for bad in ["http://r:5000", "../../etc", "a/b", "r:5000:1", "r:", ".", "10.0.0.0/8", "a,b\"]", "r:99999"] {
            assert!(registries("insecure_registry", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_follow_the_contract() {
        for good in ["a", "prod.eu-1_x", "A1"] {
            assert!(cluster_name("name", good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "-a", "a b", "ä", "a/b", &"a".repeat(243)] {
            assert_eq!(cluster_name("name", bad).unwrap_err().field, "name", "{bad}");
        }
    }

    #[test]
    fn counts_stay_in_their_bounds() {
        assert_eq!(count("node_count", 3, 1, 200), Ok(3));
        for bad in [0, -1, 10_000, i64::MAX, i64::MIN] {
            assert!(count("node_count", bad, 1, 200).is_err(), "{bad}");
        }
        assert!(master_count("master_count", 2, Limits::default()).is_err());
        assert_eq!(master_count("master_count", 3, Limits::default()), Ok(3));
    }
}
