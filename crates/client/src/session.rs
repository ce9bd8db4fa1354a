//! The connection: HTTP clients, authentication, and sending calls as requests.

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

/// Timeout of connecting. Servers are near; a longer wait would only delay the report of an unreachable server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of an ordinary call, including the response body. The slowest calls make the server fetch a manifest.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Timeout of a call that waits for an image pull or for a command in a container.
const LONG_CALL_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Page size of lists: few requests for usual lists, and no huge responses.
const PAGE_SIZE: usize = 500;
/// Header that selects a microversion (contract magnum-v1 section 1.3).
const MICROVERSION_HEADER: &str = "openstack-api-version";
/// Header that makes a repeated POST idempotent (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";
/// The client accepts the fields of all microversions, so it requests the newest.
const MICROVERSION: &str = "container-infra latest";

/// The client. Cheap to clone; clones share the login.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    idempotency_key: Option<HeaderValue>,
}

struct Inner {
    config: Config,
    /// For `http://`: without the machine's root certificates, as loading them takes longer than most calls.
    plain: OnceLock<reqwest::Client>,
    /// For `https://`.
    secure: OnceLock<reqwest::Client>,
    login: Mutex<Option<Arc<Login>>>,
}

/// The result of authentication. Kept in memory only.
pub(crate) struct Login {
    /// The project that the token is scoped to, if any.
    pub(crate) project: Option<Project>,
    pub(crate) token: SecretString,
    /// Base URL of the API, with `/v1`.
    pub(crate) endpoint: Url,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

/// A call that is being built.
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

    /// Adds the cluster of a workload.
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

    /// Sets the timeout for calls that wait for an image or a command.
    pub(crate) fn long(mut self) -> Self {
        self.timeout = Some(LONG_CALL_TIMEOUT);
        self
    }

    /// Disables the timeout, for event streams.
    pub(crate) fn endless(mut self) -> Self {
        self.timeout = None;
        self
    }
}

impl Client {
    /// Creates a client that authenticates on first use.
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

    /// The same client, whose creates and actions send this `Idempotency-Key`: if a request is repeated with it within
    /// 24 hours, it has no further effect and gets the first response. For programs that retry requests without a known
    /// result.
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

    /// Id of the project that the token is scoped to.
    ///
    /// # Errors
    /// When authentication fails, or the token is not scoped to a project.
    pub async fn project(&self) -> Result<String> {
        let project = self.login(None).await?.project.as_ref().map(|project| project.id.clone());
        project.ok_or_else(|| Error::Config {
            message: "the token is not scoped to a project".to_owned(),
            action: "Name a project in clouds.yaml (project_name), or by OS_PROJECT_NAME".to_owned(),
        })
    }

    /// Id of a project that is given by name or id. The caller's own project is known; others are looked up at the
    /// identity service. If the caller may not list projects, the argument is taken as an id. `None` when there is no
    /// such project.
    ///
    /// # Errors
    /// When several projects have the name, or the identity service does not answer.
    pub async fn project_id(&self, ident: &str) -> Result<Option<String>> {
        let login = self.login(None).await?;
        match &login.project {
            Some(own) if own.id == ident || own.name == ident => Ok(Some(own.id.clone())),
            _ => identity::project_id(self, &login.token, ident).await,
        }
    }

    /// The configuration of the client.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The HTTP client for a URL.
    pub(crate) fn http(&self, url: &Url) -> Result<&reqwest::Client> {
        let secure = url.scheme() == "https";
        let cell = if secure { &self.inner.secure } else { &self.inner.plain };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("jeroboam/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            // The API never redirects, and the token must not be sent to another server.
            .redirect(reqwest::redirect::Policy::none());
        if is_here(&self.inner.config.auth_url) {
            // A proxy cannot reach this machine's loopback addresses.
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
            message: format!("the HTTP client cannot be created: {}", chain(&error)),
            action: "Install the package ca-certificates, or name a CA file (cacert, OS_CACERT)".to_owned(),
        })?;
        Ok(cell.get_or_init(|| client))
    }

    /// The current token; authenticates if there is none, or if the API refused the one in `stale`.
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

    /// Sends a call, and authenticates again once if the token is refused. The response is a success.
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

    /// Sends a call and parses the JSON response.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let response = self.send(&call).await?;
        let url = response.url().clone();
        let body = response.bytes().await.map_err(|error| unreachable(&url, &error))?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::Protocol { url: url.to_string(), message: error.to_string() })
    }

    /// Sends a call whose response has no content of interest.
    pub(crate) async fn nothing(&self, call: Call) -> Result<()> {
        self.send(&call).await.map(drop)
    }

    /// Reads all pages of a list. `split` splits a page into items and link, `marker` returns the marker for the next
    /// page.
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
            // Protects against a server that announces another page but then sends nothing.
            let done = next.is_none() || items.is_empty();
            all.extend(items);
            if done {
                return Ok(all);
            }
        }
    }
}

/// Whether a URL is on this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads the CA certificates in a file.
fn certificates(path: &std::path::Path) -> Result<Vec<reqwest::Certificate>> {
    let problem = |message: String| Error::Config {
        message: format!("reading the CA certificates in {} failed: {message}", path.display()),
        action: "Name a file with certificates in PEM (cacert in clouds.yaml, or OS_CACERT)".to_owned(),
    };
    let pem = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| problem(chain(&error)))
}

/// The request id in a response, for the operator's logs.
pub(crate) fn request_id(response: &Response) -> Option<String> {
    response.headers().get("x-openstack-request-id")?.to_str().ok().map(str::to_owned)
}

/// Converts a network error.
pub(crate) fn unreachable(url: &Url, error: &reqwest::Error) -> Error {
    let message = if error.is_timeout() { "no answer in time".to_owned() } else { chain(error) };
    Error::Unreachable { url: origin(url), message }
}

/// Scheme, host and port, for messages.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The innermost error of a chain, which is the most specific one.
fn chain(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
