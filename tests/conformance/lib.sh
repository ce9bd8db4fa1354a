# Shared by the scripts of the conformance tests. Source it.
# shellcheck shell=bash
conformance=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../scripts/lib.sh
source "$conformance/../../scripts/lib.sh"
# shellcheck source=../../images/lib.sh
source "$conformance/../../images/lib.sh"
# shellcheck source=../../images/versions
source "$conformance/../../images/versions"

# What is made for the tests, and their results.
TESTS=$CACHE/conformance
mkdir -p "$TESTS"

# drop_old PREFIX: removes results of earlier builds, but for those of the last day, which a run may still use.
drop_old() { find "$TESTS" -maxdepth 1 -name "$1*" -mtime +0 -exec rm -rf {} +; }

# need_version VERSION: dies unless it is one that the tests can be built for.
need_version() {
    local known
    for known in "${KUBERNETES[@]}"; do [ "$known" != "$1" ] || return 0; done
    die "the conformance tests are built for ${KUBERNETES[*]} (images/versions), not for '$1'"
}

# go_lock: waits until no other script builds with Go's caches, or drops them; images/get takes the same lock.
go_lock() {
    mkdir -p "$CACHE/parts"
    exec 9>"$CACHE/parts/.lock"
    flock 9
}

# drop_go_caches: what Go keeps for building is large, and nobody needs it once the result stands. To be called with the
# lock. JEROBOAM_KEEP_GO_CACHES=1 leaves it for a call that follows, as with images/get.
drop_go_caches() { [ -n "${JEROBOAM_KEEP_GO_CACHES:-}" ] || rm -rf "$CACHE/go"; }

# build_go MODULES LOG OUTPUT FLAGS ARGUMENT...: `go ARGUMENT... -o OUTPUT` on a copy of the folder MODULES, which pins what
# is used, with the caches and the flags of images/get.
build_go() {
    local modules=$1 log=$2 output=$3 flags=$4 copy
    shift 4
    need_go
    copy=$(mktemp -d "$TESTS/.build.XXXXXX")
    cp "$modules"/* "$copy/"
    # Kubernetes' program lies beside the folders of its versions.
    [[ $modules != */kubernetes/v* ]] || cp "$modules"/../*.go "$copy/"
    local words=(go "$1" -trimpath -buildvcs=false -ldflags "-s -w $flags" -o "$output" "${@:2}")
    if ! (cd "$copy" && env GO111MODULE=on GOFLAGS=-modcacherw GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0 \
        GOCACHE="$CACHE/go/build" GOMODCACHE="$CACHE/go/mod" "${words[@]}") >>"$log" 2>&1; then
        rm -rf "$copy"
        tail -n 5 "$log" >&2
        die "building ${output##*/} from its Go modules failed, see $log. What was fetched is kept: try again when the module proxy can be reached"
    fi
    rm -rf "$copy"
}

# program NAME PACKAGE: the path of a program that is built of modules/NAME, the same for all versions of Kubernetes.
program() {
    local modules=$conformance/modules/$1 out
    out=$TESTS/$1-$(source_hash "$modules"/* --)
    if [ ! -e "$out/$1" ]; then
        say "building $1 from its Go modules (once)"
        mkdir -p "$out"
        (
            go_lock
            build_go "$modules" "$TESTS/$1.log" "$out/$1.new" '' build "$2"
            drop_go_caches
        )
        mv "$out/$1.new" "$out/$1"
    fi
    echo "$out/$1"
}

# module_folder MODULES MODULE: where the module cache has the source of a module that MODULES pins.
module_folder() {
    (cd "$1" && env GO111MODULE=on GOFLAGS='-modcacherw -mod=mod' GOTOOLCHAIN=local GOWORK=off GOMODCACHE="$CACHE/go/mod" \
        go list -m -f '{{.Dir}}' "$2")
}

# start_registry FOLDER ADDRESS: serves the images that FOLDER has; sets `registry_pid`.
start_registry() {
    local deadline=$((SECONDS + 20)) log=$1/registry.log
    docker-registry serve /dev/stdin >>"$log" 2>&1 <<END &
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $1}}
http: {addr: "$2"}
END
    registry_pid=$!
    until (exec 7<>"/dev/tcp/${2%:*}/${2#*:}") 2>/dev/null; do
        [ -e "/proc/$registry_pid" ] || die "the registry ended, see $log: $(tail -n 1 "$log")"
        [ $SECONDS -lt $deadline ] || die "the registry does not listen on $2, see $log"
        sleep 0.1
    done
}

# free_port ADDRESS: a port below those that the kernel gives to outgoing connections, on which nobody listens.
free_port() {
    python3 - "$1" <<'END'
import random, socket, sys
while True:
    port = random.randrange(20000, 30000)
    with socket.socket() as listener:
        try:
            listener.bind((sys.argv[1], port))
        except OSError:
            continue
    print(port)
    break
END
}

# in_peace COMMAND...: runs a command that cleans up by itself when it is asked to end: the signals that come here are
# passed on, and it is waited for. Gives its exit code.
in_peace() {
    local child code=0
    "$@" &
    child=$!
    # shellcheck disable=SC2064 # the number is this one
    trap "kill -TERM $child 2>/dev/null || true" INT TERM
    while true; do
        wait "$child" && code=0 || code=$?
        # A signal ends the wait, not what is waited for.
        kill -0 "$child" 2>/dev/null || break
    done
    trap - INT TERM
    return "$code"
}
