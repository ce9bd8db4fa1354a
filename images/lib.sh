# Shared by the image builds. Source it after scripts/lib.sh.
# shellcheck shell=bash

# The label with the hash of the files that an image was built from.
SOURCE_LABEL=io.jeroboam.source

# source_hash FILE... [-- WORD...]: one hash over the content of the files and the words.
source_hash() {
    local files=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    { cat "${files[@]}"; printf '%s\n' "$@" "$(dpkg --print-architecture)"; } | sha256sum | cut -c1-16
}

# image_source NAME: the hash in the label of an existing image, or nothing.
image_source() {
    docker image inspect -f "{{index .Config.Labels \"$SOURCE_LABEL\"}}" "$1" 2>/dev/null || true
}

# drop_image NAME: untags an older image, and removes it if nothing else uses it.
drop_image() {
    docker image rm "$1" >/dev/null 2>&1 || true
}
