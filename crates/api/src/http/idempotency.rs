//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a repeated POST has no second effect and gets the
//! same response.
//!
//! Keys are per project, user and route, for 24 hours. Requests that create rows (clusters, templates, node groups)
//! take the key in the transaction that writes them, so a retry finds the resource even after a crash. All others take
//! the key first; if the process dies before the response is stored, the outcome is unknown, and the key gets 409. A
//! request that is refused or fails keeps no key, unless it had created its rows.

use axum::RequestExt;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jeroboam_store::idempotency::MAX_ANSWER;
use jeroboam_store::{IdempotencyKey, KnownKey, StoreError};
use serde::{Deserialize, Serialize};
use tracing::Instrument;
use uuid::Uuid;

use super::{ApiError, ApiReason, Caller, Result, body, reply};
use crate::spelling::Spelling;
use crate::{AppState, cluster, cluster_template, node_group, plan};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Marks a response as a stored one. Ours.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key, in characters: clients send UUIDs.
const MAX_KEY: usize = 255;

/// Headers of a response that are stored with it. The others belong to the individual request.
const KEPT_HEADERS: [HeaderName; 4] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG, reply::OPERATION];

/// A response as it is stored.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// The kinds of request that create rows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Makes {
    Cluster(Spelling),
    Template(Spelling),
    /// In this cluster, by id or name.
    NodeGroup(String),
}

impl Makes {
    /// Determines it from the pattern of the route and the value of its first parameter.
    fn of(route: &str, ident: Option<String>) -> Option<Self> {
        match route.trim_start_matches("/v1/").split('/').collect::<Vec<_>>()[..] {
            ["clusters"] => Some(Self::Cluster(Spelling::Cluster)),
            ["bays"] => Some(Self::Cluster(Spelling::Bay)),
            ["clustertemplates"] => Some(Self::Template(Spelling::Cluster)),
            ["baymodels"] => Some(Self::Template(Spelling::Bay)),
            ["clusters", _, "nodegroups"] => ident.map(Self::NodeGroup),
            _ => None,
        }
    }

    /// The response to the request that created it.
    async fn answer(&self, state: &AppState, caller: &Caller, uuid: Uuid) -> Result<Response> {
        match self {
            Self::Cluster(spelling) => cluster::create::made(state, caller, uuid, *spelling).await,
            Self::Template(spelling) => cluster_template::create::made(state, caller, uuid, *spelling).await,
            Self::NodeGroup(cluster) => node_group::create::made(state, caller, cluster, uuid).await,
        }
    }
}

/// A request with a key, and what is needed to respond to it.
struct Keyed {
    state: AppState,
    caller: Caller,
    key: IdempotencyKey,
    makes: Option<Makes>,
}

/// Middleware: runs the handler once per key.
pub(crate) async fn once(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if plan::is_dry_run(&request) {
        // A dry run has no effect, so a key has no meaning.
        return next.run(request).await;
    }
    let caller = request.extensions().get::<Caller>().cloned();
    let (Some(caller), &Method::POST) = (caller, request.method()) else { return next.run(request).await };
    let result = match read(request.headers()) {
        Ok(None) => return next.run(request).await,
        Ok(Some(key)) => run(state, caller, &key, request, next).await,
        Err(error) => Err(error),
    };
    result.unwrap_or_else(IntoResponse::into_response)
}

/// Reads the key; it may be quoted, as the draft writes it, or not.
fn read(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let refused = |message: String| Err(ApiError::field(HEADER.as_str(), message));
    if values.next().is_some() {
        return refused("was given more than once".to_owned());
    }
    let Ok(text) = value.to_str() else { return refused("must be printable ASCII".to_owned()) };
    let text = text.trim();
    let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    match key.len() {
        0 => refused("is empty. Give a new UUID for every new request".to_owned()),
        length if length > MAX_KEY => refused(format!("has {length} characters, and may have {MAX_KEY}")),
        _ => Ok(Some(key.to_owned())),
    }
}

async fn run(state: AppState, caller: Caller, key: &str, mut request: Request, next: Next) -> Result<Response> {
    let params = request.extract_parts::<RawPathParams>().await.ok();
    let ident = params.and_then(|params| Some(params.iter().next()?.1.to_owned()));
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let makes = Makes::of(route, ident);
    let (parts, body) = request.into_parts();
    let bytes = body::collect(body).await?;
    let owner = [&caller.auth.project_id, &caller.auth.user_id, parts.uri.path(), key];
    let version = caller.version.to_string();
    let asked = [&bytes[..], parts.uri.query().unwrap_or_default().as_bytes(), version.as_bytes()];
    let key = IdempotencyKey::new(&owner, &asked, &caller.request_id);
    let keyed = Keyed { state, caller, key, makes };
    if let Some(answer) = keyed.known().await? {
        return Ok(answer);
    }
    let request = Request::from_parts(parts, Body::from(bytes));
    // A client that disconnects must not stop this between the work and storing its response: it will retry.
    let work = async move { keyed.work(request, next).await }.in_current_span();
    tokio::spawn(work).await.unwrap_or_else(|error| Err(ApiError::internal(format_args!("a handler failed: {error}"))))
}

impl Keyed {
    async fn work(self, request: Request, next: Next) -> Result<Response> {
        if self.makes.is_none() {
            match self.state.store.take_key(&self.key).await {
                Ok(()) => {}
                Err(StoreError::KeyTaken) => return self.known_now().await,
                Err(error) => return Err(error.into()),
            }
        }
        let response = self.key.clone().around(next.run(request)).await;
        if response.extensions().get::<ApiError>().is_some_and(ApiError::is_key_taken) {
            return self.known_now().await;
        }
        if response.status().is_success() {
            return self.keep(response).await;
        }
        if self.makes.is_none() {
            self.state.store.give_key_back(&self.key).await?;
        }
        Ok(response)
    }

    /// The response to a request whose key is known; `None` when it is not.
    async fn known(&self) -> Result<Option<Response>> {
        let unknown_outcome = || {
            ApiError::new(
                StatusCode::CONFLICT,
                ApiReason::IdempotencyKeyUnanswered,
                "A request with this Idempotency-Key is in progress, or its response was lost. Check what exists; if \
                 that is not what you want, send the request with another key.",
            )
        };
        match (self.state.store.known_key(&self.key).await?, &self.makes) {
            (None, _) => Ok(None),
            (Some(KnownKey::OtherRequest), _) => Err(ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                ApiReason::IdempotencyKeyReused,
                "This Idempotency-Key was used for another request before. Use a new key for a new request.",
            )
            .about(HEADER.as_str())),
            (Some(KnownKey::Answered(kept)), _) => Ok(Some(replay(&kept)?)),
            (Some(KnownKey::Unanswered { resource: Some(uuid) }), Some(makes)) => {
                let answer = makes.answer(&self.state, &self.caller, uuid).await;
                // It was created and has been deleted since.
                let answer = answer.map_err(|error| match error.status {
                    StatusCode::NOT_FOUND => unknown_outcome(),
                    _ => error,
                })?;
                Ok(Some(marked(answer)))
            }
            (Some(KnownKey::Unanswered { .. }), _) => Err(unknown_outcome()),
        }
    }

    /// The same when another request has just taken the key.
    async fn known_now(&self) -> Result<Response> {
        self.known().await?.ok_or_else(|| ApiError::from(StoreError::KeyTaken))
    }

    /// Stores a response and returns it.
    async fn keep(&self, response: Response) -> Result<Response> {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(|error| ApiError::internal(error.to_string()))?;
        let text = |name: &HeaderName| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned()));
        if bytes.len() <= MAX_ANSWER
            && let Ok(body) = String::from_utf8(bytes.to_vec())
        {
            let headers = KEPT_HEADERS.iter().filter_map(text).collect();
            let kept = Kept { status: parts.status.as_u16(), headers, body };
            let kept = serde_json::to_vec(&kept).map_err(|error| ApiError::internal(error.to_string()))?;
            // The request has succeeded, even if its response cannot be stored.
            if let Err(error) = self.state.store.keep_answer(&self.key, &kept).await {
                tracing::warn!(%error, "storing the response to a request with an idempotency key");
            }
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }
}

fn replay(kept: &[u8]) -> Result<Response> {
    let unreadable =
        |error: &dyn std::fmt::Display| ApiError::internal(format_args!("reading a stored response: {error}"));
    let kept: Kept = serde_json::from_slice(kept).map_err(|error| unreadable(&error))?;
    let mut response = Response::builder().status(kept.status);
    for (name, value) in kept.headers {
        response = response.header(name, value);
    }
    Ok(marked(response.body(Body::from(kept.body)).map_err(|error| unreadable(&error))?))
}

fn marked(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &str) -> Result<Option<String>> {
        read(&HeaderMap::from_iter([(HEADER, HeaderValue::from_str(value).unwrap())]))
    }

    #[test]
    fn a_key_may_stand_in_quotes() {
        assert_eq!(read(&HeaderMap::new()).unwrap(), None);
        for given in ["abc", "\"abc\"", " abc "] {
            assert_eq!(key(given).unwrap().as_deref(), Some("abc"), "{given}");
        }
        assert!(key(&"a".repeat(MAX_KEY)).is_ok());
        for bad in ["", "\"\"", &"a".repeat(MAX_KEY + 1)] {
            assert_eq!(key(bad).unwrap_err().field.as_deref(), Some("idempotency-key"), "{bad}");
        }
    }

    #[test]
    fn collections_make_rows_and_actions_do_not() {
        assert_eq!(Makes::of("/v1/bays", None), Some(Makes::Cluster(Spelling::Bay)));
        let groups = Makes::of("/v1/clusters/{ident}/nodegroups", Some("c".to_owned()));
        assert_eq!(groups, Some(Makes::NodeGroup("c".to_owned())));
        for other in ["/v1/clusters/{ident}/actions/resize", "/v1/pods", "/v1/certificates", ""] {
            assert_eq!(Makes::of(other, Some("c".to_owned())), None, "{other}");
        }
    }
}
