# A swarm by hand: an engine per node, with the configuration that crates/node writes. Sourced by by-hand.
# shellcheck shell=bash
# shellcheck disable=SC2154 # `work`, `nodes` and the like are by-hand's

version() { label io.jeroboam.docker; }

prepare() {
    local node
    for node in "${nodes[@]}"; do
        echo OVERLAY=10.194.0.0/16 >>"$work/$node/environment"
        cat >"$work/$node/dockerd.json" <<END
{"hosts": ["unix:///run/docker.sock"], "bip": "10.192.0.1/24",
 "default-address-pools": [{"base": "10.193.0.0/16", "size": 24}], "log-level": "warn",
 "exec-opts": ["native.cgroupdriver=cgroupfs"], "shutdown-timeout": 4}
END
    done
    # Where the first node writes the token for the others.
    mkdir "$work/shared"
    grants+=(-v "$work/shared:/etc/by-hand/shared")
}

# One check inside the container lasts until all are Ready, or for two seconds: each `docker exec` starts a process in
# the container.
ready_nodes() {
    # shellcheck disable=SC2016 # the variables belong to the shell in the container
    docker exec "$run-master" bash -c '
        while ready=$(docker node ls --format "{{.Status}}" 2>/dev/null | grep -cx Ready)
            [ "$ready" != "$0" ] && [ $SECONDS -lt 2 ]; do sleep 0.02; done
        echo "$ready"' ${#nodes[@]} || true
}

takes_work() { images_loaded; }
