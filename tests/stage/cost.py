#!/usr/bin/env python3
"""What a conversation costs on the rig: processor, memory, wake-ups, start.

    cost.py --binary target/release/sovereign [--turns N] [--seconds S] [--server pulse|pipewire ...] [--table FILE]

The service is `sovereign serve` in a process of its own, which is not in the figures. For each profile the terminal talks
for so many turns, then listens to silence for so many seconds; the window does the same with `balanced`, is then muted, and
then hidden as well. Wake-ups are the voluntary context switches of all threads. Drawing is done in software here.
"""
import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import truth
from desk import STOP, Desk, Window, eventually, read_options
from peers import ask, ticks
from program import Program

PROFILES = ("ultra-fast", "balanced", "high-quality")
SETTLE = 3  # seconds until streams, detector and canceller are as they will be


def over(program, action):
    """Percent of a core and wake-ups per second while the action runs."""
    before, since = (ticks(program), program.wake_ups()), time.monotonic()
    action()
    seconds = time.monotonic() - since
    return 100 * (ticks(program) - before[0]) / seconds, (program.wake_ups() - before[1]) / seconds


def start(options, desk, folder, url, arguments):
    environment = {**desk.environment, "GEMINI_API_KEY": "none"}
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "config" / "config.yaml").touch()
    return Program(options.binary, [*arguments, "--endpoint", url, "--config", folder / "config" / "config.yaml"], folder, environment)


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
    with start(options, desk, folder, url, ["talk", "--json", "--profile", profile]) as program, desk.tape(folder) as tape:
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
    with desk.tape(folder) as tape, start(options, desk, folder, url, ["--profile", "balanced"]) as program:
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
    options = read_options(parser)
    found = []
    for server in options.server:
        with Desk(options.out, f"desk-cost-{server}", server) as desk, \
                Program(options.binary, ["serve", "--json", "--listen", "127.0.0.1:0"], options.out / "serve") as service:
            url = service.wait_document("its address", 20, lambda d: "listening" in d)["listening"]
            rows = [terminal(options, desk, options.out / server / profile, service, url, profile) for profile in PROFILES]
            rows.append(windowed(options, desk, options.out / server / "window", url))
        found.append({"server": server, "build": options.build, "cores": os.cpu_count(), "load": os.getloadavg()[0], "rows": rows})
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    print(table(found), end="")
    if options.table:
        options.table.write_text(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
