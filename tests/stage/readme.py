#!/usr/bin/env python3
"""Checks README.md, docs/*.md and CHANGELOG.md against the project: `readme.py PROGRAM`.

Links lead to files and headings; paths exist; `scripts/test` knows its stages; `sovereign …` commands and options are in the
program's help; keys and names in code are in the sources; the example of `config.yaml` is complete and valid; the JSON of a
turn is documented. Offline, with an empty home folder. CHANGELOG.md may name what is gone: only its links are checked.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
README, CHANGELOG, DOCS = ROOT / "README.md", ROOT / "CHANGELOG.md", sorted((ROOT / "docs").glob("*.md"))
MOST_LINES = 150
FOLDERS = "scripts|tests|src|docs|assets|profiles"


def main():
    with tempfile.TemporaryDirectory() as home:
        program = Program(sys.argv[1], home)
        pages = {page: page.read_text() for page in [README, *DOCS]}
        checks = {"length": length(), "index": index(), "configuration": configuration(program), "turn": turn(program)}
        checks["links"] = [fault for page in [*pages, CHANGELOG] for fault in links(page)]
        for check in (paths, stages, commands, options, names):
            checks[check.__name__] = [f"{page.name}: {fault}" for page, text in pages.items() for fault in check(text, program)]
    for name, faults in checks.items():
        for fault in faults:
            print(f"FAILED {name}: {fault}")
    failed = sum(bool(faults) for faults in checks.values())
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


class Program:
    """The program with a home folder of its own, and its help."""

    def __init__(self, path, home):
        self.path, self.home, self.helps = path, Path(home), {}
        unwanted = ("XDG_", "GEMINI_", "GOOGLE_")
        self.env = {**{k: v for k, v in os.environ.items() if not k.startswith(unwanted)}, "HOME": home}

    def run(self, *words):
        done = subprocess.run([self.path, *words], capture_output=True, text=True, env=self.env, timeout=60, check=False)
        return done.stdout

    def help(self, *words):
        if words not in self.helps:
            self.helps[words] = self.run(*words, "--help")
        return self.helps[words]

    def subcommands(self, *words):
        listed = re.search(r"^Commands:\n(.*?)\n\n", self.help(*words), re.M | re.S)
        return re.findall(r"^  ([a-z]+)", listed[1], re.M) if listed else []

    def resolve(self, words):
        """The command that leads `words`, and the rest."""
        command = ()
        while len(command) < len(words) and words[len(command)] in self.subcommands(*command):
            command += (words[len(command)],)
        return command, words[len(command):]

    def doctor(self, config):
        file = self.home / "config.yaml"
        file.write_text(config)
        checks = json.loads(self.run("doctor", "--no-sound-check", "--json", "--config", str(file)))["checks"]
        file.unlink()
        return [check["what"] for check in checks if check["name"] == "configuration" and check["status"] != "ok"]


def length():
    lines = len(README.read_text().splitlines())
    return [f"README.md has {lines} lines, {MOST_LINES} are allowed"] if lines > MOST_LINES else []


def index():
    text = README.read_text()
    return [f"README.md has no link to docs/{page.name}" for page in DOCS if f"(docs/{page.name})" not in text]


def configuration(program):
    """The example of all keys is accepted, and has all that the program names when it refuses unknown ones."""
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.S)[1]
    faults = program.doctor(example)
    groups = ["", *re.findall(r"^(\w+):(?: +#.*)?$", example, re.M)]
    for group in groups:
        refused = program.doctor(f"{group}: {{no_such_key: 1}}\n" if group else "no_such_key: 1\n")
        for key in re.search(r"allowed are (.*)", refused[0])[1].split(", "):
            part = re.search(rf"^{group}:.*\n((?: +.*\n)*)", example, re.M)[1] if group else example
            if not re.search(rf"^{'  ' if group else ''}{key}:", part, re.M):
                faults.append(f"the example has no {group}{'.' if group else ''}{key}")
    return faults


def turn(program):
    """Every key of the JSON of a turn with the demo is in docs/json.md or a table that it links to."""
    words = ["talk", "--demo", "--input", str(ROOT / "assets/speech/question.wav"), "--output", "none", "--json"]
    lines = program.run(*words).splitlines()
    known = "".join((ROOT / page).read_text() for page in ("docs/json.md", "docs/window.md", "README.md"))
    missing = {key for line in lines for key in keys(json.loads(line)) if not re.search(rf"\b{key}\b", known)}
    return [f"docs/json.md lacks {key}" for key in sorted(missing)] + ([] if len(lines) == 2 else [f"{len(lines)} lines of JSON"])


def keys(value):
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def links(page):
    text, faults = page.read_text(), []
    for target in re.findall(r"\]\(([^)\s]+)", text) + re.findall(r'(?:src|href)="([^"]+)"', text):
        file, _, anchor = target.partition("#")
        path = page.parent / file if file else page
        if file.startswith(("http://", "https://", "mailto:")):
            continue
        if not path.exists() or anchor and anchor not in slugs(path.read_text()):
            faults.append(f"{page.name}: {target}")
    return faults


def slugs(text):
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.M)}


def code(text):
    """Lines of indented or fenced blocks, and inline code."""
    fenced = re.findall(r"```[^\n]*\n(.*?)```", text, re.S)
    lines = [line for block in fenced for line in block.splitlines()]
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    lines += re.findall(r"^ {4}(\S.*)$", text, re.M)
    return [line.split("#")[0].strip() for line in lines + re.findall(r"`([^`\n]+)`", text)]


def paths(text, _program):
    faults = []
    for word in (word for line in code(text) for word in line.split()):
        is_path = re.match(rf"({FOLDERS})/[\w/.-]+$", word)
        is_page = re.match(r"[\w-]+\.md$", word) and not word.startswith("README")
        if is_path and not (ROOT / word).exists() or is_page and not any((ROOT / at / word).exists() for at in ("docs", "tests/measured")):
            faults.append(f"{word} does not exist")
    return faults


def stages(text, _program):
    listed = subprocess.run([ROOT / "scripts" / "test", "--list"], capture_output=True, text=True, check=True).stdout.split()
    chosen = [(line, w) for line in code(text) if line.split()[:1] == ["scripts/test"] for w in line.split()[1:]]
    return [f"{line}: no such stage" for line, w in chosen if w not in [*listed, "--quick", "--list"]]


def commands(text, program):
    faults = []
    for line in code(text):
        words = line.split()
        if words[:1] not in (["scripts/run"], ["sovereign"]):
            continue
        command, rest = program.resolve(words[1:])
        if rest and program.subcommands(*command) and re.match(r"[a-z]+$", rest[0]):
            faults.append(f"{line}: no command {rest[0]}")
        known = program.help() + program.help(*command)
        faults += [f"{line}: no option {w}" for w in rest if w.startswith("--") and not re.search(rf"{re.escape(w)}\b", known)]
    return faults


def options(text, program):
    """Options that a text names by themselves, or with their value."""
    first = [(name,) for name in program.subcommands()]
    second = [(*command, name) for command in first for name in program.subcommands(*command) if name != "help"]
    known = "".join(program.help(*command) for command in [(), *first, *second])
    known += "".join(script.read_text() for script in (ROOT / "scripts").iterdir())
    named = {w for line in code(text) if line.startswith("--") for w in re.findall(r"--[a-z][a-z-]+", line)}
    return [f"no option {option}" for option in sorted(named) if not re.search(rf"{option}\b", known)]


def names(text, _program):
    """Names with an underscore, and keys with their group: those of JSON, of profiles and of the configuration."""
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    named = {word for line in inline for word in re.findall(r"(?<![\w./-])[a-z][a-z0-9]*(?:[._][a-z0-9]+)+(?![\w/])", line)}
    files = (".md", ".rs", ".py", ".sh", ".yaml", ".wav", ".zip", ".json", ".csv")
    return [f"no name {name}" for name in sorted(named) if not name.endswith(files) and not set(name.split(".")) <= words_of_sources()]


@cache
def words_of_sources():
    sources = (path for at in ("src", "profiles", "scripts", "tests") for path in (ROOT / at).rglob("*"))
    code = (path for path in sources if path.suffix in (".rs", ".yaml", ".py", ".sh", "") and path.is_file())
    return {word for path in code for word in re.findall(r"\w+", path.read_text(errors="replace"))}


if __name__ == "__main__":
    sys.exit(main())
