//! The connection to the server: the agent's side of the protocol in `jeroboam_types::agent`.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use backon::{ExponentialBuilder, Retryable as _};
use jeroboam_types::agent::{
    Assignment, Bootstrap, CertificatesRequest, CertificatesResponse, EnrollRequest, EnrollResponse, HEARTBEAT_SECONDS,
    Heartbeat, LONG_POLL_SECONDS, RenewRequest, Report,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use crate::credentials::Credentials;
use crate::known::Keeper;
use crate::tools::back_off;

/// Timeout of calls that are answered at once.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout of a heartbeat: after one that hangs, another is sent before the node counts as silent.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(3);

/// Timeout of the long poll: the server's own, and some time for the network.
const POLL_TIMEOUT: Duration = Duration::from_secs(LONG_POLL_SECONDS + 10);

/// Back-off between attempts to reach the server. Short at first: the server may be starting too.
const BACK_OFF: ExponentialBuilder = back_off(Duration::from_millis(100), Duration::from_millis(2500));

/// Maximum length of an error response that is kept, in bytes.
const REFUSAL_BYTES: usize = 2048;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// No response: retry later.
    #[error("{call}: {}", chain(source))]
    Unreachable {
        /// What was attempted.
        call: &'static str,
        /// The underlying error.
        source: reqwest::Error,
    },
    /// The server refused the request.
    #[error("{call}: the server answered {status}: {text}")]
    Refused {
        /// What was attempted.
        call: &'static str,
        /// HTTP status.
        status: StatusCode,
        /// Message of the server.
        text: String,
    },
}

/// reqwest's message alone omits the reason, which is in the chain of sources.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl HomeError {
    /// Whether a retry may succeed.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// The response to a long poll.
#[derive(Debug)]
pub enum Polled {
    /// There is a newer assignment.
    Assignment(Box<Assignment>),
    /// There is no newer assignment.
    Nothing,
    /// The node no longer exists in the cluster.
    Unwanted,
}

/// The connection to the server, with the agent's own certificate.
#[derive(Debug, Clone)]
pub struct Home {
    /// Replaced when the certificate is renewed.
    client: Arc<RwLock<Client>>,
    base: String,
    /// PEM of the CA that signed the server's certificate.
    ca: String,
    credentials: Credentials,
    known: Keeper,
}

impl Home {
    /// Connects with the certificate saved in `folder`, or enrols with the one-time token to get a certificate from the
    /// server's CA. Waits for the server without a time limit.
    ///
    /// # Errors
    /// When the token is refused, or the bootstrap file or the folder is unusable: a retry would not help.
    pub async fn connect(bootstrap: &Bootstrap, folder: &Path) -> anyhow::Result<Self> {
        let credentials = Credentials::at(folder, "agent");
        let known = Keeper::at(folder);
        let with = |client| Self {
            client: Arc::new(RwLock::new(client)),
            base: bootstrap.server.trim_end_matches('/').to_owned(),
            ca: bootstrap.ca.clone(),
            credentials: credentials.clone(),
            known: known.clone(),
        };
        let identity = match credentials.identity().filter(|_| credentials.is_of(&bootstrap.ca)) {
            Some(identity) => identity,
            // Also when a server with another CA, which does not accept the saved certificate, has adopted the node.
            None => {
                let home = with(client(&bootstrap.ca, None)?);
                let certificate = home.enroll(bootstrap, &credentials.request()?).await?;
                credentials.keep(&certificate)?;
                credentials.identity().context("reading back the agent's certificate")?
            }
        };
        Ok(with(client(&bootstrap.ca, Some(&identity))?))
    }

    /// Renews the agent's certificate if less than a third of its life is left. Returns whether it did.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses, or the disk cannot be written: the old certificate stays in use.
    pub async fn renew(&self) -> anyhow::Result<bool> {
        if self.credentials.is_fresh(jiff::Timestamp::now().as_second()) {
            return Ok(false);
        }
        let call = "renewing the agent's certificate";
        let request = RenewRequest { csr: self.credentials.request()? };
        let response = check(call, self.send(self.post("renew").json(&request).timeout(CALL_TIMEOUT)).await).await?;
        let renewed: EnrollResponse =
            response.json().await.map_err(|source| HomeError::Unreachable { call, source })?;
        self.credentials.keep(&renewed.certificate)?;
        let identity = self.credentials.identity().context("reading back the agent's certificate")?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client(&self.ca, Some(&identity))?;
        Ok(true)
    }

    fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The server's address, if its URL contains an address.
    pub fn address(&self) -> Option<std::net::IpAddr> {
        let url = reqwest::Url::parse(&self.base).ok()?;
        url.host_str()?.trim_matches(['[', ']']).parse().ok()
    }

    async fn enroll(&self, bootstrap: &Bootstrap, csr: &str) -> anyhow::Result<String> {
        let request = EnrollRequest { node: bootstrap.node, token: bootstrap.token.clone(), csr: csr.to_owned() };
        let enroll = || async {
            let call = "enrolling";
            let response = self.send(self.post("enroll").json(&request).timeout(CALL_TIMEOUT)).await;
            let response = check(call, response).await?;
            response.json::<EnrollResponse>().await.map_err(|source| HomeError::Unreachable { call, source })
        };
        let enrolled = enroll.retry(BACK_OFF).when(HomeError::may_pass);
        Ok(enrolled.notify(|error, _| tracing::warn!("{error}")).await?.certificate)
    }

    /// Waits for an assignment newer than `after`, up to the server's long poll timeout.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn assignment(&self, after: u64) -> Result<Polled, HomeError> {
        let call = "asking for the assignment";
        let request = self.client().get(format!("{}/agent/v1/assignment", self.base)).query(&[("after", after)]);
        let response = self.send(request.timeout(POLL_TIMEOUT)).await;
        if let Ok(response) = &response
            && response.status() == StatusCode::GONE
        {
            return Ok(Polled::Unwanted);
        }
        let response = check(call, response).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Polled::Nothing);
        }
        let assignment = response.json().await.map_err(|source| HomeError::Unreachable { call, source })?;
        Ok(Polled::Assignment(assignment))
    }

    /// Requests signed certificates.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn certificates(&self, request: &CertificatesRequest) -> Result<CertificatesResponse, HomeError> {
        let call = "asking for certificates";
        let response = self.send(self.post("certificates").json(request).timeout(CALL_TIMEOUT)).await;
        check(call, response).await?.json().await.map_err(|source| HomeError::Unreachable { call, source })
    }

    /// Sends a report.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn report(&self, report: &Report) -> Result<(), HomeError> {
        let response = self.send(self.post("report").json(report).timeout(CALL_TIMEOUT)).await;
        check("reporting", response).await.map(drop)
    }

    /// Sends a heartbeat. Returns false when the server needs a new report.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn heartbeat(&self) -> Result<bool, HomeError> {
        let heartbeat = Heartbeat { seconds: HEARTBEAT_SECONDS };
        let response = self.send(self.post("heartbeat").json(&heartbeat).timeout(HEARTBEAT_TIMEOUT)).await;
        Ok(check("sending a heartbeat", response).await?.status() != StatusCode::RESET_CONTENT)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client().post(format!("{}/agent/v1/{path}", self.base))
    }

    /// Sends a call with the deployment's progress known so far, and saves the progress in the response.
    async fn send(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        let response = self.known.add_to(request).send().await?;
        self.known.keep(response.headers());
        Ok(response)
    }
}

fn client(ca: &str, identity: Option<&str>) -> anyhow::Result<Client> {
    let authorities = reqwest::Certificate::from_pem_bundle(ca.as_bytes()).context("reading the server's authority")?;
    let mut builder = Client::builder().tls_certs_only(authorities).no_proxy().connect_timeout(CALL_TIMEOUT);
    if let Some(identity) = identity {
        let identity = reqwest::Identity::from_pem(identity.as_bytes()).context("reading the agent's certificate")?;
        builder = builder.identity(identity);
    }
    builder.build().context("setting up TLS")
}

async fn check(call: &'static str, response: reqwest::Result<Response>) -> Result<Response, HomeError> {
    let response = response.map_err(|source| HomeError::Unreachable { call, source })?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let mut text = response.text().await.unwrap_or_default();
    if text.len() > REFUSAL_BYTES {
        text = text.chars().take(REFUSAL_BYTES).collect();
    }
    Err(HomeError::Refused { call, status, text })
}

#[cfg(test)]
#[path = "home_tests.rs"]
mod tests;
