#!/usr/bin/env python3
"""What of a package says its version: `render.py OUT VERSION [HOMEPAGE]` writes into OUT

    the files of packaging/ with @VERSION@, @HOMEPAGE@ and @RELEASES@ filled in; lines that need a homepage go without one
    changelog       the releases of CHANGELOG.md, as Debian writes them
    third-party.txt the licences of the crates in the program

Only the newest release may be without a day in CHANGELOG.md; it gets the day of SOURCE_DATE_EPOCH. `render.py --selftest`
"""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ["local.sovereign.sovereign.metainfo.xml", "README.txt", "macos/Info.plist", "windows/sovereign.exe.manifest"]
LICENCE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT|UNLICENSE)", re.I)


def main():
    if sys.argv[1:] == ["--selftest"]:
        return selftest()
    out, version, homepage = Path(sys.argv[1]), sys.argv[2], (sys.argv[3:] or [""])[0]
    now = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    released = releases((ROOT / "CHANGELOG.md").read_text(), version, now)
    out.mkdir(parents=True, exist_ok=True)
    for name in TEMPLATES:
        text = (ROOT / "packaging" / name).read_text()
        (out / Path(name).name).write_text(filled(text, version, homepage, released))
    (out / "changelog").write_text(debian_changelog(released, maintainer()))
    (out / "third-party.txt").write_text(third_party())


def releases(changelog, version, now):
    """Versions with their days, the newest first. Ends where the newest is not the version of Cargo.toml."""
    dated = [
        (number, datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc))
        for number, day in re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", changelog, re.M)
    ]
    if "## [Unreleased]" in changelog and version not in dict(dated):
        return [(version, now), *dated]
    if not dated or dated[0][0] != version:
        sys.exit(f"the newest release of CHANGELOG.md is {dated[0][0] if dated else 'missing'}, the version is {version}")
    return dated


def filled(text, version, homepage, released):
    if not homepage:
        # An element that has lost all its pictures goes with them.
        text = re.sub(r" *<screenshots>.*?</screenshots>\n", "", text, flags=re.S)
        text = re.sub(r".*@HOMEPAGE@.*\n", "", text)
    lines = "\n".join(f'    <release version="{escape(v)}" date="{day:%Y-%m-%d}"/>' for v, day in released)
    return text.replace("@RELEASES@", lines).replace("@HOMEPAGE@", escape(homepage)).replace("@VERSION@", escape(version))


def debian_changelog(released, by):
    entry = "sovereign ({}) unstable; urgency=medium\n\n  * Release {}: NEWS.gz tells what changed.\n\n -- {}  {}\n"
    return "\n".join(entry.format(v, v, by, format_datetime(day)) for v, day in released)


def maintainer():
    return re.search(r'^maintainer = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def third_party():
    """The licence texts of every crate that the program is made of, each text once."""
    host = re.search(r"^host: (.*)$", run("rustc", "-vV"), re.M)[1]
    world = json.loads(run("cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={host}"))
    crates = {crate["id"]: crate for crate in world["packages"]}
    needs = {
        node["id"]: [d["pkg"] for d in node["deps"] if any(kind["kind"] is None for kind in d["dep_kinds"])]
        for node in world["resolve"]["nodes"]
    }
    root = world["resolve"]["root"]
    found, todo = set(), [root]
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += needs[one]
    by_text = {}
    for crate in sorted((crates[one] for one in found - {root}), key=lambda c: (c["name"], c["version"])):
        folder = Path(crate["manifest_path"]).parent
        texts = [f.read_text(errors="replace").strip() for f in sorted(folder.iterdir()) if f.is_file() and LICENCE.match(f.name)]
        for text in texts or [f"(without a licence file; its Cargo.toml says: {crate['license']})"]:
            by_text.setdefault(text, []).append(f"{crate['name']} {crate['version']} ({crate['license']})")
    return "".join(f"{', '.join(names)}\n\n{text}\n\n{'-' * 80}\n\n" for text, names in by_text.items())


def run(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def selftest():
    now = datetime(2026, 3, 4, tzinfo=timezone.utc)
    head = "# Changelog\n\n## [Unreleased]\n\n"
    both = head + "## [0.2.0] - 2026-02-03\n\n- x\n\n## [0.1.0] - 2026-01-02\n"
    days = lambda text, version: [(v, f"{day:%Y-%m-%d}") for v, day in releases(text, version, now)]
    assert days(head, "0.1.0") == [("0.1.0", "2026-03-04")]
    assert days(both, "0.2.0") == [("0.2.0", "2026-02-03"), ("0.1.0", "2026-01-02")]
    assert days(both, "0.3.0")[0] == ("0.3.0", "2026-03-04")
    for text, version in [("# Changelog\n", "0.1.0"), (both.replace(head, ""), "0.3.0"), (both, "0.1.0")]:
        try:
            releases(text, version, now)
        except SystemExit:
            continue
        raise AssertionError(f"{version} was taken")
    text = "<a>\n <screenshots>\n @HOMEPAGE@/@VERSION@\n </screenshots>\n@RELEASES@\n</a>\n"
    assert "screenshots" not in filled(text, "1.0", "", [("1.0", now)])
    assert "https://x.example/1.0\n" in filled(text, "1.0", "https://x.example", [("1.0", now)])
    print("1 passed, 0 failed")


if __name__ == "__main__":
    sys.exit(main())
