#!/usr/bin/env python3
"""Takes the picture of README.md: `screenshot.py --binary PROGRAM [--theme dark|light] PICTURE.png`.

The window itself on a rig, after spoken turns in two profiles: so that there are figures to show.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from cases_talk import after_greeting, say_and_hear
from desk import Desk, Window
from program import Program

SIZE = "1100", "720"
TURNS = [
    ("ctrl+1", "Good morning, can you hear me"),
    ("ctrl+2", "Please tell me something about the weather in the mountains"),
    ("ctrl+2", "And how long does the train take to the valley"),
    ("ctrl+2", "Thank you, that is all I wanted to know"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--out", type=Path, default=Path("target/stage"))
    options = parser.parse_args()
    folder = options.out.resolve() / "screenshot"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(f"window:\n  theme: {options.theme}\n  panel: 1\n")
    with Desk(options.out.resolve(), "desk-screenshot", "pipewire") as desk:
        desk.window_manager()
        with desk.tape(folder) as tape, \
                Program(options.binary.resolve(), ["--demo", "--config", folder / "config.yaml"], folder, desk.environment) as program:
            window = Window(desk, program)
            after_greeting(tape)
            for key, text in TURNS:
                window.key(key)
                time.sleep(0.6)
                say_and_hear(case=Told(folder, desk), tape=tape, text=text)
            desk.x("xdotool", "windowsize", "--sync", window.id, *SIZE)
            time.sleep(1.5)  # the figures of the last turn
            take(desk, window, options.picture.resolve())
            window.close()
            program.wait_end(20)
    print(f"{options.picture}: {options.picture.stat().st_size // 1024} kB")


class Told:
    """What `say_and_hear` wants of a case."""

    def __init__(self, folder, desk):
        self.speech, self.desk = folder.parent / "speech", desk

    def figure(self, name, value, unit=""):
        print(f"{name} {value} {unit}", file=sys.stderr)


def take(desk, window, picture):
    """The window without its frame, in few enough colours for a small file."""
    raw = picture.with_suffix(".full.png")
    desk.x("import", "-window", window.id, str(raw))
    subprocess.run(["convert", raw, "+dither", "-colors", "255", "-define", "png:compression-level=9", "-strip", picture], check=True)
    raw.unlink()


if __name__ == "__main__":
    sys.exit(main())
