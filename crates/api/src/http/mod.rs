//! What all routes share: everything about HTTP and Magnum's wire rules that is not specific to a resource.
//!
//! - [`error`]: the error type of handlers and its bodies.
//! - [`limits`]: what is refused first.
//! - [`gate`]: token, microversion and media types, before any handler of v1.
//! - [`again`]: retries after concurrent changes.
//! - [`availability`]: which routes exist in which microversions.
//! - [`etag`]: conditional requests.
//! - [`idempotency`]: a repeated POST has no second effect.
//! - [`finish`]: request id and error bodies, after every handler.
//! - [`path`]: trailing slashes and paths without `/v1`.
//! - [`caller`]: who sent the request, for handlers.
//! - [`json`], [`body`], [`fields`]: reading request bodies: JSON strictly, values leniently.
//! - [`params`]: reading query strings strictly; pages of lists.
//! - [`patch`], [`literal`]: Magnum's dialect of JSON patch.
//! - [`trail`]: the tracing span of a request.
//! - [`reply`]: links, times, lists, responses to accepted writes.
//! - [`version`]: how microversions are negotiated.

mod again;
pub(crate) mod availability;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod convert;
pub(crate) mod error;
pub(crate) mod etag;
pub(crate) mod fields;
pub(crate) mod finish;
pub(crate) mod gate;
pub(crate) mod idempotency;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod literal;
pub(crate) mod params;
pub(crate) mod patch;
pub(crate) mod path;
pub(crate) mod reason;
pub(crate) mod reply;
pub(crate) mod trail;
pub(crate) mod version;

pub(crate) use again::again;
pub(crate) use body::{JsonObject, JsonPatch, OptionalObject};
pub(crate) use caller::Caller;
pub(crate) use error::{ApiError, Result};
pub(crate) use fields::Fields;
pub(crate) use params::Params;
pub(crate) use reason::{ApiReason, Reason};
pub(crate) use version::Version;
