//! The connection: one HTTP client, one login, and how a call becomes a request.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::Result;
use crate::config::Config;
use crate::error::{ApiError, Error};
use crate::identity::{self, Project};

/// How long making a connection may take. Servers are near; a longer wait only hides that one is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an ordinary call may take, answer read. The slowest fetch a manifest for us.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a call may take that waits for an image or for a command inside a container.
const LONG_CALL_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Items asked for per page of a list: few requests for usual lists, and no huge answers.
const PAGE_SIZE: usize = 500;
/// The header that chooses a microversion (contract magnum-v1 section 1.3).
const MICROVERSION_HEADER: &str = "openstack-api-version";
/// The header that makes a repeated POST do nothing again (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";
/// We read whatever is there, so the newest is right.
const MICROVERSION: &str = "container-infra latest";

/// The client. Cheap to clone; clones share the login.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    idempotency_key: Option<HeaderValue>,
}

struct Inner {
    config: Config,
    /// For `http://`: made without the machine's root certificates, whose reading takes longer than most calls.
    plain: OnceLock<reqwest::Client>,
    /// For `https://`.
    secure: OnceLock<reqwest::Client>,
    login: Mutex<Option<Arc<Login>>>,
}

/// What a login gave. Kept in memory only.
pub(crate) struct Login {
    /// The project that the token is for, if it is for one.
    pub(crate) project: Option<Project>,
    pub(crate) token: SecretString,
    /// Base of the API, with `/v1`.
    pub(crate) endpoint: Url,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

/// A call in the making.
pub(crate) struct Call {
    method: Method,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, HeaderValue)>,
    body: Option<Value>,
    timeout: Option<Duration>,
}

impl Call {
    fn new(method: Method, segments: &[&str]) -> Self {
        Self {
            method,
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            timeout: Some(CALL_TIMEOUT),
        }
    }

    pub(crate) fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    pub(crate) fn post(segments: &[&str]) -> Self {
        Self::new(Method::POST, segments)
    }

    pub(crate) fn put(segments: &[&str]) -> Self {
        Self::new(Method::PUT, segments)
    }

    pub(crate) fn patch(segments: &[&str]) -> Self {
        Self::new(Method::PATCH, segments)
    }

    pub(crate) fn delete(segments: &[&str]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Result<Self> {
        let value = HeaderValue::from_str(value).map_err(|_| Error::Config {
            message: format!("{value:?} has characters other than printable ASCII"),
            action: format!("Give a value that can be sent in the header {name}"),
        })?;
        self.headers.push((name, value));
        Ok(self)
    }

    /// Which cluster a workload is in.
    pub(crate) fn bay(self, cluster: Option<&str>) -> Self {
        match cluster {
            Some(cluster) => self.query("bay_ident", cluster),
            None => self,
        }
    }

    pub(crate) fn body(mut self, body: &impl Serialize) -> Result<Self> {
        let value = serde_json::to_value(body).map_err(|error| Error::Config {
            message: format!("the request cannot be written as JSON: {error}"),
            action: "Give other values".to_owned(),
        })?;
        self.body = Some(value);
        Ok(self)
    }

    /// For calls that wait for an image or a command.
    pub(crate) fn long(mut self) -> Self {
        self.timeout = Some(LONG_CALL_TIMEOUT);
        self
    }

    /// For streams, which end when they end.
    pub(crate) fn endless(mut self) -> Self {
        self.timeout = None;
        self
    }
}

impl Client {
    /// A client that logs in when it is first used.
    ///
    /// # Errors
    /// When the certificates named by the configuration cannot be read.
    pub fn new(config: Config) -> Result<Self> {
        if let Some(path) = &config.ca_file {
            certificates(path)?;
        }
        let inner = Inner { config, plain: OnceLock::new(), secure: OnceLock::new(), login: Mutex::new(None) };
        Ok(Self { inner: Arc::new(inner), idempotency_key: None })
    }

    /// The same client, whose creates and actions carry this `Idempotency-Key`: sent again with it within 24 hours, a
    /// request does nothing again and gets the answer of the first time. Of use where a program repeats what it did not
    /// see the end of.
    ///
    /// # Errors
    /// When the key cannot be sent as a header.
    pub fn with_idempotency_key(self, key: &str) -> Result<Self> {
        let value = HeaderValue::from_str(key).map_err(|_| Error::Config {
            message: format!("the idempotency key {key:?} has characters other than printable ASCII"),
            action: "Give a UUID, or the id of the job that sends the request".to_owned(),
        })?;
        Ok(Self { idempotency_key: Some(value), ..self })
    }

    /// Id of the project that the login is for.
    ///
    /// # Errors
    /// When logging in fails, or gives a token without a project.
    pub async fn project(&self) -> Result<String> {
        let project = self.login(None).await?.project.as_ref().map(|project| project.id.clone());
        project.ok_or_else(|| Error::Config {
            message: "the login is for no project".to_owned(),
            action: "Name a project in clouds.yaml (project_name), or by OS_PROJECT_NAME".to_owned(),
        })
    }

    /// Id of a project that is given by name or id. The login's own is known; for others the identity service is asked,
    /// and where it tells the login nothing about others, what was given is taken for an id. `None` when there is none.
    ///
    /// # Errors
    /// When several have the name, or nobody answers.
    pub async fn project_id(&self, ident: &str) -> Result<Option<String>> {
        let login = self.login(None).await?;
        match &login.project {
            Some(own) if own.id == ident || own.name == ident => Ok(Some(own.id.clone())),
            _ => identity::project_id(self, &login.token, ident).await,
        }
    }

    /// What the client was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The HTTP client for an address.
    pub(crate) fn http(&self, url: &Url) -> Result<&reqwest::Client> {
        let secure = url.scheme() == "https";
        let cell = if secure { &self.inner.secure } else { &self.inner.plain };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("jeroboam/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // The API sends nobody elsewhere, and our token must not follow somebody else's hint.
            .redirect(reqwest::redirect::Policy::none());
        if is_here(&self.inner.config.auth_url) {
            // A proxy does not reach what only this machine does.
            builder = builder.no_proxy();
        }
        if !secure {
            builder = builder.tls_certs_only([]);
        } else if self.inner.config.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        } else if let Some(path) = &self.inner.config.ca_file {
            builder = builder.tls_certs_only(certificates(path)?);
        }
        let client = builder.build().map_err(|error| Error::Config {
            message: format!("no HTTP client can be made: {}", chain(&error)),
            action: "Install the package ca-certificates, or name a CA file (cacert, OS_CACERT)".to_owned(),
        })?;
        Ok(cell.get_or_init(|| client))
    }

    /// The login; made now if there is none, or if `stale` is what the API refused.
    async fn login(&self, stale: Option<&Arc<Login>>) -> Result<Arc<Login>> {
        let mut slot = self.inner.login.lock().await;
        if let Some(login) = &*slot
            && !stale.is_some_and(|stale| Arc::ptr_eq(stale, login))
        {
            return Ok(Arc::clone(login));
        }
        let login = Arc::new(identity::login(self).await?);
        *slot = Some(Arc::clone(&login));
        Ok(login)
    }

    /// Sends a call, logging in once more when the token is refused. The answer is a success.
    pub(crate) async fn send(&self, call: &Call) -> Result<Response> {
        let login = self.login(None).await?;
        let response = self.send_with(call, &login).await?;
        let response = if response.status() == StatusCode::UNAUTHORIZED {
            let login = self.login(Some(&login)).await?;
            self.send_with(call, &login).await?
        } else {
            response
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let request_id = request_id(&response);
        let body = response.text().await.unwrap_or_default();
        Err(Error::Api(Box::new(ApiError::read(status, request_id, &body))))
    }

    async fn send_with(&self, call: &Call, login: &Login) -> Result<Response> {
        let mut url = login.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&call.segments);
        }
        let mut request = self
            .http(&url)?
            .request(call.method.clone(), url.clone())
            .header("x-auth-token", login.token.expose_secret())
            .header(MICROVERSION_HEADER, MICROVERSION)
            .header("accept", "application/json, text/event-stream");
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(timeout) = call.timeout {
            request = request.timeout(timeout);
        }
        if call.method == Method::POST
            && let Some(key) = &self.idempotency_key
        {
            request = request.header(IDEMPOTENCY_KEY_HEADER, key);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| unreachable(&url, &error))
    }

    /// Sends a call and reads the JSON that it answers.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let response = self.send(&call).await?;
        let url = response.url().clone();
        let body = response.bytes().await.map_err(|error| unreachable(&url, &error))?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::Protocol { url: url.to_string(), message: error.to_string() })
    }

    /// Sends a call whose answer says nothing more.
    pub(crate) async fn nothing(&self, call: Call) -> Result<()> {
        self.send(&call).await.map(drop)
    }

    /// Reads a list to its end. `split` takes a page apart, `marker` gives what the next page begins after.
    pub(crate) async fn pages<L: DeserializeOwned, T>(
        &self,
        segments: &[&str],
        split: impl Fn(L) -> (Vec<T>, Option<String>),
        marker: impl Fn(&T) -> String,
    ) -> Result<Vec<T>> {
        let mut all: Vec<T> = Vec::new();
        loop {
            let mut call = Call::get(segments).query("limit", PAGE_SIZE.to_string());
            if let Some(last) = all.last() {
                call = call.query("marker", marker(last));
            }
            let (items, next) = split(self.json(call).await?);
            // A server that says there is more and then sends nothing must not keep us forever.
            let done = next.is_none() || items.is_empty();
            all.extend(items);
            if done {
                return Ok(all);
            }
        }
    }
}

/// Whether an address is on this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The CA certificates in a file.
fn certificates(path: &std::path::Path) -> Result<Vec<reqwest::Certificate>> {
    let problem = |message: String| Error::Config {
        message: format!("reading the CA certificates in {} failed: {message}", path.display()),
        action: "Name a file with certificates in PEM (cacert in clouds.yaml, or OS_CACERT)".to_owned(),
    };
    let pem = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| problem(chain(&error)))
}

/// The id under which the operator finds a request.
pub(crate) fn request_id(response: &Response) -> Option<String> {
    response.headers().get("x-openstack-request-id")?.to_str().ok().map(str::to_owned)
}

/// A failure of the network as our error.
pub(crate) fn unreachable(url: &Url, error: &reqwest::Error) -> Error {
    let message = if error.is_timeout() { "no answer in time".to_owned() } else { chain(error) };
    Error::Unreachable { url: origin(url), message }
}

/// Scheme, host and port: what a person checks first.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The last link of a chain of errors: the one that says what happened.
fn chain(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
