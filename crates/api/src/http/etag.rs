//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110 sections 8.8.3 and 13), so that no client overwrites changes that
//! it has not seen.
//!
//! A tag is `"STATE-VERSION"`: the state of the resource's rows, and the microversion in which it is shown, as a strong
//! tag must tell representations apart. Reads compare whole tags; writes compare states, since they change the resource
//! and not one representation of it. The store checks the precondition, in the transaction that writes.

use axum::RequestExt;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jeroboam_store::{Precondition, Tag, Target};

use super::{ApiError, Caller, Result, Version};
use crate::AppState;

/// Most tags that are read from a header: clients send one or two.
const MAX_TAGS: usize = 100;

/// Adds the `ETag` of the state that a response shows.
pub(crate) fn tagged(mut response: Response, tag: Tag, version: Version) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{:016x}-{version}\"", tag.0)) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// The conditions of a request, from both headers.
#[derive(Debug, PartialEq, Eq)]
struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// The value of one header.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`
    Any,
    /// A list.
    These(Vec<Given>),
}

/// One tag as sent by a client.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    is_weak: bool,
    /// Without the quotes.
    text: String,
}

/// Middleware: a request has an effect only if its conditions hold.
pub(crate) async fn conditions(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let conditions = match Conditions::read(request.headers()) {
        Ok(None) => return next.run(request).await,
        Ok(Some(conditions)) => conditions,
        Err(error) => return error.into_response(),
    };
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return conditions.shape(next.run(request).await);
    }
    let Some(caller) = request.extensions().get::<Caller>().cloned() else { return next.run(request).await };
    match target(&mut request).await {
        Some(target) => {
            let holds = move |tag| conditions.hold(tag);
            let condition = Precondition::new(caller.scope(), target, holds);
            let response = condition.clone().around(next.run(request)).await;
            if !response.status().is_success() {
                return response;
            }
            // A request that found nothing to change has not checked the precondition yet.
            match condition.around(state.store.check_precondition()).await {
                Ok(()) => response,
                Err(error) => ApiError::from(error).into_response(),
            }
        }
        // What has no tag has no state that a client could name.
        None if matches!(conditions.if_match, Some(Tags::These(_))) => ApiError::changed_since().into_response(),
        None => next.run(request).await,
    }
}

/// The resource that a path names, if it has tags.
async fn target(request: &mut Request) -> Option<Target> {
    let route = request.extensions().get::<MatchedPath>()?.as_str().to_owned();
    let params = request.extract_parts::<RawPathParams>().await.ok()?;
    let mut idents = params.iter().map(|(_, ident)| ident.to_owned());
    named(&route, idents.next()?, idents.next())
}

/// Whether a route names a resource that has tags.
pub(crate) fn is_tagged(route: &str) -> bool {
    named(route, String::new(), Some("Cluster".to_owned())).is_some()
}

/// The resource that a route names, with these values for its parameters.
fn named(route: &str, first: String, second: Option<String>) -> Option<Target> {
    match route.trim_start_matches("/v1/").split('/').collect::<Vec<_>>()[..] {
        ["clusters" | "bays", _] | ["clusters", _, "actions", _] => Some(Target::Cluster(first)),
        ["clustertemplates" | "baymodels", _] => Some(Target::Template(first)),
        ["federations", _] => Some(Target::Federation(first)),
        ["quotas", _, _] => Some(Target::Quota { project: first, resource: second?.parse().ok()? }),
        ["clusters", _, "nodegroups", _] => Some(Target::NodeGroup { cluster: first, group: second? }),
        _ => None,
    }
}

impl Conditions {
    fn read(headers: &HeaderMap) -> Result<Option<Self>> {
        let conditions = Self {
            if_match: Tags::read(headers, &header::IF_MATCH)?,
            if_none_match: Tags::read(headers, &header::IF_NONE_MATCH)?,
        };
        Ok((conditions.if_match.is_some() || conditions.if_none_match.is_some()).then_some(conditions))
    }

    /// Whether the conditions allow a change in this state. `If-Match` compares strongly, so weak tags never match.
    fn hold(&self, tag: Tag) -> bool {
        let is_it = |given: &Given| given.state() == Some(tag);
        let is_matched = match &self.if_match {
            None | Some(Tags::Any) => true,
            Some(Tags::These(tags)) => tags.iter().any(|given| !given.is_weak && is_it(given)),
        };
        is_matched
            && match &self.if_none_match {
                None => true,
                Some(Tags::Any) => false,
                Some(Tags::These(tags)) => !tags.iter().any(is_it),
            }
    }

    /// The response to a read: the full one, 304 when the client has the current state, or 412.
    fn shape(&self, response: Response) -> Response {
        let Some(tag) = response.headers().get(header::ETAG).filter(|_| response.status().is_success()) else {
            return response;
        };
        let is_it = |given: &Given| tag.as_bytes() == format!("\"{}\"", given.text).as_bytes();
        if let Some(Tags::These(tags)) = &self.if_match
            && !tags.iter().any(|given| !given.is_weak && is_it(given))
        {
            return ApiError::changed_since().into_response();
        }
        let is_known = match &self.if_none_match {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::These(tags)) => tags.iter().any(is_it),
        };
        if is_known { (StatusCode::NOT_MODIFIED, [(header::ETAG, tag.clone())]).into_response() } else { response }
    }
}

impl Tags {
    fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>> {
        let malformed = || ApiError::field(name.as_str(), "must be * or quoted ETag values separated by commas");
        let mut tags = Vec::new();
        let mut is_there = false;
        for value in headers.get_all(name) {
            is_there = true;
            let mut rest = value.to_str().map_err(|_| malformed())?.trim();
            if rest == "*" {
                return Ok(Some(Self::Any));
            }
            while !rest.is_empty() {
                let (is_weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
                let (text, after) =
                    quoted.strip_prefix('"').and_then(|text| text.split_once('"')).ok_or_else(malformed)?;
                tags.push(Given { is_weak, text: text.to_owned() });
                let after = after.trim_start();
                rest = match after.strip_prefix(',') {
                    Some(next) => next.trim_start(),
                    None if after.is_empty() => after,
                    None => return Err(malformed()),
                };
            }
        }
        if tags.len() > MAX_TAGS {
            return Err(ApiError::field(name.as_str(), format!("has more than {MAX_TAGS} tags")));
        }
        match (is_there, tags.is_empty()) {
            (false, _) => Ok(None),
            (true, true) => Err(malformed()),
            (true, false) => Ok(Some(Self::These(tags))),
        }
    }
}

impl Given {
    /// The state in the tag; `None` when it is not one of our tags.
    fn state(&self) -> Option<Tag> {
        let (state, _) = self.text.split_once('-')?;
        u64::from_str_radix(state, 16).ok().map(Tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str) -> Result<Option<Tags>> {
        let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(value))]);
        Tags::read(&headers, &header::IF_MATCH)
    }

    #[test]
    fn tags_are_read_as_rfc_9110_writes_them() {
        let given = |is_weak, text: &str| Given { is_weak, text: text.to_owned() };
        assert_eq!(read("*").unwrap(), Some(Tags::Any));
        assert_eq!(read("\"a\"").unwrap(), Some(Tags::These(vec![given(false, "a")])));
        let several = read("\"a,b\", W/\"c\" ,\"\",").unwrap();
        assert_eq!(several, Some(Tags::These(vec![given(false, "a,b"), given(true, "c"), given(false, "")])));
        for bad in ["", "a", "\"a", "\"a\" \"b\"", "w/\"a\"", ",\"a\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(Tags::read(&HeaderMap::new(), &header::IF_MATCH).unwrap(), None);
    }

    #[test]
    fn a_write_compares_states_and_never_weakly() {
        let tag = Tag(0xab);
        let with = |if_match, if_none_match| Conditions { if_match, if_none_match };
        let these = |is_weak, text: &str| Some(Tags::These(vec![Given { is_weak, text: text.to_owned() }]));
        for (conditions, expected) in [
            (with(Some(Tags::Any), None), true),
            (with(these(false, "00000000000000ab-1.1"), None), true),
            (with(these(false, "00000000000000ab-1.14"), None), true),
            (with(these(true, "00000000000000ab-1.1"), None), false),
            (with(these(false, "00000000000000ac-1.1"), None), false),
            (with(these(false, "nonsense"), None), false),
            (with(None, Some(Tags::Any)), false),
            (with(None, these(true, "00000000000000ab-1.1")), false),
            (with(None, these(false, "00000000000000ac-1.1")), true),
        ] {
            assert_eq!(conditions.hold(tag), expected, "{conditions:?}");
        }
    }
}
