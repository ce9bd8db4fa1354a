//! `Idempotency-Key`.

use serde_json::json;

use super::*;

const KEY: &str = "idempotency-key";

/// As if the process had died between creating resources and storing its responses.
async fn lose_answers(case: &Case) {
    assert!(case.run_sql("UPDATE idempotency_keys SET sealed_answer = NULL").await > 0);
}

async fn clusters(case: &Case) -> usize {
    case.get("/v1/clusters").send().await.is(200).body["clusters"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_post_that_is_sent_again_makes_nothing_and_gets_the_same_answer() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let cluster = json!({"name": "prod", "cluster_template_id": template});
    let bay = json!({"name": "bay", "baymodel_id": template});
    let model = json!({"name": "t", "coe": "swarm", "image_id": "debian-13", "keypair_id": "k"});
    for (path, minor, body) in [
        ("/v1/clusters", 14, &cluster),
        ("/v1/bays", 1, &bay),
        ("/v1/bays", 10, &bay),
        ("/v1/clustertemplates", 14, &model),
        ("/v1/baymodels", 1, &model),
    ] {
        let key = format!("\"{path}-{minor}\"");
        let send = || case.call("POST", path).token("member").version(minor).header(KEY, &key).json(body).send();
        let (first, again) = (send().await, send().await);
        assert!(first.status == 201 || first.status == 202, "{path}: {}", first.body);
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
        for name in ["location", "x-jeroboam-operation", "etag", "content-type"] {
            assert_eq!(again.headers.get(name), first.headers.get(name), "{path}: {name}");
        }
        assert!(!first.headers.contains_key("idempotency-replayed"));
        assert_eq!(again.headers["idempotency-replayed"], "true", "{path}");
        assert_ne!(again.headers["x-openstack-request-id"], first.headers["x-openstack-request-id"]);
    }
    assert_eq!(clusters(&case).await, 3);
}

#[tokio::test]
async fn what_was_made_is_found_again_when_its_answer_was_lost() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let cluster = json!({"name": "prod", "cluster_template_id": template});
    let model = json!({"name": "t", "coe": "swarm", "image_id": "debian-13", "keypair_id": "k"});
    for (path, body) in [("/v1/clusters", &cluster), ("/v1/bays", &cluster), ("/v1/baymodels", &model)] {
        // Bays and baymodels as in 2015: the response is the whole resource.
        let minor = if path == "/v1/clusters" { 14 } else { 1 };
        let body = json!(
            body.as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| {
                    let name = if minor == 1 { name.replace("cluster_template", "baymodel") } else { name.clone() };
                    (name, value.clone())
                })
                .collect::<serde_json::Map<_, _>>()
        );
        let send = || case.call("POST", path).token("member").version(minor).header(KEY, path).json(&body).send();
        let first = send().await;
        lose_answers(&case).await;
        let again = send().await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
        for name in ["location", "x-jeroboam-operation", "etag"] {
            assert_eq!(again.headers.get(name), first.headers.get(name), "{path}: {name}");
        }
    }
    assert_eq!(clusters(&case).await, 2);
}

#[tokio::test]
async fn a_node_group_is_made_once() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let uuid = case.cluster("prod", &template).await;
    let facts = ClusterFacts { api_address: Some("https://10.0.0.1:6443".into()), ..ClusterFacts::default() };
    case.end(Outcome::Succeeded { facts }).await;
    let path = format!("/v1/clusters/{uuid}/nodegroups");
    let send = || case.post(&path, &json!({"name": "gpu", "node_count": 1})).header(KEY, "k").send();
    let first = send().await.is(202);
    let kept = send().await.is(202);
    lose_answers(&case).await;
    let found = send().await.is(202);
    for again in [kept, found] {
        assert_eq!((again.uuid(), again.operation()), (first.uuid(), first.operation()));
        assert_eq!(again.body, first.body);
    }
    assert_eq!(case.get(&path).send().await.body["nodegroups"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_arrive_at_once_make_one_thing() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let body = json!({"name": "prod", "cluster_template_id": template});
    let send = || case.post("/v1/clusters", &body).header(KEY, "k").send();
    let (one, two, three) = tokio::join!(send(), send(), send());
    for answer in [&one, &two, &three] {
        assert_eq!((answer.status, &answer.body), (202, &one.body));
        assert_eq!(answer.operation(), one.operation());
    }
    assert_eq!(clusters(&case).await, 1);
}

#[tokio::test]
async fn keys_belong_to_project_user_and_route() {
    let case = Case::new().await;
    let body = json!({"name": "t", "coe": "swarm", "image_id": "debian-13", "keypair_id": "k"});
    let mut made = std::collections::BTreeSet::new();
    for token in ["member", "colleague", "other"] {
        for path in ["/v1/clustertemplates", "/v1/baymodels"] {
            let answer = case.call("POST", path).token(token).version(9).header(KEY, "k").json(&body).send().await;
            made.insert(answer.is(201).uuid());
        }
    }
    assert_eq!(made.len(), 6);
}

#[tokio::test]
async fn a_key_is_for_one_request_and_none_is_kept_of_a_refused_one() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let bad = json!({"name": "prod", "cluster_template_id": template, "node_count": -1});
    let good = json!({"name": "prod", "cluster_template_id": template});
    let send = |body| case.post("/v1/clusters", body).header(KEY, "k").send();
    send(&bad).await.is(400);
    let made = send(&good).await.is(202).uuid();
    let reused = send(&bad).await.is(422);
    assert_eq!((reused.body["errors"][0]["reason"].as_str(), reused.field()), (Some("idempotency_key_reused"), KEY));
    assert_eq!(send(&good).await.is(202).uuid(), made);

    for bad in [String::new(), "\"\"".to_owned(), "k".repeat(256)] {
        let refused = case.post("/v1/clusters", &good).header(KEY, &bad).send().await.is(400);
        assert_eq!(refused.field(), KEY, "{bad}");
    }
    let twice = case.post("/v1/clusters", &good).header(KEY, "a").header(KEY, "b").send().await;
    assert_eq!(twice.is(400).field(), KEY);
    case.post("/v1/clusters", &good).header(KEY, &"k".repeat(255)).send().await.is(202);
    assert_eq!(clusters(&case).await, 2);
}

#[tokio::test]
async fn an_action_is_done_once_and_an_unknown_outcome_is_told_as_such() {
    let case = Case::new().await;
    let template = case.template("small", "kubernetes").await;
    let uuid = case.complete_cluster("prod", &template).await;
    let path = format!("/v1/clusters/{uuid}/actions/resize");
    let send = || case.post(&path, &json!({"node_count": 3})).header(KEY, "k").send();
    let first = send().await.is(202).operation();
    assert_eq!(send().await.is(202).operation(), first);
    lose_answers(&case).await;
    let unknown = send().await.is(409);
    assert_eq!(unknown.body["errors"][0]["reason"], "idempotency_key_unanswered");
    // A refused request releases its key.
    let send = |count| case.post(&path, &json!({"node_count": count})).header(KEY, "l").send();
    send(100_000).await.is(400);
    send(4).await.is(202);
    assert_eq!(case.get("/v1/operations").send().await.body["operations"].as_array().unwrap().len(), 3);
}
