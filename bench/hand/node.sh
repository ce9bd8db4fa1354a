# Setup and supervision for process 1 of a node that was started by hand. Source it in the container.
# shellcheck shell=bash

# Sets NODE, ADDRESS and MASTER: the node's name, its address, the master's address.
# shellcheck source=/dev/null
source /etc/by-hand/environment

LOGS=/var/log/by-hand
COMPONENTS=()

# Prepares the container to be a node, as crates/node does in machine/prepare.rs and machine/cgroup.rs.
make_fit() {
    local target type controller process
    mkdir -p "$LOGS" /var/log/pods /etc/cni/net.d
    mount -o remount,rw,nosuid,nodev,noexec /sys
    while read -r _ target type _; do
        case $type in cgroup | cgroup2) mount -o remount,bind,rw,nosuid,nodev,noexec "$target" ;; esac
    done </proc/self/mounts
    mount --make-rshared /
    if [ ! -e /dev/kmsg ]; then
        { mknod /dev/kmsg c 1 11 && : </dev/kmsg; } 2>/dev/null || ln -sf /dev/null /dev/kmsg
    fi
    echo 1 >/proc/sys/net/ipv4/ip_forward
    ! [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mkdir -p /sys/fs/cgroup/by-hand
        while read -r process; do
            echo "$process" >/sys/fs/cgroup/by-hand/cgroup.procs || true
        done </sys/fs/cgroup/cgroup.procs 2>/dev/null
        for controller in $(</sys/fs/cgroup/cgroup.controllers); do
            echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
        done
    fi
    tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
}

# component NAME COMMAND...: starts a component in the background.
component() {
    local name=$1
    shift
    "$@" >"$LOGS/$name.log" 2>&1 </dev/null &
    COMPONENTS+=($!)
}

# until_there SOCKET, until_open ADDRESS PORT
until_there() { while [ ! -S "$1" ]; do sleep 0.02; done; }
until_open() { until (: >"/dev/tcp/$1/$2") 2>/dev/null; do sleep 0.05; done; }

# Waits until a component exits, prints the end of all logs and fails.
watch_over() {
    local code=0
    wait -n "${COMPONENTS[@]}" || code=$?
    echo "a component exited with $code"
    tail -n 10 "$LOGS"/*.log
    exit 1
}
