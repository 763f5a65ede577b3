"""The program without its window: started hidden, closed into a tray, muted with the screen."""

import json

import sound
from cases_global_key import Assistant
from cases_talk import SENTENCE, after_greeting
from cases_window import open_window, passes
from desk import Window, eventually, require
from desktop import Desktop
from program import Program


def _asks(case, *arguments):
    with Program(case.binary, arguments, case.folder / "asks", case.desk.environment) as asked:
        asked.wait_end(20, status=None)
        return asked.process.returncode, "".join(asked.lines)


def _status(case):
    code, told = _asks(case, "status", "--json")
    return json.loads(told) if code == 0 else {}


def _is_seen(case, program):
    return case.desk.x("xdotool", "search", "--onlyvisible", "--pid", str(program.process.pid), "--name", ".", check=False).split() != []


def _is_hidden(case, program):
    eventually("the window to be gone", 20, lambda: not _is_seen(case, program))


def hidden_start_answers_and_a_second_one_shows_it(case):
    """No bus and no tray: no window comes, commands are answered, a second start shows the window, and closing it is the end."""
    desk = case.desk
    desk.window_manager()
    with desk.tape(case.folder) as tape, Program(case.binary, ["--demo", "--hidden"], case.folder, desk.environment) as program:
        after_greeting(tape)
        status = eventually("an answer", 20, lambda: _status(case))
        require(status["pid"] == program.process.pid and status["state"] == "listening", status)
        require(not _is_seen(case, program), "a hidden start has a window")
        code, _ = _asks(case, "--hidden")
        require(code == 0 and not _is_seen(case, program), f"a second hidden start: status {code}")
        code, _ = _asks(case)
        require(code == 0, f"a second start: status {code}")
        window = Window(desk, program)
        desk.screenshot(case.folder / "1-shown.png")
        window.close()
        program.wait_end(20)
        require("panicked" not in program.stderr(), program.stderr()[-400:])


def window_closes_into_the_tray(case):
    """With the tray there and the user's wish, closing hides; icon and second start show it; without the tray it comes back, and closing ends."""
    desk, config = case.desk, case.folder / "config.yaml"
    config.write_text("window:\n  close_to_tray: on\n")
    desk.window_manager()
    with Desktop(case) as desktop, desk.tape(case.folder) as tape, \
            Program(case.binary, ["--demo", "--config", config], case.folder, {**desk.environment, **desktop.environment}) as program:
        ask = lambda *arguments: _asks(case, "--config", str(config), *arguments)
        with desktop.tray():
            window = Window(desk, program)
            desktop.icon()
            after_greeting(tape)
            for way in ("the icon", "a second start", "the icon"):
                window.close()
                _is_hidden(case, program)
                require(json.loads(ask("status", "--json")[1])["state"] == "listening", "the conversation goes on")
                if way == "the icon":
                    desktop.click()
                else:
                    ask()
                window = Window(desk, program)
            desk.screenshot(case.folder / "1-shown-again.png")
            desktop.click()
            _is_hidden(case, program)
        # The tray has ended.
        window = Window(desk, program)
        with desktop.tray():
            desktop.icon()
            passes(tape, 1)
            window.close()
            _is_hidden(case, program)
            desktop.click()
            window = Window(desk, program)
        passes(tape, 1)
        window.close()
        program.wait_end(20)
        require("panicked" not in program.stderr(), program.stderr()[-400:])


def window_mutes_while_the_screen_is_locked(case):
    """What the lock has muted is unmuted with it; what the user has muted stays so; and the user may say otherwise meanwhile."""
    with Desktop(case) as desktop, open_window(case, "--demo", environment=desktop.environment) as (_, _, tape):
        after_greeting(tape)

        def muted(wanted, what):
            eventually(what, 20, lambda: _status(case).get("muted") is wanted)

        # It may not listen to the bus yet.
        eventually("muted by the first lock", 30, lambda: desktop.saver(True) or _status(case).get("muted"), 0.5)
        case.desk.screenshot(case.folder / "1-locked.png")
        desktop.saver(False)
        muted(False, "listening after the first lock")
        case.desk.screenshot(case.folder / "2-unlocked.png")
        desktop.hint(True)
        muted(True, "muted by the hint of logind")
        desktop.hint(False)
        muted(False, "listening after the hint")

        _asks(case, "mute", "on")
        desktop.hint(True)
        desktop.saver(True)
        desktop.saver(False)
        desktop.hint(False)
        passes(tape, 1)
        muted(True, "still muted by the user")
        _asks(case, "mute", "off")
        desktop.saver(True)
        muted(True, "muted by the lock")
        _asks(case, "mute", "off")
        muted(False, "the user listens while it is locked")
        _asks(case, "mute", "on")
        desktop.saver(False)
        desktop.hint(True)
        desktop.hint(False)
        passes(tape, 1)
        muted(True, "muted by the user while it was locked")


def window_media_keys(case):
    """Play/Pause from the desktop's bus opens the microphone, closes it, and stops the answer; a hundred presses leave nothing open."""
    desk, config = case.desk, case.folder / "config.yaml"
    config.write_text("media_keys: on\nvoice_activation: off\n")
    with Desktop(case) as desktop, open_window(case, "--demo", "--config", config, environment=desktop.environment) as (program, _, tape):
        after_greeting(tape)
        assistant = Assistant(case, config, program.folder / "home")
        plays = lambda wanted, what: eventually(what, 20, lambda: desktop.player() == wanted)
        plays("Paused", "a player")

        start = tape.now()
        desktop.media_key("PlayPause")
        assistant.becomes(True, "the microphone open")
        plays("Playing", "told that it listens")
        desk.screenshot(case.folder / "1-open.png")
        desk.play(sound.speech(case.speech, SENTENCE))
        passes(tape, 0.3)
        require(assistant.held(), "it closed by itself")
        desktop.media_key("PlayPause")
        begun = tape.wait_sound(start, 40, "the answer")
        plays("Playing", "told that it answers")
        passes(tape, 0.5)
        pressed = tape.now()
        desktop.media_key("PlayPause")
        quiet = tape.wait_quiet(1.2, 20, begun)
        plays("Paused", "told that it is silent")
        case.figure("silent after", (quiet - pressed) * 1000 / sound.RATE)
        said = sound.span(tape.mouth(start))
        heard = (quiet - begun) / sound.RATE
        require(heard < (said[1] - said[0]) / sound.RATE - 0.5, f"the answer went on for {heard:.2f} s")

        for _ in range(100):
            desktop.media_key("PlayPause")
        # What was sent meanwhile may be answered.
        desktop.media_key("Stop")
        assistant.becomes(False, "closed after a hundred presses")
        desktop.media_key("Stop")
        plays("Paused", "told that it is silent again")
        # What is open is closed with the keys.
        desktop.media_key("Play")
        assistant.becomes(True, "open once more")
        config.write_text("voice_activation: off\n")
        plays(None, "no player")
        assistant.becomes(False, "closed with the keys")
        config.write_text("media_keys: on\nvoice_activation: off\n")
        plays("Paused", "a player again")


CASES = [hidden_start_answers_and_a_second_one_shows_it, window_closes_into_the_tray, window_mutes_while_the_screen_is_locked, window_media_keys]
