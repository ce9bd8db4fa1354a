//! Bootstrap files of machines: the agent endpoint's URL, the CA to trust there, and a one-time token.

use std::sync::{Arc, OnceLock};

use jeroboam_model::{Cause, CauseExt, Code};
use jeroboam_pki::agent::Token;
use jeroboam_store::Held;
use jeroboam_types::agent::Bootstrap;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::perform::store_cause;

/// How long a machine may take from its creation to its agent's first call. Bare metal needs this much.
const TOKEN_VALIDITY: SignedDuration = SignedDuration::from_hours(1);

/// Makes bootstrap files. Clones share the endpoint.
#[derive(Debug, Clone, Default)]
pub struct Birth {
    home: Arc<OnceLock<Home>>,
}

/// The agent endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Base URL of the agent endpoint as machines reach it.
    pub server: String,
    /// PEM of the CA that its certificate chains to.
    pub ca: String,
}

impl Birth {
    /// Sets the endpoint once it listens. Until then no machine is created; a second call changes nothing.
    pub fn home_is(&self, home: Home) {
        let _ = self.home.set(home);
    }

    /// The content of a node's bootstrap file, with a new token; an older token is invalid from then on.
    pub(crate) async fn bootstrap(&self, held: &Held, node: Uuid, now: Timestamp) -> Result<String, Cause> {
        let Some(home) = self.home.get() else {
            return Err(Cause::passing(
                Code::AgentEndpointUnknown,
                "the address of the agent endpoint is not known yet",
                "usually the infrastructure does not answer yet: check that it runs",
            ));
        };
        let token = Token::generate().map_err(|problem| {
            Cause::operator(Code::PkiFailed, "a token for the node cannot be created", "see the server's log")
                .said(problem)
        })?;
        let expires = now.saturating_add(TOKEN_VALIDITY).unwrap_or(now);
        held.issue_token(node, &token.hash, expires)
            .await
            .map_err(|problem| store_cause("storing the node's token", &problem))?;
        let bootstrap = Bootstrap {
            server: home.server.clone(),
            ca: home.ca.clone(),
            token: token.secret.expose_secret().to_owned(),
            node,
        };
        Ok(serde_json::json!(bootstrap).to_string())
    }
}
