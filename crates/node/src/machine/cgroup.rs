//! Control groups: which version the machine has, and room for containers below a node that is a container itself.

use std::io;
use std::path::Path;

const ROOT: &str = "/sys/fs/cgroup";

/// 1 or 2; 0 when there are none.
pub fn version() -> u8 {
    match (Path::new(ROOT).join("cgroup.controllers").exists(), Path::new(ROOT).exists()) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }
}

/// On cgroup v2 a group with processes of its own cannot hand controllers to groups below it: all processes of the
/// node move into a leaf, then the controllers are handed down. Nothing to do on cgroup v1.
pub fn make_room() -> io::Result<()> {
    if version() != 2 {
        return Ok(());
    }
    let root = Path::new(ROOT);
    let leaf = root.join("jeroboam");
    std::fs::create_dir_all(&leaf)?;
    for process in std::fs::read_to_string(root.join("cgroup.procs"))?.lines() {
        // Processes of the kernel, or that have just ended, cannot be moved and need not be.
        let _ = std::fs::write(leaf.join("cgroup.procs"), process);
    }
    let controllers = std::fs::read_to_string(root.join("cgroup.controllers"))?;
    for controller in controllers.split_whitespace() {
        std::fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"))?;
    }
    Ok(())
}
