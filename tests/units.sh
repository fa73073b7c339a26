#!/usr/bin/env bash
# Proves systemd/ under a real systemd: boots Debian in a container that has only the loopback network
# and runs tests/units/proof in it.
#
#   tests/units.sh [SUITE]
#   PACKAGE=pilotlight.deb tests/units.sh [SUITE]     installs, upgrades, removes and purges that Debian package instead
#
# Needs root, on Debian or Ubuntu. SUITE is trixie (systemd 257) unless named; bookworm has 252, like
# older Raspberry Pi OS. Each tree is made once and kept in target/units. The binary is the release build
# or what $PILOTLIGHT names.
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
units=$repo/tests/units
cache=$repo/target/units
binary=${PILOTLIGHT:-}
package=${PACKAGE:-}
suite=${1:-trixie}
tree=$cache/$suite
machine=pilotlight-units-$$
nspawn=''

die() { echo "units.sh: $*" >&2 && exit 1; }

fetch_tools() {
    local need=()
    command -v mmdebstrap >/dev/null || need+=(mmdebstrap)
    command -v systemd-nspawn >/dev/null || need+=(systemd-container)
    command -v cc >/dev/null || need+=(gcc libc6-dev)
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || need+=(debian-archive-keyring)
    [ ${#need[@]} = 0 ] && return
    timeout 300 apt-get -qq update
    DEBIAN_FRONTEND=noninteractive timeout 600 apt-get -qq install --no-install-recommends "${need[@]}" >/dev/null
}

make_tree() {
    exec 9>"$cache/lock"
    flock --timeout 900 9 || die "another run has held $cache for a quarter of an hour"
    [ ! -d "$tree" ] || return 0
    rm -rf "$tree.new" # of a run that was cut off
    timeout 900 mmdebstrap --quiet --variant=minbase --include=systemd-sysv,udev,nsd "$suite" "$tree.new"
    mv "$tree.new" "$tree"
}

# Static, as the tree's libc is another one.
make_bad_ones() {
    mkdir -p "$cache/bad"
    for how in EXITS LATE LIES REFUSES WEDGES; do
        cc -static -O -DHOW=$how "$units/bad.c" -o "$cache/bad/$how"
    done
}

boot() {
    local keep=() cgroup
    # Where no systemd runs that could give the container a control group, it gets one made here.
    cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/$machine
    [ -d /run/systemd/system ] || { mkdir "$cgroup" && keep=(--keep-unit); }
    (
        [ ${#keep[@]} = 0 ] || echo $BASHPID >"$cgroup/cgroup.procs"
        # A host may mount the old control groups beside the new; the systemd inside wants the new. And
        # nspawn's own filter of system calls would keep it from attaching a device policy.
        export UNIFIED_CGROUP_HIERARCHY=1 SYSTEMD_SECCOMP=0
        exec systemd-nspawn --quiet --boot --directory="$tree" --volatile=overlay --private-network \
            --machine="$machine" --register=no "${keep[@]}" --console=pipe --link-journal=no \
            --resolv-conf=off --timezone=off --bind-ro="$units:/srv/units" \
            --bind-ro="$repo/systemd:/srv/systemd" --bind-ro="$repo/image/root:/srv/root" \
            --bind-ro="$cache/bad:/srv/bad" --bind-ro="$binary:/srv/pilotlight" \
            ${package:+--bind-ro="$package:/srv/pilotlight.deb"}
    ) </dev/null >"$cache/console" 2>&1 9>&- &
    nspawn=$!
    local end=$((SECONDS + 60))
    until booted; do
        [ $SECONDS -lt $end ] || { cat "$cache/console" && die "systemd-nspawn boots nothing here"; }
        sleep 0.2
    done
}

init() { pgrep --parent "$nspawn" --exact systemd; }

booted() {
    kill -0 "$nspawn" 2>/dev/null || { cat "$cache/console" && die "systemd-nspawn does not run here"; }
    init >/dev/null && [[ $(inside systemctl is-system-running 2>&1) =~ ^(running|degraded)$ ]]
}

inside() { timeout 300 nsenter --target "$(init)" --all env -i PATH=/usr/local/bin:/usr/bin:/usr/sbin "$@"; }

halt() {
    [ -n "$nspawn" ] || return 0
    kill -RTMIN+4 "$(init)" 2>/dev/null || true # systemd's "power off"
    for _ in {1..100}; do
        kill -0 "$nspawn" 2>/dev/null || break
        sleep 0.1
    done
    # Of what is left its first process is the one to kill: the rest of its PID namespace goes with it.
    kill -KILL "$(init)" "$nspawn" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
    find /sys/fs/cgroup -depth -type d -path "*/$machine*" -exec rmdir {} + 2>/dev/null || true
}

[ "$(id -u)" = 0 ] || die "a container needs root: sudo $0 $*"
mkdir -p "$cache"
fetch_tools
make_tree
if [ -n "$package" ]; then
    package=$(realpath "$package") binary=$package # the program is in it
fi
make_bad_ones
if [ -z "$binary" ]; then
    (cd "$repo" && timeout 1800 cargo build --quiet --release --locked)
    binary=$repo/target/release/pilotlight
fi
trap halt EXIT
boot
inside "/srv/units/${package:+package-}proof"
