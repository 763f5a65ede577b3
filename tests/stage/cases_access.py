"""The window for everyone: read by a screen reader, and a whole first visit by the keyboard alone and by the pointer alone."""

import re
import time

from cases_talk import after_greeting
from desk import eventually, require
from visit import visited

TYPED = "Which mountain is the highest"


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
                    ("General", "Sound", "Talking", "Profile settings", "Key and account", "Appearance", "Privacy", "About")]
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
        reader.says("2 of 2")  # The demo repeats what was typed.
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
        visit.moves_to(reader.find("Stop the reply", "button"))
        visit.stops_an_answer(visit.presses)
        visit.picture("stopped")
        answers = len(visit.answers())
        visit.clicks("Change what I said", "button")
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
        reader.gone("Copy what you said", "button")
        visit.picture("new-conversation")
        visit.closes_with_the_frame()


def everything_is_removed_by_the_window(case):
    """After a question the window closes, and nothing of the program's is left in its folders; what is not its own stays."""
    (case.folder / "config.yaml").write_text("state: state\nkeep: forever\n")
    (case.folder / "profiles").mkdir()
    (case.folder / "profiles" / "mine.yaml").write_text("target_ms: 350\n")
    (case.folder / "key").write_text("AIzaSyTEST1234abcd")
    (case.folder / "key").chmod(0o600)
    (case.folder / "notes.txt").write_text("not the program's")
    state = case.folder / "state"
    with visited(case, "--demo") as visit:
        after_greeting(visit.tape)
        visit.has_turn()
        eventually("the conversation to be kept", 20, lambda: list(state.glob("conversations.db*")))
        require(list(state.glob("logs/*.log")), "there is no log")
        visit.clicks(re.compile("^Settings"), "button")
        visit.clicks("Privacy", "radio button")
        visit.clicks("Remove everything…", "button")
        visit.picture("asked")
        visit.clicks("Remove everything and close", "button")
        visit.program.wait_end(30)
    left = [name for name in ("config.yaml", "config.choices.yaml", "key", "profiles", "state") if (case.folder / name).exists()]
    require(not left, f"left: {left}, {list(state.rglob('*'))}")
    require((case.folder / "notes.txt").exists(), "a file of the user is gone")


CASES = [screen_reader_reads_the_window, whole_visit_by_keyboard_alone, whole_visit_by_pointer_alone, everything_is_removed_by_the_window]
