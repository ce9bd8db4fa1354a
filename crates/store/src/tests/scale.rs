use super::*;
use crate::scale::{Change, Member, Newcomer, change};

fn group() -> (Cluster, NodeGroup) {
    let cluster = cluster("one", "c", Uuid::nil());
    let group = groups(&cluster, 0).remove(0);
    (cluster, group)
}

fn member(group: &NodeGroup, number: u32, wanted: bool) -> Member {
    Member {
        uuid: Uuid::from_u128(number.into()),
        group: group.uuid,
        name: format!("c-worker-{number}"),
        number,
        slot: number + 1,
        wanted,
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[test]
fn the_highest_numbers_go_first() {
    let (cluster, group) = group();
    // As numbers, not as text; and the order of rows does not matter.
    let members: Vec<_> = [10, 2, 9, 0].map(|number| member(&group, number, true)).into();
    let change = change(&cluster.name, &group, &members, 2, &[]).unwrap();
    assert_eq!(change, Change { go: vec![id(9), id(10)], come: vec![] });
}

#[test]
fn named_nodes_go_before_others_and_are_replaced_when_the_count_stays() {
    let (cluster, group) = group();
    let members: Vec<_> = (0..3).map(|number| member(&group, number, true)).collect();
    let named = |count| change(&cluster.name, &group, &members, count, &[id(0)]).unwrap();
    assert_eq!(named(2).go, [id(0)]);
    assert_eq!(named(1).go, [id(0), id(2)]);
    let newcomer = Newcomer { name: "c-worker-3".to_owned(), number: 3, slot: 0 };
    assert_eq!(named(3), Change { go: vec![id(0)], come: vec![newcomer] });
}

#[test]
fn a_node_that_goes_keeps_its_name_and_slot_until_it_is_gone() {
    let (cluster, group) = group();
    let members = [member(&group, 0, true), member(&group, 1, false)];
    let change = change(&cluster.name, &group, &members, 3, &[id(1)]).unwrap();
    assert!(change.go.is_empty(), "it goes already");
    let come: Vec<_> = change.come.iter().map(|node| (node.name.as_str(), node.slot)).collect();
    assert_eq!(come, [("c-worker-2", 0), ("c-worker-3", 3)]);
}

#[test]
fn gaps_are_filled_and_another_groups_names_are_avoided() {
    let (cluster, group) = group();
    // A group that is called as the role of the default one makes the same names.
    let other = NodeGroup { uuid: Uuid::new_v4(), is_default: false, name: "worker".to_owned(), ..group.clone() };
    let members = [member(&other, 0, true), member(&group, 2, true)];
    let change = change(&cluster.name, &group, &members, 3, &[]).unwrap();
    let come: Vec<_> = change.come.iter().map(|node| (node.number, node.slot)).collect();
    assert_eq!(come, [(1, 0), (3, 2)]);
}

#[test]
fn a_stranger_is_refused() {
    let (cluster, group) = group();
    let other = NodeGroup { uuid: Uuid::new_v4(), ..group.clone() };
    let members = [member(&group, 0, true), member(&other, 1, true)];
    assert_eq!(change(&cluster.name, &group, &members, 1, &[id(1)]), Err(id(1)));
    assert_eq!(change(&cluster.name, &group, &members, 1, &[id(7)]), Err(id(7)));
}
