# Shared by the scripts that install, build and start things. Source it; it defines functions and two paths only.
# shellcheck shell=bash

# Results of long builds that are worth keeping live here, outside the checkout. Safe to delete at any time.
CACHE=${JEROBOAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/jeroboam}
mkdir -p "$CACHE"

say() { printf '\033[2m»\033[0m %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

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

# The archive that this machine's own apt uses for Debian's main component: "URI CODENAME".
debian_archive() {
    # shellcheck disable=SC2016 # the $(...) belong to apt
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(LABEL) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk '$3 == "Debian" && $4 == "main" && $2 !~ /-/ { print $1, $2; exit }'
}

# One-line source entries for the archive's source packages.
deb_src_list() {
    local uri codename
    read -r uri codename < <(debian_archive) || die "no Debian archive is configured for apt on this machine"
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $codename main"
}
