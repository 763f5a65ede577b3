"""A visit to the window: what a visitor sees, hears and does, by keys or with the pointer, each step with a picture."""

import contextlib
import re
import time

import numpy as np

import sound
from access import ScreenReader
from cases_talk import SENTENCE
from cases_window import LONG
from desk import Failure, Window, eventually, require
from program import Program

MARGIN = 28  # of the pages to the words of the bars, in pixels


@contextlib.contextmanager
def visited(case, *arguments):
    """The program on a bus with a screen reader, its window in front."""
    case.desk.window_manager()
    config = case.folder / "config.yaml"
    with ScreenReader(case) as reader, case.desk.tape(case.folder) as tape, \
            Program(case.binary, ["--config", config, *arguments], case.folder, reader.environment) as program:
        visit = Visit(case, reader, Window(case.desk, program), tape, program)
        yield visit
        program.wait_end(30)
        require("panicked" not in program.stderr(), f"it panicked: {program.stderr()[-400:]}")


class Visit:
    """What a visitor sees, hears and does; each step is a picture in the case's folder."""

    def __init__(self, case, reader, window, tape, program):
        self.case, self.desk, self.reader, self.window, self.tape, self.program = case, case.desk, reader, window, tape, program
        self.config, self.steps = case.folder / "config.yaml", 0
        self.frame = reader.window()

    def picture(self, name):
        self.steps += 1
        self.desk.screenshot(self.case.folder / f"{self.steps:02}-{name}.png")
        (self.case.folder / f"{self.steps:02}-{name}.txt").write_text("\n".join(map(repr, self.reader.nodes())) + "\n")

    def kept(self, words):
        """Waits for a line of the configuration."""
        eventually(f"{words!r} in config.yaml", 20, lambda: self.config.exists() and words in self.config.read_text())

    def says_aloud(self, text):
        """Speaks; gives the place on the tape where that began."""
        start = self.tape.now()
        self.desk.play(sound.speech(self.case.speech, text))
        return start

    def has_turn(self, text=SENTENCE):
        """A spoken turn up to the end of its answer."""
        start = self.says_aloud(text)
        self.tape.wait_quiet(1.0, 40, self.tape.wait_sound(start, 40, "an answer"))

    def stops_an_answer(self, stop):
        """A long answer, ended by what is given."""
        start = self.says_aloud(LONG)
        begun = self.tape.wait_sound(start, 40, "a long answer")
        eventually("the answer to be shown", 20, lambda: self.reader.all("Answering"))
        stop()
        quiet = self.tape.wait_quiet(1.0, 40, begun)
        said, heard = sound.span(self.tape.mouth(start)), sound.span(self.tape.speaker(start, quiet + 1))
        require(heard[1] - heard[0] < 0.8 * (said[1] - said[0]), "the answer was not stopped")

    def answers(self):
        return self.reader.all("Copy what Demo said", "button")

    # -- by the keyboard --

    def key(self, name, times=1):
        for _ in range(times):
            self.window.key(name)

    def types(self, words):
        self.desk.x("xdotool", "type", "--delay", "20", words)

    def tab_to(self, name, role=None, back=False, most=80):
        """Tab until this element has the focus; every element on the way has a name. Gives it, with its ring seen."""
        wanted = name if hasattr(name, "search") else re.compile(f"^{re.escape(name)}$")
        way = []
        for _ in range(most):
            before = self.reader.focused()
            if before and wanted.search(before.name) and role in (None, before.role):
                self.ring(before)
                return before
            self.key("shift+Tab" if back else "Tab")
            path = before and before.path
            now = eventually("the focus to move", 10, lambda: (f := self.reader.focused()) and f.path != path and f)
            require(now.name, f"Tab leads to something without a name, after {way}")
            way.append(now.name)
        raise Failure(f"Tab does not lead to {name!r}, but to {way}")

    def leaves(self, page):
        """Esc, once more where a list was open."""
        eventually(f"{page} to be left", 20, lambda: not self.reader.all(page, "heading") or self.key("Escape"), 1)

    def has_focus(self, name):
        eventually(f"the focus on {name}", 20, lambda: (node := self.reader.focused()) and node.name == name)

    def seeks(self, field, words):
        """Ctrl+F, and words in the place of what was looked for before."""
        self.key("ctrl+f")
        self.has_focus(field)
        self.key("ctrl+a")
        self.types(words)

    def ring(self, node):
        """The element with the focus is in the window, and has a ring."""
        def seen():
            place = self.reader.place(node)
            return ringed(self.desk.pixels(), place)
        try:
            eventually(f"a ring around {node}", 5, seen, 0.3)
        except Failure:
            self.picture("no-ring")
            raise

    def enters(self, name, role=None, back=False):
        node = self.tab_to(name, role, back)
        self.key("Return")
        return node

    # -- by the pointer --

    def moves_to(self, node):
        """The pointer in the middle of the element, once it has come to rest there; scrolls to it with the wheel."""
        def rests():
            first = self.reader.place(node)
            time.sleep(0.4)
            return first if first == self.reader.place(node) else None
        first, last = self.page()
        before = None
        while True:
            left, top, width, height = place = eventually(f"{node} to rest", 10, rests)
            middle = top + height // 2
            # What the wheel does not move is in no page that scrolls.
            if first <= top and top + height <= last or place == before or self.is_of_a_bar(node):
                break
            before = place
            frame = self.reader.place(self.frame)
            self.moves_pointer(frame[0] + frame[2] // 2, (first + last) // 2)
            self.desk.x("xdotool", "click", "5" if middle > first + height else "4")
        self.moves_pointer(left + width // 2, middle)
        time.sleep(0.3)

    def moves_pointer(self, x, y):
        self.desk.x("xdotool", "mousemove", str(x), str(y))

    def bars(self):
        """The elements of the bars at the top and at the bottom of the window: the first two parts of it."""
        frame = next(node for node in self.reader.nodes() if node.role == "frame")
        return [bar.children for bar in frame.children[:2]]

    def is_of_a_bar(self, node):
        return any(node.path == one.path for bar in self.bars() for one in bar)

    def page(self):
        """Top and bottom of what is surely between the bars: what scrolls ends some way from their words."""
        top, bottom = self.bars()
        lowest = max(place[1] + place[3] for place in map(self.reader.place, top))
        return lowest + MARGIN, min(self.reader.place(node)[1] for node in bottom) - MARGIN

    def clicks(self, name, role=None):
        node = self.reader.find(name, role)
        self.moves_to(node)
        self.presses()
        return node

    def presses(self):
        """The button of the pointer, as long as a hand takes."""
        self.desk.x("xdotool", "mousedown", "1", "sleep", "0.1", "mouseup", "1")

    def closes_with_the_frame(self):
        """The button that openbox draws at the right of the title."""
        left, top, width, _ = self.reader.place(self.frame)
        self.moves_pointer(left + width - 10, top - 10)
        self.desk.x("xdotool", "click", "1")


def ringed(pixels, place):
    """Whether a line that stands out runs around a place, seen in the middle of three sides at least: near its edge there is
    a distance at which pixels differ from those inside and outside of it."""
    left, top, width, height = place
    middle_x, middle_y = left + width // 2, top + height // 2
    light = luminance(pixels)
    half = 4
    def line(side, distance):
        if side in ("left", "right"):
            x = left - 1 - distance if side == "left" else left + width + distance
            return light[middle_y - half : middle_y + half, x] if 0 <= x < light.shape[1] else None
        y = top - 1 - distance if side == "top" else top + height + distance
        return light[y, middle_x - half : middle_x + half] if 0 <= y < light.shape[0] else None
    def stands_out(side):
        for distance in range(-4, 7):
            lines = [line(side, distance + by) for by in (-3, 0, 3)]
            if any(one is None or one.size == 0 for one in lines):
                continue
            inner, ring, outer = lines
            if (contrast(ring, inner) >= 2).mean() >= 0.9 and (contrast(ring, outer) >= 2).mean() >= 0.9:
                return True
        return False
    return sum(map(stands_out, ("left", "right", "top", "bottom"))) >= 3


def luminance(pixels):
    share = pixels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    return (np.maximum(one, other) + 0.05) / (np.minimum(one, other) + 0.05)
