//! Paths as clients write them: a trailing slash and `.json` are ignored, and `/v1` may be left out (contract magnum-v1
//! sections 1.1 and 2.0, workloads-2015 section 0.3).
//!
//! A cluster may be named `a.json`. So in a request that changes or deletes one resource the suffix is part of the
//! name: it must not act on `a`.

use axum::extract::Request;
use http::uri::PathAndQuery;
use http::{Method, Uri};

/// First segments that are not below v1.
const OTHER_ROOTS: [&str; 4] = ["", "v1", "healthcheck", "identity"];

/// The suffix that names the format of the response: there is only this one.
const SUFFIX: &str = ".json";

/// The only path that really ends with it.
const DOCUMENT: &str = "openapi.json";

/// Normalizes a request's path to the form of the routes.
pub(crate) async fn normalize(mut request: Request) -> Request {
    if let Some(uri) = rewritten(request.method(), request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn rewritten(method: &Method, uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    let is_ours = !trimmed.starts_with("/identity/") && !trimmed.ends_with(DOCUMENT);
    let is_collection = trimmed.trim_start_matches("/v1/").trim_start_matches('/').split('/').count() == 1;
    let is_form = is_ours && (is_collection || matches!(*method, Method::GET | Method::HEAD));
    let trimmed = trimmed.strip_suffix(SUFFIX).filter(|rest| is_form && !rest.ends_with('/')).unwrap_or(trimmed);
    let first = trimmed.trim_start_matches('/').split('/').next().unwrap_or_default();
    let prefix = if OTHER_ROOTS.contains(&first) { "" } else { "/v1" };
    let wanted = if trimmed.is_empty() { "/".to_owned() } else { format!("{prefix}{trimmed}") };
    if wanted == path {
        return None;
    }
    let path_and_query = match uri.query() {
        Some(query) => format!("{wanted}?{query}"),
        None => wanted,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_the_prefix_are_put_right() {
        for (given, expected) in [
            ("/clusters", Some("/v1/clusters")),
            ("/v1/clusters/", Some("/v1/clusters")),
            ("/v1/clusters/?limit=1", Some("/v1/clusters?limit=1")),
            ("/clusters/x/nodegroups/", Some("/v1/clusters/x/nodegroups")),
            ("/v1", None),
            ("/v1/", Some("/v1")),
            ("/", None),
            ("//", Some("/")),
            ("/identity/v3/", Some("/identity/v3")),
            ("/v2", Some("/v1/v2")),
            ("/v1/bays.json", Some("/v1/bays")),
            ("/bays/a.b.json/?limit=1", Some("/v1/bays/a.b?limit=1")),
            ("/v1/clusters/.json", None),
            ("/v1/openapi.json", None),
            ("/identity/v3/users/a.json", None),
        ] {
            let uri: Uri = given.parse().unwrap();
            assert_eq!(rewritten(&Method::GET, &uri).map(|uri| uri.to_string()).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn nobody_changes_another_thing_by_the_suffix() {
        for (method, given, expected) in [
            (Method::DELETE, "/v1/clusters/a.json", None),
            (Method::PATCH, "/clusters/a.json/", Some("/v1/clusters/a.json")),
            (Method::POST, "/v1/clusters.json", Some("/v1/clusters")),
            (Method::POST, "/bays.json", Some("/v1/bays")),
        ] {
            let uri: Uri = given.parse().unwrap();
            assert_eq!(rewritten(&method, &uri).map(|uri| uri.to_string()).as_deref(), expected, "{method} {given}");
        }
    }
}
