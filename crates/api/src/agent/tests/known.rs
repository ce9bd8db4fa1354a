//! The deployment's number is sent to agents and comes back.

use jeroboam_model::{EngineKind, NodePhase};
use jeroboam_types::agent::{INSTANCES_PATH, KNOWN_HEADER, Known};
use jeroboam_types::v1::EvidenceKind;
use reqwest::{Response, StatusCode};
use uuid::Uuid;

use super::world::{Agent, World, report};

/// A report, with the number that the agent has received before.
async fn call(agent: &Agent, known: Option<&Known>) -> Response {
    let mut request = agent.client.post(agent.url("report")).json(&report(NodePhase::Up));
    if let Some(known) = known {
        request = request.header(KNOWN_HEADER, known.to_string());
    }
    request.send().await.unwrap()
}

fn told(response: &Response) -> Known {
    response.headers()[KNOWN_HEADER].to_str().unwrap().parse().unwrap()
}

async fn is_held(world: &World) -> bool {
    world.store.deployment().await.unwrap().hold.is_some()
}

/// The number that a server of the same deployment with a newer database sends.
fn ahead(world: &World, told: &Known, by: i64) -> Known {
    let number = told.number + by;
    Known { number, voucher: world.store.voucher(&told.deployment, number).unwrap(), ..told.clone() }
}

#[tokio::test]
async fn every_answer_tells_how_far_the_deployment_has_come() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[0]).await;
    let known = told(&call(&agent, None).await);
    let deployment = world.store.deployment().await.unwrap();
    assert_eq!((&known.deployment, known.number), (&deployment.id, deployment.number));
    assert_eq!(world.store.vouched(&deployment.id, &known.voucher), Some(deployment.number));
    assert_eq!(told(&agent.poll(0).await).deployment, deployment.id);
    assert_eq!(told(&world.stranger().poll(0).await).deployment, deployment.id, "refusals too");
    assert_eq!(call(&agent, Some(&known)).await.status(), StatusCode::NO_CONTENT);
    assert!(!is_held(&world).await);
}

#[tokio::test]
async fn an_agent_that_was_told_more_proves_that_the_database_is_an_older_one() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[0]).await;
    let known = told(&call(&agent, None).await);
    let ahead = ahead(&world, &known, 100);
    assert_eq!(call(&agent, Some(&ahead)).await.status(), StatusCode::NO_CONTENT, "the agent itself goes on");
    let hold = world.store.deployment().await.unwrap().hold.unwrap();
    assert_eq!((hold.evidence[0].kind, hold.evidence[0].number), (EvidenceKind::Agent, Some(ahead.number)));
    assert!(hold.evidence[0].message.contains(&nodes[0].uuid.to_string()), "{hold:?}");
}

#[tokio::test]
async fn an_agent_that_the_database_does_not_know_proves_it_as_well() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[2]).await;
    let known = told(&call(&agent, None).await);
    world.store.remove_node(nodes[2].uuid).await.unwrap();
    let refused = call(&agent, Some(&ahead(&world, &known, 1))).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    assert!(is_held(&world).await);
}

#[tokio::test]
async fn nobody_can_make_a_number_up() {
    let world = World::new().await;
    let nodes = world.cluster(EngineKind::KUBERNETES).await;
    let agent = world.enrolled(&nodes[0]).await;
    let known = told(&call(&agent, None).await);
    let ahead = ahead(&world, &known, 100);
    for said in [
        Known { number: 1000, ..known.clone() },
        Known { voucher: "made-up".into(), ..ahead.clone() },
        Known { deployment: "another".into(), ..ahead.clone() },
    ] {
        call(&agent, Some(&said)).await;
        assert!(!is_held(&world).await, "{said:?}");
    }
    // Nor can an agent without a certificate send one.
    let stranger = world.stranger();
    assert_eq!(call(&stranger, Some(&ahead)).await.status(), StatusCode::UNAUTHORIZED);
    assert!(!is_held(&world).await);
    call(&agent, Some(&ahead)).await;
    assert!(is_held(&world).await);
}

#[tokio::test]
async fn other_servers_are_told_whether_they_are_known() {
    let world = World::new().await;
    let (_, instance) = world.store.start_instance("host", None).await.unwrap();
    let ask = async |id: Uuid| {
        let url = format!("https://{}{INSTANCES_PATH}/{id}", world.address);
        world.stranger().client.get(url).send().await.unwrap().status()
    };
    assert_eq!(ask(instance).await, StatusCode::NO_CONTENT);
    assert_eq!(ask(Uuid::new_v4()).await, StatusCode::NOT_FOUND);
}
