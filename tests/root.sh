# shellcheck shell=bash
# A fresh Debian or Ubuntu root in /tmp, with nothing but the base system, for tests/clean-root.sh and tests/packages.sh.
# To be sourced. Needs root, debootstrap and the network of package clients. What is mounted in it is unmounted, and it
# is removed, when the shell that sourced this ends.

new=''
# What may be mounted inside; debootstrap leaves its own there when it fails.
usual=(dev/pts dev proc sys)
mounted=("${usual[@]}")

trap remove_root EXIT

say() { printf '== %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

# new_root RELEASE [MIRROR]: makes it, and names it $new.
new_root() {
  local release=$1 mirror=${2:-$(mirror_of "$1")} keyring script=
  local -a how=()
  [ "$(id -u)" = 0 ] || fail "needs root, for chroot"
  command -v debootstrap >/dev/null || fail "needs debootstrap (apt-get install debootstrap)"
  new=$(mktemp -d /tmp/clean-root.XXXXXX)
  chmod 755 "$new" # for users inside
  say "a fresh $release root"
  if [[ $mirror == *ubuntu* ]]; then
    keyring=$(ubuntu_keyring "$mirror" "$release")
    how+=(--keyring "$keyring")
    # Every Ubuntu has the same script; this system's debootstrap may not know the name of a newer one.
    [ -e "/usr/share/debootstrap/scripts/$release" ] || script=/usr/share/debootstrap/scripts/gutsy
  fi
  debootstrap --variant=minbase "${how[@]}" "$release" "$new" "$mirror" ${script:+"$script"} >"$new.log" 2>&1 || { tail -5 "$new.log"; exit 1; }
  rm -rf "$new.log" "$new.keyring"
  cp /etc/resolv.conf /etc/hosts "$new/etc/"
  mount -t proc proc "$new/proc"
  mount_in /dev dev
}

# Where this machine gets its own packages, or the usual place of another release.
mirror_of() {
  local mine
  if [ "$1" = "$(. /etc/os-release && echo "$VERSION_CODENAME")" ]; then
    mine=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\).*/\2/p' /etc/apt/sources.list.d/* /etc/apt/sources.list 2>/dev/null | head -1 || true)
  fi
  if [ -n "${mine:-}" ]; then
    echo "$mine"
  elif [ "$1" != noble ]; then
    echo http://deb.debian.org/debian
  elif [ "$(dpkg --print-architecture)" = amd64 ]; then
    echo http://archive.ubuntu.com/ubuntu
  else
    echo http://ports.ubuntu.com/ubuntu-ports
  fi
}

# ubuntu_keyring MIRROR RELEASE: the file of Ubuntu's keys; from Ubuntu, where Debian has no package of it.
ubuntu_keyring() {
  local file=/usr/share/keyrings/ubuntu-archive-keyring.gpg at=$new.keyring
  local -a apt
  if [ ! -e "$file" ]; then
    mkdir -p "$at/lists/partial" "$at/cache/archives/partial"
    # Nothing vouches for this first download but the checksum below.
    echo "deb [trusted=yes] $1 $2 main" >"$at/list"
    apt=(apt-get -qq -o "Dir::Etc::sourcelist=$at/list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$at/lists" -o "Dir::Cache=$at/cache")
    (cd "$at" && "${apt[@]}" update && "${apt[@]}" download ubuntu-keyring=2023.11.28.1 &&
      echo '36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8  ubuntu-keyring_2023.11.28.1_all.deb' | sha256sum -c --quiet &&
      dpkg-deb -x ubuntu-keyring_*.deb .) >&2 2>/dev/null || fail "no keys of Ubuntu"
    file=$at$file
  fi
  echo "$file"
}

# mount_in SOURCE AT [OPTIONS]: shows a folder of this system inside.
mount_in() {
  mkdir -p "$new/$2"
  mount --bind ${3:+-o "$3"} "$1" "$new/$2"
  mounted+=("$2")
}

inside() { chroot "$new" env -i PATH=/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CARGO_HOME=/cargo LANG=C.UTF-8 "$@"; }

remove_root() {
  local at
  [ -n "$new" ] || return 0
  # What a test that failed left running inside.
  for at in /proc/[0-9]*; do
    if [ "$(readlink "$at/root")" = "$new" ]; then kill -9 "${at#/proc/}" || true; fi
  done
  for at in "${mounted[@]}"; do
    if mountpoint -q "$new/$at"; then umount -l "$new/$at"; fi
  done
  # Nothing may be left mounted below, or this would remove what is outside.
  if grep -q " $new/" /proc/mounts; then echo "still mounted below $new: not removed" >&2; else rm -rf "$new" "$new.keyring"; fi
  new=''
  mounted=("${usual[@]}")
}
