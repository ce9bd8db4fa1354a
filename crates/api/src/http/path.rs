//! Paths as clients write them: a slash at the end counts for nothing, and `/v1` may be left out (contract magnum-v1
//! sections 1.1 and 2.0).

use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;

/// First segments that are not below v1.
const OTHER_ROOTS: [&str; 4] = ["", "v1", "healthcheck", "identity"];

/// Brings a request's path to the form that routes have.
pub(crate) async fn normalize(mut request: Request) -> Request {
    if let Some(uri) = rewritten(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn rewritten(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
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
        ] {
            let uri: Uri = given.parse().unwrap();
            assert_eq!(rewritten(&uri).map(|uri| uri.to_string()).as_deref(), expected, "{given}");
        }
    }
}
