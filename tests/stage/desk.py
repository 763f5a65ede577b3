"""A desk for one program: the rig (sound server, screen), what it hears and plays, its window and keys."""

import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import sound

RIG = Path(__file__).resolve().parent.parent / "rig" / "rig.sh"


# Set when the run is to end early: every wait gives up.
STOP = threading.Event()


class Failure(AssertionError):
    """A check that did not hold, in words."""


def require(condition, what):
    if not condition:
        raise Failure(what)


def read_options(parser):
    """The options of a run, with whole paths. From now on an end from outside is one that every wait notices."""
    options = parser.parse_args()
    options.binary, options.out = options.binary.resolve(), options.out.resolve()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: STOP.set())
    return options


def eventually(what, seconds, probe, pause=0.05):
    """Waits until the probe gives something true; generous limits, for busy machines."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if STOP.is_set():
            raise Failure(f"{what}: stopped from outside")
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds:g} s")
        time.sleep(pause)


class Desk:
    """One running rig. `server` is pulse or pipewire."""

    def __init__(self, out, name, server):
        self.server = server
        folder = Path(out) / name
        # Unix socket paths end at 107 bytes; a deep clone needs a shorter place.
        if len(str(folder)) > 70:
            folder = Path(tempfile.mkdtemp(prefix="rig-"))
        self.folder = folder
        note = Path(out) / "rigs"  # scripts/test takes down what a killed run left behind
        note.mkdir(parents=True, exist_ok=True)
        self.note = note / name
        self.note.unlink(missing_ok=True)
        self.note.symlink_to(folder)
        self.environment = None

    def __enter__(self):
        self.rig("down", check=False)
        try:
            self.rig("up")
        except BaseException:
            self.__exit__()
            raise
        self.environment = self._environment()
        return self

    def __exit__(self, *_):
        self.rig("down", check=False)
        self.note.unlink(missing_ok=True)

    def rig(self, *arguments, check=True, timeout=60):
        done = subprocess.run(
            [RIG, *map(str, arguments)], env={**os.environ, "RIG_DIR": str(self.folder), "RIG_SERVER": self.server},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode:
            raise Failure(f"rig.sh {' '.join(map(str, arguments))}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout

    def _environment(self):
        wanted = {}
        for line in self.rig("env").splitlines():
            if match := re.match(r"export (\w+)='?([^']*)'?$", line):
                wanted[match[1]] = match[2]
        return wanted

    def play(self, path):
        """Plays a file into the microphone; returns when it was said."""
        self.rig("play", path)

    def tape(self, folder):
        return Tape(self, Path(folder) / "tape.raw")

    def window_manager(self):
        self.rig("wm")
        eventually("a window manager", 20, lambda: self.x("xdotool", "get_num_desktops", check=False).strip() not in ("", "0"))

    def x(self, *command, check=True):
        """Runs an X client and gives its standard output."""
        done = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=30)
        if check and done.returncode:
            raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def screenshot(self, path):
        self.rig("screenshot", path)

    def pixels(self):
        """The screen as an array (height, width, 3)."""
        done = subprocess.run(["import", "-window", "root", "-depth", "8", "ppm:-"],
                              env={**os.environ, **self.environment}, capture_output=True, timeout=30, check=True)
        header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", done.stdout)
        width, height = int(header[1]), int(header[2])
        return np.frombuffer(done.stdout[header.end():], np.uint8, width * height * 3).reshape(height, width, 3)


class Tape:
    """A recording of mouth and speaker on one clock, that can be read while it runs."""

    CHANNELS = 3  # mouth, left, right

    def __init__(self, desk, path):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["parecord", "--device=bus.monitor", "--latency-msec=10", "--raw", f"--rate={sound.RATE}", "--channels=3",
             "--channel-map=aux0,aux1,aux2", "--format=s16le", str(path)],
            env={**os.environ, **desk.environment}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def __enter__(self):
        eventually("the recording", 20, lambda: self.path.exists() and self.now() > 0)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def now(self):
        """Samples on the tape so far."""
        return self.path.stat().st_size // (2 * self.CHANNELS)

    def _read(self, start, end, channels):
        start = max(0, start)
        end = self.now() if end is None else min(end, self.now())
        with open(self.path, "rb") as file:
            file.seek(start * 2 * self.CHANNELS)
            data = file.read(max(0, end - start) * 2 * self.CHANNELS)
        frames = np.frombuffer(data, "<i2").reshape(-1, self.CHANNELS)
        return frames[:, channels].mean(axis=1) / 32768

    def mouth(self, start=0, end=None):
        return self._read(start, end, [0])

    def speaker(self, start=0, end=None):
        return self._read(start, end, [1, 2])

    def wait_sound(self, since, seconds, what="sound from the speaker"):
        """Waits for the speaker to sound after `since`; gives the sample where it does."""
        def probe():
            found = sound.span(self.speaker(since))
            return since + found[0] + 1 if found else None
        return eventually(what, seconds, probe, 0.1) - 1

    def wait_until(self, sample, seconds):
        """Waits until the tape has run to this sample."""
        eventually("time to pass on the tape", seconds, lambda: self.now() >= sample)

    def wait_quiet(self, quiet_seconds, seconds, since=0):
        """Waits until the speaker has been quiet for so long; gives the sample where the quiet began."""
        def probe():
            start, now = max(since, self.now() - 60 * sound.RATE), self.now()
            found = sound.span(self.speaker(start, now))
            last = start + found[1] if found else since
            return last + 1 if now - last >= quiet_seconds * sound.RATE else None
        return eventually(f"{quiet_seconds:g} s of quiet from the speaker", seconds, probe, 0.1) - 1


class Window:
    """A program's window, driven by real keys."""

    def __init__(self, desk, program, seconds=60):
        self.desk = desk
        self.id = eventually("the window", seconds, lambda: self._find(program.process.pid) if program.alive() else self._gone(program))
        eventually("the window's focus", 20, self._focus)

    def _find(self, pid):
        found = self.desk.x("xdotool", "search", "--onlyvisible", "--pid", str(pid), "--name", ".", check=False).split()
        return found[-1] if found else None

    @staticmethod
    def _gone(program):
        raise Failure(f"the program ended before its window appeared, status {program.process.returncode}")

    def _focus(self):
        if self.desk.x("xdotool", "getactivewindow", check=False).strip() == self.id:
            return True
        self.desk.x("xdotool", "windowactivate", self.id, check=False)
        return False

    def key(self, name):
        self.desk.x("xdotool", "key", "--clearmodifiers", name)

    def hold(self, name):
        return Held(self.desk, name)

    def title(self):
        return self.desk.x("xdotool", "getwindowname", self.id).strip()

    def close(self):
        """As a user would: the window manager asks the window to close."""
        self.desk.x("xdotool", "key", "--clearmodifiers", "alt+F4")


class Held:
    def __init__(self, desk, name):
        self.desk, self.name = desk, name

    def __enter__(self):
        self.desk.x("xdotool", "keydown", self.name)

    def __exit__(self, *_):
        self.desk.x("xdotool", "keyup", self.name)
