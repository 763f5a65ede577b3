"""Speech and short sounds over a reply, with the loudspeaker in the microphone and without."""

import contextlib
import signal
import wave

import numpy as np

import sound
from cases_talk import SENTENCE, after_greeting, talk
from desk import require
from program import check_turn

LONG = ("Please tell me something about the weather in the mountains and then about the long road that leads from there down "
        "to the sea and what people see on their way")


@contextlib.contextmanager
def in_a_room(desk, delay_ms, gain):
    desk.rig("echo-path", "on", delay_ms, gain)
    try:
        yield
    finally:
        desk.rig("echo-path", "off")


def _a_reply_sounds(case, tape, seconds):
    """Asks for a long reply and waits until it has sounded for so long: what cancels the echo has heard enough of it."""
    start = tape.now()
    case.desk.play(sound.speech(case.speech, LONG))
    begun = tape.wait_sound(start, 40, "a long reply")
    tape.wait_until(begun + int(seconds * sound.RATE), seconds * 10 + 10)
    return begun


def _interrupts(case, limit_ms):
    with case.desk.tape(case.folder) as tape, talk(case) as program:
        after_greeting(tape)
        require(not program.spoken(), "the greeting was taken for speech")
        silences, ducks = [], []
        for attempt in range(3):
            turns = len(program.spoken())
            _a_reply_sounds(case, tape, 2.0)
            start = tape.now()
            case.desk.play(sound.speech(case.speech, SENTENCE))
            cut = program.wait_spoken(turns + 1, 40)
            require(cut["outcome"] == "interrupted", f"outcome {cut['outcome']}, interrupted wanted: {cut}")
            silences.append(cut["interruption_ms"]["silence"])
            ducks.append(cut["interruption_ms"].get("duck", cut["interruption_ms"]["silence"]))
            answer = check_turn(program.wait_spoken(turns + 2, 40))
            said = len(sound.read(sound.speech(case.speech, SENTENCE))) * 1000 / sound.RATE
            require(answer["audio"]["sent_ms"] > 0.85 * said, f"said {said:.0f} ms, sent {answer['audio']['sent_ms']:.0f} ms: a syllable is missing")
            tape.wait_quiet(0.8, 40, start)
        case.figure("onset to lowered", float(np.median(ducks)))
        case.figure("onset to silence", float(np.median(silences)))
        case.figure("at most", max(silences))
        require(np.median(silences) < limit_ms, f"silent after {silences} ms")
        program.signal(signal.SIGTERM)
        program.wait_end(20)
        require(program.summary()["utterances"]["lost"] == 0, "an utterance was lost")


def talk_is_interrupted_over_loudspeakers(case):
    """Echo path of 60 ms and gain 0.3: speech stops the reply and is answered itself. (The limit catches a reply that
    goes on; a busy machine makes it late.)"""
    with in_a_room(case.desk, 60, 0.3):
        _interrupts(case, 700)


def talk_is_interrupted_without_echo(case):
    """As with a headset."""
    _interrupts(case, 500)


def talk_goes_on_after_a_cough(case):
    """A short sound lowers the reply and gives it back: all of it is heard."""
    with case.desk.tape(case.folder) as tape, talk(case) as program:
        after_greeting(tape)
        _a_reply_sounds(case, tape, 1.5)
        case.desk.play(_cough(case.folder / "cough.wav"))
        turn = check_turn(program.wait_spoken(1, 40))
        said = len(sound.read(sound.speech(case.speech, LONG))) * 1000 / sound.RATE
        require(turn["audio"]["heard_ms"] > 0.85 * said, f"said {said:.0f} ms, heard {turn['audio']['heard_ms']:.0f} ms")
        require(len(program.spoken()) == 1, f"{len(program.spoken())} spoken turns, 1 wanted")
        program.signal(signal.SIGTERM)
        program.wait_end(20)
        program.summary()


def _cough(path):
    """A burst of 180 ms, as a cough is: noise that falls, below 3 kHz."""
    rng = np.random.default_rng(5)
    n = int(0.18 * sound.RATE)
    burst = np.convolve(rng.normal(0, 1, n), np.ones(8) / 8, "same") * np.exp(-np.arange(n) / (0.06 * sound.RATE))
    samples = (burst / np.max(np.abs(burst)) * 0.25 * 32767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sound.RATE)
        out.writeframes(samples.tobytes())
    return path


CASES = [talk_is_interrupted_over_loudspeakers, talk_is_interrupted_without_echo, talk_goes_on_after_a_cough]
