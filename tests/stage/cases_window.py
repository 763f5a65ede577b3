"""The window, with the rig's microphone and speaker, driven by real keys."""

import contextlib
import json
import threading
import time
from pathlib import Path

import sound
from cases_conformance import Ours, Service
from cases_talk import SENTENCE, after_greeting, say_and_hear, tape_total, whole
from desk import Failure, Window, eventually, require
from program import Program

LONG = "Let me see how long you will go on talking when nobody stops you before you reach the far end of the sentence"
FIRST, SECOND = "The first half of this thought comes now", "and the second half comes a good while later"


@contextlib.contextmanager
def open_window(case, *arguments, environment=None):
    """The program with its window in front; closed by the window manager, as a user would."""
    case.desk.window_manager()
    started = time.monotonic()
    with case.desk.tape(case.folder) as tape, \
            Program(case.binary, [*arguments], case.folder, {**case.desk.environment, **(environment or {})}) as program:
        window = Window(case.desk, program)
        case.figure("window after", (time.monotonic() - started) * 1000)
        yield program, window, tape
        require(program.alive(), f"it ended by itself, status {program.process.returncode}: {program.stderr()[-300:]}")
        percent, megabytes = program.usage()
        case.figure("CPU", percent, "% of a core")
        case.figure("memory", megabytes, "MB")
        closed = time.monotonic()
        window.close()
        program.wait_end(20)
        case.figure("closed in", (time.monotonic() - closed) * 1000)
        require("panicked" not in program.stderr(), f"it panicked: {program.stderr()[-400:]}")


def window_hears_and_answers(case):
    with open_window(case, "--demo") as (_, window, tape):
        after_greeting(tape)
        case.desk.screenshot(case.folder / "1-listening.png")
        player = _in_background(lambda: _when_it_sounds(case.desk, tape, tape.now() + sound.RATE, case.folder / "2-answering.png"))
        said, heard, score = say_and_hear(case, tape)
        player.join()
        case.desk.screenshot(case.folder / "3-after-a-turn.png")
        require("Sovereign" in window.title() or "sovereign" in window.title(), f"title: {window.title()!r}")
        case.figure("total off the tape", tape_total(said, heard))
        case.figure("correlation", f"{score:.2f}")


def window_sets_up_a_new_user(case):
    """Without a key: the demo greets beside the set-up, Enter leads through it, and the next start goes on with the step."""
    config = case.folder / "config.yaml"

    def kept(word):
        eventually(f"the step {word!r} to be kept", 20, lambda: config.exists() and f"welcome: {word}" in config.read_text())

    with open_window(case, "--config", config) as (_, window, tape):
        greeted = tape.wait_sound(0, 60, "the greeting")
        case.figure("greeting heard after", greeted / sound.RATE * 1000)
        tape.wait_quiet(1.2, 60)
        kept("welcome")
        window.key("Return")
        kept("microphone")
        start = tape.now()
        case.desk.play(sound.speech(case.speech, SENTENCE))
        answered = tape.wait_sound(start, 40, "one's own voice")
        tape.wait_quiet(0.8, 40, answered)
        window.key("Return")
        kept("speaker")
        case.desk.screenshot(case.folder / "1-speaker.png")
    with open_window(case, "--config", config) as (_, window, tape):
        tape.wait_sound(0, 60, "the greeting")
        window.key("Return")
        kept("connect")


def window_keys(case):
    """Ctrl+M, Space, Esc and F12 do what they say."""
    desk = case.desk
    with open_window(case, "--demo") as (_, window, tape):
        after_greeting(tape)

        window.key("ctrl+m")
        start = tape.now()
        desk.play(sound.speech(case.speech, SENTENCE))
        desk.screenshot(case.folder / "1-muted.png")
        passes(tape, 3)
        require(sound.span(tape.speaker(start)) is None, "muted, and yet it answered")
        window.key("ctrl+m")
        passes(tape, 0.5)
        say_and_hear(case, tape)

        # Held over a pause longer than any patience: one turn of both halves.
        start = tape.now()
        with window.hold("space"):
            passes(tape, 0.3)
            desk.screenshot(case.folder / "2-held.png")
            desk.play(sound.speech(case.speech, FIRST))
            passes(tape, 1.5)
            require(sound.span(tape.speaker(start)) is None, "it answered while Space was held")
            desk.play(sound.speech(case.speech, SECOND))
            passes(tape, 0.2)
        held = (tape.now() - start) / sound.RATE
        begun = tape.wait_sound(start, 40, "a reply after Space was let go")
        tape.wait_quiet(held, 60, begun)  # no pause within the reply is as long
        whole(case, tape, start, "held")

        start = tape.now()
        desk.play(sound.speech(case.speech, LONG))
        begun = tape.wait_sound(start, 40, "a long reply")
        passes(tape, 0.5)
        pressed = tape.now()
        window.key("Escape")
        quiet = tape.wait_quiet(1.0, 40, begun)
        desk.screenshot(case.folder / "3-stopped.png")
        said, heard = sound.span(tape.mouth(start)), sound.span(tape.speaker(start, quiet + 1))
        require(heard[1] - heard[0] < 0.8 * (said[1] - said[0]),
                f"Esc did not stop it: {(heard[1] - heard[0]) / sound.RATE:.1f} s of {(said[1] - said[0]) / sound.RATE:.1f} s were heard")
        case.figure("Esc to silence, at most", (quiet - pressed) * 1000 / sound.RATE)

        _picture_changes(case, window, "F12", "4-panel")


def window_profiles(case):
    """Ctrl+1, 2, 3 choose the profile: the patience can be heard."""
    desk = case.desk
    with open_window(case, "--demo") as (_, window, tape):
        after_greeting(tape)
        for key, name, least_ms in (("ctrl+1", "ultra-fast", 250), ("ctrl+3", "high-quality", 650), ("ctrl+2", "balanced", 450)):
            window.key(key)
            passes(tape, 0.7)
            desk.screenshot(case.folder / f"{name}.png")
            said, heard, _ = say_and_hear(case, tape)
            waited = tape_total(said, heard)
            require(waited >= least_ms, f"{name} answered after {waited:.0f} ms, sooner than its patience")
            case.figure(f"{name}: total off the tape", waited)


def window_with_opengl(case):
    """OpenGL draws it where the settings say so; where its driver is missing, the window opens and talks all the same."""
    config = case.folder / "config.yaml"
    config.write_text("window: {renderer: opengl, welcome: done}\n")
    missing = {"LIBGL_DRIVERS_PATH": "/missing", "__EGL_VENDOR_LIBRARY_DIRS": "/missing"}
    for name, environment in (("with its driver", {}), ("without its driver", missing)):
        with open_window(case, "--demo", "--config", config, environment=environment) as (program, window, tape):
            after_greeting(tape)
            mapped = (Path("/proc") / str(program.process.pid) / "maps").read_text()
            require(("_dri.so" in mapped or "libgallium" in mapped) != bool(environment), f"drawn by the other: {name}")
            said, heard, _ = say_and_hear(case, tape)
            case.figure(f"{name}: total off the tape", tape_total(said, heard))
            _picture_changes(case, window, "ctrl+d", name.replace(" ", "-"))


def window_comes_back_whole(case):
    """All of it is there from the start on, and again after it was minimised."""
    desk = case.desk
    with open_window(case, "--demo") as (_, window, tape):
        after_greeting(tape)
        window.key("ctrl+m")
        passes(tape, 3)
        desk.screenshot(case.folder / "before.png")
        before = desk.pixels()

        def is_back(after):
            # Figures and notices may have changed; what is not drawn is black, as nothing of the window is.
            def missing(now):
                return ((now == 0).all(axis=2) & (before != 0).any(axis=2)).mean()

            eventually(f"the whole window {after}", 10, lambda: missing(desk.pixels()) < 0.001)

        for _ in range(3):
            desk.x("xdotool", "windowminimize", window.id)
            passes(tape, 0.5)
            desk.x("xdotool", "windowmap", window.id)
        is_back("after it was minimised")


def window_of_the_first_start_is_shown_by_a_second(case):
    """A second start ends at once and brings the minimised window back; commands reach it, and are timed."""
    desk = case.desk
    with open_window(case, "--demo") as (program, window, tape):
        after_greeting(tape)

        def command(*arguments):
            with Program(case.binary, [*arguments], case.folder / "second", desk.environment) as asked:
                asked.wait_end(20)
                return "".join(asked.lines)

        for _ in range(2):
            desk.x("xdotool", "windowminimize", window.id)
            passes(tape, 1)
            require(desk.x("xdotool", "getactivewindow", check=False).strip() != window.id, "it is not minimised")
            command()
            eventually("the window of the first start", 10, lambda: desk.x("xdotool", "getactivewindow", check=False).strip() == window.id)
        times = []
        for _ in range(50):
            since = time.monotonic()
            status = json.loads(command("status", "--json"))
            times.append(time.monotonic() - since)
        require(status["pid"] == program.process.pid, status)
        case.figure("status, the start of the command included, median", 1000 * sorted(times)[25], "ms")
        command("mute", "on")
        eventually("it is muted", 5, lambda: json.loads(command("status", "--json"))["muted"])


def window_figures(case):
    """Ctrl+4 lets the program choose the profile, Ctrl+D leads to the page of figures; both outlive turns."""
    with open_window(case, "--demo") as (_, window, tape):
        after_greeting(tape)
        window.key("ctrl+4")
        passes(tape, 0.7)
        said, heard, _ = say_and_hear(case, tape)
        case.figure("auto: total off the tape", tape_total(said, heard))
        _picture_changes(case, window, "ctrl+d", "1-figures")
        said, heard, _ = say_and_hear(case, tape)
        case.figure("with the page open: total off the tape", tape_total(said, heard))
        passes(tape, 1.5)
        case.desk.screenshot(case.folder / "2-two-turns.png")
        _picture_changes(case, window, "Escape", "3-back")


def window_switch_in_mid_sentence(case):
    """Switches while the user speaks lose nothing of what is said: the server hears as much as was spoken.

    A sound server without processor time drops periods too; so a sentence that came short is said again, and that is told.
    What a switch loses, it loses each time.
    """
    attempts = 3
    with Ours(case, "--greet") as server, \
            open_window(case, "--endpoint", server.url, environment={"GEMINI_API_KEY": "test-key"}) as (_, window, tape):
        after_greeting(tape)
        for attempt in range(1, attempts + 1):
            try:
                _switched_sentence(case, server, window, tape)
                break
            except Failure as failure:
                if attempt == attempts:
                    raise
                case.figure(f"attempt {attempt}", str(failure).split(": 0.0 s")[0])


def window_unmuted_hears_the_first_syllable(case):
    """Muted, the microphone is released; words that begin as the key goes down again are heard as whole as others.

    What the server hears of a sentence is compared with what it hears of it while nobody was muted.
    """
    with Ours(case, "--greet") as server, \
            open_window(case, "--endpoint", server.url, environment={"GEMINI_API_KEY": "test-key"}) as (_, window, tape):
        after_greeting(tape)

        def missing(unmutes):
            """Milliseconds that were said and not heard, and those from the key to the first sound."""
            if unmutes:
                window.key("ctrl+m")
                _passes(tape, 2)
            start, before = tape.now(), len(server.turns())
            if unmutes:
                window.key("ctrl+m")
            pressed = tape.now()
            case.desk.play(sound.speech(case.speech, SENTENCE))
            tape.wait_quiet(1.5, 60, tape.wait_sound(start, 40, "a reply"))
            said = sound.span(tape.mouth(start))
            return (said[1] - said[0]) * 1000 / sound.RATE - sum(turn["voice_ms"] for turn in server.turns()[before:]), (start + said[0] - pressed) * 1000 / sound.RATE

        usual = sorted(missing(False)[0] for _ in range(3))[1]
        found = [missing(True) for _ in range(5)]
        lost = sorted(ms - usual for ms, _ in found)
        case.figure("from the key to the first sound, at least", min(after for _, after in found))
        case.figure("lost of the first word, median of five", lost[2])
        case.figure("of all", " ".join(f"{ms:.0f}" for ms in lost), "")
        require(lost[2] <= 40, f"unmuting costs {lost} ms of the first word")


def _switched_sentence(case, server, window, tape):
    start, before = tape.now(), len(server.turns())
    player = _in_background(lambda: case.desk.play(sound.speech(case.speech, LONG)))
    eventually("speech", 20, lambda: sound.span(tape.mouth(start)))
    for key in ("ctrl+1", "ctrl+3", "ctrl+2"):
        passes(tape, 1.0)
        window.key(key)
    case.desk.screenshot(case.folder / "1-switched.png")
    player.join()
    begun = tape.wait_sound(start, 40, "a reply")
    tape.wait_quiet(2.0, 60, begun)
    turns = server.turns()[before:]
    require(len(turns) == 1, f"{len(turns)} turns, 1 wanted")
    said, heard = whole(case, tape, start, "switched") * 1000, turns[0]["voice_ms"]
    require(abs(heard - said) <= 150, f"said {said:.0f} ms, the server heard {heard:.0f} ms")
    case.figure("said", said)
    case.figure("heard", heard)


def window_with_a_service(case):
    """With a key and an endpoint the same window speaks the Live protocol to it, without a fault."""
    with Service(case.folder, "--latency-ms", 150, "--reply-ms", 1500) as service:
        with open_window(case, "--endpoint", service.url, environment={"GEMINI_API_KEY": "test-key"}) as (_, _window, tape):
            passes(tape, 1.5)
            start = tape.now()
            case.desk.play(sound.speech(case.speech, SENTENCE))
            begun = tape.wait_sound(start, 40, "the service's tone")
            tape.wait_quiet(0.8, 40, begun)
            case.desk.screenshot(case.folder / "window.png")
        service.verdict()


def passes(tape, seconds):
    """Time as the tape counts it."""
    end = tape.now() + int(seconds * sound.RATE)
    eventually(f"{seconds:g} s of tape", seconds * 10 + 10, lambda: tape.now() >= end)


def _when_it_sounds(desk, tape, since, path):
    tape.wait_sound(since, 40)
    desk.screenshot(path)


def _picture_changes(case, window, key, name):
    desk = case.desk
    before = desk.pixels()
    desk.screenshot(case.folder / f"{name}-before.png")
    window.key(key)
    # A level meter or a number alone changes far less.
    eventually(f"another picture after {key}", 20, lambda: (before != desk.pixels()).any(axis=2).mean() > 0.01)
    desk.screenshot(case.folder / f"{name}-after.png")


def _in_background(action):
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


CASES = [window_hears_and_answers, window_sets_up_a_new_user, window_keys, window_profiles, window_with_opengl, window_comes_back_whole, window_of_the_first_start_is_shown_by_a_second, window_figures, window_switch_in_mid_sentence, window_unmuted_hears_the_first_syllable, window_with_a_service]
