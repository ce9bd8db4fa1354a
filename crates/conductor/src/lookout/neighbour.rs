//! Asks other servers of the deployment whether they use the same database: one that does knows us, since our start
//! is recorded in it.

use std::time::Duration;

use futures::future::join_all;
use jeroboam_infra::Presence;
use jeroboam_pki::agent;
use jeroboam_store::{Owner, Store};
use jeroboam_types::agent::INSTANCES_PATH;
use reqwest::{Certificate, Client, StatusCode};
use uuid::Uuid;

use super::LookoutError;

/// How long a server may take to answer. One that does not counts as gone: if it still runs, it finds our mark.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server that has left its mark, and its answer.
pub(super) struct Neighbour {
    pub(super) instance: Uuid,
    pub(super) number: i64,
    pub(super) host: String,
    pub(super) url: String,
    /// `None` when it does not answer.
    pub(super) knows_us: Option<bool>,
}

/// Asks all of them except ourselves.
pub(super) async fn ask_all(store: &Store, presences: &[Presence], us: Uuid) -> Result<Vec<Neighbour>, LookoutError> {
    let others: Vec<&Presence> = presences.iter().filter(|presence| presence.instance != us).collect();
    if others.iter().all(|presence| presence.url.is_none()) {
        return Ok(Vec::new());
    }
    // A copy has the same CA. A server with another one does not belong to this deployment.
    let authority = store.secret(Owner::Deployment, agent::SECRET_NAME).await?.and_then(|secret| secret.certificate);
    let Some(client) = authority.and_then(|pem| client(&pem)) else { return Ok(Vec::new()) };
    let ask =
        others.into_iter().filter_map(|presence| Some((presence, presence.url.clone()?))).map(|(presence, url)| {
            let client = &client;
            async move {
                let knows_us = knows(client, &url, us).await;
                Neighbour {
                    instance: presence.instance,
                    number: presence.number,
                    host: presence.host.clone(),
                    url,
                    knows_us,
                }
            }
        });
    Ok(join_all(ask).await)
}

fn client(authority: &str) -> Option<Client> {
    let authority = Certificate::from_pem(authority.as_bytes()).ok()?;
    Client::builder().tls_certs_only([authority]).no_proxy().timeout(PATIENCE).build().ok()
}

async fn knows(client: &Client, url: &str, us: Uuid) -> Option<bool> {
    match client.get(format!("{url}{INSTANCES_PATH}/{us}")).send().await.ok()?.status() {
        StatusCode::NO_CONTENT => Some(true),
        StatusCode::NOT_FOUND => Some(false),
        _ => None,
    }
}
