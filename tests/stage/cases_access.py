"""The window for everyone: read by a screen reader, and a whole first visit by the keyboard alone and by the pointer alone."""

import contextlib
import re
import time

import numpy as np

import sound
from access import ScreenReader
from cases_talk import SENTENCE, after_greeting
from cases_window import LONG
from desk import Failure, Window, eventually, require
from program import Program

MARGIN = 28  # of the pages to the words of the bars, in pixels
TYPED = "Which mountain is the highest"


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
        self.desk.x("xdotool", "mousedown", "1", "sleep", "0.1", "mouseup", "1")  # as long as a hand takes
        return node

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


# -- the screen reader --


def every_element_is_named(visit, page):
    """All that can be operated has a role and a name of its own: the same one twice only in rows that say different things."""
    nodes = visit.reader.nodes()
    operated = [node for node in nodes if node.is_interactive() and "focusable" in node.states]
    require(len(operated) >= 3, f"{page}: {len(operated)} elements")
    unnamed = [node.role for node in operated if not node.name.strip()]
    require(not unnamed, f"{page}: without a name: {unnamed}")
    strange = [node for node in nodes if "focusable" in node.states and not node.is_interactive() and node.role != "frame"]
    require(not strange, f"{page}: can have the focus, and has no role that says what it does: {strange}")
    twice = [node for node in operated if node.description == node.name]
    require(not twice, f"{page}: read twice: {twice}")
    for node in nodes:
        told = {}
        for place, child in enumerate(node.children):
            if child.role == "button" and "focusable" in child.states:
                told.setdefault(child.name, []).append(place)
        for name, places in told.items():
            rows = [row_of(node.children, place) for place in places]
            require(len(set(rows)) == len(rows), f"{page}: {len(rows)} buttons {name!r} side by side, rows {rows}")
    return len(operated)


def row_of(siblings, place):
    """The words before an element and after it, up to the next elements of its name."""
    same = [at for at, node in enumerate(siblings) if node.name == siblings[place].name and node.role == siblings[place].role]
    before = max((at for at in same if at < place), default=-1)
    after = min((at for at in same if at > place), default=len(siblings))
    return tuple(node.name for node in siblings[before + 1 : after] if node.role in ("label", "heading", "paragraph"))


def screen_reader_reads_the_window(case):
    """Over AT-SPI: names and roles of every page, the words of an answer, states as they change, and what is done from there."""
    elements = 0
    with visited(case, "--demo") as visit:
        reader = visit.reader
        require(visit.frame.name == visit.window.title(), f"the window is called {visit.frame.name!r}, its title is {visit.window.title()!r}")
        after_greeting(visit.tape)
        reader.says("Hello, I am the offline demo")
        elements += every_element_is_named(visit, "conversation")

        before = len(visit.answers())
        visit.has_turn()
        reader.says(re.compile("^Your own voice, "))
        require(len(visit.answers()) > before, "the answer has no button")
        visit.picture("answered")
        said = [words for words, _ in reader.announcements()]
        require({"Hearing you", "Answering", "Listening"} <= set(said), f"announced: {said}")
        elements += every_element_is_named(visit, "conversation with a turn")

        mute = reader.find("Mute")
        require(mute.role == "toggle button" and "pressed" not in mute.states, f"{mute} {mute.states}")
        reader.press(mute)
        eventually("mute to be pressed", 20, lambda: "pressed" in reader.find("Mute").states)
        eventually("the announcement", 20, lambda: "Muted" in [words for words, _ in reader.announcements()])
        visit.picture("muted")
        reader.press(reader.find("Mute"))
        eventually("mute to be up", 20, lambda: "pressed" not in reader.find("Mute").states)

        reader.press(reader.find("Sound", "button"))
        reader.find("Check the sound", "button")
        elements += every_element_is_named(visit, "sound")
        visit.key("Escape")
        reader.gone("Check the sound", "button")

        reader.press(reader.find(re.compile("^Settings"), "button"))
        reader.find("Settings", "heading")
        sections = [node.name for node in reader.all(role="radio button") if node.name in
                    ("General", "Sound", "Talking", "Profile", "Key and account", "Appearance", "Privacy", "About")]
        require(len(sections) == 8, f"sections: {sections}")
        for name in sections:
            reader.press(reader.find(name, "radio button"))
            eventually(f"section {name}", 20, lambda: "checked" in reader.find(name, "radio button").states)
            visit.picture(f"settings-{name.lower().replace(' ', '-')}")
            elements += every_element_is_named(visit, f"settings, {name}")
        reader.press(reader.find("Sound", "radio button"))
        reader.set_value(reader.find("Volume of replies", "slider"), 40)
        visit.kept("volume: 0.4")
        reader.press(reader.find("Talking", "radio button"))
        opens = reader.find("Speech opens the microphone", "check box")
        require("checked" in opens.states, f"{opens.states}")
        reader.press(opens)
        visit.kept("voice_activation: ")
        eventually("the check box to be off", 20, lambda: "checked" not in reader.find(opens.name, opens.role).states)
        reader.press(reader.find(f"Reset: {opens.name}"))
        reader.press(reader.find("Back", "button"))

        for key, page in (("ctrl+d", "Details"), ("ctrl+h", "Conversations")):
            visit.key(key)
            reader.find(page, "heading")
            visit.picture(page.lower())
            elements += every_element_is_named(visit, page)
            visit.key("Escape")
            reader.gone(page, "heading")
        if more := reader.all(re.compile(r"^\d+ more$"), "button"):
            reader.press(more[0])
        reader.press(reader.find(re.compile("^Connect to Gemini"), "button"))
        reader.find("Save and connect", "button")
        visit.picture("key")
        elements += every_element_is_named(visit, "key")
        visit.window.close()
    case.figure("elements with role and name", elements, "")


# -- the whole visit --


def whole_visit_by_keyboard_alone(case):
    """A new user with nothing but keys: set-up, talk, mute, stop, typed text, search, settings, pages; the focus is seen at each step."""
    with visited(case) as visit:
        reader = visit.reader
        visit.desk.x("xdotool", "mousemove", "0", "0")  # it lies on nothing
        visit.tape.wait_quiet(1.2, 60, visit.tape.wait_sound(0, 60, "the greeting"))
        visit.tab_to("Set up", "button")
        visit.picture("welcome")
        visit.key("Return")

        reader.find("Say something", "heading")
        visit.tab_to("Virtual_Microphone", "radio button", back=True)
        visit.picture("microphone-chosen")
        visit.key("Return")
        visit.kept("input_device:")
        visit.has_turn()
        reader.says("We hear you")
        visit.tab_to("Next", "button")
        visit.picture("microphone-heard")
        visit.key("Return")

        reader.find("Can you hear it?", "heading")
        visit.tab_to(re.compile("(?i)^volume$"), "slider", back=True)
        visit.key("Left", 5)
        visit.kept("volume: 0.95")
        visit.picture("speaker-volume")
        visit.tab_to("Play a sound", "button")
        start = visit.tape.now()
        visit.key("Return")
        visit.tape.wait_quiet(1.0, 40, visit.tape.wait_sound(start, 40, "the last answer again"))
        visit.picture("speaker-played")
        visit.enters("I heard it", "button")

        reader.find("Save and connect", "button")
        visit.tab_to("Skip", "button")
        visit.picture("connect")
        visit.key("Return")
        reader.find(re.compile("^Say: "), "heading")
        visit.tab_to("Start", "button")
        visit.picture("try")
        visit.key("Return")
        reader.find("New conversation", "button")
        visit.kept("welcome: done")
        visit.has_turn()
        visit.picture("conversation")

        visit.enters("Mute")
        eventually("mute to be pressed", 20, lambda: "pressed" in reader.find("Mute").states)
        visit.picture("muted")
        visit.key("Return")
        eventually("mute to be up", 20, lambda: "pressed" not in reader.find("Mute").states)
        visit.stops_an_answer(lambda: visit.key("Escape"))
        visit.picture("stopped")

        answers = len(visit.answers())
        visit.key("slash")
        visit.has_focus("Message")
        visit.types(TYPED)
        visit.ring(reader.find("Message", "entry"))
        visit.picture("typed")
        visit.key("Return")
        eventually("an answer to what was typed", 30, lambda: len(visit.answers()) > answers)
        reader.says(TYPED)
        visit.key("Escape")
        visit.seeks("Find in this conversation", "mountain")
        reader.says("1 of 1")
        visit.ring(reader.find("Find in this conversation", "entry"))
        visit.picture("found")
        visit.key("Escape")

        visit.key("ctrl+comma")
        visit.seeks("Search settings", "speech opens")
        visit.tab_to("Speech opens the microphone", "check box")
        visit.picture("setting-found")
        visit.key("Return")
        visit.kept("voice_activation: ")
        visit.picture("setting-changed")
        visit.enters("Reset: Speech opens the microphone")
        visit.seeks("Search settings", "theme")
        visit.tab_to("Colours", "combo box")
        visit.key("Return")
        reader.find("Light")
        visit.tab_to("Light")
        visit.picture("setting-list")
        visit.key("Return")
        visit.kept("theme: light")
        visit.picture("setting-theme")
        visit.leaves("Settings")

        visit.enters("Ultra-fast", "radio button")
        eventually("another profile", 20, lambda: "checked" in reader.find("Ultra-fast", "radio button").states)
        visit.picture("profile")
        visit.key("ctrl+d")
        reader.find("Details", "heading")
        visit.tab_to("24 h", "radio button")
        visit.picture("details")
        visit.key("Escape")
        visit.key("ctrl+h")
        reader.find("Conversations", "heading")
        visit.key("Down")
        row = eventually("a conversation with the focus", 10, lambda: (f := reader.focused()) and f.role == "button" and "turn" in f.name and f)
        visit.ring(row)
        visit.picture("conversations")
        visit.key("Return")
        reader.find("Back to this conversation", "button")
        visit.picture("conversation-opened")
        visit.key("Escape", 2)
        reader.find("Message", "entry")
        visit.key("ctrl+n")
        eventually("an empty conversation", 20, lambda: not reader.all(TYPED))
        visit.picture("new-conversation")
        visit.window.close()


def whole_visit_by_pointer_alone(case):
    """The same with nothing but the pointer; where things are is asked of the tree."""
    with visited(case) as visit:
        reader = visit.reader
        visit.tape.wait_quiet(1.2, 60, visit.tape.wait_sound(0, 60, "the greeting"))
        visit.picture("welcome")
        visit.clicks("Set up", "button")
        reader.find("Say something", "heading")
        visit.clicks("Virtual_Microphone", "radio button")
        visit.kept("input_device:")
        visit.has_turn()
        reader.says("We hear you")
        visit.picture("microphone")
        visit.clicks("Next", "button")
        reader.find("Can you hear it?", "heading")
        volume = visit.clicks(re.compile("(?i)^volume$"), "slider")
        eventually("a lower volume", 20, lambda: reader.value(volume) < 90)
        start = visit.tape.now()
        visit.clicks("Play a sound", "button")
        visit.tape.wait_quiet(1.0, 40, visit.tape.wait_sound(start, 40, "the last answer again"))
        visit.picture("speaker")
        visit.clicks("I heard it", "button")
        reader.find("Save and connect", "button")
        visit.picture("connect")
        visit.clicks("Skip", "button")
        reader.find(re.compile("^Say: "), "heading")
        visit.picture("try")
        visit.clicks("Start", "button")
        visit.kept("welcome: done")
        visit.has_turn()
        visit.picture("conversation")

        visit.clicks("Mute")
        eventually("mute to be pressed", 20, lambda: "pressed" in reader.find("Mute").states)
        visit.picture("muted")
        visit.clicks("Mute")
        eventually("mute to be up", 20, lambda: "pressed" not in reader.find("Mute").states)
        visit.stops_an_answer(lambda: visit.clicks("Stop the reply", "button"))
        visit.picture("stopped")
        answers = len(visit.answers())
        visit.clicks("Correct", "button")
        visit.picture("corrected")
        visit.clicks("Send", "button")
        eventually("an answer to what was sent", 30, lambda: len(visit.answers()) > answers)
        visit.moves_to(visit.answers()[-1])
        visit.picture("pointed-at")

        visit.clicks(re.compile("^Settings"), "button")
        visit.clicks("Talking", "radio button")
        visit.clicks("Speech opens the microphone", "check box")
        visit.kept("voice_activation: ")
        visit.picture("setting")
        visit.clicks("Reset: Speech opens the microphone", "button")
        visit.clicks("Appearance", "radio button")
        visit.clicks("Colours", "combo box")
        time.sleep(0.5)
        visit.picture("setting-list")
        visit.clicks("Light")
        visit.kept("theme: light")
        visit.picture("setting-theme")
        visit.clicks("Back", "button")

        visit.clicks("Ultra-fast", "radio button")
        eventually("another profile", 20, lambda: "checked" in reader.find("Ultra-fast", "radio button").states)
        visit.clicks(re.compile("^Reply time"), "button")
        visit.picture("panel")
        visit.clicks(re.compile("^Details"), "button")
        reader.find("Details", "heading")
        visit.picture("details")
        visit.clicks("Back", "button")
        visit.clicks(re.compile("^Conversations"), "button")
        reader.find("Conversations", "heading")
        visit.picture("conversations")
        visit.clicks(re.compile("^now, "), "button")
        reader.find("Back to this conversation", "button")
        visit.picture("conversation-opened")
        visit.clicks("Back to this conversation", "button")
        visit.clicks("New conversation", "button")
        eventually("an empty conversation", 20, lambda: not visit.answers())
        visit.picture("new-conversation")
        visit.closes_with_the_frame()


CASES = [screen_reader_reads_the_window, whole_visit_by_keyboard_alone, whole_visit_by_pointer_alone]
