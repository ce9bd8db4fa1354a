//! The cluster's own registry (contract workloads-2015, row 71): it runs on one master, and every node reaches it as
//! `localhost`, which container runtimes access without TLS.
//!
//! Between nodes it uses mutual TLS with certificates of the cluster's CA. Everyone with a certificate of the cluster
//! can push, also from outside, and nobody else has any access.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use jeroboam_types::agent::{Assignment, CertificateProfile as Profile};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::board::Board;
use crate::fault::{Code, Fault};
use crate::kubernetes::layout::text;
use crate::process::{Probe, Spec};
use crate::tools::Tools;
use crate::{certificates, gateway};

/// Name of the registry component.
pub const NAME: &str = "registry";

/// Name of the component that forwards connections to the registry.
pub const GATEWAY: &str = "registry-gateway";

/// Debian's name of the program CNCF Distribution, originally Docker's registry.
const PROGRAM: &str = "docker-registry";

const CONFIG: &str = "/var/lib/jeroboam/config/registry.yaml";

/// A copy of the certificate that the registry was started with. It reads the certificate only once, so it is restarted
/// after a renewal.
const STARTED_WITH: &str = "/var/lib/jeroboam/config/registry.crt";

/// Image storage, on the machine's volume: it outlives the process, and is deleted with the machine.
const IMAGES: &str = "/var/lib/jeroboam/registry";

/// The components of the registry on this node, in reports.
pub fn components(assignment: &Assignment) -> &'static [&'static str] {
    match assignment.registry {
        None => &[],
        Some(_) if keeps(assignment) => &[NAME, GATEWAY],
        Some(_) => &[GATEWAY],
    }
}

/// The certificates that the registry needs on this node.
pub fn profiles(assignment: &Assignment) -> &'static [Profile] {
    match assignment.registry {
        None => &[],
        Some(_) if keeps(assignment) => &[Profile::RegistryServer, Profile::RegistryClient],
        Some(_) => &[Profile::RegistryClient],
    }
}

/// Whether this node runs the registry.
fn keeps(assignment: &Assignment) -> bool {
    assignment.registry.is_some_and(|registry| registry.ip() == assignment.address)
}

/// Starts the registry, if this node runs it.
///
/// # Errors
/// When its certificates cannot be used.
pub async fn start(tools: &Tools, assignment: &Assignment) -> Result<(), Fault> {
    let Some(registry) = assignment.registry.filter(|_| keeps(assignment)) else { return Ok(()) };
    let probe = Probe::Http { client: client()?, url: format!("https://{registry}/v2/"), alive: None };
    tools.supervisor.ensure(spec(assignment, registry), probe).await;
    Ok(())
}

fn spec(assignment: &Assignment, registry: SocketAddr) -> Spec {
    let certificate = certificates::credentials(Profile::RegistryServer).certificate_path().to_owned();
    Spec::new(NAME, PROGRAM)
        .arguments(vec!["serve".to_owned(), CONFIG.to_owned()])
        .authorities(assignment.authorities)
        .file(CONFIG, configuration(registry).to_string())
        .file(STARTED_WITH, std::fs::read_to_string(certificate).unwrap_or_default())
}

/// Configuration of the registry: JSON, which is valid YAML.
fn configuration(registry: SocketAddr) -> Value {
    let server = certificates::credentials(Profile::RegistryServer);
    json!({
        "version": "0.1",
        "log": { "level": "warn", "accesslog": { "disabled": true } },
        "storage": { "filesystem": { "rootdirectory": IMAGES }, "delete": { "enabled": true } },
        "http": {
            "addr": registry.to_string(),
            // The registry has several names: responses must not redirect clients to another one.
            "relativeurls": true,
            "tls": {
                "certificate": text(server.certificate_path()),
                "key": text(server.key_path()),
                "clientcas": [text(certificates::authority())],
            },
        },
    })
}

/// Forwards connections from `localhost` to the registry. Returns only on failure, or if there is no registry.
///
/// # Errors
/// The reason of a failure.
pub async fn gateway(board: &Board, assignment: &Assignment) -> Result<(), Fault> {
    let Some(registry) = assignment.registry else { return Ok(()) };
    let tls = gateway::connector(Profile::RegistryClient)?;
    let listener = gateway::open(board, GATEWAY, (Ipv4Addr::LOCALHOST, registry.port()).into()).await?;
    gateway::serve(GATEWAY, listener, |inside| {
        let tls = tls.clone();
        async move {
            let outside = TcpStream::connect(registry).await?;
            Ok((inside, tls.connect(ServerName::from(registry.ip()), outside).await?))
        }
    })
    .await;
    Ok(())
}

/// HTTP client for the readiness probe.
fn client() -> Result<reqwest::Client, Fault> {
    let client = || -> anyhow::Result<reqwest::Client> {
        let identity = certificates::credentials(Profile::RegistryClient).identity().context("it is not there")?;
        let identity = reqwest::Identity::from_pem(identity.as_bytes())?;
        let authority = reqwest::Certificate::from_pem(&std::fs::read(certificates::authority())?)?;
        Ok(reqwest::Client::builder().no_proxy().tls_certs_only([authority]).identity(identity).build()?)
    };
    client().map_err(|error| {
        Fault::passing(Code::GatewayFailed, NAME, format!("the certificate {}: {error:#}", Profile::RegistryClient))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn one_master_keeps_it_and_all_nodes_have_a_way_to_it() {
        let (mut master, mut worker) = (testing::master("v1.37.2").assignment, testing::worker("v1.37.2").assignment);
        assert_eq!((components(&master), profiles(&worker)), (&[][..], &[][..]));
        let registry = SocketAddr::new(master.address, 5000);
        master.registry = Some(registry);
        worker.registry = Some(registry);
        assert_eq!((components(&master), components(&worker)), (&[NAME, GATEWAY][..], &[GATEWAY][..]));
        assert_eq!(profiles(&master), [Profile::RegistryServer, Profile::RegistryClient]);
        assert_eq!(profiles(&worker), [Profile::RegistryClient]);
    }

    #[test]
    fn it_is_served_with_tls_to_holders_of_a_certificate_only() {
        insta::assert_yaml_snapshot!("registry_configuration", configuration(([172, 18, 0, 2], 5000).into()));
    }
}
