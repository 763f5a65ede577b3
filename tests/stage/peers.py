#!/usr/bin/env python3
"""The same turns on the rig through this program and through pipecat; all times are read off one recording in the same way.

    peers.py --binary target/release/sovereign --python VENV/bin/python [--server pulse|pipewire] [--turns N] [--interruptions N]

Both talk to one `sovereign serve`, which gives the user's own voice back at once, through the same sound server, with
the service's own detector (300 ms of silence); a third row is this program with its own detector, as it ships.

- wait: last voiced sample at the mouth to first audible sample of the reply at the speaker. The 300 ms are in it.
- flush: first sample of speech over a reply, to the last audible sample of that reply. The service's detection is in it.
- start: from the start of the process to its setup at the server.
- CPU and memory (PSS) of the client alone, over the turns.
"""
import argparse
import json
import os
import signal
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import sound
import truth
from desk import Desk, Failure, eventually, read_options, require
from program import Program

SILENCE_MS = 300
# Long enough that a reply is still under way when it is interrupted.
STORY = "Once there was a man who lived alone by the sea and looked at the moon every evening until the morning came"
QUIET = sound.RATE // 5  # no reply pauses for 200 ms: the words are spoken without a comma
PROFILE = {
    "automatic": f"turn:\n  detection: automatic\n  barge_in: on\n  automatic:\n    silence_ms: {SILENCE_MS}\n",
    "manual": f"turn:\n  patience_ms: {SILENCE_MS}\n  adaptive_patience: off\n  barge_in: on\n",
}


def ours(options, desk, folder, url, detection):
    config = folder / "config"
    (config / "profiles").mkdir(parents=True, exist_ok=True)
    (config / "profiles" / "ultra-fast.yaml").write_text(PROFILE[detection])
    (config / "config.yaml").touch()
    return Program(options.binary, ["talk", "--json", "--profile", "ultra-fast", "--endpoint", url, "--config", config / "config.yaml"],
                   folder, {**desk.environment, "GEMINI_API_KEY": "none"})


def pipecat(options, desk, folder, url):
    alsa = folder / "asound.conf"
    alsa.write_text("pcm.rig { type pulse }\nctl.rig { type pulse }\n")
    environment = {**desk.environment, "PEER_DEVICE": "rig", "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{alsa}"}
    return Program(options.python, [Path(__file__).with_name("peers_pipecat.py"), url, SILENCE_MS], folder, environment)


def ticks(program):
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(desk, tape, path, seconds=12):
    """Says it, waits for the reply to end; gives where that began on the tape and where it ended."""
    start = tape.now()
    truth.play(desk, path)
    length = len(sound.read(path))
    tape.wait_sound(start + length, seconds, "a reply")
    tape.wait_quiet(0.8, seconds + length / sound.RATE, start + length)
    return start, tape.now()


def wait_of(tape, path, span):
    """The wait that the tape shows, in ms, or None where the tape tells nothing."""
    seen = truth.read_tape(sound.read(path), tape.mouth(*span), tape.speaker(*span))
    return seen.get("tape_total")


def flush_of(desk, tape, story, path):
    """Speaks over a reply; gives the ms from there to its silence, or None where there was none to interrupt."""
    start, said = tape.now(), sound.read(path)
    truth.play(desk, story)
    length = len(sound.read(story))
    begun = tape.wait_sound(start + length, 12, "a reply")
    tape.wait_until(begun + sound.RATE, 20)
    over = tape.now()
    truth.play(desk, path)
    tape.wait_quiet(1.5, 30, over + len(said))
    mouth, speaker = tape.mouth(over), tape.speaker(over)
    at, score = truth.place(said, mouth)
    if score < 0.99:
        return None
    loud = np.flatnonzero(np.abs(speaker[at:]) > 104 / 32_768)
    if not len(loud) or loud[0] > QUIET:
        return None
    gaps = np.flatnonzero(np.diff(loud) > QUIET)
    last = loud[gaps[0]] if len(gaps) else loud[-1]
    return (last + 1) * 1000 / sound.RATE


def measure(options, desk, name, start_client, server, folder):
    """All turns through one client."""
    folder.mkdir(parents=True, exist_ok=True)
    utterances = folder.parent / "utterances"
    before = len(server.documents())
    def set_up():
        return any(d.get("event") == "setup" or "setup" in d for d in server.documents()[before:])
    started = time.monotonic()
    waits, flushes, lost = [], [], 0
    with start_client() as client, desk.tape(folder) as tape:
        def there():
            require(client.alive(), f"{name} ended: {client.stderr()[-600:]}")
            return set_up()
        eventually(f"the setup of {name}", 60, there, 0.002)
        start_ms = (time.monotonic() - started) * 1000
        time.sleep(3)
        cpu, since = ticks(client), time.monotonic()
        for number in range(options.turns):
            path, _ = truth.utterance(utterances, number)
            try:
                found = wait_of(tape, path, ask(desk, tape, path))
            except Failure:
                if STOP.is_set() or not client.alive():
                    raise
                found = None
            waits += [found] if found is not None else []
            lost += found is None
        used = 100 * (ticks(client) - cpu) / (time.monotonic() - since)
        _, memory = client.usage()
        story = truth.write(utterances / "story.wav", STORY)
        for number in range(options.interruptions):
            try:
                found = flush_of(desk, tape, story, truth.utterance(utterances, number)[0])
            except Failure:
                if STOP.is_set() or not client.alive():
                    raise
                found = None
            flushes += [found] if found is not None else []
            lost += found is None
        client.signal(signal.SIGTERM)
    (folder / "tape.raw").unlink()
    return {"client": name, "start_ms": start_ms, "waits": waits, "flushes": flushes, "lost": lost, "cpu": used, "memory_mb": memory}


def spread(values):
    if not values:
        return "–"
    return f"{statistics.median(values):.0f} ({min(values):.0f} … {max(values):.0f}), {len(values)}"


def table(found):
    lines = ["# Beside another client", "",
             "The same words on the rig through this program and through pipecat (`pipecat-ai` "
             f"{found['pipecat']}), both with `sovereign serve` as the service. Made by `scripts/measure-peers`; how: `tests/stage/peers.py`.", "",
             "| client, detector | wait: median (least … most), n, ms | flush, the same | start, ms | CPU, % of a core | memory (PSS), MB | turns without a tape |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in found["rows"]:
        lines.append(f"| {row['client']} | {spread(row['waits'])} | {spread(row['flushes'])} | {row['start_ms']:.0f} | {row['cpu']:.1f} | "
                     f"{row['memory_mb']:.0f} | {row['lost']} |")
    lines += ["", f"Of each wait {SILENCE_MS} ms are the silence that both ask for. The flush with the service's detector has that detector in it: how "
              "soon a reply falls silent once the service says so is in both rows the difference. Sound server: "
              f"{found['server']}, its own share {found['floor_ms']['median']:.1f} ms; load average {found['load']:.1f}; {found['build']}.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--build", default="release build")
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--server", choices=["pulse", "pipewire"], default="pipewire")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--interruptions", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("target/stage/peers"))
    parser.add_argument("--only", default="", metavar="WORD", help="clients whose name holds it")
    parser.add_argument("--table", type=Path, help="write the table here too")
    options = read_options(parser)
    # Not resolved: the link is what makes it the environment's own. Programs run in folders of their own.
    options.python = options.python.absolute()
    version = next(options.python.parent.parent.glob("lib/python*/site-packages/pipecat_ai-*.dist-info")).name.split("-")[1].removesuffix(".dist")
    rows = []
    with Desk(options.out, f"desk-peers-{options.server}", options.server) as desk:
        floor = truth.rig_share(desk)
        with Program(options.binary, ["serve", "--json", "--listen", "127.0.0.1:0"], options.out / "serve") as server:
            url = server.wait_document("its address", 20, lambda d: "listening" in d)["listening"]
            clients = {
                "sovereign, the service's": lambda: ours(options, desk, options.out / "automatic", url, "automatic"),
                "pipecat, the service's": lambda: pipecat(options, desk, options.out / "pipecat", url),
                "sovereign, its own": lambda: ours(options, desk, options.out / "manual", url, "manual"),
            }
            for (name, start), folder in zip(clients.items(), ("automatic", "pipecat", "manual")):
                if options.only not in name:
                    continue
                row = measure(options, desk, name, start, server, options.out / folder)
                rows.append(row)
                print(json.dumps({**row, "waits": spread(row["waits"]), "flushes": spread(row["flushes"])}), flush=True)
    found = {"server": options.server, "build": options.build, "pipecat": version, "floor_ms": floor, "load": os.getloadavg()[0], "rows": rows}
    (options.out / "peers.json").write_text(json.dumps(found, indent=1))
    print(table(found), end="")
    if options.table:
        options.table.write_text(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
