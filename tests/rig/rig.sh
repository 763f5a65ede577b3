#!/usr/bin/env bash
# A desk without a desk: a virtual microphone, a virtual speaker and a virtual
# screen in user space, so the desktop app runs and is measured with no hardware.
# See README.md next to this file. Needs no privileges and no D-Bus session.
set -euo pipefail

RIG_DIR=${RIG_DIR:-${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}/voice-rig-$(id -u)}
RIG_SERVER=${RIG_SERVER:-pulse}            # pulse | pipewire
RIG_SCREEN=${RIG_SCREEN:-1280x800x24}
RIG_VOICE=${RIG_VOICE:-en-us}
RIG_RATE=48000
# Real-time priority for the sound server when the system allows it (0 = never).
RIG_RT=${RIG_RT:-1}

die()  { echo "rig: $*" >&2; exit 1; }
need() { local c; for c in "$@"; do command -v "$c" >/dev/null || die "missing program: $c (see README.md for the packages)"; done; }
alive() { # alive NAME: is the process we started under NAME still the same one?
  local f=$RIG_DIR/pids/$1 pid start
  [ -f "$f" ] || return 1
  read -r pid start < "$f"
  [ -r "/proc/$pid/stat" ] && [ "$(starttime "$pid")" = "$start" ]
}
starttime() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
spawn() { # spawn NAME CMD...: start in the background, remember pid and start time
  local name=$1; shift
  setsid "$@" >"$RIG_DIR/log/$name" 2>&1 </dev/null &
  local pid=$!
  # setsid forks only if it is a group leader; in a script it execs, so $! is the program.
  echo "$pid $(starttime "$pid")" > "$RIG_DIR/pids/$name"
}
stop() { # stop NAME: end that process only
  local name=$1 pid
  if alive "$name"; then
    read -r pid _ < "$RIG_DIR/pids/$name"
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 40); do alive "$name" || break; sleep 0.05; done
    if alive "$name"; then kill -9 "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$RIG_DIR/pids/$name"
}
wait_for() { # wait_for SECONDS CMD...
  local n=$(( $1 * 20 )); shift
  while [ "$n" -gt 0 ]; do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; n=$((n-1)); done
  return 1
}
rt_prefix() { if [ "$RIG_RT" = 1 ] && chrt -f 10 true 2>/dev/null; then echo "chrt -f 10"; fi; }

load_env() {
  [ -f "$RIG_DIR/env" ] || die "not up (run: $0 up)"
  # shellcheck disable=SC1091
  . "$RIG_DIR/env"
}
module_id() { cat "$RIG_DIR/modules/$1" 2>/dev/null; }
load() { # load KEY MODULE ARGS...: load once, remember the index
  local key=$1; shift
  [ -f "$RIG_DIR/modules/$key" ] && return 0
  local id; id=$(pactl load-module "$@") || die "could not load $*"
  echo "$id" > "$RIG_DIR/modules/$key"
}
unload() { local id; id=$(module_id "$1") || return 0; if [ -n "$id" ]; then pactl unload-module "$id" 2>/dev/null || true; fi; rm -f "$RIG_DIR/modules/$1"; }

start_pulse() {
  cat > "$RIG_DIR/cfg/rig.pa" <<EOF
load-module module-native-protocol-unix socket=$RIG_DIR/run/pulse/native auth-anonymous=1
EOF
  # shellcheck disable=SC2046 # the prefix is words, or nothing
  spawn sound $(rt_prefix) pulseaudio -n --daemonize=no --use-pid-file=no \
    --exit-idle-time=-1 --disallow-exit --realtime=yes --high-priority=no \
    --log-target=stderr -F "$RIG_DIR/cfg/rig.pa"
}
start_pipewire() {
  # RIG_QUANTUM=N pins the graph to N frames; otherwise clients choose between 64 and 2048.
  local q=${RIG_QUANTUM:-256} lo=${RIG_QUANTUM:-64} hi=${RIG_QUANTUM:-2048}
  cat > "$RIG_DIR/cfg/pipewire.conf" <<EOF
context.properties = {
  support.dbus = false
  core.daemon = true
  core.name = pipewire-0
  default.clock.rate = $RIG_RATE
  default.clock.quantum = $q
  default.clock.min-quantum = $lo
  default.clock.max-quantum = $hi
}
context.spa-libs = { audio.convert.* = audioconvert/libspa-audioconvert support.* = support/libspa-support }
context.modules = [
  { name = libpipewire-module-rt args = { rt.prio = 10 rtkit.enabled = false rtportal.enabled = false } flags = [ ifexists nofail ] }
  { name = libpipewire-module-protocol-native }
  { name = libpipewire-module-metadata }
  { name = libpipewire-module-spa-node-factory }
  { name = libpipewire-module-client-node }
  { name = libpipewire-module-client-device }
  { name = libpipewire-module-access }
  { name = libpipewire-module-adapter }
  { name = libpipewire-module-link-factory }
  { name = libpipewire-module-session-manager }
]
context.objects = [
  { factory = spa-node-factory args = { factory.name = support.node.driver node.name = Dummy-Driver node.group = pipewire.dummy priority.driver = 20000 } }
]
EOF
  local share; share=$(dirname "$(dirname "$(command -v wireplumber)")")/share/wireplumber
  [ -d "$share/main.lua.d" ] || die "this rig knows wireplumber 0.4 (lua configuration) only"
  rm -rf "$RIG_DIR/cfg/wireplumber"; cp -r "$share" "$RIG_DIR/cfg/wireplumber"
  sed -i '/bluetooth.lua/d' "$RIG_DIR/cfg/wireplumber/wireplumber.conf"   # bluetooth needs D-Bus
  cat > "$RIG_DIR/cfg/wireplumber/main.lua.d/60-rig.lua" <<EOF
alsa_monitor.enabled = false
v4l2_monitor.enabled = false
libcamera_monitor.enabled = false
default_access.properties["enable-flatpak-portal"] = false
EOF
  spawn sound pipewire -c "$RIG_DIR/cfg/pipewire.conf"
  wait_for 5 test -S "$RIG_DIR/run/pipewire-0" || die "pipewire did not start: $(tail -3 "$RIG_DIR/log/sound")"
  WIREPLUMBER_CONFIG_DIR=$RIG_DIR/cfg/wireplumber XDG_STATE_HOME=$RIG_DIR/home spawn policy wireplumber
  spawn pulse-front pipewire-pulse
}

# One null sink, the bus, carries everything on one clock: aux0 is the air in front
# of the microphone, aux1 and aux2 are what the speaker plays. `mouth` and `spk` are
# views to write, `mic` and `spare` views to read. A recording of the whole bus thus
# holds mouth and speaker sample by sample beside each other.
has_source() { pactl list short sources | cut -f2 | grep -qx "$1"; }
plug_mic() {
  load mic module-remap-source master=bus.monitor source_name=mic channels=1 channel_map=mono \
    master_channel_map=aux0 remix=no source_properties=device.description=Virtual_Microphone
  wait_for 3 pactl set-default-source mic
}

cmd_up() {
  need pactl Xvfb setsid
  if [ "$RIG_SERVER" = pipewire ]; then need pipewire wireplumber pipewire-pulse; else need pulseaudio; fi
  mkdir -p "$RIG_DIR"/{pids,log,modules,cfg,home,run/pulse}; chmod 700 "$RIG_DIR" "$RIG_DIR/run"
  if alive sound && [ "$(cat "$RIG_DIR/server" 2>/dev/null)" != "$RIG_SERVER" ]; then cmd_down; cmd_up; return; fi
  export XDG_RUNTIME_DIR=$RIG_DIR/run HOME=$RIG_DIR/home PULSE_SERVER=unix:$RIG_DIR/run/pulse/native
  unset DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS PULSE_RUNTIME_PATH PULSE_COOKIE || true
  if ! alive sound; then
    stop policy; stop pulse-front
    rm -f "$RIG_DIR"/modules/* "$RIG_DIR/run/pulse/native" "$RIG_DIR"/run/pipewire-0*
    "start_$RIG_SERVER"; echo "$RIG_SERVER" > "$RIG_DIR/server"
    wait_for 10 pactl info || die "sound server did not answer: $(tail -3 "$RIG_DIR/log/sound")"
  fi
  # norewinds keeps a null sink from rendering up to 2 s ahead; without it the first
  # stream waits seconds and latencies mean nothing. (pipewire ignores it.)
  local nr=; [ "$RIG_SERVER" = pulse ] && nr=norewinds=1
  load bus   module-null-sink sink_name=bus rate=$RIG_RATE channels=3 channel_map=aux0,aux1,aux2 $nr sink_properties=device.description=Rig_Bus
  wait_for 3 has_source bus.monitor || die "no bus"
  load mouth module-remap-sink master=bus sink_name=mouth channels=1 channel_map=mono master_channel_map=aux0 remix=no sink_properties=device.description=Mouth
  load spk   module-remap-sink master=bus sink_name=spk channels=2 channel_map=front-left,front-right master_channel_map=aux1,aux2 remix=no sink_properties=device.description=Virtual_Speaker
  # a second, silent microphone: what a sound server falls back to when `mic` is unplugged
  load quiet module-null-sink sink_name=quiet rate=$RIG_RATE channels=1 channel_map=mono $nr sink_properties=device.description=Silence
  wait_for 3 has_source quiet.monitor || die "no quiet sink"
  load spare module-remap-source master=quiet.monitor source_name=spare channels=1 channel_map=mono master_channel_map=mono remix=no source_properties=device.description=Spare_Microphone
  wait_for 3 pactl set-default-sink spk
  plug_mic
  if ! alive screen; then
    rm -f "$RIG_DIR/displayfd"; : > "$RIG_DIR/displayfd"
    setsid Xvfb -displayfd 7 -screen 0 "$RIG_SCREEN" -nolisten tcp -noreset 7>"$RIG_DIR/displayfd" >"$RIG_DIR/log/screen" 2>&1 </dev/null &
    echo "$! $(starttime $!)" > "$RIG_DIR/pids/screen"
    wait_for 10 test -s "$RIG_DIR/displayfd" || die "Xvfb did not start: $(tail -3 "$RIG_DIR/log/screen")"
  fi
  cat > "$RIG_DIR/env" <<EOF
export XDG_RUNTIME_DIR='$RIG_DIR/run'
export PULSE_SERVER='unix:$RIG_DIR/run/pulse/native'
export PULSE_COOKIE='$RIG_DIR/home/cookie'
export DISPLAY=':$(cat "$RIG_DIR/displayfd")'
export LIBGL_ALWAYS_SOFTWARE=1
unset WAYLAND_DISPLAY WAYLAND_SOCKET
EOF
  cmd_status
}

cmd_down() {
  local n; for n in wm screen pulse-front policy sound; do stop "$n"; done
  rm -rf "$RIG_DIR"/{modules,env,displayfd,server,run,cfg}
  echo "rig: down"
}

cmd_status() {
  local n rc=0
  echo "dir      $RIG_DIR"
  for n in sound policy pulse-front screen wm; do
    [ -f "$RIG_DIR/pids/$n" ] || continue
    if alive "$n"; then echo "$n  pid $(cut -d' ' -f1 "$RIG_DIR/pids/$n")"; else echo "$n  dead"; rc=1; fi
  done
  if alive sound && [ -f "$RIG_DIR/env" ]; then
    load_env
    pactl info | sed -n 's/^\(Server Name\|Default Sink\|Default Source\)/  \1/p'
    echo "  mic $( [ -f "$RIG_DIR/modules/mic" ] && echo plugged || echo unplugged ), echo path $( [ -f "$RIG_DIR/modules/echo" ] && echo on || echo off ), display $DISPLAY"
  else echo "not up"; rc=1; fi
  return $rc
}

cmd_say()  { # say "text" [words per minute]: speak into the virtual microphone, wait until said
  load_env; need espeak-ng paplay
  local wav=$RIG_DIR/say.$$.wav
  espeak-ng -v "$RIG_VOICE" -s "${2:-165}" -w "$wav" -- "$1"
  paplay --device=mouth --property=media.role=phone --latency-msec=200 "$wav"; rm -f "$wav"
}
# A deep buffer: a mouth that stammers on a busy machine would be the program's fault in no test. As a call it is not made
# quieter with other programs: a real mouth is none.
cmd_play() { load_env; need paplay; paplay --device=mouth --property=media.role=phone --latency-msec=200 "$1"; }
cmd_record() { # what the virtual speaker plays, 48 kHz stereo s16
  load_env; need parecord
  timeout -s INT "$2" parecord --device=spk.monitor --latency-msec=10 --file-format=wav --rate=$RIG_RATE --channels=2 --format=s16le "$1" || [ $? = 124 ]
}
cmd_record_both() { # channel 1 the mouth, 2 and 3 the speaker, on one clock
  load_env; need parecord
  timeout -s INT "$2" parecord --device=bus.monitor --latency-msec=10 --file-format=wav --rate=$RIG_RATE --channels=3 --channel-map=aux0,aux1,aux2 --format=s16le "$1" 2>/dev/null || [ $? = 124 ]
}
cmd_roundtrip() { # roundtrip [SECONDS]: clicks into the microphone, when do they leave the speaker?
  load_env; need python3 parecord paplay
  local s=${1:-8} d; d=$(mktemp -d "$RIG_DIR/rt.XXXXXX"); local py; py=$(dirname "$0")/roundtrip.py
  python3 "$py" make "$d/clicks.wav" "$s"
  cmd_record_both "$d/both.wav" "$((s + 2))" & local rec=$!
  sleep 0.5; paplay --device=mouth --latency-msec=20 "$d/clicks.wav"; wait "$rec" || true
  python3 "$py" read "$d/both.wav"; rm -rf "$d"
}
cmd_floor() { # the rig's own share: the tightest loop the sound server itself can make
  load_env; load floor module-loopback source=mic sink=spk latency_msec=1 adjust_time=0
  sleep 1; cmd_roundtrip "${1:-8}"; unload floor
}
cmd_echo_path() { # echo-path on [delay_ms] [gain] | off
  load_env
  unload echo
  case ${1:-} in
    off) ;;
    on)
      load echo module-loopback source=spk.monitor sink=mouth latency_msec="${2:-30}" adjust_time=0 source_dont_move=true sink_dont_move=true
      local i; i=$(pactl list sink-inputs | awk -v m="$(module_id echo)" '/^Sink Input #/{n=substr($3,2)} /Owner Module:/{if($3==m)print n}' | head -1)
      # pactl takes a linear factor as LOUDNESS through the cubic curve, so set decibels.
      [ -n "$i" ] && pactl set-sink-input-volume "$i" "$(awk -v g="${3:-0.3}" 'BEGIN{printf "%.2fdB", 20*log(g)/log(10)}')" ;;
    *) die "echo-path on [delay_ms] [gain] | off" ;;
  esac
}
cmd_screenshot() {
  load_env
  if command -v import >/dev/null; then import -window root "$1"
  elif command -v xwd >/dev/null && command -v convert >/dev/null; then xwd -root -silent | convert xwd:- "$1"
  else die "screenshot needs ImageMagick"; fi
}
cmd_wm() { # a window manager: windows get the keyboard as on a desk
  load_env; need openbox
  export HOME=$RIG_DIR/home
  alive wm || spawn wm openbox
}
cmd_unplug_mic() { # unplug-mic [all]: `mic` goes; with all, the spare one goes too
  load_env; unload mic; if [ "${1:-}" = all ]; then unload spare; fi
}
cmd_replug_mic() {
  load_env
  load spare module-remap-source master=quiet.monitor source_name=spare channels=1 channel_map=mono master_channel_map=mono remix=no source_properties=device.description=Spare_Microphone
  plug_mic
}
cmd_kill_server() { load_env; stop pulse-front; stop policy; stop sound; }   # `up` brings it back
cmd_run() { load_env; exec "$@"; }

case ${1:-} in
  up|down|status|say|play|record|record-both|roundtrip|floor|echo-path|screenshot|unplug-mic|replug-mic|kill-server|wm|run)
    c=$1; shift; "cmd_${c//-/_}" "$@" ;;
  env) cat "$RIG_DIR/env" ;;
  *) cat >&2 <<EOF
usage: rig.sh up | down | status | env | run CMD...
       rig.sh say TEXT [WORDS_PER_MINUTE] | play FILE.wav
       rig.sh record FILE.wav SECONDS | record-both FILE.wav SECONDS
       rig.sh roundtrip [SECONDS] | floor [SECONDS]
       rig.sh echo-path on [DELAY_MS] [GAIN] | echo-path off
       rig.sh unplug-mic [all] | replug-mic | kill-server
       rig.sh wm | screenshot FILE.png
EOF
     exit 2 ;;
esac
