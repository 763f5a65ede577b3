#!/usr/bin/env bash
# scripts/test clean-root, or tests/clean-root.sh [RELEASE [MIRROR]]
# Proves that the package lists of scripts/run are complete: a fresh root in /tmp with nothing but the base system and
# Rust, in which scripts/run installs, builds and starts the program, and everything it links and opens at run time is
# found. Needs root, debootstrap, the network of package clients, and about 20 minutes. Not part of every run.
#
# CLEAN_ROOT_BINARY=FILE leaves out the build: that binary is checked against the packages of the group `run` alone.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tests/root.sh
. "$here/tests/root.sh"
rust=$(rustc --print sysroot)

new_root "${1:-$(. /etc/os-release && echo "$VERSION_CODENAME")}" "${2:-}"
mkdir -p "$new/sovereign"
mount_in "$rust" rust ro
git -C "$here" ls-files -z | (cd "$here" && tar -c --null -T -) | tar -x -C "$new/sovereign"

if [ -n "${CLEAN_ROOT_BINARY:-}" ]; then
  say "the packages of the group run"
  inside bash -c '. /sovereign/scripts/lib.sh && need_packages run'
  install -D "$CLEAN_ROOT_BINARY" "$new/sovereign/target/release/sovereign"
else
  say "scripts/run: packages, build, start"
  mount_in "${CARGO_HOME:-$HOME/.cargo}" cargo
  inside /sovereign/scripts/run --version
  say "again: nothing is missing, nothing is built"
  time inside /sovereign/scripts/run --version
fi

say "what it links"
if inside ldd /sovereign/target/release/sovereign | grep 'not found'; then fail "libraries missing"; fi

say "what it opens at run time"
# The names that the window libraries open: found by the loader, or not.
libraries=$(inside ldconfig -p)
for name in libX11.so.6 libX11-xcb.so.1 libXcursor.so.1 libXi.so.6 libxkbcommon.so.0 libxkbcommon-x11.so.0 \
  libwayland-client.so.0 libwayland-egl.so.1 libEGL.so.1 libGL.so.1; do
  grep -qF "$name " <<<"$libraries" || fail "$name is missing"
done
inside sh -c 'ls /usr/lib/*/dri/swrast_dri.so' >/dev/null || fail "no software renderer"

say "a conversation with nothing at hand"
inside /sovereign/target/release/sovereign talk
echo "1 passed, 0 failed"
