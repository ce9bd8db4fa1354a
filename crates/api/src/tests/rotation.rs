//! Rotating authorities and credentials: checked in full, then refused in earnest.

use jeroboam_model::{Cause, CauseExt, Status};
use jeroboam_pki::Authority;
use jeroboam_store::Outcome;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Case;

async fn case() -> (Case, String) {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid = case.complete_cluster("c", "t").await;
    let authority = Authority::generate("c", Timestamp::now()).unwrap();
    let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
    case.store.put_secret(uuid.parse().unwrap(), "kubernetes", Some(certificate), Some(&key)).await.unwrap();
    (case, uuid)
}

fn reason(body: &Value) -> &str {
    body["errors"][0]["reason"].as_str().unwrap()
}

// Covers: R303, R304.
#[tokio::test]
async fn authorities_stay_where_they_cannot_be_rotated() {
    let (case, uuid) = case().await;
    let before = case.get("/v1/certificates/c").send().await.is(200).body;
    for minor in 1..=14 {
        // As python-magnumclient sends it.
        let call = case.call("PATCH", "/v1/certificates/c").token("member").version(minor);
        let refused = call.header("content-type", "application/octet-stream").send().await.is(400);
        assert_eq!(reason(&refused.body), "ca_rotation_not_supported");
        assert!(refused.body["errors"][0]["detail"].as_str().unwrap().contains("Nothing was changed"));
    }
    let call = || case.call("PATCH", "/v1/certificates/c").latest();
    call().token("member").json(&json!({})).send().await.is(400);
    // Who did not make the cluster gets as far, and others do not.
    assert_eq!(reason(&call().token("colleague").send().await.is(400).body), "ca_rotation_not_supported");
    assert_eq!(reason(&call().token("admin").send().await.is(400).body), "ca_rotation_not_supported");
    call().token("reader").send().await.is(403);
    call().token("other").send().await.is(404);
    call().token("member").json(&json!([])).send().await.is(400);
    assert_eq!(call().token("member").json(&json!({"x": 1})).send().await.is(400).field(), "x");
    assert_eq!(case.get("/v1/certificates/c").send().await.is(200).body, before);
    assert_eq!(case.status(&uuid).await, Status::CreateComplete);
    case.patch("/v1/certificates/nope", &json!({})).send().await.is(404);

    case.cluster("young", "t").await;
    let refused = case.patch("/v1/certificates/young", &json!({})).send().await.is(400);
    assert_eq!(reason(&refused.body), "status_refuses");
}

// Covers: R302.
#[tokio::test]
async fn without_tls_there_is_nothing_to_rotate() {
    let (case, uuid) = case().await;
    // New clusters of such templates are refused, old ones may come from elsewhere.
    let cluster = case.store.cluster_by_uuid(uuid.parse().unwrap()).await.unwrap().cluster;
    let template = case.store.template_by_uuid(cluster.template).await.unwrap();
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
    let owner = case.store.cluster_by_uuid(uuid.parse().unwrap()).await.unwrap().cluster.user_id;
    assert_eq!((owner.as_str(), case.status(&uuid).await), ("member", Status::CreateComplete));
    call("/v1/credentials/nope", "member").latest().send().await.is(404);
    call("/v1/credentials/c", "other").latest().send().await.is(404);
    call("/v1/credentials/nope", "admin").latest().send().await.is(404);
    call("/v1/credentials/c", "reader").latest().send().await.is(403);
    // An administrator without the role member may not have new credentials of its own.
    call("/v1/credentials/c", "bare-admin").latest().send().await.is(403);
    case.get("/v1/credentials/c").send().await.is(405);

    case.cluster("young", "t").await;
    let refused = call("/v1/credentials/young", "member").latest().send().await.is(400);
    assert_eq!(reason(&refused.body), "status_refuses");
    case.end(Outcome::Failed(Cause::user("broken", "it broke", "mend it"))).await;
    assert_eq!(reason(&call("/v1/credentials/young", "member").latest().send().await.is(400).body), "status_refuses");
    case.delete("/v1/clusters/c").send().await.is(204);
    assert_eq!(reason(&call("/v1/credentials/c", "member").latest().send().await.is(400).body), "status_refuses");
}
