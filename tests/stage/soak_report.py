#!/usr/bin/env python3
"""The table of a soak: `soak_report.py target/stage/soak/ledger.json`, as `soak.py` has written it."""

import json
import os
import statistics
import sys
from pathlib import Path

STATES = ("idle", "speaking", "thinking", "answering")
MOST_GROWTH = {"rss_mb": 20, "threads": 0, "descriptors": 0}


def faults(sentence):
    """What is wrong with it. A sentence in which the busy rig made pauses may be several turns, and its reply is not judged."""
    answered = sentence["turns"].count("completed")
    judged = sentence["unbroken"]
    found = {
        "lost on the way to the service": not sentence["got_whole"],
        "twice in one context": sentence["twice_in_a_context"],
        "not heard": judged and not sentence["heard_whole"],
        # What was cut near its end, and told as failed, was asked for again.
        "heard twice": judged and sentence["heard_twice"] and "failed" not in sentence["turns"],
        "no answered turn": answered == 0,
        "answered twice": judged and answered > 1,
    }
    return {name: int(wrong) for name, wrong in found.items()}


def flat(usage):
    """(lines of the table, what grew): the last quarter against the first."""
    quarter = max(1, len(usage) // 4)
    lines, grew = [], []
    for name, most in MOST_GROWTH.items():
        first, last = ([sample[name] for sample in part] for part in (usage[:quarter], usage[-quarter:]))
        before, after = statistics.median(first), statistics.median(last)
        lines.append(f"| {name} | {before:g} ({min(first):g} to {max(first):g}) | {after:g} ({min(last):g} to {max(last):g}) |")
        if after - before > most:
            grew.append(f"{name} grew from {before:g} to {after:g}")
    return lines, grew


def table(known):
    """(the report, whether all is as it should be)."""
    sentences = known["sentences"]
    wrong = [(sentence, [name for name, found in faults(sentence).items() if found]) for sentence in sentences]
    growth, grew = flat(known["usage"])
    rows = [("sentences said", len(sentences)), ("of these while something was wrong with the line", sum(s["fault"] != "none" for s in sentences))]
    rows += [(name, sum(faults(s)[name] for s in sentences)) for name in faults(sentences[0])]
    rows += [
        ("sentences in which the busy rig made pauses", sum(not s["unbroken"] for s in sentences)),
        ("replies heard in part a second time, as they were cut and asked for again", sum(s["heard_again"] >= 0.25 * s["pieces"] and not faults(s)["heard twice"] for s in sentences)),
        ("\"Send now\" pressed", sum(s["send_now"] for s in sentences)),
        ("speech at the service that nobody said", sum(q["sentence"] is None for q in known["questions"])),
        ("conversations kept", known["kept"]["conversations"]), ("turns kept", known["kept"]["turns"]), *known["counts"].items(),
    ]
    cells = {}
    for sentence, names in wrong:
        cell = cells.setdefault(sentence["fault"], {}).setdefault(sentence["state"], [0, 0])
        cell[0] += not names
        cell[1] += 1
    what = known["wrong"] + grew + [f"{s['number']}, {s['fault']} while {s['state']}{'' if s['unbroken'] else ', with pauses by the rig'}: {', '.join(names)}; turns {s['turns']}"
                                    for s, names in wrong if names]
    lines = [
        "# A long conversation over a bad line", "",
        f"Made by `scripts/soak {known['minutes']:g}`; how: `tests/stage/soak.py`. The window on the rig ({known['server']}), seed {known['seed']},",
        f"load average {known['load']:.1f} on {os.cpu_count()} cores at the end.", "",
        "| | |", "| --- | --- |", *[f"| {name} | {value} |" for name, value in rows], "",
        "Sentences with which all was well, by fault and the state of the turn that it came in:", "",
        f"| fault | {' | '.join(STATES)} |", "| --- |" + " --- |" * len(STATES),
        *[f"| {kind} | {' | '.join('{} of {}'.format(*by_state[state]) if state in by_state else '–' for state in STATES)} |" for kind, by_state in sorted(cells.items())], "",
        "| of the program | first quarter: median (range) | last quarter |", "| --- | --- | --- |", *growth, "",
        *(["Not as it should be:", "", *[f"- {line}" for line in what]] if what else ["Nothing was lost, and nothing doubled."]), "",
        *[f"{note}\n" for note in known.get("notes", [])]]
    return "\n".join(lines), not what


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text()))[0], end="")
