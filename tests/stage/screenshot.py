#!/usr/bin/env python3
"""Takes the pictures of README.md and docs/window.md: `screenshot.py --binary PROGRAM --into assets`.

The window itself on a rig, spoken to and answered by the demo: four pictures, and an animation of one turn.
"""

import argparse
import subprocess
import sys
import threading
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
MOVING = "How late is the last train this evening"
# Pictures of the animation a second, and its width.
RATE, WIDTH = 5, 800


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--into", type=Path, default=Path("assets"))
    parser.add_argument("--out", type=Path, default=Path("target/stage"))
    options = parser.parse_args()
    folder = options.out.resolve() / "screenshot"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("window:\n  theme: dark\n  panel: 1\n  welcome: done\n")
    into = options.into.resolve()
    with Desk(options.out.resolve(), "desk-screenshot", "pipewire") as desk:
        desk.window_manager()
        with desk.tape(folder) as tape, \
                Program(options.binary.resolve(), ["--demo", "--config", folder / "config.yaml"], folder, desk.environment) as program:
            window, case = Window(desk, program), Told(folder, desk)
            after_greeting(tape)
            for key, text in TURNS:
                window.key(key)
                time.sleep(0.6)
                say_and_hear(case=case, tape=tape, text=text)
            desk.x("xdotool", "windowsize", "--sync", window.id, *SIZE)
            desk.x("xdotool", "mousemove", "--window", window.id, "5", "700")
            time.sleep(1.5)  # the figures of the last turn
            take(desk, window, into / "screenshot.png")
            animate(desk, window, folder, into / "talk.gif", lambda: say_and_hear(case=case, tape=tape, text=MOVING))
            for key, name in (("F12", None), ("F12", "figures"), ("ctrl+d", "details"), ("ctrl+comma", "settings")):
                window.key(key)
                time.sleep(1)
                if name:
                    take(desk, window, into / f"{name}.png")
            window.close()
            program.wait_end(20)
    for name in ("screenshot.png", "figures.png", "details.png", "settings.png", "talk.gif"):
        print(f"{name}: {(into / name).stat().st_size // 1024} kB")


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


def animate(desk, window, folder, picture, action):
    """What the window shows while the action runs, and a second longer, in the time that it took."""
    over, begun, frames = threading.Event(), time.monotonic(), []

    def watch():
        while not over.is_set():
            next_at = begun + len(frames) / RATE
            time.sleep(max(0.0, next_at - time.monotonic()))
            frame = folder / f"frame-{len(frames):03}.png"
            desk.x("import", "-window", window.id, str(frame))
            frames.append((frame, time.monotonic()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        action()
        time.sleep(1)
    finally:
        over.set()
        watcher.join()
    # Where the machine was too slow for the rate, a frame stands as long as it stood.
    ends = [at for _, at in frames[1:]] + [frames[-1][1] + 2]
    parts = [part for (frame, at), end in zip(frames, ends) for part in ("-delay", str(round(100 * (end - at))), str(frame))]
    subprocess.run(["convert", *parts, "-resize", f"{WIDTH}x", "+dither", "-colors", "64", "-layers", "OptimizeTransparency", "-loop", "0", picture], check=True)
    for frame, _ in frames:
        frame.unlink()


if __name__ == "__main__":
    sys.exit(main())
