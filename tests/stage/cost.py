#!/usr/bin/env python3
"""What a conversation costs on the rig: processor, memory, wake-ups, start.

    cost.py --binary target/release/sovereign [--turns N] [--seconds S] [--server pulse|pipewire ...] [--table FILE]
    cost.py --binary target/release/sovereign --window tests/measured/window.md [--before FILE]

The service is `sovereign serve` in a process of its own, which is not in the figures. For each profile the terminal talks
for so many turns, then listens to silence for so many seconds; the window does the same with `balanced`, is then muted, and
then hidden as well. With `--window` only the window is measured, with the frames that it draws (as its metrics count them), what a
thousand turns (an hour of quick questions) add to its memory, and what scrolling through them costs; `--before` measures the
window of an earlier build in the same run. Wake-ups are the voluntary context switches of all threads. Drawing is done in software here.
"""
import argparse
import json
import os
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import truth
from desk import STOP, Desk, Window, eventually, read_options
from peers import ask, ticks
from program import Program

PROFILES = ("ultra-fast", "balanced", "high-quality")
TOKEN = "0123456789abcdef"
SETTLE = 3  # seconds until streams, detector and canceller are as they will be


def over(program, action):
    """Percent of a core and wake-ups per second while the action runs."""
    before, since = (ticks(program), program.wake_ups()), time.monotonic()
    action()
    seconds = time.monotonic() - since
    return 100 * (ticks(program) - before[0]) / seconds, (program.wake_ups() - before[1]) / seconds


def start(binary, desk, folder, url, arguments, settings=""):
    environment = {**desk.environment, "GEMINI_API_KEY": "none"}
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config" / "config.yaml").write_text(settings)
    return Program(binary, [*arguments, "--endpoint", url, "--config", folder / "config" / "config.yaml"], folder, environment)


def converse(options, desk, tape, utterances):
    for number in range(options.turns):
        path, _ = truth.utterance(utterances, number)
        ask(desk, tape, path, 20)


def rest(options):
    STOP.wait(options.seconds)


def until_setup(service, before, program):
    """Milliseconds from the start of the process to its setup at the server."""
    eventually("a setup", 30, lambda: any(d.get("event") == "setup" or "setup" in d for d in service.documents()[before:]), 0.002)
    return (time.monotonic() - program.started) * 1000


def terminal(options, desk, folder, service, url, profile):
    before = len(service.documents())
    with start(options.binary, desk, folder, url, ["talk", "--json", "--profile", profile]) as program, desk.tape(folder) as tape:
        setup_ms = until_setup(service, before, program)
        time.sleep(SETTLE)
        talking = over(program, lambda: converse(options, desk, tape, options.out / "utterances"))
        silent = over(program, lambda: rest(options))
        memory = program.usage()[1]
        program.signal(signal.SIGTERM)
        program.wait_end(20)
    (folder / "tape.raw").unlink()
    return {"what": f"terminal, `{profile}`", "start_ms": setup_ms, "states": {"talking": talking, "silent": silent}, "memory_mb": memory}


def windowed(options, desk, folder, url):
    desk.window_manager()
    with desk.tape(folder) as tape, start(options.binary, desk, folder, url, ["--profile", "balanced"], "window: {welcome: done}\n") as program:
        window = Window(desk, program)
        start_ms = (time.monotonic() - program.started) * 1000
        time.sleep(SETTLE)
        states = {"talking": over(program, lambda: converse(options, desk, tape, options.out / "utterances"))}
        states["silent"] = over(program, lambda: rest(options))
        memory = program.usage()[1]
        window.key("ctrl+m")
        time.sleep(1)
        states["muted"] = over(program, lambda: rest(options))
        desk.x("xdotool", "windowminimize", window.id)
        time.sleep(1)
        states["muted, hidden"] = over(program, lambda: rest(options))
        # Keys go to what is seen.
        desk.x("xdotool", "windowmap", window.id)
        desk.x("xdotool", "windowactivate", "--sync", window.id)
        window.close()
        program.wait_end(20)
    (folder / "tape.raw").unlink()
    return {"what": "window, `balanced`", "start_ms": start_ms, "states": states, "memory_mb": memory}


def frames(port):
    """Frames that the window has drawn; None for a build that does not count them."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    page = urllib.request.urlopen(request, timeout=10).read().decode()
    counted = [line.split()[-1] for line in page.splitlines() if line.startswith("sovereign_window_frames_total ")]
    return int(float(counted[0])) if counted else None


def drawn(program, port, action):
    """Percent of a core, wake-ups and frames per second while the action runs."""
    time.sleep(1.2)  # the page is made at most once a second
    before, since = frames(port), time.monotonic()
    cpu, wakes = over(program, action)
    seconds = time.monotonic() - since
    time.sleep(1.2)
    after = frames(port)
    return cpu, wakes, None if before is None else (after - before) / seconds


def window_alone(options, desk, folder, url, binary, name):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = f"window: {{welcome: done, panel: 3}}\nmonitor: {{listen: '127.0.0.1:{port}', token: {TOKEN}}}\n"
    with desk.tape(folder) as tape, start(binary, desk, folder, url, ["--profile", "balanced"], settings) as program:
        window = Window(desk, program)
        time.sleep(SETTLE)
        states = {"talking": drawn(program, port, lambda: converse(options, desk, tape, options.out / "utterances"))}
        states["listening"] = drawn(program, port, lambda: rest(options))
        window.key("ctrl+m")
        time.sleep(2)
        states["muted"] = drawn(program, port, lambda: rest(options))
        desk.x("xdotool", "windowminimize", window.id)
        time.sleep(1)
        states["muted, hidden"] = drawn(program, port, lambda: rest(options))
        desk.x("xdotool", "windowmap", window.id)
        desk.x("xdotool", "windowactivate", "--sync", window.id)
        memory = [program.usage()[1]]
        for number in range(options.questions):
            window.key("slash")
            desk.x("xdotool", "type", "--delay", "1", f"question {number}")
            window.key("Return")
            time.sleep(0.05)
            window.key("Escape")
            window.key("Escape")
        time.sleep(SETTLE)
        memory.append(program.usage()[1])
        states["scrolling"] = drawn(program, port, lambda: scroll(options, desk, window))
        window.close()
        program.wait_end(20)
    (folder / "tape.raw").unlink()
    return {"what": name, "states": states, "memory_mb": memory}


def scroll(options, desk, window):
    """The wheel over the conversation, ten steps a second, up and down again."""
    desk.x("xdotool", "mousemove", "--window", window.id, "300", "300")
    until, up = time.monotonic() + options.seconds, True
    while time.monotonic() < until:
        desk.x("xdotool", "click", "--repeat", "5", "--delay", "100", "4" if up else "5")
        up = not up


def window_table(found, options):
    lines = ["# What the window costs", "", "Made by `scripts/measure-cost --window`; how: `tests/stage/cost.py`. CPU in percent of one core, wake-ups and frames a second. Virtual",
             "devices and a virtual screen, drawn in software; the panel with all figures is open.", ""]
    states = ("talking", "listening", "muted", "muted, hidden", "scrolling")
    for run in found:
        lines += [f"## {run['server']}", "", f"{run['build']}, {run['cores']} cores, load average {run['load']:.1f}; {options.turns} spoken turns, then {options.seconds:.0f} s of each state.", "",
                  f"| CPU, wake-ups, frames | {' | '.join(states)} | memory, MB | after {options.questions} more turns |", "| --- |" + " --- |" * (len(states) + 2)]
        for row in run["rows"]:
            cell = lambda s: f"{s[0]:.1f} %, {s[1]:.0f}, {'not counted' if s[2] is None else format(s[2], '.1f')}"
            lines.append(f"| {row['what']} | {' | '.join(cell(row['states'][s]) for s in states)} | {row['memory_mb'][0]:.1f} | {row['memory_mb'][1]:.1f} |")
        lines.append("")
    return "\n".join(lines)


def table(found):
    lines = ["# What a conversation costs", "", "Made by `scripts/measure-cost`; how: `tests/stage/cost.py`. CPU in percent of one core, memory as PSS, from the start of the process to its",
             "setup at the service, or to its window. Virtual devices and a virtual screen, drawn in software.", ""]
    for run in found:
        lines += [f"## {run['server']}", "", f"{run['build']}, {run['cores']} cores, load average {run['load']:.1f}, periods as the profiles ask for them.", "",
                  "| | start, ms | CPU and wake-ups a second while it talks | while nobody speaks | muted | muted and hidden | memory, MB |", "| --- | --- | --- | --- | --- | --- | --- |"]
        for row in run["rows"]:
            cells = [f"{row['states'][s][0]:.1f} %, {row['states'][s][1]:.0f}" if s in row["states"] else "" for s in ("talking", "silent", "muted", "muted, hidden")]
            lines.append(f"| {row['what']} | {row['start_ms']:.0f} | {' | '.join(cells)} | {row['memory_mb']:.1f} |")
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--build", default="release build")
    parser.add_argument("--server", nargs="+", choices=["pulse", "pipewire"], default=["pipewire", "pulse"])
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--out", type=Path, default=Path("target/stage/cost"))
    parser.add_argument("--table", type=Path, help="write the table here too")
    parser.add_argument("--window", type=Path, help="measure the window alone, and write its table here")
    parser.add_argument("--before", type=Path, help="an earlier build, measured in the same run")
    parser.add_argument("--questions", type=int, default=1000)
    options = read_options(parser)
    found = []
    for server in options.server:
        with Desk(options.out, f"desk-cost-{server}", server) as desk, \
                Program(options.binary, ["serve", "--json", "--listen", "127.0.0.1:0"], options.out / "serve") as service:
            url = service.wait_document("its address", 20, lambda d: "listening" in d)["listening"]
            if options.window:
                desk.window_manager()
                builds = [(options.binary, "this build")] + ([(options.before.resolve(), "before")] if options.before else [])
                rows = [window_alone(options, desk, options.out / server / name, url, binary, name) for binary, name in builds]
            else:
                rows = [terminal(options, desk, options.out / server / profile, service, url, profile) for profile in PROFILES]
                rows.append(windowed(options, desk, options.out / server / "window", url))
        found.append({"server": server, "build": options.build, "cores": os.cpu_count(), "load": os.getloadavg()[0], "rows": rows})
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    text = window_table(found, options) if options.window else table(found)
    print(text, end="")
    if options.window or options.table:
        (options.window or options.table).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
