use jeroboam_pki::Authority;
use jeroboam_store::ClusterId;
use jiff::Timestamp;
use serde_json::json;

use super::Case;

async fn case() -> (Case, String) {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    let uuid = case.cluster("c", "t").await;
    for name in ["kubernetes", "etcd", "front-proxy"] {
        let authority = Authority::generate(name, Timestamp::now()).unwrap();
        let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
        case.store
            .put_secret(ClusterId::assumed(uuid.parse().unwrap()), name, Some(certificate), Some(&key))
            .await
            .unwrap();
    }
    (case, uuid)
}

#[tokio::test]
async fn each_authority_has_its_own_certificate() {
    let (case, uuid) = case().await;
    let pem = |tail: &'static str| {
        let call = case.get(&format!("/v1/certificates/c{tail}"));
        async move { call.send().await.is(200).body["pem"].as_str().unwrap().to_owned() }
    };
    let main = pem("").await;
    assert!(main.starts_with("-----BEGIN CERTIFICATE-----") && !main.ends_with('\n'));
    assert_eq!(pem("?ca_cert_type=kubernetes").await, main);
    let proxy = pem("?ca_cert_type=front_proxy").await;
    assert_eq!(pem("?ca_cert_type=front-proxy").await, proxy);
    let etcd = pem("?ca_cert_type=etcd").await;
    assert!(main != etcd && main != proxy && etcd != proxy);
    let answer = case.call("GET", "/v1/certificates/c").token("member").version(10).send().await.is(200).body;
    assert_eq!(
        (answer["cluster_uuid"].as_str(), answer["bay_uuid"].as_str()),
        (Some(uuid.as_str()), Some(uuid.as_str()))
    );
    assert!(answer.get("csr").is_none() && !answer.to_string().contains("PRIVATE"));
}

#[tokio::test]
async fn requests_are_signed_for_the_user_who_made_the_cluster() {
    let (case, uuid) = case().await;
    let (_, csr) = jeroboam_pki::key_and_request("admin", &["system:masters".to_owned()]).unwrap();
    let body = json!({"cluster_uuid": "c", "csr": csr});
    let answer = case.post("/v1/certificates", &body).send().await.is(201);
    assert_eq!(
        (answer.body["cluster_uuid"].as_str(), answer.body["csr"].as_str()),
        (Some(uuid.as_str()), Some(csr.as_str()))
    );
    assert!(answer.body["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(answer.body.get("bay_uuid").is_none() && !answer.headers.contains_key("location"));
    let old = json!({"bay_uuid": uuid, "csr": csr});
    case.call("POST", "/v1/certificates").token("member").version(10).json(&old).send().await.is(201);
    case.post("/v1/certificates", &old).send().await.is(400);
    case.call("POST", "/v1/certificates").token("colleague").latest().json(&body).send().await.is(403);
    case.call("GET", "/v1/certificates/c").token("colleague").send().await.is(403);
    for (field, bad) in [
        ("csr", json!({"cluster_uuid": "c"})),
        ("csr", json!({"cluster_uuid": "c", "csr": "nonsense"})),
        ("cluster_uuid", json!({"csr": csr})),
        ("cluster_uuid", json!({"cluster_uuid": "nope", "csr": csr})),
    ] {
        assert_eq!(case.post("/v1/certificates", &bad).send().await.is(400).field(), field, "{bad}");
    }
    case.get("/v1/certificates").send().await.is(405);
    case.get("/v1/certificates/nope").send().await.is(404);
}

#[tokio::test]
async fn a_cluster_without_an_authority_yet_says_so() {
    let case = Case::new().await;
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    let answer = case.get("/v1/certificates/c").send().await.is(404);
    assert_eq!(answer.body["errors"][0]["reason"], "certificate_not_there_yet");
}

#[tokio::test]
async fn a_swarm_has_one_authority_and_says_so_when_asked_for_others() {
    let case = Case::new().await;
    case.template("s", "swarm").await;
    let uuid = case.complete_cluster("herd", "s").await;
    let authority = Authority::generate("herd", Timestamp::now()).unwrap();
    let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
    case.store
        .put_secret(ClusterId::assumed(uuid.parse().unwrap()), "kubernetes", Some(certificate), Some(&key))
        .await
        .unwrap();
    case.get("/v1/certificates/herd").send().await.is(200);
    let (_, csr) = jeroboam_pki::key_and_request("admin", &[]).unwrap();
    for kind in ["etcd", "front_proxy"] {
        let body = json!({"cluster_uuid": "herd", "csr": csr, "ca_cert_type": kind});
        let shown = case.get(&format!("/v1/certificates/herd?ca_cert_type={kind}")).send().await.is(404);
        for answer in [shown, case.post("/v1/certificates", &body).send().await.is(404)] {
            assert_eq!(
                (answer.field(), &answer.body["errors"][0]["reason"]),
                ("ca_cert_type", &json!("no_such_authority"))
            );
            assert!(!answer.body.to_string().contains("Wait"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn who_made_the_cluster_sees_what_was_signed_in_pages() {
    let (case, uuid) = case().await;
    let (_, csr) = jeroboam_pki::key_and_request("admin", &["system:masters".to_owned()]).unwrap();
    for (token, kind) in [("member", "kubernetes"), ("member", "etcd"), ("admin", "front_proxy")] {
        let body = json!({"cluster_uuid": uuid, "csr": csr, "ca_cert_type": kind});
        case.call("POST", "/v1/certificates").token(token).latest().json(&body).send().await.is(201);
    }
    let body = case.get("/v1/clusters/c/certificates").send().await.is(200).body;
    let issued = body["certificates"].as_array().unwrap();
    let of = |key: &str| issued.iter().map(|one| one[key].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("ca_cert_type"), ["kubernetes", "etcd", "front-proxy"]);
    assert_eq!(of("user_id"), ["member", "member", "admin"]);
    assert!(issued[0]["subject"] == "O=system:masters, CN=admin" && body.get("next").is_none(), "{body}");
    assert!(of("request_id")[0].starts_with("req-") && of("expires_at")[0] > of("created_at")[0], "{body}");
    let first = case.get("/v1/clusters/c/certificates?limit=2&sort_key=created_at").send().await.is(200).body;
    let next = first["next"].as_str().unwrap().trim_start_matches("http://api.example:9511");
    let last = case.get(next).send().await.is(200).body;
    assert_eq!((&first["certificates"][1], &last["certificates"]), (&issued[1], &json!([issued[2]])));
    assert_eq!(case.get("/v1/clusters/c/certificates?sort_key=pem").send().await.is(400).field(), "sort_key");
    case.get("/v1/clusters/c/certificates?marker=nope").send().await.is(404);
    // According to the rule certificate:get.
    for (token, status) in [("colleague", 403), ("reader", 403), ("other", 404), ("admin", 200)] {
        case.call("GET", "/v1/clusters/c/certificates").token(token).latest().send().await.is(status);
    }
}
