use serde_json::{Value, json};

use super::super::fake::{refusal, start};
use super::*;

fn quota(id: Option<u64>, project: &str, limit: i64) -> Value {
    json!({"id": id, "project_id": project, "resource": "Cluster", "hard_limit": limit})
}

fn show(project: Option<&str>) -> QuotaCommand {
    QuotaCommand::Show { project: project.map(str::to_owned), of: Of { resource: Resource::Cluster } }
}

#[tokio::test]
async fn a_project_is_found_by_its_name() {
    let (context, fake) = start([
        ("GET /v3/projects?name=demo", (200, json!({"projects": [{"id": "demo-id", "name": "demo"}]}))),
        ("GET /v1/quotas/demo-id/Cluster", (200, quota(Some(7), "demo-id", 500))),
        ("PATCH /v1/quotas/demo-id/Cluster", (202, quota(Some(7), "demo-id", 10))),
    ])
    .await;
    show(Some("demo")).run(&context).await.unwrap();
    let (project, of) = (Project { project: "demo".to_owned() }, Of { resource: Resource::Cluster });
    QuotaCommand::Update { project, of, limit: Limit { limit: 10 } }.run(&context).await.unwrap();
    assert_eq!(fake.asked().last().unwrap(), "PATCH /v1/quotas/demo-id/Cluster");
}

#[tokio::test]
async fn ones_own_project_needs_no_asking() {
    for own in [None, Some("own"), Some("own-id")] {
        let (context, fake) = start([("GET /v1/quotas/own-id/Cluster", (200, quota(None, "own-id", 20)))]).await;
        show(own).run(&context).await.unwrap();
        assert_eq!(fake.asked(), ["GET /v1/quotas/own-id/Cluster"]);
    }
}

#[tokio::test]
async fn what_is_no_project_has_no_quota_by_default() {
    let nobody = ("GET /v3/projects?name=nope", (200, json!({"projects": []})));
    let (context, _) = start([nobody.clone(), ("GET /v1/quotas/nope/Cluster", (200, quota(None, "nope", 20)))]).await;
    let failure = show(Some("nope")).run(&context).await.unwrap_err();
    assert_eq!(failure.code(), 3, "{failure:?}");

    // A quota that outlived its project can be shown.
    let (context, _) = start([nobody, ("GET /v1/quotas/nope/Cluster", (200, quota(Some(7), "nope", 5)))]).await;
    show(Some("nope")).run(&context).await.unwrap();
}

#[tokio::test]
async fn who_may_not_look_at_projects_gives_an_id_and_the_api_decides() {
    let (context, _) = start([
        ("GET /v3/projects?name=other-id", refusal(403, "no")),
        ("GET /v1/quotas/other-id/Cluster", refusal(403, "Quotas of another project are shown to admins only.")),
    ])
    .await;
    assert_eq!(show(Some("other-id")).run(&context).await.unwrap_err().code(), 4);
}

#[tokio::test]
async fn a_name_of_several_projects_is_refused_with_their_ids() {
    let twins = json!({"projects": [{"id": "a", "name": "twin"}, {"id": "b", "name": "twin"}]});
    let (context, _) = start([("GET /v3/projects?name=twin", (200, twins))]).await;
    let failure = show(Some("twin")).run(&context).await.unwrap_err();
    let Failure::Client(error) = &failure else { panic!("{failure:?}") };
    assert!(error.action().unwrap().contains("a, b"), "{error:?}");
}
