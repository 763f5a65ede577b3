"""The talk key in any window, on a real X server with another window in front."""

import contextlib
import json
import subprocess
import time

from cases_talk import after_greeting
from cases_window import open_window
from desk import eventually, require
from program import Program

HOLDS, TAPS, QUICK = 50, 50, 100


class Assistant:
    """What `sovereign status` says of the running one."""

    def __init__(self, case, config, home):
        self.case, self.config, self.home = case, config, home

    def status(self):
        asked = [str(self.case.binary), "--config", str(self.config), "status", "--json"]
        environment = {"XDG_RUNTIME_DIR": str(self.home), **self.case.desk.environment, "HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=20)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def held(self):
        return self.status().get("held")

    def becomes(self, held, what):
        eventually(what, 20, lambda: self.held() is held, 0.01)


@contextlib.contextmanager
def another_window(desk):
    """A window that is not ours, in front with the focus."""
    picture = subprocess.Popen(["display", "-size", "300x200", "xc:navy"], env={**subprocess.os.environ, **desk.environment},
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found = eventually("another window", 30, lambda: desk.x("xdotool", "search", "--onlyvisible", "--class", "display", check=False).split())
        def focus():
            if desk.x("xdotool", "getactivewindow", check=False).strip() in found:
                return True
            desk.x("xdotool", "windowactivate", found[-1], check=False)
            return False
        eventually("its focus", 20, focus)
        yield
        require(desk.x("xdotool", "getactivewindow").strip() in found, "the other window lost the focus")
    finally:
        picture.terminate()
        picture.wait(10)


def _works(assistant, press, release):
    """Takes time until the grab is there."""
    def probe():
        press()
        time.sleep(0.3)
        held = assistant.held()
        release()
        return held
    eventually("the key to be taken", 30, probe, 0.1)
    assistant.becomes(False, "the first release")


def window_global_key(case):
    """Held and tapped with another window in front, a hundred times and more: none sticks."""
    desk, config = case.desk, case.folder / "config.yaml"
    config.write_text("global_key: ctrl+F9\n")
    with open_window(case, "--demo", "--config", config) as (program, _, tape):
        after_greeting(tape)
        assistant = Assistant(case, config, program.folder / "home")
        down = lambda: desk.x("xdotool", "keydown", "ctrl", "keydown", "F9")
        up = lambda: desk.x("xdotool", "keyup", "F9", "keyup", "ctrl")
        with another_window(desk):
            _works(assistant, down, up)
            for n in range(HOLDS):
                down()
                assistant.becomes(True, f"press {n}")
                up()
                assistant.becomes(False, f"release {n}")
            # The X server repeats a key that is held: that is no release.
            down()
            assistant.becomes(True, "a long press")
            desk.screenshot(case.folder / "1-held.png")
            end = time.monotonic() + 2
            while time.monotonic() < end:
                require(assistant.held(), "a key that is held was let go")
            up()
            assistant.becomes(False, "its release")
            for _ in range(QUICK):
                desk.x("xdotool", "key", "ctrl+F9")
            assistant.becomes(False, "the last of quick presses")
            # What is held with it may be let go first.
            desk.x("xdotool", "keydown", "ctrl", "keydown", "F9", "keyup", "ctrl")
            assistant.becomes(True, "without Ctrl")
            desk.x("xdotool", "keyup", "F9")
            assistant.becomes(False, "without Ctrl, released")

            second = case.folder / "second.yaml"
            second.write_text("global_key: Ctrl+F9\n")
            with Program(case.binary, ["talk", "--demo", "--config", second], case.folder / "second", desk.environment) as talk:
                eventually("that it is taken", 30, lambda: "another program has taken Ctrl+F9" in talk.stderr())
            down()
            assistant.becomes(True, "a press after that")
            up()
            assistant.becomes(False, "its release")

            config.write_text("global_key: Pause\ntalk_key: tap\n")
            tap = lambda: desk.x("xdotool", "key", "Pause")
            def tapped():
                tap()
                time.sleep(0.3)
                return assistant.held()
            eventually("the other key", 30, tapped, 0.1)
            tap()
            assistant.becomes(False, "the second tap")
            for n in range(TAPS):
                tap()
                assistant.becomes(n % 2 == 0, f"tap {n}")
            require(not assistant.held(), "open after an even number of taps")
        case.figure("presses", HOLDS + QUICK + TAPS, "")
        case.figure("stuck", 0, "")


def window_global_mouse_button(case):
    """A button at the side of the mouse; and other keys go on to work in the window in front while it is held."""
    desk, config = case.desk, case.folder / "config.yaml"
    config.write_text("global_key: Mouse8\n")
    with open_window(case, "--demo", "--config", config) as (program, window, tape):
        after_greeting(tape)
        assistant = Assistant(case, config, program.folder / "home")
        down, up = (lambda: desk.x("xdotool", "mousedown", "8")), (lambda: desk.x("xdotool", "mouseup", "8"))
        with another_window(desk):
            _works(assistant, down, up)
            for n in range(HOLDS):
                down()
                assistant.becomes(True, f"press {n}")
                up()
                assistant.becomes(False, f"release {n}")
        config.write_text("global_key: F9\n")
        down, up = (lambda: desk.x("xdotool", "keydown", "F9")), (lambda: desk.x("xdotool", "keyup", "F9"))
        _works(assistant, down, up)
        eventually("the window's focus", 20, window._focus)
        down()
        assistant.becomes(True, "a press over the own window")
        desk.x("xdotool", "key", "ctrl+m")
        eventually("another key while it is held", 20, lambda: assistant.status().get("muted"))
        desk.screenshot(case.folder / "1-muted.png")
        up()
        desk.x("xdotool", "key", "ctrl+m")
        eventually("unmuted", 20, lambda: assistant.status().get("muted") is False)
        require(not assistant.held(), "a key that was let go while muted is down")


CASES = [window_global_key, window_global_mouse_button]
