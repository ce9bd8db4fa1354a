//! The cluster's own registry (contract workloads-2015, row 71): one master keeps it, and every node reaches it as
//! `localhost`, which container runtimes speak to without TLS.
//!
//! On the way from node to node it is TLS with certificates of the cluster's authority on both sides. So whoever has a
//! certificate of the cluster may push, from outside too, and nobody else may even look.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jeroboam_types::agent::{Assignment, CertificateProfile as Profile};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::board::Board;
use crate::certificates;
use crate::fault::{Fault, code};
use crate::kubernetes::layout::text;
use crate::process::{Probe, Spec};
use crate::tools::Tools;

/// Name of the component that keeps the images.
pub const NAME: &str = "registry";

/// Name of the way to it.
pub const GATEWAY: &str = "registry-gateway";

/// Debian's name of the registry that Docker has given to the world (CNCF Distribution).
const PROGRAM: &str = "docker-registry";

const CONFIG: &str = "/var/lib/jeroboam/config/registry.yaml";

/// On the machine's volume: it outlives the process, and goes with the machine.
const IMAGES: &str = "/var/lib/jeroboam/registry";

/// How long no connection is taken when that fails.
const PAUSE: Duration = Duration::from_secs(1);

/// What this node has of the registry, in reports.
pub fn components(assignment: &Assignment) -> &'static [&'static str] {
    match assignment.registry {
        None => &[],
        Some(_) if keeps(assignment) => &[NAME, GATEWAY],
        Some(_) => &[GATEWAY],
    }
}

/// The certificates that it takes.
pub fn profiles(assignment: &Assignment) -> &'static [Profile] {
    match assignment.registry {
        None => &[],
        Some(_) if keeps(assignment) => &[Profile::RegistryServer, Profile::RegistryClient],
        Some(_) => &[Profile::RegistryClient],
    }
}

/// Whether this is the node that keeps the images.
fn keeps(assignment: &Assignment) -> bool {
    assignment.registry.is_some_and(|registry| registry.ip() == assignment.address)
}

/// Runs what this node has of the registry. Does not come back unless something fails, or there is no registry.
///
/// # Errors
/// What stands in the way.
pub async fn run(tools: &Tools, assignment: &Assignment) -> Result<(), Fault> {
    let Some(registry) = assignment.registry else { return Ok(()) };
    if keeps(assignment) {
        let probe = Probe::Http { client: client()?, url: format!("https://{registry}/v2/") };
        let spec = Spec::new(NAME, PROGRAM).arguments(vec!["serve".to_owned(), CONFIG.to_owned()]);
        tools.supervisor.ensure(spec.file(CONFIG, configuration(registry).to_string()), probe).await;
    }
    gateway(&tools.board, registry).await
}

/// YAML, of which JSON is a part.
fn configuration(registry: SocketAddr) -> Value {
    let server = certificates::credentials(Profile::RegistryServer);
    json!({
        "version": "0.1",
        "log": { "level": "warn", "accesslog": { "disabled": true } },
        "storage": { "filesystem": { "rootdirectory": IMAGES }, "delete": { "enabled": true } },
        "http": {
            "addr": registry.to_string(),
            // It is known under several names: answers must not tell clients to go on under another one.
            "relativeurls": true,
            "tls": {
                "certificate": text(server.certificate_path()),
                "key": text(server.key_path()),
                "clientcas": [text(certificates::authority())],
            },
        },
    })
}

/// Carries connections from `localhost` to the registry.
async fn gateway(board: &Board, registry: SocketAddr) -> Result<(), Fault> {
    board.starting(GATEWAY);
    let tls = connector()?;
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, registry.port()));
    let listener = TcpListener::bind(local).await.map_err(|error| {
        Fault::passing(code::REGISTRY_FAILED, GATEWAY, format!("listening on {local} for the registry: {error}"))
    })?;
    board.up(GATEWAY);
    // Connections end with the gateway.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((inside, _)) => _ = connections.spawn(carry(inside, registry, tls.clone())),
                // Out of file handles: some connection will end.
                Err(error) => {
                    tracing::warn!("a connection to the registry: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}

async fn carry(mut inside: TcpStream, registry: SocketAddr, tls: TlsConnector) {
    let carried = async {
        let outside = TcpStream::connect(registry).await?;
        let mut outside = tls.connect(ServerName::from(registry.ip()), outside).await?;
        tokio::io::copy_bidirectional(&mut inside, &mut outside).await
    };
    if let Err(error) = carried.await {
        tracing::debug!("a connection to the registry {registry}: {error}");
    }
}

fn unusable(error: impl std::fmt::Display) -> Fault {
    Fault::passing(code::REGISTRY_FAILED, GATEWAY, format!("the certificates for the registry: {error}"))
}

/// For looking whether it answers.
fn client() -> Result<reqwest::Client, Fault> {
    let credentials = certificates::credentials(Profile::RegistryClient);
    let identity = credentials.identity().ok_or_else(|| unusable("they are not there"))?;
    let identity = reqwest::Identity::from_pem(identity.as_bytes()).map_err(unusable)?;
    let authority = std::fs::read(certificates::authority()).map_err(unusable)?;
    let authority = reqwest::Certificate::from_pem(&authority).map_err(unusable)?;
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).identity(identity);
    builder.build().map_err(unusable)
}

fn connector() -> Result<TlsConnector, Fault> {
    let credentials = certificates::credentials(Profile::RegistryClient);
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(certificates::authority()).map_err(unusable)? {
        roots.add(authority.map_err(unusable)?).map_err(unusable)?;
    }
    let chain = CertificateDer::pem_file_iter(credentials.certificate_path()).map_err(unusable)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(unusable)?;
    let key = PrivateKeyDer::from_pem_file(credentials.key_path()).map_err(unusable)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, key);
    Ok(TlsConnector::from(Arc::new(config.map_err(unusable)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::testing;

    #[test]
    fn one_master_keeps_it_and_all_nodes_have_a_way_to_it() {
        let (mut master, mut worker) = (testing::master("v1.20.2").assignment, testing::worker("v1.20.2").assignment);
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
