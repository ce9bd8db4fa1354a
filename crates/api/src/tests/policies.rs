//! The operator's policy, and its effect on the API.

use jeroboam_identity::policy::{DEFAULT_RULES, PolicyBook};
use serde_json::json;
use tempfile::TempDir;

use super::Case;
use crate::Settings;

/// The application under a policy file, and the folder that the file is in.
async fn case(rules: &str) -> (Case, TempDir, PolicyBook) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, rules).unwrap();
    let policy = PolicyBook::open(&path, true).unwrap();
    let case = Case::with(Settings { policy: policy.clone(), ..Settings::default() }).await;
    (case, folder, policy)
}

// Covers: R337, W027.
#[tokio::test]
async fn what_a_policy_refuses_is_403_by_the_rules_name() {
    let rules = "\"cluster:get_all\": \"role:nurse\"\n\"stats:get_all\": \"!\"\n\"magnum-service:get_all\": \"@\"\n";
    let (case, ..) = case(rules).await;
    let refused = case.get("/v1/clusters").send().await.is(403);
    let error = &refused.body["errors"][0];
    assert_eq!(error["title"], "Policy doesn't allow cluster:get_all to be performed");
    assert_eq!(error["detail"], "Policy doesn't allow cluster:get_all to be performed. It needs role:nurse.");
    // Bays are clusters, so they follow the rules of clusters.
    case.call("GET", "/v1/bays").token("member").version(10).send().await.is(403);
    case.get("/v1/clusters/detail").send().await.is(200);
    case.call("GET", "/v1/stats").token("admin").send().await.is(403);
    case.get("/v1/mservices").send().await.is(200);
}

// Covers: R337.
#[tokio::test]
async fn who_sees_all_projects_is_a_rule_too() {
    let rules = "\"cluster:get_all_all_projects\": \"rule:admin_or_owner\"\n\"cluster:detail_all_projects\": \"@\"\n\
                 \"clustertemplate:get_all_all_projects\": \"role:member\"\n\
                 \"cluster:get_one_all_projects\": \"!\"\n\"cluster:get\": \"@\"\n";
    let (case, ..) = case(rules).await;
    case.template("t", "kubernetes").await;
    case.cluster("c", "t").await;
    // It is enforced for administrators only: a file that allows it for everybody, as old ones do, opens nobody's
    // project.
    for (token, seen) in [("other", 0), ("admin", 1), ("member", 1)] {
        for (path, key) in
            [("clusters", "clusters"), ("clusters/detail", "clusters"), ("clustertemplates", "clustertemplates")]
        {
            let list = case.call("GET", &format!("/v1/{path}")).token(token).latest().send().await.is(200).body;
            assert_eq!(list[key].as_array().unwrap().len(), seen, "{token} {path}");
        }
    }
    case.call("GET", "/v1/clusters/c").token("other").latest().send().await.is(404);
    case.call("GET", "/v1/clusters/c").token("nobody").latest().send().await.is(200);
    let refused = case.call("GET", "/v1/clusters/c").token("admin").latest().send().await.is(403);
    assert!(refused.body.to_string().contains("cluster:get_one_all_projects"), "{}", refused.body);
}

#[tokio::test]
async fn a_changed_file_counts_from_the_next_request() {
    let (case, folder, policy) = case("").await;
    case.template("t", "kubernetes").await;
    case.get("/v1/clusters").send().await.is(200);
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, "context_is_admin: \"role:member\"\n").unwrap();
    policy.refresh().unwrap();
    case.get("/v1/quotas").send().await.is(200);
    case.call("GET", "/v1/quotas").token("admin").latest().send().await.is(200);
    std::fs::write(&path, "context_is_admin: \"role:\"\n").unwrap();
    assert!(policy.refresh().is_err());
    case.get("/v1/quotas").send().await.is(200);
    let body = json!({"project_id": "p", "hard_limit": 1});
    case.post("/v1/quotas", &body).send().await.is(201);
}

#[test]
fn every_rule_that_a_handler_asks_is_there() {
    let mut asked = Vec::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // Agents have certificates, not rules.
                if !["tests", "agent"].contains(&path.file_name().unwrap().to_str().unwrap()) {
                    folders.push(path);
                }
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let literals = source.split('"').skip(1).step_by(2);
            let is_rule = |text: &&str| {
                text.split_once(':').is_some_and(|(noun, verb)| {
                    let words = |part: &str| {
                        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b"-_".contains(&b))
                    };
                    words(noun) && words(verb)
                })
            };
            asked.extend(literals.filter(is_rule).map(str::to_owned));
            for (mark, nouns) in
                [("cluster_rule(\"", ["cluster", "bay"]), ("template_rule(\"", ["clustertemplate", "baymodel"])]
            {
                for rest in source.split(mark).skip(1) {
                    let verb = rest.split('"').next().unwrap();
                    asked.extend(nouns.map(|noun| format!("{noun}:{verb}")));
                }
            }
        }
    }
    assert!(asked.len() > 40, "{asked:?}");
    let unknown: Vec<_> = asked.iter().filter(|name| !DEFAULT_RULES.iter().any(|rule| rule.name == **name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
