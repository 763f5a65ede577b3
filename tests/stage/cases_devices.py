"""Devices that come and go under `sovereign talk`: unplugged, replugged, another default, the sound server ended.

Every case is a state (idle, while speaking, while a reply plays) and an event. What the program says of it, and what
the sound server tells of its streams, are timed; the words that were said must come back.
"""

import contextlib
import json
import signal
import threading
import time

import sound
from cases_talk import SENTENCE, after_greeting, match, say_and_hear, talk
from desk import Failure, eventually, require
from program import check_turn

LONG = "Please tell me something about the weather in the mountains and then about the long road that leads from there down to the sea"


# -- what the program says, and what its streams are attached to --


class Event:
    """Something that is done to the desk, and how long the program takes to say a word about it."""

    def __init__(self, case, program):
        self.case, self.program = case, program
        self.at, self.said = time.monotonic(), len(program.stderr())

    def told(self, word, what, seconds=10):
        found = eventually(f"{what}: {word!r} on standard error", seconds, lambda: self._line(word), 0.02)
        self.case.figure(f"{what} told after", (time.monotonic() - self.at) * 1000)
        return found

    def _line(self, word):
        return next((line for line in self.program.stderr()[self.said:].splitlines() if word in line), None)

    def silent_about(self, word):
        line = self._line(word)
        require(line is None, f"it said {line!r}")

    def attached(self, kind, name, what, seconds=10):
        """Waits until the program's stream is at the device of that name (None: until it has no stream)."""
        eventually(f"{what}: a stream at {name}", seconds, lambda: attached(self.case.desk, self.program, kind) == ([name] if name else []), 0.02)
        self.case.figure(f"{what} followed after", (time.monotonic() - self.at) * 1000)


def attached(desk, program, kind):
    """Names of the devices that the program's streams are at; kind is source or sink."""
    streams, list_of = {"source": ("source-outputs", "sources"), "sink": ("sink-inputs", "sinks")}[kind]
    names = {device["index"]: device["name"] for device in pactl(desk, list_of)}
    found = pactl(desk, streams)
    return [names.get(stream[kind], "?") for stream in found if is_of(program, stream.get("properties", {}))]


def is_of(program, properties):
    """PulseAudio's clients tell their process; a client of PipeWire's own is known by the name of its stream."""
    pid = str(program.process.pid)
    return properties.get("application.process.id") == pid or properties.get("media.name", "").endswith(f"-{pid}")


def host(case):
    """What the ids of devices begin with."""
    return {"pulse": "pulseaudio", "pipewire": "pipewire"}[case.desk.server]


def pactl(desk, what):
    with contextlib.suppress(ValueError):
        return json.loads(desk.x("pactl", "--format=json", "list", what, check=False))
    return []


@contextlib.contextmanager
def conversation(case, *arguments):
    """A program that has greeted, and the tape. Afterwards the desk is whole again, whatever happened."""
    try:
        with case.desk.tape(case.folder) as tape, talk(case, *arguments) as program:
            after_greeting(tape)
            yield tape, program
            end(program)
    finally:
        case.desk.rig("up")
        case.desk.rig("replug-mic")


def end(program):
    program.signal(signal.SIGTERM)
    program.wait_end(20)
    lost = program.summary()["utterances"]["lost"]
    require(lost == 0, f"{lost} utterances were lost")


@contextlib.contextmanager
def speaking(case, text):
    """Says it beside what the block does, and waits until it was said."""
    mouth = threading.Thread(target=lambda: case.desk.rig("play", sound.speech(case.speech, text), check=False), daemon=True)
    mouth.start()
    yield
    mouth.join(60)


@contextlib.contextmanager
def second_speaker(desk):
    """Another loudspeaker that is heard on the tape as the first one is."""
    module = desk.x("pactl", "load-module", "module-remap-sink", "master=bus", "sink_name=spk2", "channels=2",
                    "channel_map=front-left,front-right", "master_channel_map=aux1,aux2", "remix=no",
                    "sink_properties=device.description=Second_Speaker").strip()
    try:
        yield lambda: desk.x("pactl", "unload-module", module)
    finally:
        desk.x("pactl", "unload-module", module, check=False)
        desk.x("pactl", "set-default-sink", "spk", check=False)


# -- the microphone --


def microphone_unplugged_while_idle(case):
    """The spare one takes over and is named; the chosen default takes over again and is named; then it hears."""
    with conversation(case) as (tape, program):
        event = Event(case, program)
        case.desk.rig("unplug-mic")
        line = event.told("was unplugged: using", "unplugged")
        require("Virtual_Microphone" in line and "Spare_Microphone" in line, f"it does not name both: {line}")
        event.attached("source", "spare", "unplugged")
        event = Event(case, program)
        case.desk.rig("replug-mic")
        event.told("is back: it is used again", "replugged")
        event.attached("source", "mic", "replugged")
        say_and_hear(case, tape)


def chosen_microphone_unplugged(case):
    """The same for a device that was chosen by its id: it is named as awaited, and returned to."""
    with conversation(case, "--input-device", f"{host(case)}:mic") as (tape, program):
        event = Event(case, program)
        case.desk.rig("unplug-mic")
        event.told("until it is back", "unplugged")
        event.attached("source", "spare", "unplugged")
        event = Event(case, program)
        case.desk.rig("replug-mic")
        event.told("is back: it is used again", "replugged")
        event.attached("source", "mic", "replugged")
        say_and_hear(case, tape)


def microphone_unplugged_while_speaking(case):
    """What was said until then is a turn, answered with those very words; the next sentence is heard too."""
    with conversation(case) as (tape, program):
        start = tape.now()
        with speaking(case, LONG):
            begun = eventually("speech at the microphone", 20, lambda: sound.span(tape.mouth(start)))[0] + start
            eventually("two seconds of it", 20, lambda: tape.now() - begun > 2 * sound.RATE)
            event = Event(case, program)
            cut = tape.now()
            case.desk.rig("unplug-mic")
            event.told("was unplugged: using", "unplugged")
        turn = check_turn(program.wait_spoken(1, 30))
        said = (cut - begun) * 1000 / sound.RATE
        case.figure("said before", said)
        case.figure("sent", turn["audio"]["sent_ms"])
        require(turn["audio"]["sent_ms"] > 0.85 * said, f"of {said:.0f} ms only {turn['audio']['sent_ms']:.0f} ms were sent")
        answer = tape.wait_sound(begun, 30, "the answer to what was said")
        tape.wait_quiet(0.8, 40, answer)
        found_again(case, tape.mouth(begun, cut), tape.speaker(answer), "first", 0.5)
        case.desk.rig("replug-mic")
        say_and_hear(case, tape)


def microphone_unplugged_while_a_reply_plays(case):
    """The reply goes on to its end."""
    with conversation(case) as (tape, program):
        start = reply_begins(case, tape)
        event = Event(case, program)
        case.desk.rig("unplug-mic")
        event.told("was unplugged: using", "unplugged")
        tape.wait_quiet(0.8, 40, start)
        heard_to_its_end(case, tape, start)
        check_turn(program.wait_spoken(1, 20))


def all_microphones_unplugged(case):
    """While a reply plays: it is said, the reply ends, and the program never hears itself through the monitor."""
    with conversation(case) as (tape, program):
        start = reply_begins(case, tape)
        event = Event(case, program)
        case.desk.rig("unplug-mic", "all")
        event.told("There is no microphone", "unplugged")
        event.attached("source", None, "unplugged")
        tape.wait_quiet(2.5, 40, start)
        check_turn(program.wait_spoken(1, 20))
        require(len(program.spoken()) == 1, f"it heard itself: {len(program.spoken())} turns of speech, 1 wanted")
        event = Event(case, program)
        case.desk.rig("replug-mic")
        event.told("_Microphone is used now", "replugged")
        event.attached("source", "mic", "replugged")
        say_and_hear(case, tape)


def heard_to_its_end(case, tape, start):
    """The reply to what was said since then is as long as that, and its end is in it.

    (That no sample is lost is proved on simulated time; here a busy sound server drops some of its own.)
    """
    mouth, speaker = tape.mouth(start), tape.speaker(start)
    said, heard = sound.span(mouth), sound.span(speaker)
    ratio = (heard[1] - heard[0]) / (said[1] - said[0])
    case.figure("length heard of said", 100 * ratio, "%")
    require(0.9 < ratio < 1.6, f"{ratio:.2f} of what was said was heard")
    found_again(case, mouth[said[0] : said[1]], speaker, "last", 0.3)


def found_again(case, said, heard, which, share):
    """The first or last share of what was said is in what was heard: its best piece is (a busy machine chops some)."""
    length = int(len(said) * share)
    part = said[:length] if which == "first" else said[-length:]
    size = sound.RATE // 2
    voiced = [part[at : at + size] for at in range(0, length - size + 1, size // 2) if sound.level(part[at : at + size]) > -45]
    require(voiced, f"nothing was said in the {which} part")
    score = max(sound.find(piece, heard)[1] for piece in voiced)
    case.figure(f"correlation of the {which} part", f"{score:.2f}")
    require(score > 0.55, f"the {which} part is not in the reply: correlation {score:.2f}")


def reply_begins(case, tape):
    """Speaks, and waits until the reply has played for half a second. Gives where on the tape it began to speak."""
    start = tape.now()
    case.desk.play(sound.speech(case.speech, LONG))
    begun = tape.wait_sound(start, 40, "a reply")
    eventually("half a second of it", 10, lambda: tape.now() - begun > sound.RATE // 2)
    return start


# -- another default --


def default_microphone_changes(case):
    """There and back, without a word of loss; then it hears."""
    with conversation(case) as (tape, program):
        for name in ("spare", "mic"):
            event = Event(case, program)
            case.desk.x("pactl", "set-default-source", name)
            event.attached("source", name, f"to {name}")
            event.silent_about("unplugged")
        say_and_hear(case, tape)


def default_speaker_changes_while_a_reply_plays(case):
    """There and back in one reply, which is heard as a whole."""
    with second_speaker(case.desk), conversation(case) as (tape, program):
        start = reply_begins(case, tape)
        for name in ("spk2", "spk"):
            event = Event(case, program)
            case.desk.x("pactl", "set-default-sink", name)
            event.attached("sink", name, f"to {name}")
        # A device is opened at most once a second, so the reply has just been silent for about as long.
        tape.wait_sound(tape.now(), 10, "the rest of the reply")
        tape.wait_quiet(1.5, 40, start)
        heard_to_its_end(case, tape, start)
        check_turn(program.wait_spoken(1, 20))


def speaker_unplugged_while_a_reply_plays(case):
    """The chosen one goes: the rest is heard from the system's default."""
    with second_speaker(case.desk) as unplug, conversation(case, "--output-device", f"{host(case)}:spk2") as (tape, program):
        require(attached(case.desk, program, "sink") == ["spk2"], "it does not play through the chosen speaker")
        start = reply_begins(case, tape)
        event = Event(case, program)
        unplug()
        event.told("until it is back", "unplugged")
        event.attached("sink", "spk", "unplugged")
        tape.wait_quiet(1.5, 40, start)
        check_turn(program.wait_spoken(1, 20))
        heard_to_its_end(case, tape, start)


# -- the sound server ends and comes back --


def server_restarted_while_speaking(case):
    """What was said until then is answered once there is a speaker again, or is told to be lost; then it hears."""
    _server_restarted(case, "speaking")


def server_restarted_while_a_reply_plays(case):
    """The rest of the reply is heard once there is a speaker again; then it hears."""
    _server_restarted(case, "replying")


def _server_restarted(case, state):
    desk = case.desk
    with talk(case) as program:
        with desk.tape(case.folder) as tape:
            after_greeting(tape)
            if state == "replying":
                reply_begins(case, tape)
                event = Event(case, program)
                desk.rig("kill-server")
            else:
                start = tape.now()
                with speaking(case, LONG):
                    eventually("speech at the microphone", 20, lambda: (sound.span(tape.mouth(start)) or (0, 0))[1] > 2 * sound.RATE)
                    event = Event(case, program)
                    desk.rig("kill-server")
        event.told("", "ended")
        desk.rig("up")
        event = Event(case, program)
        with desk.tape(case.folder / "after") as tape:
            begun = tape.wait_sound(0, 20, "what was left to be heard")
            case.figure("heard again after", (time.monotonic() - event.at) * 1000)
            tape.wait_quiet(1.0, 40, begun)
            check_turn(program.wait_spoken(1, 20))
            _hears_again(case, tape, program)
        end(program)


def _hears_again(case, tape, program):
    for attempt in range(1, 4):
        start = tape.now()
        case.desk.play(sound.speech(case.speech, SENTENCE))
        with contextlib.suppress(Failure):
            tape.wait_sound(start, 8, "a reply")
            tape.wait_quiet(0.8, 20, start)
            match(tape, start, SENTENCE)
            case.figure("heard at attempt", attempt, "")
            return
    raise Failure(f"deaf after the server came back: {program.stderr()[-300:]}")


CASES = [
    microphone_unplugged_while_idle,
    chosen_microphone_unplugged,
    microphone_unplugged_while_speaking,
    microphone_unplugged_while_a_reply_plays,
    all_microphones_unplugged,
    default_microphone_changes,
    default_speaker_changes_while_a_reply_plays,
    speaker_unplugged_while_a_reply_plays,
    server_restarted_while_speaking,
    server_restarted_while_a_reply_plays,
]
