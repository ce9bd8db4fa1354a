# Shared by the scripts of the conformance tests. Source it.
# shellcheck shell=bash
conformance=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../scripts/lib.sh
source "$conformance/../../scripts/lib.sh"
# shellcheck source=../../images/lib.sh
source "$conformance/../../images/lib.sh"
# shellcheck source=../../images/versions
source "$conformance/../../images/versions"

# Programs and images for the tests, and the results.
TESTS=$CACHE/conformance
mkdir -p "$TESTS"

# drop_old PREFIX: removes the results of earlier builds, except those of the last day, which a run may still use.
drop_old() { find "$TESTS" -maxdepth 1 -name "$1*" -mtime +0 -exec rm -rf {} +; }

# need_version VERSION: fails unless the tests can be built for this version.
need_version() {
    local known
    for known in "${KUBERNETES[@]}"; do [ "$known" != "$1" ] || return 0; done
    die "the conformance tests are built for ${KUBERNETES[*]} (images/versions), not for '$1'"
}

# go_lock: waits until no other script uses or removes Go's caches; images/get takes the same lock.
go_lock() {
    mkdir -p "$CACHE/parts"
    exec 9>"$CACHE/parts/.lock"
    flock 9
}

# drop_go_caches: removes Go's caches, which are large and not needed after a build. Call it with the lock held.
# JEROBOAM_KEEP_GO_CACHES=1 keeps them for a following call, as in images/get.
drop_go_caches() { [ -n "${JEROBOAM_KEEP_GO_CACHES:-}" ] || rm -rf "$CACHE/go"; }

# build_go MODULES LOG OUTPUT FLAGS ARGUMENT...: runs `go ARGUMENT... -o OUTPUT` in a copy of the folder MODULES, which
# pins the modules, with the caches and flags of images/get.
build_go() {
    local modules=$1 log=$2 output=$3 flags=$4 copy
    shift 4
    need_go
    copy=$(mktemp -d "$TESTS/.build.XXXXXX")
    cp "$modules"/* "$copy/"
    # The program of Kubernetes is in the parent folder of its versions.
    [[ $modules != */kubernetes/v* ]] || cp "$modules"/../*.go "$copy/"
    local words=(go "$1" -trimpath -buildvcs=false -ldflags "-s -w $flags" -o "$output" "${@:2}")
    if ! (cd "$copy" && env GO111MODULE=on GOFLAGS=-modcacherw GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0 \
        GOCACHE="$CACHE/go/build" GOMODCACHE="$CACHE/go/mod" "${words[@]}") >>"$log" 2>&1; then
        rm -rf "$copy"
        tail -n 5 "$log" >&2
        die "building ${output##*/} from its Go modules failed, see $log. Downloads are kept: retry when the module proxy is reachable"
    fi
    rm -rf "$copy"
}

# program NAME PACKAGE: prints the path of a program built from modules/NAME, the same for all versions of Kubernetes.
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

# module_folder MODULES MODULE: prints the path in the module cache of a module that MODULES pins.
module_folder() {
    (cd "$1" && env GO111MODULE=on GOFLAGS='-modcacherw -mod=mod' GOTOOLCHAIN=local GOWORK=off GOMODCACHE="$CACHE/go/mod" \
        go list -m -f '{{.Dir}}' "$2")
}

# start_registry FOLDER ADDRESS: serves the images in FOLDER; sets `registry_pid`.
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
        [ -e "/proc/$registry_pid" ] || die "the registry exited, see $log: $(tail -n 1 "$log")"
        [ $SECONDS -lt $deadline ] || die "the registry does not listen on $2, see $log"
        sleep 0.1
    done
}

# free_port ADDRESS: prints a free port below the kernel's range for outgoing connections.
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

# in_peace COMMAND...: runs a command that cleans up on a signal: forwards INT and TERM to it as TERM, waits for it, and
# returns its exit code.
in_peace() {
    local child code=0
    "$@" &
    child=$!
    # shellcheck disable=SC2064 # the number is this one
    trap "kill -TERM $child 2>/dev/null || true" INT TERM
    while true; do
        wait "$child" && code=0 || code=$?
        # A signal ends the wait, not the command.
        kill -0 "$child" 2>/dev/null || break
    done
    trap - INT TERM
    return "$code"
}
