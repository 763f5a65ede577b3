#!/usr/bin/env python3
"""Checks what desktops read about the program, as `scripts/package` fills it in: `metadata.py`. Needs desktop-file-validate,
appstreamcli, cargo. Nothing of macOS and Windows runs here: of their files only the form is checked."""

import configparser
import os
import plistlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGING = ROOT / "packaging"
ID = "local.sovereign.sovereign"


def main():
    cargo = (ROOT / "Cargo.toml").read_text()
    version = re.search(r'^version = "(.*)"$', cargo, re.M)[1]
    with tempfile.TemporaryDirectory() as folder:
        made = {homepage: render(Path(folder) / name, version, homepage) for name, homepage in [("plain", ""), ("published", "https://code.example/x")]}
        plain = made[""]
        checks = {
            "desktop entry": lambda: run("desktop-file-validate", PACKAGING / "sovereign.desktop"),
            "AppStream": lambda: [appstream(where) for where in made.values()],
            "versions": lambda: versions(plain, version),
            "class of the window": window_class,
            "macOS": lambda: macos(plain, version),
            "Windows": lambda: windows(plain, version),
        }
        failed = 0
        for name, check in checks.items():
            try:
                check()
            except (AssertionError, subprocess.CalledProcessError, ElementTree.ParseError, plistlib.InvalidFileException) as fault:
                failed += 1
                print(f"FAILED {name}: {fault}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


def render(where, version, homepage):
    epoch = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    words = [where, version, *([homepage] if homepage else [])]
    subprocess.run([sys.executable, PACKAGING / "render.py", *words], check=True, env={**os.environ, "SOURCE_DATE_EPOCH": epoch})
    left = [file.name for file in where.iterdir() if re.search(r"@[A-Z]+@", file.read_text()) and file.name != "third-party.txt"]
    assert not left, f"not filled in: {left}"
    return where


def run(*command):
    subprocess.run(command, check=True)


def appstream(where):
    """As in the package: the desktop entry and the icon beside it."""
    usr = where / "tree/usr/share"
    for source, name in [
        (where / f"{ID}.metainfo.xml", f"metainfo/{ID}.metainfo.xml"),
        (PACKAGING / "sovereign.desktop", "applications/sovereign.desktop"),
        (PACKAGING / "icons/sovereign-128.png", "icons/hicolor/128x128/apps/sovereign.png"),
    ]:
        (usr / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, usr / name)
    run("appstreamcli", "validate", "--no-net", where / f"{ID}.metainfo.xml")
    run("appstreamcli", "validate-tree", "--no-net", where / "tree")


def versions(where, version):
    """The newest release is that of Cargo.toml, and every one of CHANGELOG.md is there with its day."""
    listed = [(r.get("version"), r.get("date")) for r in ElementTree.parse(where / f"{ID}.metainfo.xml").iter("release")]
    dated = re.findall(r"^## \[(\d[^\]]*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert listed[0][0] == version, f"{listed[0]} is the newest release, the program has {version}"
    assert listed[-len(dated) or len(listed):] == dated, f"{listed} in the metadata, {dated} in CHANGELOG.md"


def window_class():
    entry = configparser.ConfigParser(interpolation=None, strict=False)
    entry.optionxform = str
    entry.read(PACKAGING / "sovereign.desktop")
    named = re.search(r'with_app_id\("(.*?)"\)', (ROOT / "src/ui/mod.rs").read_text())[1]
    # Docks match the class under X11, and the name of the file under Wayland.
    assert entry["Desktop Entry"]["StartupWMClass"] == named == "sovereign", named


def macos(where, version):
    info = plistlib.loads((where / "Info.plist").read_bytes())
    assert info["CFBundleShortVersionString"] == version
    assert len(info["NSMicrophoneUsageDescription"]) > 20, "macOS ends a program that listens without saying why"
    rights = plistlib.loads((PACKAGING / "macos/entitlements.plist").read_bytes())
    assert rights == {"com.apple.security.device.audio-input": True}, rights


def windows(where, version):
    root = ElementTree.parse(where / "sovereign.exe.manifest").getroot()
    found = {element.tag.split("}")[1]: element for element in root.iter()}
    assert found["assemblyIdentity"].get("version") == f"{version}.0", "Windows wants four numbers"
    assert found["dpiAwareness"].text == "PerMonitorV2" and found["requestedExecutionLevel"].get("level") == "asInvoker"


if __name__ == "__main__":
    sys.exit(main())
