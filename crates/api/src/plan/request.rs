//! Requests that can be planned, buffered as they were sent: they run more than once.

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request};
use http::request::Parts;
use http::{HeaderName, Method, Uri};
use serde_json::Value;
use url::form_urlencoded;

use super::basis::{Basis, PlanId};
use crate::http::fields::read_boolean;
use crate::http::{ApiError, Caller, Result, body};

/// The query parameter for a dry run.
pub(crate) const DRY_RUN: &str = "dry_run";

/// The header with the id of the plan that a request carries out.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-jeroboam-plan");

/// How a request wants to be handled.
pub(super) enum Wanted {
    Neither,
    /// An explicit `dry_run=false`.
    Change,
    Plan,
    Apply(PlanId),
}

impl Wanted {
    pub(super) fn read(request: &Request) -> Result<Self> {
        let is_dry = dry_run(request.uri())?;
        let id = request.headers().get(HEADER);
        let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let plannable = is_plannable(request.method(), route);
        match (is_dry, id) {
            // Refused like every parameter that a route does not have.
            (Some(_), _) if !plannable => Err(ApiError::field(DRY_RUN, "is not a parameter of this request")),
            (_, Some(_)) if !plannable => {
                Err(ApiError::field(HEADER.as_str(), "is only for changes that can be planned"))
            }
            (Some(true), Some(_)) => {
                Err(ApiError::field(DRY_RUN, format!("requests a plan, {HEADER} carries one out. Give one of them")))
            }
            (Some(true), None) => Ok(Self::Plan),
            (_, Some(id)) => PlanId::read(id).map(Self::Apply),
            (Some(false), None) => Ok(Self::Change),
            (None, None) => Ok(Self::Neither),
        }
    }
}

/// Whether a request is a dry run.
pub(crate) fn is_dry_run(request: &Request) -> bool {
    dry_run(request.uri()).is_ok_and(|is_dry| is_dry == Some(true))
}

fn dry_run(uri: &Uri) -> Result<Option<bool>> {
    let mut given = pairs(uri).filter(|(name, _)| name == DRY_RUN);
    let Some((_, text)) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(ApiError::field(DRY_RUN, "is given twice"));
    }
    let value = read_boolean(&Value::String(text));
    value.map(Some).ok_or_else(|| ApiError::field(DRY_RUN, "must be true or false"))
}

fn pairs(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned()
}

/// Whether a request of a route changes a cluster or a node group by an operation.
pub(crate) fn is_plannable(method: &Method, route: &str) -> bool {
    let parts: Vec<&str> = route.trim_start_matches("/v1/").split('/').collect();
    match (method.as_str(), &parts[..]) {
        ("POST", ["clusters" | "bays"] | ["clusters", _, "nodegroups"]) => true,
        ("POST", ["clusters", _, "actions", action]) => ["resize", "upgrade", "retry", "repair"].contains(action),
        ("PATCH" | "DELETE", ["clusters" | "bays", _] | ["clusters", _, "nodegroups", _]) => true,
        ("PATCH", ["certificates", _]) => true,
        _ => false,
    }
}

/// A buffered request that can run repeatedly.
pub(super) struct Sent {
    /// Without the parameter `dry_run`.
    parts: Parts,
    body: Bytes,
}

impl Sent {
    pub(super) async fn read(request: Request) -> Result<Self> {
        let (mut parts, body) = request.into_parts();
        parts.uri = without_dry_run(&parts.uri)?;
        Ok(Self { parts, body: body::collect(body).await? })
    }

    pub(super) fn request(&self) -> Request {
        Request::from_parts(self.parts.clone(), Body::from(self.body.clone()))
    }

    /// The request as a fact, independent of the caller.
    pub(super) fn basis(&self) -> Basis {
        let Parts { method, uri, extensions, .. } = &self.parts;
        let version = extensions.get::<Caller>().map(|caller| caller.version.to_string()).unwrap_or_default();
        let path = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        Basis::request(&(method.as_str(), path, version, &self.body[..]))
    }

    /// Requires a name: a generated one differs each time, so such a plan could never be carried out.
    pub(super) fn check_name(&self) -> Result<()> {
        if self.parts.method != Method::POST || self.parts.uri.path().contains("/actions/") {
            return Ok(());
        }
        let body = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        // The handler reports all other problems of the body.
        if body.is_object() && body.get("name").is_none_or(Value::is_null) {
            return Err(ApiError::field("name", "is required for a plan: a generated name differs each time"));
        }
        Ok(())
    }
}

fn without_dry_run(uri: &Uri) -> Result<Uri> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs(uri).filter(|(name, _)| name != DRY_RUN));
    let query = query.finish();
    let text = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(text.parse().map_err(ApiError::internal)?);
    Uri::from_parts(parts).map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_by_operations_can_be_planned_and_nothing_else() {
        for (method, route) in [
            (Method::POST, "/v1/bays"),
            (Method::PATCH, "/v1/bays/{ident}"),
            (Method::DELETE, "/v1/clusters/{ident}"),
            (Method::POST, "/v1/clusters/{ident}/actions/repair"),
            (Method::DELETE, "/v1/clusters/{ident}/nodegroups/{group}"),
            (Method::PATCH, "/v1/certificates/{ident}"),
        ] {
            assert!(is_plannable(&method, route), "{method} {route}");
        }
        for (method, route) in [
            (Method::GET, "/v1/bays"),
            (Method::POST, "/v1/clustertemplates"),
            (Method::POST, "/v1/clusters/{ident}/actions/pause"),
            (Method::POST, "/v1/certificates"),
            (Method::DELETE, "/v1/pods/{ident}"),
        ] {
            assert!(!is_plannable(&method, route), "{method} {route}");
        }
    }

    #[test]
    fn only_the_parameter_that_asks_for_a_plan_is_taken_out() {
        for (uri, without) in [
            ("/v1/bays?dry_run=true", "/v1/bays"),
            ("/v1/c/x/actions/retry?replace_data=true&dry_run=1", "/v1/c/x/actions/retry?replace_data=true"),
            ("/v1/bays?a=%26b", "/v1/bays?a=%26b"),
        ] {
            assert_eq!(without_dry_run(&uri.parse().unwrap()).unwrap().to_string(), without);
        }
        assert_eq!(dry_run(&"/v1/bays?dry_run=no".parse().unwrap()).unwrap(), Some(false));
        for bad in ["/v1/bays?dry_run=maybe", "/v1/bays?dry_run=true&dry_run=true"] {
            assert_eq!(dry_run(&bad.parse().unwrap()).unwrap_err().field.as_deref(), Some(DRY_RUN), "{bad}");
        }
    }
}
