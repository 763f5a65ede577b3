#!/usr/bin/env python3
"""Runs the cases of a stage against the built program, several lanes side by side.

    run.py conformance --binary target/debug/sovereign --out target/stage
    run.py hostile …                                 files, environment, pipes, signals, limits and servers that mean harm
    run.py rig --server pulse|pipewire …            [--only WORD]   [--list]

One line per case with its time and its figures; each case has a folder with what the program said. Figures are
printed and kept (OUT/GROUP.json: the newest of each case that passed), never judged. The last line is `N passed, N failed`; exit status 0 when none failed.
"""

import argparse
import importlib
import json
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import cases_access
import cases_background
import cases_bare
import cases_conformance
import cases_devices
import cases_echo
import cases_global_key
import cases_interrupt
import cases_other_sound
import cases_talk
import cases_truth
import cases_window
from desk import STOP, Desk, Failure


class Case:
    """What a case is given: the program's path, a folder of its own, its lane's desk, a place for figures."""

    def __init__(self, function, options, desk):
        self.name = function.__name__
        self.binary, self.desk, self.options = options.binary, desk, options
        self.speech = options.out / "speech"
        self.folder = options.out / options.group / self.name
        shutil.rmtree(self.folder, ignore_errors=True)  # an earlier run's, or attempt's
        self.folder.mkdir(parents=True, exist_ok=True)
        self.figures, self.numbers = [], {}

    def figure(self, name, value, unit="ms"):
        if isinstance(value, (int, float)):
            self.numbers.setdefault(name, []).append(float(value))
        self.figures.append(f"{name} {value:.0f} {unit}".rstrip() if isinstance(value, (int, float)) else f"{name} {value}")


# The longest first, so that the desks end together.
RIG_CASES = sorted(cases_access.CASES + cases_bare.CASES_ON_A_DESK + cases_talk.CASES + cases_window.CASES + cases_devices.CASES + cases_interrupt.CASES + cases_global_key.CASES + cases_other_sound.CASES + cases_background.CASES,
                   key=lambda case: case.__name__ not in ("window_keys", "talk_hears_and_answers", "window_profiles"))


def lanes(options):
    """[(needs a desk, pile of cases)]: lanes run at the same time; a lane takes its next case from its pile."""
    if options.stage == "rig":
        # Two desks, one pile: the long wait of the echo case comes first and leaves the other desk to the rest.
        # The truth case wants a quiet machine: by name only.
        by_name = cases_truth.CASES if options.only else []
        chosen = pile(cases_echo.CASES + RIG_CASES + by_name, options.only)
        return [(True, chosen)] * min(2, chosen.qsize())
    if options.stage == "hostile":
        with_desk, without = hostile_cases()
        return [(False, pile(without, options.only))] * 4 + [(True, pile(with_desk, options.only))]
    # These wait in real time and need little: four beside each other, from one pile.
    return [(False, pile(cases_conformance.CASES + cases_bare.CASES, options.only))] * 4


def hostile_cases():
    """(cases on a desk, cases that need none) of every `hostile_*.py` beside this file."""
    modules = [importlib.import_module(path.stem) for path in sorted(Path(__file__).parent.glob("hostile_*.py"))]
    return ([case for module in modules for case in getattr(module, "CASES_ON_A_DESK", [])],
            [case for module in modules for case in getattr(module, "CASES", [])])


def pile(cases, word):
    chosen = queue.SimpleQueue()
    for case in cases:
        if word in case.__name__:
            chosen.put(case)
    return chosen


def run_lane(number, needs_desk, cases, options, report):
    if cases.empty():
        return
    desk = None
    try:
        if needs_desk:
            desk = Desk(options.out, f"desk-{options.server}-{number}", options.server).__enter__()
        while not STOP.is_set():
            try:
                function = cases.get_nowait()
            except queue.Empty:
                break
            run_case(lambda: Case(function, options, desk), function, report, tries=2 if needs_desk else 1)
    except Exception:  # the desk itself
        report("desk", 0.0, traceback.format_exc(), None)
    finally:
        if desk:
            desk.__exit__()


def run_case(make, function, report, tries):
    """On a desk a case is tried a second time, and that is told: a machine that others keep busy starves the sound server
    as no program can make good. What is broken fails both times."""
    started, first = time.monotonic(), None
    for attempt in range(1, tries + 1):
        case = make()
        problem = attempted(function, case)
        if problem is None or attempt == tries or STOP.is_set():
            break
        first = problem
    if first:
        case.figure("second attempt, after", first.strip().splitlines()[-1][:160])
    report(case.name, time.monotonic() - started, problem, case)


def attempted(function, case):
    """Runs the case; gives what went wrong, or None."""
    try:
        function(case)
        return None
    except Failure as failure:
        return str(failure)
    except Exception:  # a fault of the case itself is a failure too
        return traceback.format_exc()


def keep_figures(path, name, numbers):
    """Puts a case's figures in the place of those of an earlier run."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept[name] = numbers
    part = path.with_suffix(".part")
    part.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    part.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["conformance", "hostile", "rig"])
    parser.add_argument("--server", choices=["pulse", "pipewire"], default="pulse")
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("target/stage"))
    parser.add_argument("--only", default="", metavar="WORD", help="cases whose name holds it")
    parser.add_argument("--echo-seconds", type=float, default=120, help="how long the demo must keep quiet")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    options.binary, options.out = options.binary.resolve(), options.out.resolve()
    options.group = options.stage if options.stage != "rig" else f"rig-{options.server}"
    if options.list:
        everything = cases_conformance.CASES + cases_bare.CASES + sum(hostile_cases(), []) + cases_echo.CASES + RIG_CASES
        print(*[c.__name__ for c in everything], sep="\n")
        return 0
    if options.stage == "rig" and not sys.platform.startswith("linux"):
        print("FAILED the rig needs Linux")
        return 1
    # An end from outside unwinds every lane, so that programs and desks end with it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: STOP.set())
    counts, lock = {"passed": 0, "failed": 0}, threading.Lock()

    def report(name, seconds, problem, case):
        with lock:
            counts["failed" if problem else "passed"] += 1
            figures = "   " + ", ".join(case.figures) if case and case.figures else ""
            print(f"{'FAILED' if problem else 'ok    '} {options.group} {name}   {seconds:.1f} s{figures}", flush=True)
            if case and case.numbers and not problem:
                keep_figures(options.out / f"{options.group}.json", name, case.numbers)
            if problem:
                print("       " + problem.replace("\n", "\n       "), flush=True)
                if case:
                    print(f"       what it said: {case.folder}", flush=True)

    threads = [threading.Thread(target=run_lane, args=(n, needs, cases, options, report), daemon=True)
               for n, (needs, cases) in enumerate(lanes(options))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if STOP.is_set():
        print("stopped from outside")
        return 143
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
