# shellcheck shell=bash
# What scripts/run and scripts/test share: find Rust, name and install the system packages that are missing.
# To be sourced. Everything it says goes to standard error.

say() { printf '%s\n' "$*" >&2; }

# Puts cargo on the path, or says how to get it and fails.
need_rust() {
  command -v cargo >/dev/null && return 0
  if [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    return 0
  fi
  say "Rust is missing (no cargo on the path). Get it with"
  say "    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
  say "or from https://rustup.rs on Windows, open a new terminal, and start this again."
  return 1
}

# Sets $cargo_deb; installed into target/tools, and built there at the first time.
need_cargo_deb() {
  local root version=3.8.0
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  cargo_deb=$root/target/tools/bin/cargo-deb
  [ "$("$cargo_deb" --version 2>/dev/null)" = "cargo-deb $version" ] ||
    cargo install cargo-deb --version "$version" --locked --features static-lzma --root "$root/target/tools" >&2
}

# need_packages GROUP...: names and installs what is missing of the groups build, run, test, package.
# Fails where something is missing and cannot be installed. Fast when nothing is.
need_packages() {
  local family missing
  family=$(system_family)
  case $family in
    none) return 0 ;; # macOS and Windows bring all that build and run need
    other)
      say "This Linux is not known here; it needs what Debian calls: $(wanted debian "$@" | sed 's/|[^ ]*//g' | tr '\n' ' ')"
      return 0 ;;
  esac
  missing=$(wanted "$family" "$@" | "missing_$family")
  [ -z "$missing" ] || install_packages "$family" "$missing"
}

# debian, fedora, arch, other (Linux) or none (no Linux).
system_family() {
  local like
  [ "$(uname -s)" = Linux ] || { echo none; return; }
  like=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}") || true
  case " $like " in
    *' debian '* | *' ubuntu '*) echo debian ;;
    *' fedora '* | *' rhel '*) echo fedora ;;
    *' arch '*) echo arch ;;
    *) echo other ;;
  esac
}

# wanted FAMILY GROUP...: one package a line; `a|b` where releases name the same library differently.
# Debian 12 and Ubuntu 24.04 are tried; the lists for Fedora and Arch are written from their package names and untested.
wanted() {
  local family=$1 group
  shift
  for group in "$@"; do
    case $family-$group in
      debian-build)
        command -v cc >/dev/null || echo gcc
        printf '%s\n' libc6-dev 'pkg-config|pkgconf' libasound2-dev libpipewire-0.3-dev libclang-dev ;;
      debian-run) # the first three are linked, the others opened at run time
        printf '%s\n' 'libasound2|libasound2t64' 'libpipewire-0.3-0|libpipewire-0.3-0t64' ca-certificates \
          libgl1 libegl1 libgl1-mesa-dri libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon0 libxkbcommon-x11-0 \
          libwayland-client0 libwayland-egl1 ;;
      debian-test)
        python3 -c 'import venv, ensurepip' 2>/dev/null || printf '%s\n' python3 python3-venv
        printf '%s\n' shellcheck pulseaudio pulseaudio-utils pipewire pipewire-bin pipewire-pulse wireplumber \
          libspa-0.2-modules xvfb openbox xdotool imagemagick espeak-ng dbus-daemon at-spi2-core valgrind strace \
          desktop-file-utils appstream ;;
      debian-package) printf '%s\n' dpkg-dev python3 ;;
      debian-package-test) printf '%s\n' debootstrap lintian xvfb xdotool x11-utils ;;
      fedora-build) printf '%s\n' gcc pkgconf-pkg-config alsa-lib-devel pipewire-devel clang-devel ;;
      fedora-run)
        printf '%s\n' alsa-lib pipewire-libs ca-certificates mesa-libGL mesa-libEGL mesa-dri-drivers libX11 libX11-xcb \
          libXcursor libXi libxkbcommon libxkbcommon-x11 libwayland-client libwayland-egl ;;
      fedora-test)
        printf '%s\n' python3 ShellCheck pulseaudio pulseaudio-utils pipewire pipewire-pulseaudio wireplumber \
          xorg-x11-server-Xvfb openbox xdotool ImageMagick espeak-ng dbus-daemon at-spi2-core valgrind strace \
          desktop-file-utils appstream ;;
      fedora-package) printf '%s\n' dpkg-dev python3 ;;
      arch-build) printf '%s\n' gcc pkgconf alsa-lib libpipewire clang ;;
      arch-run)
        printf '%s\n' alsa-lib libpipewire ca-certificates libglvnd mesa libx11 libxcursor libxi libxkbcommon \
          libxkbcommon-x11 wayland ;;
      arch-test)
        printf '%s\n' python shellcheck pulseaudio libpulse pipewire pipewire-pulse wireplumber xorg-server-xvfb \
          openbox xdotool imagemagick espeak-ng dbus at-spi2-core valgrind strace desktop-file-utils appstream ;;
      arch-package) printf '%s\n' dpkg python ;;
    esac
  done
}

# missing_FAMILY: keeps the lines of standard input of which no name is installed.
missing_debian() {
  local names have name one
  names=$(cat)
  # shellcheck disable=SC2046 # one word per name
  have=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' $(echo "$names" | tr '|' ' ') 2>/dev/null | sed -n 's/^.i  *//p')
  for name in $names; do
    for one in ${name//|/ }; do
      grep -qxF -- "$one" <<<"$have" && continue 2
    done
    echo "$name"
  done
}
missing_fedora() { local name; while read -r name; do rpm -q --whatprovides "$name" >/dev/null 2>&1 || echo "$name"; done; }
missing_arch() { xargs -r pacman -T || true; }

# install_packages FAMILY NAMES: as root, or through sudo, or else prints the command to type and fails.
install_packages() {
  local family=$1 names=$2 command
  local -a as_root=()
  say "Missing system packages: $(tr '\n' ' ' <<<"${names//|/ or }")"
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ]; }; }; then
      as_root=(sudo)
    else
      say "They need administrator rights. Type this, as an administrator, then start this again:"
      command=$(install_command "$family" "$names")
      [ "$family" != debian ] || command="sh -c 'apt-get update && $command'"
      command -v sudo >/dev/null && command="sudo $command"
      say "    $command"
      return 1
    fi
  fi
  [ "$family" != debian ] || "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || true
  command=$(install_command "$family" "$names")
  say "Installing them: ${as_root[*]} $command"
  # shellcheck disable=SC2086 # the command is words
  if ! "${as_root[@]}" $command >&2; then
    say "That did not work. Mend what it says above, or type it yourself, then start this again:"
    say "    ${as_root[*]} $command"
    return 1
  fi
}

# The one command that installs the names, each in the spelling that this release knows.
install_command() {
  local family=$1 name one chosen
  local -a list=()
  for name in $2; do
    chosen=${name%%|*}
    for one in ${name//|/ }; do
      if [ "$one" != "$name" ] && apt-cache policy "$one" 2>/dev/null | grep -q 'Candidate: [^(]'; then chosen=$one; break; fi
    done
    list+=("$chosen")
  done
  case $family in
    # --no-remove: a desktop that has chosen its sound server keeps it.
    debian) echo "env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-remove --no-install-recommends ${list[*]}" ;;
    fedora) echo "dnf install -y ${list[*]}" ;;
    arch) echo "pacman -S --needed --noconfirm ${list[*]}" ;;
  esac
}
