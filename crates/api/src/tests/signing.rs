//! Certificates as clients get them, requested and checked with `openssl`. The crate `pki` tests the contents in
//! detail; these tests are about the API's responses.

use std::path::Path;
use std::process::Command;

use jeroboam_pki::{Authority, Facts};
use jeroboam_store::{ClusterId, IssuedCertificate, Page};
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;

use super::Case;

const EC: &[&str] = &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A signing request with a new key.
fn request(folder: &Path, key: &[&str], digest: &str, extensions: &[&str]) -> String {
    let wanted = if extensions.is_empty() { "" } else { "req_extensions = ext\n" };
    let lines = extensions.join("\n");
    let config = format!("[req]\ndistinguished_name = dn\nprompt = no\n{wanted}[dn]\nCN = unused\n[ext]\n{lines}\n");
    std::fs::write(folder.join("req.cnf"), config).unwrap();
    let mut arguments = vec!["req", "-new", "-config", "req.cnf", "-nodes", "-keyout", "key.pem", "-subj"];
    arguments.extend(["/O=system:masters/CN=admin", digest, "-newkey"]);
    arguments.extend(key);
    openssl(folder, &arguments)
}

/// A cluster `c` whose authorities exist, and a folder for `openssl`.
async fn case() -> (Case, String, TempDir) {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid = case.complete_cluster("c", "t").await;
    for name in ["kubernetes", "etcd", "front-proxy"] {
        let authority = Authority::generate("c", Timestamp::now()).unwrap();
        let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
        case.store
            .put_secret(ClusterId::assumed(uuid.parse().unwrap()), name, Some(certificate), Some(&key))
            .await
            .unwrap();
    }
    (case, uuid, tempfile::tempdir().unwrap())
}

/// The certificates signed for users.
async fn issued(case: &Case, uuid: &str) -> Vec<IssuedCertificate> {
    let all = Page { limit: 100, marker: None, sort_key: None, descending: false };
    case.store.issued_certificates(ClusterId::assumed(uuid.parse().unwrap()), &all).await.unwrap()
}

// Covers: R036, R037, R038, R039, R299, R300, R301, R345, W170, W171.
#[tokio::test]
async fn the_authorities_certificates_are_shown_in_every_microversion() {
    let (case, uuid, folder) = case().await;
    for minor in 1..=14 {
        let show = async |tail: &str| {
            let call = case.call("GET", &format!("/v1/certificates/{tail}")).token("member").version(minor);
            call.send().await.is(200).body
        };
        let main = show("c").await;
        assert_eq!(show(&uuid).await, main);
        assert_eq!(main["cluster_uuid"], uuid);
        assert_eq!(main["links"][0]["href"], format!("http://api.example:9511/v1/certificates/{uuid}"));
        assert!(main.get("csr").is_none() && main.get("ca_cert_type").is_none());
        assert_eq!(main.get("bay_uuid").is_some(), minor <= 10);
        for same in ["c?ca_cert_type=kubernetes", "c?ca_cert_type=nonsense", "c/kubernetes"] {
            assert_eq!(show(same).await["pem"], main["pem"], "{same}");
        }
        assert_eq!(show("c?ca_cert_type=nonsense").await["ca_cert_type"], "nonsense");
        let (etcd, proxy) = (show("c?ca_cert_type=etcd").await, show("c?ca_cert_type=front_proxy").await);
        assert_eq!(show("c/etcd").await, etcd);
        assert_eq!(show("c?ca_cert_type=front-proxy").await["pem"], proxy["pem"]);
        assert!(etcd["pem"] != main["pem"] && proxy["pem"] != main["pem"] && etcd["pem"] != proxy["pem"]);
    }
    case.get("/v1/certificates/nope").send().await.is(404);
    let pem = case.get("/v1/certificates/c").send().await.body["pem"].as_str().unwrap().to_owned();
    std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
    openssl(folder.path(), &["verify", "-CAfile", "ca.pem", "ca.pem"]);
    let words = openssl(folder.path(), &["x509", "-in", "ca.pem", "-noout", "-text"]);
    for part in ["CA:TRUE, pathlen:0", "X509v3 Key Usage: critical", "Certificate Sign", "Issuer: CN = c"] {
        assert!(words.replace("CN=c", "CN = c").contains(part), "{part}: {words}");
    }
}

// Covers: R040, R041, R042, R294, R295, R297, R298, W173, W174.
#[tokio::test]
async fn requests_of_all_usual_sorts_are_signed() {
    let (case, uuid, folder) = case().await;
    let folder = folder.path();
    let usages = &["keyUsage = digitalSignature, keyCertSign", "subjectAltName = DNS:a.example"];
    for (key, digest, extensions) in [
        (&["rsa:2048"][..], "-sha256", &[][..]),
        (&["rsa:4096"], "-sha512", &[]),
        (EC, "-sha256", usages),
        (EC, "-sha256", &["basicConstraints = CA:TRUE"]),
        (EC, "-sha256", &["subjectKeyIdentifier = 0102030405"]),
    ] {
        let csr = request(folder, key, digest, extensions);
        let body = json!({"cluster_uuid": "c", "csr": csr, "pem": "ignored"});
        let answer = case.post("/v1/certificates", &body).send().await.is(201);
        assert!(!answer.headers.contains_key("location"));
        assert_eq!((&answer.body["csr"], &answer.body["cluster_uuid"]), (&json!(csr), &json!(uuid)));
        let pem = answer.body["pem"].as_str().unwrap();
        std::fs::write(folder.join("cert.pem"), pem).unwrap();
        let authority = case.get("/v1/certificates/c").send().await.body["pem"].as_str().unwrap().to_owned();
        std::fs::write(folder.join("ca.pem"), authority).unwrap();
        openssl(folder, &["verify", "-CAfile", "ca.pem", "cert.pem"]);
        let facts = Facts::read_pem(pem).unwrap();
        assert_eq!((facts.common_name.as_deref(), facts.issuer.as_deref()), (Some("admin"), Some("c")));
        assert_eq!(facts.organizations, ["system:masters"]);
        assert_eq!(facts.not_after.duration_since(facts.not_before).as_hours(), 1826 * 24);
        let words = openssl(folder, &["x509", "-in", "cert.pem", "-noout", "-text"]);
        assert!(!words.contains("CA:TRUE") && !words.contains("Certificate Sign"), "{words}");
        assert_eq!(words.contains("Digital Signature") && words.contains("DNS:a.example"), extensions == usages);
    }
    // Another authority, and the cluster by `cluster_uuid`.
    let csr = request(folder, EC, "-sha256", &[]);
    let body = json!({"cluster_uuid": uuid, "csr": csr, "ca_cert_type": "etcd"});
    let answer = case.post("/v1/certificates", &body).send().await.is(201).body;
    assert_eq!(answer["ca_cert_type"], "etcd");
    std::fs::write(folder.join("cert.pem"), answer["pem"].as_str().unwrap()).unwrap();
    let etcd = case.get("/v1/certificates/c?ca_cert_type=etcd").send().await.body["pem"].as_str().unwrap().to_owned();
    std::fs::write(folder.join("ca.pem"), etcd).unwrap();
    openssl(folder, &["verify", "-CAfile", "ca.pem", "cert.pem"]);
    for minor in 1..=10 {
        let body = json!({"bay_uuid": "c", "csr": csr});
        let call = case.call("POST", "/v1/certificates").token("member").version(minor);
        assert_eq!(call.json(&body).send().await.is(201).body["bay_uuid"], uuid);
    }
    // All of them are listed.
    let issued = issued(&case, &uuid).await;
    assert_eq!(issued.len(), 16);
    assert_eq!((issued[0].authority.as_str(), issued[0].user_id.as_str()), ("kubernetes", "member"));
    assert_eq!((issued[5].authority.as_str(), issued[5].subject.as_str()), ("etcd", "O=system:masters, CN=admin"));
    let serial = openssl(folder, &["x509", "-in", "cert.pem", "-noout", "-serial"]).to_lowercase();
    assert_eq!(serial.trim(), format!("serial={}", issued[5].serial));
}

// Covers: R288, R289, R290, R292, R293, R296, R306, W175, W176.
#[tokio::test]
async fn what_is_not_signed_says_why() {
    let (case, uuid, folder) = case().await;
    let good = request(folder.path(), EC, "-sha256", &[]);
    for line in [
        "basicConstraints = critical, CA:TRUE",
        "keyUsage = critical, keyCertSign",
        "keyUsage = keyCertSign",
        "1.2.3.4.5 = critical, ASN1:UTF8String:hello",
    ] {
        let body = json!({"cluster_uuid": "c", "csr": request(folder.path(), EC, "-sha256", &[line])});
        assert_eq!(case.post("/v1/certificates", &body).send().await.is(400).field(), "csr", "{line}");
    }
    for (body, field) in [
        (json!({"cluster_uuid": "c"}), "csr"),
        (json!({"cluster_uuid": "c", "csr": null}), "csr"),
        (json!({"cluster_uuid": "c", "csr": ""}), "csr"),
        (json!({"cluster_uuid": "c", "csr": "nonsense"}), "csr"),
        (json!({"csr": good}), "cluster_uuid"),
        (json!({"cluster_uuid": "nope", "csr": good}), "cluster_uuid"),
        (json!({"cluster_uuid": "c", "csr": good, "links": []}), "links"),
    ] {
        assert_eq!(case.post("/v1/certificates", &body).send().await.is(400).field(), field, "{body}");
    }
    assert!(issued(&case, &uuid).await.is_empty());
    let body = json!({"cluster_uuid": "c", "csr": good});
    for (token, get, post) in
        [("colleague", 403, 403), ("reader", 403, 403), ("other", 404, 400), ("nobody", 403, 403), ("admin", 200, 201)]
    {
        case.call("GET", "/v1/certificates/c").token(token).latest().send().await.is(get);
        case.call("POST", "/v1/certificates").token(token).latest().json(&body).send().await.is(post);
    }
    case.get("/v1/certificates/nope").send().await.is(404);
    case.get("/v1/certificates").send().await.is(405);
    case.delete("/v1/certificates/c").send().await.is(405);
    case.cluster("young", "t").await;
    let answer = case.get("/v1/certificates/young").send().await.is(404);
    assert_eq!(answer.body["errors"][0]["reason"], "certificate_not_there_yet");
}
