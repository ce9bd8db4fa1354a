//! Statistics, and the list of conductors.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Case;

// Covers: R052, R053, R054, R319, R320, R321.
#[tokio::test]
async fn clusters_and_nodes_are_counted_for_who_may_know() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let nothing = json!({"clusters": 0, "nodes": 0});
    assert_eq!(case.get("/v1/stats").send().await.is(200).body, nothing);
    case.cluster("a", "t").await;
    case.cluster("b", "t").await;
    let body = json!({"coe": "kubernetes", "image_id": "debian-13", "keypair_id": "k", "name": "u"});
    case.call("POST", "/v1/clustertemplates").token("other").latest().json(&body).send().await.is(201);
    let body = json!({"cluster_template_id": "u", "node_count": 1});
    case.call("POST", "/v1/clusters").token("other").latest().json(&body).send().await.is(202);

    // Masters count: two workers and a master each.
    let own = json!({"clusters": 2, "nodes": 6});
    for minor in 1..=14 {
        for query in ["", "?project_id=p", "?type=cluster", "?type=Cluster&project_id=p"] {
            let call = case.call("GET", &format!("/v1/stats{query}")).token("reader").version(minor);
            assert_eq!(call.send().await.is(200).body, own, "{query}");
        }
    }
    let admin = |path: &str| case.call("GET", path).token("admin").latest().send();
    assert_eq!(admin("/v1/stats").await.is(200).body, json!({"clusters": 3, "nodes": 8}));
    assert_eq!(admin("/v1/stats?project_id=q").await.is(200).body, json!({"clusters": 1, "nodes": 2}));
    assert_eq!(admin("/v1/stats?project_id=nope").await.is(200).body, nothing);
    case.get("/v1/stats?project_id=q").send().await.is(403);
    for query in ["type=foo", "type=", "nope=1"] {
        case.get(&format!("/v1/stats?{query}")).send().await.is(400);
    }
    case.call("GET", "/v1/stats").token("nobody").send().await.is(403);
    case.post("/v1/stats", &json!({})).send().await.is(405);
}

async fn services(case: &Case) -> Value {
    case.call("GET", "/v1/mservices").token("admin").latest().send().await.is(200).body["mservices"].clone()
}

// Covers: R055, R322, R323, R324, W181.
#[tokio::test]
async fn conductors_are_up_while_they_give_signs_of_life() {
    let case = Case::new().await;
    let now = Timestamp::now();
    let ago = |seconds| now - SignedDuration::from_secs(seconds);
    case.store.beat("here", "magnum-conductor", ago(400)).await.unwrap();
    assert_eq!(services(&case).await[0]["state"], "down");
    case.store.beat("here", "magnum-conductor", now).await.unwrap();
    let seen = services(&case).await;
    assert_eq!(seen.as_array().unwrap().len(), 1, "one process, one entry");
    let service = &seen[0];
    assert_eq!((&service["id"], &service["host"]), (&json!(1), &json!("here")));
    assert_eq!((&service["binary"], &service["state"]), (&json!("magnum-conductor"), &json!("up")));
    assert_eq!((&service["report_count"], &service["disabled"]), (&json!(2), &json!(false)));
    assert!(service["disabled_reason"].is_null());
    for time in ["created_at", "updated_at"] {
        assert!(service[time].as_str().unwrap().ends_with("+00:00"), "{time}");
    }
    case.get("/v1/mservices").send().await.is(403);
    let refused = case.call("GET", "/v1/mservices?limit=1").token("admin").send().await.is(400);
    assert_eq!(refused.field(), "limit");
    // A conductor that has not reported for a week is dropped from the list.
    case.store.beat("there", "magnum-conductor", now + SignedDuration::from_hours(8 * 24)).await.unwrap();
    assert_eq!(services(&case).await.as_array().unwrap().len(), 1);
}
