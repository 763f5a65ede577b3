#!/usr/bin/env bash
# scripts/test clean-root, or tests/clean-root.sh [RELEASE [MIRROR]]
# Proves that the package lists of scripts/run are complete: a fresh root in /tmp with nothing but the base system and
# Rust, in which scripts/run installs, builds and starts the program, and everything it links and opens at run time is
# found. Needs root, debootstrap, the network of package clients, and about 20 minutes. Not part of every run.
#
# CLEAN_ROOT_BINARY=FILE leaves out the build: that binary is checked against the packages of the group `run` alone.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
release=${1:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
mirror=${2:-$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' /etc/apt/sources.list.d/* /etc/apt/sources.list 2>/dev/null | head -1 || true)}
new=$(mktemp -d /tmp/clean-root.XXXXXX)
rust=$(rustc --print sysroot)

say() { printf '== %s\n' "$*"; }
inside() { chroot "$new" env -i PATH=/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CARGO_HOME=/cargo LANG=C.UTF-8 "$@"; }

clean_up() {
  local at
  for at in cargo rust dev/pts dev proc sys; do
    if mountpoint -q "$new/$at"; then umount -l "$new/$at"; fi
  done
  # Nothing may be left mounted below, or this would remove what is outside.
  if grep -q " $new/" /proc/mounts; then echo "still mounted below $new: not removed" >&2; else rm -rf "$new"; fi
}
trap clean_up EXIT

[ "$(id -u)" = 0 ] || { echo "needs root, for chroot" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "needs debootstrap (apt-get install debootstrap)" >&2; exit 1; }

say "a fresh $release root"
debootstrap --variant=minbase "$release" "$new" "$mirror" >"$new.log" 2>&1 || { tail -5 "$new.log"; exit 1; }
rm -f "$new.log"
cp /etc/resolv.conf /etc/hosts "$new/etc/"
mount -t proc proc "$new/proc"
mount --bind /dev "$new/dev"
mkdir -p "$new/rust" "$new/cargo" "$new/sovereign"
mount --bind -o ro "$rust" "$new/rust"
git -C "$here" ls-files -z | (cd "$here" && tar -c --null -T -) | tar -x -C "$new/sovereign"

if [ -n "${CLEAN_ROOT_BINARY:-}" ]; then
  say "the packages of the group run"
  inside bash -c '. /sovereign/scripts/lib.sh && need_packages run'
  install -D "$CLEAN_ROOT_BINARY" "$new/sovereign/target/release/sovereign"
else
  say "scripts/run: packages, build, start"
  mount --bind "${CARGO_HOME:-$HOME/.cargo}" "$new/cargo"
  inside /sovereign/scripts/run --version
  say "again: nothing is missing, nothing is built"
  time inside /sovereign/scripts/run --version
fi

say "what it links"
if inside ldd /sovereign/target/release/sovereign | grep 'not found'; then echo "FAILED: libraries missing"; exit 1; fi

say "what it opens at run time"
# The names that the window libraries open: found by the loader, or not.
for name in libX11.so.6 libX11-xcb.so.1 libXcursor.so.1 libXi.so.6 libxkbcommon.so.0 libxkbcommon-x11.so.0 \
  libwayland-client.so.0 libwayland-egl.so.1 libEGL.so.1 libGL.so.1; do
  inside ldconfig -p | grep -qF "$name " || { echo "FAILED: $name is missing"; exit 1; }
done
inside sh -c 'ls /usr/lib/*/dri/swrast_dri.so' >/dev/null || { echo "FAILED: no software renderer"; exit 1; }

say "a conversation with nothing at hand"
inside /sovereign/target/release/sovereign talk
echo "1 passed, 0 failed"
