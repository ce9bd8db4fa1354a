//! Names of images, as Docker writes them: `[REGISTRY[:PORT]/]PATH[:TAG][@DIGEST]`. Only checked: the engine gets the
//! name unchanged (in 2015 it was split at the first colon, which broke registries with a port).

/// Longest name in characters, without tag and digest.
const MAX_NAME: usize = 255;
/// Longest tag in characters.
const MAX_TAG: usize = 128;
/// Hexadecimal digits of the shortest digest that Docker accepts.
const MIN_DIGEST: usize = 32;

/// Checks that `image` is a valid name of an image. The error says what is wrong.
pub(super) fn check(image: &str) -> Result<(), String> {
    if image.trim().is_empty() {
        return Err("is required".to_owned());
    }
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    // A colon before the last slash belongs to the registry's port.
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[slash..].rfind(':') {
        Some(colon) => (&rest[..slash + colon], Some(&rest[slash + colon + 1..])),
        None => (rest, None),
    };
    let wrong = |what: &str| Err(format!("'{image}' is not the name of an image: {what}"));
    if name.len() > MAX_NAME {
        return wrong("it is too long");
    }
    if !tag.is_none_or(is_tag) {
        return wrong("a tag is 1 to 128 letters, digits, '_', '.' and '-'");
    }
    if !digest.is_none_or(is_digest) {
        return wrong("a digest looks like sha256:HEXADECIMAL");
    }
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), path),
        _ => (None, name),
    };
    if !registry.is_none_or(is_registry) {
        return wrong("a registry is a host name or address, and a port after a colon");
    }
    if !path.split('/').all(is_component) {
        return wrong("its path has lower-case letters, digits, and '.', '_' or '-' between them");
    }
    Ok(())
}

fn is_tag(tag: &str) -> bool {
    (1..=MAX_TAG).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty()
            && algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'_' | b'-'))
            && hex.len() >= MIN_DIGEST
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(|part| {
            !part.is_empty()
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }),
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_component(component: &str) -> bool {
    let outer = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    outer(component.bytes().next())
        && outer(component.bytes().next_back())
        && component.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
        && !component.contains("..")
        && !component.contains("___")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_pass() {
        let digest = "sha256:".to_owned() + &"a1".repeat(32);
        for name in [
            "busybox",
            "busybox:1.36",
            "library/nginx",
            "registry:5000/foo:1",
            "localhost/foo",
            "localhost:5000/foo",
            "10.0.0.1:5000/a/b/c:v1.2_x-y",
            "registry.example.com/foo",
            "[fd00::1]:5000/foo",
            "a__b/c-d.e",
            "a--b",
            &format!("busybox@{digest}"),
            &format!("registry:5000/foo:1@{digest}"),
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "",
            " ",
            "Busybox",
            "busybox:",
            "busybox:-x",
            "/busybox",
            "busybox/",
            "a//b",
            "a b",
            "busybox@sha256:12",
            "busybox@",
            "registry:port/foo",
            "registry:99999/foo",
            "-a.b:1/foo",
            "a..b",
            "foo:1:2",
            "http://host/foo",
            "a\nb",
            "host.name:5000/Foo",
        ] {
            assert!(check(name).is_err(), "{name}");
        }
        assert!(check(&"a".repeat(256)).is_err());
        assert!(check(&format!("a:{}", "t".repeat(129))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_upsets_the_check(text in "\\PC{0,40}") {
            let _ = check(&text);
        }
    }
}
