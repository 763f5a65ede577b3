#!/usr/bin/env python3
"""Writes the rig table of docs/performance.md: `figures.py [OUT]`, from OUT/rig-pulse.json and OUT/rig-pipewire.json, which
the rig stages leave, and from the tables of tests/measured. It replaces the lines between the two comments.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- figures: scripts/measure-readme -->", "<!-- end of figures -->"
SERVERS = {"pulse": "PulseAudio", "pipewire": "PipeWire"}
RIG = "`scripts/test rig-pulse rig-pipewire`"

# What a row says, its case (a part of the name), its figures, their unit.
ROWS = [
    ("response, `ultra-fast`", "talk_hears", ["ultra-fast: response"], "ms"),
    ("response, `balanced`", "talk_hears", ["balanced: response"], "ms"),
    ("response, `high-quality`", "talk_hears", ["high-quality: response"], "ms"),
    ("you begin to speak over a reply: quieter, silent after (median of three, no echo)", "interrupted_without_echo",
     ["onset to lowered", "onset to silence"], "ms"),
    ("the same over loudspeakers (60 ms away, at 0.3)", "interrupted_over", ["onset to lowered", "onset to silence"], "ms"),
    ("Esc to silence, at most", "window_keys", ["Esc to silence, at most"], "ms"),
    ("from start to the window, at most", "window_", ["window after"], "ms"),
    ("CPU in the terminal while the echo case runs, of one core", "quiet_with_an_echo", ["CPU"], "%"),
    ("loudspeaker and microphone in one room, no false turn for", "quiet_with_an_echo", ["quiet for"], "s"),
]


class Missing(Exception):
    """A figure that is not there, in words."""


def cell(kept, case, names, unit):
    """The largest of each figure over the cases that are meant."""
    values = []
    for name in names:
        found = [v for key, figures in kept.items() if case in key for v in figures.get(name, [])]
        if not found:
            raise Missing(f"{name!r} of a case {case!r}")
        values.append(f"{max(found):.0f}")
    return f"{', '.join(values)} {unit}"


def rig_rows(out):
    kept = {}
    for server in SERVERS:
        path = out / f"rig-{server}.json"
        if not path.exists():
            raise Missing(f"{path} (run {RIG})")
        kept[server] = json.loads(path.read_text())
    for label, case, names, unit in ROWS:
        yield [label, *(cell(kept[server], case, names, unit) for server in SERVERS), RIG]


def truth_row():
    """p95 of the difference to a recording, off the table that scripts/measure-truth left."""
    path = ROOT / "tests/measured/truth.md"
    text = path.read_text() if path.exists() else ""
    cells = []
    for server in SERVERS:
        head, found = (re.search(rf"^\| {row} \|.*\|$", text, re.M) for row in (r"server \| profile", rf"{server} \| all"))
        if not head or not found:
            raise Missing(f"the row `{server}, all` of {path.relative_to(ROOT)} (run scripts/measure-truth)")
        names, values = ([c.strip() for c in re.split(r"(?<!\\)\|", row[0])] for row in (head, found))
        row = dict(zip(names, values))
        cells.append(f"{row['median']}, {row['p95']} ms of {row['turns compared']}")
    return ["`total` as reported, minus a recording's: median, p95 of the size", *cells, "`scripts/measure-truth`"]


def block(out):
    rows = [["", *SERVERS.values(), "command"], ["---"] * 4, *rig_rows(out), truth_row()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows).replace("|  |", "| |", 1)


def main():
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target/stage"
    page = ROOT / "docs/performance.md"
    text = page.read_text()
    parts = re.split(f"({re.escape(BEGIN)}|{re.escape(END)})", text)
    if [parts[i] for i in range(1, len(parts), 2)] != [BEGIN, END]:
        print(f"{page.relative_to(ROOT)} must have {BEGIN} and {END}, once each and in this order", file=sys.stderr)
        return 1
    try:
        parts[2] = f"\n{block(out)}\n"
    except Missing as missing:
        print(f"{page.relative_to(ROOT)} is unchanged: there is no {missing}", file=sys.stderr)
        return 1
    page.write_text("".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
