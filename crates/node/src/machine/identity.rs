//! Who this machine is: its node. Containers share the identity of the machine that they run on, or have none; what
//! Kubernetes tells of a node must name that node alone, because autoscalers and auto-healers name by it the nodes that
//! are to go (contract magnum-v1 section 10.9).

use std::path::Path;

use anyhow::Context;
use nix::mount::{MsFlags, mount};
use uuid::Uuid;

use crate::files;

/// What kubelet shows as `machineID`.
const MACHINE_ID: &str = "etc/machine-id";

/// What kubelet shows as `systemUUID`, where the hardware has one.
const PRODUCT_UUID: &str = "sys/class/dmi/id/product_uuid";

/// What is laid over it.
const OWN_UUID: &str = "run/jeroboam/product_uuid";

/// Everybody may know it, nobody is to change it.
const MODE: u32 = 0o444;

/// Gives the container below `root` the identity of its node. To be done before kubelet starts, which looks once.
///
/// # Errors
/// When the file with the machine's id cannot be written.
pub fn take_on(root: &Path, node: Uuid) -> anyhow::Result<()> {
    // As systemd writes it (machine-id(5)): without dashes.
    let path = root.join(MACHINE_ID);
    files::write(&path, &format!("{}\n", node.simple()), MODE)
        .with_context(|| format!("writing {}", path.display()))?;
    if let Err(error) = cover_product_uuid(root, node) {
        // The machine's id is enough to tell nodes apart.
        tracing::warn!("{error:#}: Kubernetes will show the system UUID of the machine below");
    }
    Ok(())
}

/// Lays the node's id over the one of the hardware, in this container alone.
fn cover_product_uuid(root: &Path, node: Uuid) -> anyhow::Result<()> {
    let (target, own) = (root.join(PRODUCT_UUID), root.join(OWN_UUID));
    if !target.exists() {
        return Ok(());
    }
    files::write(&own, &format!("{node}\n"), MODE).with_context(|| format!("writing {}", own.display()))?;
    mount(Some(&own), &target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .with_context(|| format!("laying {} over {}", own.display(), target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_id_is_its_nodes() {
        let root = tempfile::tempdir().unwrap();
        let node = Uuid::from_u128(0x1234_5678_9abc_def0_1234_5678_9abc_def0);
        // Empty, as in the image; and again after a restart.
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join(MACHINE_ID), "").unwrap();
        for _ in 0..2 {
            take_on(root.path(), node).unwrap();
            let text = std::fs::read_to_string(root.path().join(MACHINE_ID)).unwrap();
            assert_eq!(text, "123456789abcdef0123456789abcdef0\n");
            assert_eq!(text.trim().parse::<Uuid>().unwrap(), node);
        }
        assert!(!root.path().join(OWN_UUID).exists(), "there is no hardware here to be covered");
    }
}
