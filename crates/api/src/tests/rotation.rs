//! Rotating authorities, and credentials, which clusters here do not have.

use jeroboam_model::{Cause, CauseExt, Code, Status};
use jeroboam_pki::Authority;
use jeroboam_store::{ClusterFacts, ClusterId, Outcome, Scope};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Case;

async fn case() -> (Case, String) {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid = case.complete_cluster("c", "t").await;
    for name in ["kubernetes", "etcd", "front-proxy", "service-account"] {
        let authority = Authority::of_cluster("c", name, Timestamp::now()).unwrap();
        let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
        case.store
            .put_secret(ClusterId::assumed(uuid.parse().unwrap()), name, Some(certificate), Some(&key))
            .await
            .unwrap();
    }
    (case, uuid)
}

fn reason(body: &Value) -> &str {
    body["errors"][0]["reason"].as_str().unwrap()
}

// Covers: R043, R291, R303, R305.
#[tokio::test]
async fn authorities_are_rotated_all_at_once_and_by_who_may() {
    let (case, uuid) = case().await;
    let cluster: Uuid = uuid.parse().unwrap();
    let pem = async |kind: &str| {
        let path = format!("/v1/certificates/c?ca_cert_type={kind}");
        case.get(&path).send().await.is(200).body["pem"].as_str().unwrap().to_owned()
    };
    let all = async || [pem("kubernetes").await, pem("etcd").await, pem("front_proxy").await];
    let mut before = all().await;
    let key =
        async || case.store.secret(ClusterId::assumed(cluster), "service-account").await.unwrap().unwrap().certificate;
    let service_account = key().await;
    // A member who did not create the cluster may too.
    for (minor, token) in (1..=14).zip(["member", "colleague", "admin"].into_iter().cycle()) {
        // As python-magnumclient sends it.
        let call = case.call("PATCH", "/v1/certificates/c").token(token).version(minor);
        let accepted = call.header("content-type", "application/octet-stream").send().await.is(202);
        assert_eq!(accepted.body, json!({"uuid": uuid}));
        assert_eq!(case.status(&uuid).await, Status::UpdateInProgress, "before the answer");
        let after = all().await;
        assert!(before.iter().zip(&after).all(|(before, after)| before != after), "1.{minor}");
        assert_eq!(subject(&after[0]), subject(&before[0]));
        before = after;
        let operation = accepted.headers["x-jeroboam-operation"].to_str().unwrap().to_owned();
        let shown = case.get(&format!("/v1/operations/{operation}")).send().await.is(200).body;
        assert_eq!(shown["kind"], "rotate-ca");
        // Not while a rotation is in progress.
        let refused = case.patch("/v1/certificates/c", &json!({})).send().await.is(400);
        assert_eq!(reason(&refused.body), "status_refuses");
        case.end(Outcome::Succeeded { facts: ClusterFacts::default() }).await;
        assert_eq!(case.status(&uuid).await, Status::UpdateComplete);
    }
    assert_eq!(key().await, service_account, "tokens of service accounts go on");
}

fn subject(pem: &str) -> String {
    jeroboam_pki::Facts::read_pem(pem).unwrap().subject
}

// Covers: R303.
#[tokio::test]
async fn authorities_stay_where_they_must_not_be_rotated() {
    let (case, uuid) = case().await;
    let before = case.get("/v1/certificates/c").send().await.is(200).body;
    let call = || case.call("PATCH", "/v1/certificates/c").latest();
    call().token("reader").send().await.is(403);
    call().token("other").send().await.is(404);
    call().token("member").json(&json!([])).send().await.is(400);
    assert_eq!(call().token("member").json(&json!({"x": 1})).send().await.is(400).field(), "x");
    case.patch("/v1/certificates/nope", &json!({})).send().await.is(404);
    case.cluster("young", "t").await;
    let refused = case.patch("/v1/certificates/young", &json!({})).send().await.is(400);
    assert_eq!(reason(&refused.body), "status_refuses");

    // An authority is missing: nothing is half done.
    case.store.delete_secrets(uuid.parse().unwrap()).await.unwrap();
    let authority = Authority::generate("c", Timestamp::now()).unwrap();
    let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
    case.store
        .put_secret(ClusterId::assumed(uuid.parse().unwrap()), "kubernetes", Some(certificate), Some(&key))
        .await
        .unwrap();
    call().token("member").send().await.is(404);
    assert_eq!(case.get("/v1/certificates/c").send().await.is(200).body["pem"], certificate.trim_end());
    assert_eq!(case.status(&uuid).await, Status::CreateComplete);
    assert_ne!(before["pem"], certificate.trim_end());
}

#[tokio::test]
async fn what_authorities_of_before_have_signed_is_shown_as_void() {
    let (case, uuid) = case().await;
    let (_, csr) = jeroboam_pki::key_and_request("admin", &[]).unwrap();
    let sign = async || {
        let body = json!({"cluster_uuid": uuid, "csr": csr});
        case.post("/v1/certificates", &body).send().await.is(201);
    };
    sign().await;
    case.patch("/v1/certificates/c", &json!({})).send().await.is(202);
    sign().await;
    let issued = case.get("/v1/clusters/c/certificates").send().await.is(200).body;
    let void: Vec<bool> =
        issued["certificates"].as_array().unwrap().iter().map(|one| one["is_void"].as_bool().unwrap()).collect();
    assert_eq!(void, [true, false]);
}

// Covers: R302.
#[tokio::test]
async fn without_tls_there_is_nothing_to_rotate() {
    let (case, uuid) = case().await;
    // New clusters of such templates are refused, but old ones may have been imported.
    let cluster = case.store.cluster_by_uuid(&Scope::All, uuid.parse().unwrap()).await.unwrap().cluster;
    let template = case.store.template(&Scope::All, &cluster.template.to_string()).await.unwrap();
    let without = jeroboam_model::ClusterTemplate { tls_disabled: true, ..template.clone() };
    case.store.update_template(&template, &without, true).await.unwrap();
    let refused = case.patch("/v1/certificates/c", &json!({})).send().await.is(400);
    assert_eq!(reason(&refused.body), "tls_disabled");
}

// Covers: R089, R307, R308, R309, R336.
#[tokio::test]
async fn credentials_that_clusters_do_not_have_are_not_rotated() {
    let (case, uuid) = case().await;
    let call = |path: &str, token: &str| case.call("PATCH", path).token(token);
    for minor in 1..12 {
        call("/v1/credentials/c", "member").version(minor).send().await.is(406);
    }
    for minor in 12..=14 {
        let refused = call("/v1/credentials/c", "member").version(minor).send().await.is(400);
        assert_eq!(reason(&refused.body), "credentials_not_supported");
    }
    let owner = case.store.cluster_by_uuid(&Scope::All, uuid.parse().unwrap()).await.unwrap().cluster.user_id;
    assert_eq!((owner.as_str(), case.status(&uuid).await), ("member", Status::CreateComplete));
    call("/v1/credentials/nope", "member").latest().send().await.is(404);
    call("/v1/credentials/c", "other").latest().send().await.is(404);
    call("/v1/credentials/nope", "admin").latest().send().await.is(404);
    call("/v1/credentials/c", "reader").latest().send().await.is(403);
    // An administrator without the role member cannot get new credentials.
    call("/v1/credentials/c", "bare-admin").latest().send().await.is(403);
    case.get("/v1/credentials/c").send().await.is(405);

    case.cluster("young", "t").await;
    let refused = call("/v1/credentials/young", "member").latest().send().await.is(400);
    assert_eq!(reason(&refused.body), "status_refuses");
    case.end(Outcome::Failed(Cause::user(Code::StepUndone, "it broke", "mend it"))).await;
    assert_eq!(reason(&call("/v1/credentials/young", "member").latest().send().await.is(400).body), "status_refuses");
    case.delete("/v1/clusters/c").send().await.is(204);
    assert_eq!(reason(&call("/v1/credentials/c", "member").latest().send().await.is(400).body), "status_refuses");
}
