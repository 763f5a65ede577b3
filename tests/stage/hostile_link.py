"""Lines that are cut, reset or dead between the program and a working server."""

import time
import wave

import sound
from desk import eventually, require
from program import Program, check_turn
from relay import Relay

QUESTION = "Could you tell me where the nearest station is"


class Server:
    """`sovereign serve` on a free port."""

    def __init__(self, case):
        self.program = Program(case.binary, ["serve", "--listen", "127.0.0.1:0", "--json"], case.folder / "serve")

    def __enter__(self):
        self.program.__enter__()
        first = eventually("the server's first line", 30, lambda: self.program.documents()[:1])
        self.port = first[0]["port"]
        return self

    def __exit__(self, *_):
        self.program.__exit__()


def _talk(case, relay, files, arguments=()):
    arguments = ["talk", "--endpoint", relay.url, "--input", *files, "--output", "none", "--json", *arguments]
    return Program(case.binary, arguments, case.folder / "talk")


def _question(case):
    return sound.speech(case.speech, QUESTION)


def _answered_in_spite_of(name, what, script):
    """The first connections end before anything can be said; then the server can be reached: answered, status 0."""
    def run(case):
        with Server(case) as server, Relay(server.port, [*script, {}]) as relay:
            with _talk(case, relay, [_question(case)]) as program:
                program.wait_end(60)
                [turn] = program.spoken()
                check_turn(turn)
                require(program.summary()["utterances"]["lost"] == 0, "an utterance was lost")
            require(relay.connections > len(script), f"{relay.connections} connections")
    run.__name__, run.__doc__ = name, what
    return run


resets_before_the_answer = _answered_in_spite_of(
    "resets_before_the_answer", "Reset at once, after the request, in the status line, and in the headers.",
    [{"accept": False, "reset": True}, {"cut": 40, "reset": True}, {"down_cut": 5, "reset": True},
     {"down_cut": 60, "reset": True}])
ends_before_the_answer = _answered_in_spite_of(
    "ends_before_the_answer", "The same with an end of stream, and with only one side ended.",
    [{"accept": False}, {"down_cut": 1}, {"down_cut": 30}, {"down_cut": 30, "half": True}])
cuts_before_the_setup_is_taken = _answered_in_spite_of(
    "cuts_before_the_setup_is_taken", "In the setup, and between the upgrade and `setupComplete`.",
    [{"cut": 400}, {"cut": 600, "reset": True}, {"down_cut": 135}, {"down_cut": 140, "reset": True}])


def a_cut_in_every_second_of_speech(case):
    """Cut once a second while a question is asked: it is answered once."""
    with Server(case) as server, Relay(server.port) as relay:
        with _talk(case, relay, [_question(case)]) as program:
            eventually("the first words", 30, lambda: relay.up and relay.up[-1] > 20_000)
            for reset in (False, True):
                relay.cut(reset)
                time.sleep(1)
            program.wait_end(60)
            [turn] = program.spoken()
            check_turn(turn)
            require(program.summary()["utterances"] == {"spoken": 1, "answered": 1, "lost": 0}, program.summary())


def two_utterances_on_a_dead_line(case):
    """Nothing passes any more, and the connection stays: two utterances; the line is replaced, both are answered in order."""
    def both(relay, program):
        _wait_for_two(case, relay)
        # What is open stays dead; the next connection is carried.
        relay.set(None)
        program.wait_end(120)
        turns = program.spoken()
        require([t["outcome"] for t in turns] == ["completed", "completed"], f"{[t['outcome'] for t in turns]}")
        require(program.summary()["utterances"] == {"spoken": 2, "answered": 2, "lost": 0}, program.summary())
        require("silent" in program.stderr(), "nothing was said")
    _dead_line(case, both)


def leaving_a_dead_line(case):
    """The same, and the program is ended before a connection is back: no utterance is called cancelled, all are counted as lost."""
    def none(relay, program):
        _wait_for_two(case, relay)
        time.sleep(3)
        relay.script = [{"accept": False}]
        relay.cut(reset=True)
        eventually("that it is lost is said", 20, lambda: "lost" in program.stderr())
        time.sleep(1)
        program.signal()
        program.wait_end(20, status=1)
        outcomes = [t["outcome"] for t in program.spoken()]
        require(outcomes == ["failed", "failed"], f"{outcomes}")
        require(program.summary()["utterances"] == {"spoken": 2, "answered": 0, "lost": 2}, program.summary())
    _dead_line(case, none)


def _dead_line(case, then):
    file = _two_questions(case)
    with Server(case) as server, Relay(server.port) as relay:
        with _talk(case, relay, [file]) as program:
            eventually("a connection", 30, lambda: relay.up and relay.up[0] > 1_000)
            relay.set("swallow")
            then(relay, program)


def _wait_for_two(case, relay):
    """Until the better part of the second utterance has been sent; a second of speech is 43 kB in base64."""
    seconds = len(sound.read(_question(case))) / sound.RATE
    eventually("two utterances", 60, lambda: relay.up[0] > 1.6 * seconds * 43_000)


def _two_questions(case):
    """One file with two utterances, and three seconds between them."""
    with wave.open(str(_question(case))) as question:
        shape, words = question.getparams(), question.readframes(question.getnframes())
    path = case.folder / "two.wav"
    with wave.open(str(path), "wb") as two:
        two.setparams(shape)
        two.writeframes(words + bytes(3 * shape.framerate * shape.sampwidth * shape.nchannels) + words)
    return path


CASES = [two_utterances_on_a_dead_line, leaving_a_dead_line, resets_before_the_answer, ends_before_the_answer,
         cuts_before_the_setup_is_taken, a_cut_in_every_second_of_speech]
