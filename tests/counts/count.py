#!/usr/bin/env python3
"""Counts the instructions of each workload by callgrind, and holds them against those on record.

    count.py BINARY [--build dev|release] [--all] [--record] [--twice] [NAME...]
    count.py --selftest

A figure is (total of 2 N units - total of N units) / N, so that start-up and first use are out of it. It fails from 1.1
times the record on. The record names the machine that it was made on: libraries choose their instructions by the
processor (valgrind shows them its own, without AVX-512), compilers by their version. Where one of these differs the
same code may take more instructions, so the limit is 1.5 times then, and that is said.

Without names what is dear and made of others is left out; --all and --record count it too.
--record writes what was counted to recorded.json, and the table to tests/measured/instructions.md.
--twice counts all again and prints the greatest difference.
"""

import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RECORD = HERE / "recorded.json"
TABLE = HERE.parent / "measured" / "instructions.md"
LIMIT = 1.1  # a change of the code that matters; two runs differ by less than a hundredth
LIMIT_ELSEWHERE = 1.5  # SSE in place of AVX2 is at most twice as many, in the parts that have both
CHEAPER = 0.9  # from here on the record should be made anew, else it guards nothing
# The goals of the release build. A captured frame is what the whole worker does, not the sum of its parts.
GOALS = {"worker-ultra-fast": 40_000, "uplink-message": 6_000, "downlink-message": 8_000}
# What takes callgrind long and is made of steps that are counted anyway.
DEAR = {
    *(f"capture-{profile}-chain{echo}" for profile in ("ultra-fast", "balanced", "high-quality") for echo in ("", "-echo")),
    *("stage-noise-on", "stage-echo-gain", "playback-callback-silent", "downlink"),
    *("worker-balanced", "worker-high-quality", "reference"),
}
# What measuring costs beside the engine: parts (times so many), the whole, and the largest share that it may have.
# A unit of the whole takes 4 s; a collector fetches the page every 15 s (`docs/monitoring.md`).
SHARES = {"measuring beside the engine": ({"measuring": 1, "measuring-memory": 4, "measuring-page": 4 / 15}, "measured", 0.01)}
# Stages that cannot be had alone: what is left when others are taken off.
DERIVED = {"high-pass and limiter": (["stage-echo", "stage-gain"], ["stage-echo-gain"])}


def run(command):
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def machine(binary):
    """What the figures depend on besides the code."""
    return {
        "processor": run(["valgrind", "--tool=none", "--quiet", binary, "--machine"]).strip(),
        "valgrind": run(["valgrind", "--version"]).strip(),
        "rustc": run(["rustc", "--version"]).split(" (")[0].strip(),
    }


def workloads(binary):
    """Name, units, what is counted, functions that alone count."""
    lines = (line.split("\t") for line in run([binary, "--workloads"]).splitlines())
    return {name: (int(units), what, [function for function in only.split("|") if function]) for name, units, what, only in lines}


def total(binary, name, units, only):
    """Instructions of one run."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind"
        toggles = [f"--toggle-collect={function}" for function in only]
        run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *toggles, binary, "--units", str(units), name])
        for line in out.read_text().splitlines():
            if line.startswith(("totals:", "summary:")):
                return int(line.split()[1])
    sys.exit(f"{name}: callgrind wrote no total")


def count(binary, known, names):
    """Instructions per unit of each name."""
    jobs = max(1, min(4, os.cpu_count() or 1, len(os.sched_getaffinity(0))))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        totals = {}
        for name in names:
            units, _, only = known[name]
            totals[name] = [pool.submit(total, binary, name, n * units, only) for n in (1, 2)]
        return {n: round((two.result() - one.result()) / known[n][0]) for n, (one, two) in totals.items()}


def judge(counted, recorded, differs):
    """Sentences about what is wrong, and about what should be known."""
    limit = LIMIT_ELSEWHERE if differs else LIMIT
    wrong, notes = [], []
    for name, figure in counted.items():
        known = recorded.get(name)
        if figure <= 0 and known is None:
            notes.append(f"{name}: not counted: the compiler has put it into its caller")
        elif known is None:
            wrong.append(f"{name}: {figure} instructions, and none on record: count-instructions --record")
        elif figure <= 0:
            wrong.append(f"{name}: nothing was counted, {known} on record: its functions have other names, or are inlined")
        elif figure > limit * known:
            wrong.append(f"{name}: {figure} instructions, over {limit} x {known} ({figure / known:.2f} x)")
        elif figure < CHEAPER * known and not differs:
            notes.append(f"{name}: {figure} instructions, {known} on record: cheaper, record it anew")
    for name, share, limit in shares(counted):
        if share > limit:
            wrong.append(f"{name}: {100 * share:.2f} %, over {100 * limit:g} %")
    return wrong, notes


def differences(here, there):
    """What is not as it was when the record was made."""
    return [f"{key} {here[key]!r}, on record {there.get(key)!r}" for key in here if here[key] != there.get(key)]


def derived(figures):
    """Figures made of others, where those are there."""
    for name, (plus, minus) in DERIVED.items():
        if all(n in figures for n in plus + minus):
            yield name, sum(figures[n] for n in plus) - sum(figures[n] for n in minus)


def shares(figures):
    """Shares whose parts are there: name, share, limit."""
    for name, (parts, whole, limit) in SHARES.items():
        if all(figures.get(n, 0) > 0 for n in [*parts, whole]):
            yield name, sum(n * figures[part] for part, n in parts.items()) / figures[whole], limit


def table(counted, recorded):
    """Lines for whoever runs it."""
    for name, figure in counted.items():
        known = recorded.get(name)
        beside = f"{figure / known:6.2f} x {known:>9,}" if known else "  no record"
        print(f"{name:34} {figure:>9,}  {beside}")
    for name, figure in derived(counted):
        print(f"{'= ' + name:34} {figure:>9,}")
    for name, share, limit in shares(counted):
        print(f"{'= ' + name:34} {100 * share:>8.2f} %  at most {100 * limit:g} %")


def keep(record, known):
    """The record as a table to be read."""
    builds = record["builds"]
    text = [
        "# instructions\n",
        "Instructions of each unit, counted by callgrind: (2 N units - N units) / N, so without start-up and first use.",
        "`release` is the program as it is shipped, `dev` the build of the tests, which `scripts/test counts` holds to",
        "1.1 x these figures. The sound is a cycle of 0.4 s of voice and 0.8 s of a quiet room.\n",
        "Made by `scripts/count-instructions --record` and `scripts/count-instructions --release --record`.\n",
    ]
    for build, made in builds.items():
        text.append(f"{build}: {made['date']}, {made['machine']['processor']}, {made['machine']['valgrind']}, {made['machine']['rustc']}.")
    columns = [b for b in ("release", "dev") if b in builds]
    text += ["", f"| workload | a unit | goal | {' | '.join(columns)} |", "| --- | --- |" + " --- |" * (1 + len(columns))]
    cell = lambda figure: "" if figure is None else f"{figure:,}"
    for name, (_, what, _) in known.items():
        cells = [cell(builds[b]["figures"].get(name)) for b in columns]
        text.append(f"| {name} | {what} | {cell(GOALS.get(name))} | {' | '.join(cells)} |")
    made = {b: dict(derived(builds[b]["figures"])) for b in columns}
    for name, (plus, minus) in DERIVED.items():
        how = f"{' + '.join(plus)} - {' - '.join(minus)}"
        text.append(f"| {name} | {how} | | {' | '.join(cell(made[b].get(name)) for b in columns)} |")
    for build in columns:
        for name, share, limit in shares(builds[build]["figures"]):
            text.append(f"\n{build}: {name} {100 * share:.2f} % (at most {100 * limit:g} %).")
    TABLE.write_text("\n".join(text) + "\n")


def selftest():
    """What is planted must be found."""
    recorded = {"a": 1_000, "b": 20_000, "measuring": 40, "measuring-memory": 10, "measuring-page": 75, "measured": 10_000}
    here = {"processor": "x86_64 avx2", "valgrind": "1", "rustc": "1"}
    cases = [
        ("the same passes", {"a": 1_000, "b": 20_000}, [], 0, 0),
        ("5 % more passes", {"a": 1_050}, [], 0, 0),
        ("20 % more fails", {"a": 1_200}, [], 1, 0),
        ("20 % more in one of two fails", {"a": 1_000, "b": 24_000}, [], 1, 0),
        ("20 % more elsewhere passes", {"a": 1_200}, ["processor"], 0, 0),
        ("60 % more elsewhere fails", {"a": 1_600}, ["processor"], 1, 0),
        ("20 % less is told", {"a": 800}, [], 0, 1),
        ("what is not on record fails", {"c": 5}, [], 1, 0),
        ("nothing counted fails", {"a": 0}, [], 1, 0),
        ("what never could be counted is told", {"c": 0}, [], 0, 1),
        ("a hundredth for measuring passes", {"measuring": 40, "measuring-memory": 10, "measuring-page": 75, "measured": 10_000}, [], 0, 0),
        ("more than a hundredth fails", {"measuring": 41, "measuring-memory": 10, "measuring-page": 75, "measured": 10_000}, [], 1, 0),
    ]
    failed = 0
    for what, counted, differs, wrong, notes in cases:
        found = tuple(map(len, judge(counted, recorded, differs)))
        failed += found != (wrong, notes)
        print(f"{'ok' if found == (wrong, notes) else 'FAILED'}: {what}")
    others = [({}, 0), ({"processor": "x86_64"}, 1), ({"processor": "aarch64", "rustc": "2"}, 2)]
    for change, wanted in others:
        found = len(differences(here, {**here, **change}))
        failed += found != wanted
        print(f"{'ok' if found == wanted else 'FAILED'}: {wanted} differences between machines")
    print(f"{len(cases) + len(others) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--build", choices=["dev", "release"], default="dev")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--selftest", action="store_true")
    options = parser.parse_intermixed_args()
    if options.selftest:
        return selftest()
    if not options.binary:
        parser.error("which binary?")
    binary = options.binary
    known = workloads(binary)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no such workload: {' '.join(unknown)}; there are {' '.join(known)}")
    everything = options.all or options.record
    names = options.names or [name for name in known if everything or name not in DEAR]
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"builds": {}}
    made = record["builds"].get(options.build, {"figures": {}, "machine": {}})
    here = machine(binary)
    counted = count(binary, known, names)
    table(counted, made["figures"])
    if options.twice:
        again = count(binary, known, names)
        spread = {name: abs(again[name] / counted[name] - 1) for name in names if counted[name]}
        worst = max(spread, key=spread.get)
        print(f"greatest difference between two runs: {100 * spread[worst]:.3f} % ({worst})")
    if options.record:
        kept = {**made["figures"], **counted}
        figures = {name: kept[name] for name in known if kept.get(name, 0) > 0}
        today = datetime.date.today().isoformat()
        record["builds"][options.build] = {"date": today, "machine": here, "figures": figures}
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        keep(record, known)
        over = [f"{name}: {100 * share:.2f} %, over {100 * limit:g} %" for name, share, limit in shares(figures) if share > limit]
        for line in over:
            print(f"FAILED: {line}")
        return 1 if over else 0
    differs = differences(here, made["machine"])
    for difference in differs:
        print(f"NOTE: another machine than that of the record, so the limit is {LIMIT_ELSEWHERE} x: {difference}")
    wrong, notes = judge(counted, made["figures"], differs)
    for line in notes:
        print(f"note: {line}")
    for line in wrong:
        print(f"FAILED: {line}")
    print(f"{len(counted) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
