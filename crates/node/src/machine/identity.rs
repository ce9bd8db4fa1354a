//! The machine's identity, which is that of its node. Containers share the identity of their host, or have none. But
//! the identity in Kubernetes must be unique to a node, because autoscalers and auto-healers use it to name the nodes
//! to remove (contract magnum-v1 section 10.9).

use std::path::Path;

use anyhow::Context;
use nix::mount::{MsFlags, mount};
use uuid::Uuid;

use crate::files;

/// The file that kubelet reads `machineID` from.
const MACHINE_ID: &str = "etc/machine-id";

/// The file that kubelet reads `systemUUID` from, if the hardware has one.
const PRODUCT_UUID: &str = "sys/class/dmi/id/product_uuid";

/// The file that is mounted over it.
const OWN_UUID: &str = "run/jeroboam/product_uuid";

/// Readable by everybody, writable by nobody.
const MODE: u32 = 0o444;

/// Gives the container below `root` the identity of its node. Must be called before kubelet starts, which reads it
/// once.
///
/// # Errors
/// When the file with the machine's id cannot be written.
pub fn take_on(root: &Path, node: Uuid) -> anyhow::Result<()> {
    // In systemd's format (machine-id(5)): without dashes.
    let path = root.join(MACHINE_ID);
    files::write(&path, &format!("{}\n", node.simple()), MODE)
        .with_context(|| format!("writing {}", path.display()))?;
    if let Err(error) = cover_product_uuid(root, node) {
        // The machine's id is sufficient to distinguish nodes.
        tracing::warn!("{error:#}: Kubernetes will show the system UUID of the host");
    }
    Ok(())
}

/// Mounts a file with the node's id over that of the hardware, in this container only.
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
