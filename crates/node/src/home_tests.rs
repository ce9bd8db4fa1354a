use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A server that signs every request, for 30 days, and records the requests and the client certificates.
struct Server {
    issuer: Issuer<'static, KeyPair>,
    ca: String,
    calls: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Server {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = named("jeroboam agents");
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), ca, calls: Mutex::default() }
    }

    /// Signs a request, with a certificate that is valid for 30 days from `ago` before now.
    fn sign(&self, csr: &str, ago: SignedDuration) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(csr).unwrap();
        let start = Timestamp::now() - ago;
        let at = |time: Timestamp| std::time::SystemTime::from(time).into();
        request.params.not_before = at(start);
        request.params.not_after = at(start + DAY * 30);
        request.params.distinguished_name = named("node:1");
        request.signed_by(&self.issuer).unwrap().pem()
    }

    fn tls(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes()).unwrap()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder()
            .with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
            .with_single_cert(vec![own.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// Handles one call per connection.
    async fn serve(self: Arc<Self>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = self.tls();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = tls.accept(stream).await.unwrap();
                let peer = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
                let (path, body) = read(&mut stream).await;
                let answer = match serde_json::from_str::<RenewRequest>(&body) {
                    Ok(request) => {
                        let certificate = self.sign(&request.csr, SignedDuration::ZERO);
                        serde_json::to_string(&EnrollResponse { certificate }).unwrap()
                    }
                    Err(_) => String::new(),
                };
                self.calls.lock().unwrap().push((path, peer));
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", answer.len());
                stream.write_all((head + &answer).as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        address
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Path and body of a request.
async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned());
            }
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(count > 0, "the request is not whole");
        bytes.extend_from_slice(&chunk[..count]);
    }
}

fn der(path: PathBuf) -> Vec<u8> {
    CertificateDer::from_pem_file(path).unwrap().to_vec()
}

#[tokio::test]
async fn the_agents_certificate_is_renewed_in_the_last_third_of_its_life_and_used_from_then_on() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::new());
    let address = server.clone().serve().await;
    let credentials = Credentials::at(folder.path(), "agent");
    let certificate = || der(folder.path().join("agent.crt"));
    let bootstrap = Bootstrap {
        server: format!("https://{address}"),
        ca: server.ca.clone(),
        node: uuid::Uuid::nil(),
        token: "used".to_owned(),
    };

    // Slightly more than ten of thirty days are left: not due yet.
    credentials.keep(&server.sign(&credentials.request().unwrap(), DAY * 19)).unwrap();
    let home = Home::connect(&bootstrap, folder.path()).await.unwrap();
    assert!(!home.renew().await.unwrap());
    assert!(server.calls.lock().unwrap().is_empty());

    credentials.keep(&server.sign(&credentials.request().unwrap(), DAY * 21)).unwrap();
    let home = Home::connect(&bootstrap, folder.path()).await.unwrap();
    // The other parts of the agent use clones.
    let clone = home.clone();
    let old = certificate();
    assert!(home.renew().await.unwrap());
    let new = certificate();
    assert_ne!(new, old);
    assert!(!home.renew().await.unwrap(), "the new one is good for long");
    clone.certificates(&CertificatesRequest { requests: Vec::new() }).await.unwrap_err();
    let calls = server.calls.lock().unwrap().clone();
    let expected = [("/agent/v1/renew".to_owned(), old), ("/agent/v1/certificates".to_owned(), new)];
    assert!(calls == expected, "{:?}", calls.iter().map(|(path, _)| path).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refused_renewal_leaves_the_certificate_as_it_was() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let credentials = Credentials::at(folder.path(), "agent");
    credentials.keep(&server.sign(&credentials.request().unwrap(), DAY * 25)).unwrap();
    let before = credentials.identity();
    let bootstrap = Bootstrap {
        server: format!("https://{silent}"),
        ca: server.ca.clone(),
        node: uuid::Uuid::nil(),
        token: "used".to_owned(),
    };
    let home = Home::connect(&bootstrap, folder.path()).await.unwrap();
    let error = home.renew().await.unwrap_err().to_string();
    assert!(error.contains("renewing the agent's certificate"), "{error}");
    assert_eq!(credentials.identity(), before);
}
