#!/usr/bin/env bash
# scripts/test package, or tests/packages.sh [RELEASE...]
# The packages in fresh roots of Debian and Ubuntu that hold nothing but the base system: installed by apt alone, started,
# spoken to, upgraded with settings and conversations in a home, removed while a window is open, purged; then the tarball.
# Before that: the same bytes twice, and lintian. Needs root, debootstrap, the network of package clients, and minutes.
#
# PACKAGE_BINARY=FILE packs that binary instead of building the release.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tests/root.sh
. "$here/tests/root.sh"
packages=$here/target/package
version=$(sed -n '/^\[package\]/,/^\[lib\]/s/^version = "\(.*\)"/\1/p' "$here/Cargo.toml")
passed=0

main() {
  local release
  trap clean_up EXIT
  pack
  check_package
  open_display
  [ $# -gt 0 ] || set -- bookworm noble
  for release in "$@"; do in_root "$release"; done
  rm -r "$packages/older" "$packages/apt.log"
  echo "$passed passed, 0 failed"
}

clean_up() {
  remove_root
  [ -z "${display_pid:-}" ] || kill "$display_pid"
}

# ok WHAT: one more.
ok() { passed=$((passed + 1)); echo "   ok: $*"; }

pack() {
  local -a binary=()
  say "packages"
  [ -z "${PACKAGE_BINARY:-}" ] || binary=(--binary "$PACKAGE_BINARY")
  "$here/scripts/package" "${binary[@]}"
  cp "$packages/SHA256SUMS" "$packages/first"
  binary=(--binary "${PACKAGE_BINARY:-${CARGO_TARGET_DIR:-$here/target}/release/sovereign}")
  "$here/scripts/package" "${binary[@]}" >/dev/null
  cmp "$packages/first" "$packages/SHA256SUMS" || fail "two runs packed different bytes"
  (cd "$packages" && sha256sum -c --quiet SHA256SUMS) || fail "SHA256SUMS"
  rm "$packages/first"
  ok "the same bytes twice"
  "$here/scripts/package" "${binary[@]}" --out "$packages/older" --deb-version "$version~older" >/dev/null
  deb=$(echo "$packages"/sovereign_*.deb)
  older=$(echo "$packages"/older/sovereign_*.deb)
  tarball=$(echo "$packages"/sovereign-*.tar.gz)
}

check_package() {
  say "lintian"
  lintian --fail-on error,warning --tag-display-limit 0 --info "$deb" || fail "lintian"
  if tar -xzOf "$tarball" --wildcards '*/README.txt' | grep @; then fail "the README of the tarball is not filled in"; fi
  ok "lintian"
}

# A display outside the root, so that none of its libraries come from the package's neighbours.
open_display() {
  local log=$packages/display
  Xvfb -displayfd 3 -screen 0 1280x800x24 -ac -nolisten tcp 3>"$log" 2>/dev/null &
  display_pid=$!
  for _ in $(seq 100); do [ -s "$log" ] && break; sleep 0.1; done
  display=:$(cat "$log")
  rm "$log"
}

in_root() {
  local release=$1
  new_root "$release"
  mount_in /tmp/.X11-unix tmp/.X11-unix
  cp "$deb" "$new/new.deb"
  cp "$older" "$new/older.deb"
  cp "$tarball" "$new/tarball.tar.gz"
  cp "$here/assets/speech/question.wav" "$new/"
  inside useradd --create-home --shell /bin/bash ada
  home=$new/home/ada
  for compiler in cc gcc rustc cargo; do ! inside which "$compiler" >/dev/null 2>&1 || fail "the root has $compiler"; done

  say "$release: install"
  apt_get update
  inside apt-get -qqs install /new.deb >"$new/plan" # with what it recommends
  for name in libegl1 libgl1 libgl1-mesa-dri libwayland-egl1 libfontconfig1 pipewire; do
    grep -q "^Inst $name " "$new/plan" || fail "nothing installs the recommended $name"
  done
  apt_get install --no-install-recommends /older.deb
  [ "$(as_ada sovereign --version)" = "sovereign $version" ] || fail "--version"
  if inside ldd /usr/bin/sovereign | grep 'not found'; then fail "libraries missing"; fi
  ok "$release: installed by apt, the program starts, what it recommends exists"

  say "$release: first start and a spoken turn"
  as_ada sovereign doctor --no-sound-check
  talk sovereign balanced
  ok "$release: doctor, a spoken turn with the demo"

  say "$release: upgrade"
  mkdir -p "$home/.config/sovereign"
  printf 'profile: ultra-fast # mine\nkeep: forever\n' >"$home/.config/sovereign/config.yaml"
  inside chown -R ada: /home/ada/.config
  cp "$home/.config/sovereign/config.yaml" "$new/before.yaml"
  apt_get install --no-install-recommends /new.deb
  [ "$(inside dpkg-query -W -f "\${Version}" sovereign)" = "$version" ] || fail "it was not upgraded"
  cmp "$new/before.yaml" "$home/.config/sovereign/config.yaml" || fail "the settings changed"
  [ "$(kept sovereign)" = 1 ] || fail "the conversation from before is not there"
  talk sovereign ultra-fast
  [ "$(kept sovereign)" = 2 ] || fail "the next conversation was not kept beside it"
  ok "$release: upgraded over settings and a conversation"

  say "$release: removed while its window is open"
  removed_under_a_window
  ok "$release: a window as the desktop entry says; removed under it"

  say "$release: purge"
  apt_get install --no-install-recommends /new.deb
  before=$(kept sovereign)
  home_of_ada >"$new/before"
  apt_get purge sovereign
  home_of_ada | cmp - "$new/before" || fail "purge touched a home"
  ! inside dpkg-query -W sovereign >/dev/null 2>&1 || fail "dpkg still knows it"
  ok "$release: purged, the home is as it was"

  say "$release: the tarball, without a compiler"
  as_ada sh -c 'mkdir "my programs" && cd "my programs" && tar -xf /tarball.tar.gz'
  program=$(cd "$home" && echo "my programs"/sovereign-*/bin/sovereign)
  [ "$(as_ada "./$program" --version)" = "sovereign $version" ] || fail "--version"
  talk "./$program" ultra-fast
  [ "$(kept "./$program")" = $((before + 1)) ] || fail "the tarball does not go on with what is kept"
  ok "$release: the tarball in a folder with a space"
  remove_root
}

apt_get() {
  local log=$packages/apt.log
  inside env DEBIAN_FRONTEND=noninteractive apt-get -qy "$@" >"$log" 2>&1 || { cat "$log"; fail "apt-get $*"; }
}

# In the home of a user.
as_ada() { inside runuser -u ada -- env HOME=/home/ada DISPLAY="${on:-}" sh -c 'cd && exec "$@"' sh "$@"; }

# talk PROGRAM PROFILE: a spoken turn with the demo, on no device.
talk() {
  local said
  said=$(as_ada "$1" talk --demo --input /question.wav --output answer.wav --json)
  grep -q '"outcome":"completed".*"profile":"'"$2"'"' <<<"$said" || { echo "$said"; fail "the turn"; }
  grep -q '"user":"You spoke for 0.[0-9] seconds' <<<"$said" || { echo "$said"; fail "it heard something else"; }
  [ "$(stat -c %s "$home/answer.wav")" -gt 20000 ] || fail "there is no answer"
  rm "$home/answer.wav"
}

# kept PROGRAM: how many conversations are kept.
kept() { as_ada "$1" history list | grep -c ' turn'; }

home_of_ada() { inside sh -c 'cd /home/ada && find . -type f -exec sha256sum {} + && find . -type d' | sort; }

removed_under_a_window() {
  local id colours file
  inside dpkg -L sovereign >"$new/files"
  on=$display as_ada sovereign --window --demo &
  window=$!
  for _ in $(seq 300); do
    id=$(DISPLAY=$display xdotool search --onlyvisible --class '^sovereign$' 2>/dev/null | head -1) || true
    [ -z "$id" ] || break
    sleep 0.1
  done
  [ -n "$id" ] || fail "no window of the class that the desktop entry names"
  sleep 2
  DISPLAY=$display import -window "$id" "$packages/window.png"
  colours=$(identify -format %k "$packages/window.png")
  [ "$colours" -gt 100 ] || fail "the window is empty: $colours colours"
  apt_get remove sovereign
  while read -r file; do
    [ ! -f "$new$file" ] || fail "$file is still there"
  done <"$new/files"
  kill -0 "$window" || fail "the window went with the package"
  kill -TERM "$(DISPLAY=$display xdotool getwindowpid "$id")"
  wait "$window" || fail "the program did not end well"
  [ -d "$home/.local/state/sovereign" ] || fail "the home went with the package"
}

main "$@"
