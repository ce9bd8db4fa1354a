//! Which nodes are added and removed when a group is resized. Pure functions.

use std::collections::BTreeSet;

use jeroboam_model::NodeGroup;
use jeroboam_model::node::node_name;
use uuid::Uuid;

/// A node, with the fields that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) uuid: Uuid,
    pub(crate) group: Uuid,
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) slot: u32,
    pub(crate) wanted: bool,
}

/// A node to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Newcomer {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) slot: u32,
}

/// The nodes to remove and to add.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Nodes to be removed.
    pub(crate) go: Vec<Uuid>,
    /// Nodes to be added.
    pub(crate) come: Vec<Newcomer>,
}

/// What must change so that the group has `count` wanted nodes; `members` are all nodes of the cluster.
///
/// The nodes in `remove` are removed in any case. If too many are left, those with the highest numbers are removed as
/// well; if too few, new nodes are added: a node that is being removed is never taken back, as it may be half deleted
/// already. New nodes get the lowest free numbers and slots; those of a node that is being removed are taken until it
/// is deleted.
///
/// # Errors
/// The first of `remove` that is not a node of the group.
pub(crate) fn change(
    cluster_name: &str,
    group: &NodeGroup,
    members: &[Member],
    count: u32,
    remove: &[Uuid],
) -> Result<Change, Uuid> {
    let of_group = || members.iter().filter(|member| member.group == group.uuid);
    if let Some(stranger) = remove.iter().find(|uuid| !of_group().any(|member| member.uuid == **uuid)) {
        return Err(*stranger);
    }
    let mut wanted: Vec<&Member> = of_group().filter(|member| member.wanted).collect();
    wanted.sort_by_key(|member| member.number);
    let (mut go, mut stay): (Vec<&Member>, Vec<&Member>) =
        wanted.into_iter().partition(|member| remove.contains(&member.uuid));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if stay.len() > count {
        go.extend(stay.split_off(count));
    }
    let missing = count.saturating_sub(stay.len());
    Ok(Change {
        go: go.into_iter().map(|member| member.uuid).collect(),
        come: newcomers(cluster_name, group, members, missing),
    })
}

fn newcomers(cluster_name: &str, group: &NodeGroup, members: &[Member], missing: usize) -> Vec<Newcomer> {
    let slots: BTreeSet<u32> = members.iter().map(|member| member.slot).collect();
    // Compare names and not only numbers: a node of another group may have the same name.
    let names: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let free_slots = (0..).filter(|slot| !slots.contains(slot));
    let free_names = (0..)
        .map(|number| (number, node_name(cluster_name, group, number)))
        .filter(|(_, name)| !names.contains(name.as_str()));
    free_names.zip(free_slots).take(missing).map(|((number, name), slot)| Newcomer { name, number, slot }).collect()
}
