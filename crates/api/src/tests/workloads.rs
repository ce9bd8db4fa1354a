//! Workloads as far as they go without a cluster; with one they are tested end to end.

use jeroboam_store::{ClusterFacts, Outcome};
use serde_json::json;

use super::Case;

#[tokio::test]
async fn a_cluster_without_an_api_says_when_there_will_be_one() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    let answer = case.get("/v1/pods?bay_ident=c").send().await.is(409);
    assert_eq!(answer.body["errors"][0]["reason"], "cluster_not_reachable_yet");
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_503_and_hides_nothing_else() {
    let case = Case::new().await;
    case.template("s", "swarm").await;
    let uuid = case.cluster("herd", "s").await;
    let authority = jeroboam_pki::Authority::generate("herd", jiff::Timestamp::now()).unwrap();
    let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
    case.store.put_secret(uuid.parse().unwrap(), "kubernetes", Some(certificate), Some(&key)).await.unwrap();
    // Nobody listens on port 1 of this machine.
    let facts = ClusterFacts { api_address: Some("https://127.0.0.1:1".into()), ..ClusterFacts::default() };
    case.end(Outcome::Succeeded { facts }).await;
    let answer = case.get("/v1/containers?bay_ident=herd").send().await.is(503);
    assert_eq!(answer.body["errors"][0]["reason"], "cluster_unreachable");
    assert_eq!(case.get("/v1/containers").send().await.is(200).body, json!({"containers": []}));
    case.get("/v1/containers/x").send().await.is(503);
}
