"""The window: kept over a restart, on a screen that is there, closed in mid-answer, and with a screen that stands still."""

import contextlib
import os
import re
import signal
import time

import sound
from cases_talk import SENTENCE, after_greeting
from desk import Window, eventually, require
from program import Program


@contextlib.contextmanager
def _opened(case, name, *arguments):
    """The program with its window in front, and its configuration in the case's folder."""
    case.desk.window_manager()
    config = case.folder / "config.yaml"
    with Program(case.binary, ["--config", config, "--demo", *arguments], case.folder / name, case.desk.environment) as program:
        window = Window(case.desk, program)
        yield program, window
        if program.alive():
            window.close()
        program.wait_end(30)
        require("panicked" not in program.stderr(), f"it panicked: {program.stderr()[-400:]}")


def _place(case, window):
    """Left, top, width and height of what the window shows, as X tells."""
    told = case.desk.x("xdotool", "getwindowgeometry", "--shell", window.id)
    return [int(re.search(rf"^{name}=(-?\d+)$", told, re.M)[1]) for name in ("X", "Y", "WIDTH", "HEIGHT")]


def _is_near(wanted, got, by=8):
    return all(abs(one - other) <= by for one, other in zip(wanted, got))


def window_is_as_it_was_left(case):
    """Size, place and zoom of the last start hold in the next one."""
    with _opened(case, "first") as (_, window):
        case.desk.x("xdotool", "windowsize", "--sync", window.id, "820", "560")
        case.desk.x("xdotool", "windowmove", "--sync", window.id, "210", "130")
        left = eventually("the window to move", 20, lambda: (place := _place(case, window))[2:] == [820, 560] and place)
        before = case.desk.pixels()
        window.key("ctrl+plus")
        eventually("larger text", 20, lambda: (before != case.desk.pixels()).any(axis=2).mean() > 0.02)
        # What is drawn is known to the next picture.
        time.sleep(1)
    kept = (case.folder / "config.yaml").read_text()
    require(re.search(r'geometry: "?820x560\+\d+\+\d+', kept) and "zoom_percent: 110" in kept, f"kept: {kept!r}")
    for name in ("second", "third"):
        with _opened(case, name) as (_, window):
            eventually(f"the place of the {name} start near {left}", 20, lambda: _is_near(left, _place(case, window)))
            case.desk.screenshot(case.folder / f"{name}.png")


def window_comes_back_from_nowhere(case):
    """A place without a screen, a size of nothing, a zoom that is no number: the window is there, and can be got hold of."""
    for number, lines in enumerate(["geometry: 900x600+30000+30000", "geometry: 900x600-20000+10", 'geometry: "0x0-5"\n  zoom_percent: .nan',
                                    "geometry: 4000000000x7+0+0\n  zoom_percent: -3\n  maximized: [1]"]):
        (case.folder / "config.yaml").write_text(f"window:\n  {lines}\n")
        with _opened(case, str(number)) as (_, window):
            def in_sight():
                x, y, width, height = _place(case, window)
                return width >= 300 and height >= 200 and -width + 100 < x < 1280 - 100 and -10 <= y < 800 - 30
            eventually(f"the window in sight with {lines!r}", 20, in_sight)


def window_closed_in_mid_answer(case):
    """Closed while it answers: it ends at once and in order."""
    with case.desk.tape(case.folder) as tape, _opened(case, "run") as (program, window):
        after_greeting(tape)
        start = tape.now()
        case.desk.play(sound.speech(case.speech, SENTENCE))
        tape.wait_sound(start, 40, "a reply")
        window.close()
        program.wait_end(20)


def window_with_a_screen_that_stands_still(case):
    """The screen stops for five seconds, and the thread of the window with it: what is said meanwhile is answered aloud."""
    pid = int((case.desk.folder / "pids" / "screen").read_text().split()[0])
    with case.desk.tape(case.folder) as tape, _opened(case, "run") as (program, window):
        after_greeting(tape)
        os.kill(pid, signal.SIGSTOP)
        try:
            start = tape.now()
            case.desk.play(sound.speech(case.speech, SENTENCE))
            begun = tape.wait_sound(start, 40, "a reply while the screen stands still")
            tape.wait_quiet(1.0, 40, begun)
        finally:
            os.kill(pid, signal.SIGCONT)
        require(program.alive(), "it ended with the screen")
        window.key("Escape")


def window_of_8k_gives_its_memory_back(case):
    """As large as the largest screens, and small again: the memory for the large picture is given back."""
    (case.folder / "config.yaml").write_text("window: {welcome: done, renderer: software}\n")
    with case.desk.tape(case.folder) as tape, _opened(case, "run") as (program, window):
        after_greeting(tape)
        before = program.usage()[1]

        def resize(width, height):
            case.desk.x("xdotool", "windowsize", window.id, str(width), str(height))
            eventually(f"{width}x{height}", 20, lambda: _place(case, window)[2:] == [width, height])
        resize(7680, 4320)
        large = eventually("the large picture", 20, lambda: (now := program.usage()[1]) > before + 100 and now)
        resize(1100, 720)
        case.figure("memory before", before, "MB")
        case.figure("of 8K", large, "MB")
        after = eventually("the memory back", 20, lambda: (now := program.usage()[1]) < before + 40 and now)
        case.figure("after", after, "MB")


CASES = []
CASES_ON_A_DESK = [window_is_as_it_was_left, window_comes_back_from_nowhere, window_closed_in_mid_answer,
                   window_with_a_screen_that_stands_still, window_of_8k_gives_its_memory_back]
