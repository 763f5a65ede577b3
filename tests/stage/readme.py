#!/usr/bin/env python3
"""Checks README.md against the project: `readme.py PROGRAM`.

Relative links lead somewhere, anchors to a heading; `scripts/…` commands exist and know the stage they are given;
`sovereign …` commands and flags are known to the program's help; keys of profiles that are named are in the shipped files.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main():
    program, text = sys.argv[1], (ROOT / "README.md").read_text()
    checks = {"links": links(text), "anchors": anchors(text), "scripts": scripts(text), "commands": commands(text, program)}
    failed = 0
    for name, faults in checks.items():
        for fault in faults:
            print(f"FAILED {name}: {fault}")
        failed += bool(faults)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


def links(text):
    targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    return [t for t in targets if not t.startswith(("http://", "https://", "mailto:")) and not (ROOT / t).exists()]


def anchors(text):
    slugs = {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.M)}
    return [a for a in re.findall(r"\]\(#([^)]+)\)", text) if a not in slugs]


def code(text):
    """Lines of indented or fenced blocks, and inline code."""
    fenced = re.findall(r"```[^\n]*\n(.*?)```", text, re.S)
    lines = [line for block in fenced for line in block.splitlines()]
    lines += re.findall(r"^ {4}(\S.*)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    return [line.split("#")[0].strip() for line in lines + re.findall(r"`([^`\n]+)`", text)]


def scripts(text):
    stages = subprocess.run([ROOT / "scripts" / "test", "--list"], capture_output=True, text=True, check=True).stdout.split()
    faults = []
    for line in code(text):
        words = line.split()
        for word in words:
            if re.match(r"(scripts|tests)/[\w/.-]+$", word) and not (ROOT / word).exists():
                faults.append(f"{word} does not exist")
        if words[:1] == ["scripts/test"]:
            faults += [f"{line}: no such stage" for w in words[1:] if re.match(r"[a-z-]+$", w) and w not in [*stages, "--quick", "--list"]]
    return faults


def commands(text, program):
    def help_of(*words):
        return subprocess.run([program, *words, "--help"], capture_output=True, text=True).stdout

    top, faults = help_of(), []
    for line in code(text):
        words = line.split()
        if words[:1] == ["scripts/run"]:
            words = ["sovereign", *words[1:]]
        if words[:1] != ["sovereign"]:
            continue
        rest = [w for w in words[1:] if not w.startswith("-")]
        command = rest[:1] if rest and re.search(rf"^\s+{re.escape(rest[0])}\b", top, re.M) else []
        if rest and not command and re.match(r"[a-z]+$", rest[0]) and not words[1].startswith("-"):
            faults.append(f"{line}: no command {rest[0]}")
        known = top + (help_of(*command) if command else "")
        faults += [f"{line}: no flag {w}" for w in words if w.startswith("--") and not re.search(rf"{re.escape(w)}\b", known)]
    return faults


if __name__ == "__main__":
    sys.exit(main())
