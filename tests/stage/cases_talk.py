"""`sovereign talk` with the rig's microphone and speaker."""

import signal
import time

import numpy as np

import sound
from desk import Failure, require
from program import Program, check_turn

# One breath, no comma: no pause as long as any patience.
SENTENCE = "Please tell me something about the weather in the mountains"
GREETING_S = 40
# A second, while nobody speaks. PipeWire wakes a microphone twice for each of its periods, of 5 ms here; PulseAudio's is read
# in pieces of 40 ms. What was measured is half of it.
MOST_WAKE_UPS = {"pipewire": 900, "pulse": 150}


def talk(case, *arguments):
    return Program(case.binary, ["talk", "--demo", "--json", *arguments], case.folder, case.desk.environment)


def after_greeting(tape):
    """Waits until the demo has greeted and is quiet; gives the sample where the quiet began."""
    tape.wait_sound(0, GREETING_S, "the greeting")
    return tape.wait_quiet(1.2, GREETING_S)


def say_and_hear(case, tape, text=SENTENCE, limit=40, attempts=3):
    """Speaks, waits for the whole reply, finds the words in it. Gives (said span on the tape, heard span, correlation).

    A reply must always come. One that a busy machine chopped beyond recognition is asked for again, and that is told.
    """
    for attempt in range(1, attempts + 1):
        start = tape.now()
        case.desk.play(sound.speech(case.speech, text))
        begun = tape.wait_sound(start, limit, f"a reply to {text!r}")
        tape.wait_quiet(0.8, limit, begun)
        try:
            return match(tape, start, text)
        except Failure:
            if attempt == attempts:
                raise
            case.figure("unrecognised replies", attempt, "")


def match(tape, start, text):
    mouth, speaker = tape.mouth(start), tape.speaker(start)
    said, heard = sound.span(mouth), sound.span(speaker)
    require(said, f"nothing was said ({text!r})")
    require(heard, f"nothing was heard after {text!r}")
    # Piece by piece, so that a gap in playback on a busy machine moves the rest instead of hiding it.
    scores = [score for _, _, score in sound.pieces(mouth[said[0] : said[1]], speaker)]
    score = float(np.median(scores)) if scores else 0.0
    # Other words by the same voice reach 0.35.
    require(score > 0.5, f"{text!r} is not in the reply: correlation {score:.2f}, heard {(heard[1] - heard[0]) / sound.RATE:.2f} s "
                         f"at {sound.level(speaker[heard[0] : heard[1]]):.0f} dBFS")
    return (start + said[0], start + said[1]), (start + heard[0], start + heard[1]), score


def tape_total(said, heard):
    """Last sample of speech at the mouth to the first of the reply at the speaker, in ms, off the tape."""
    return (heard[0] - said[1]) * 1000 / sound.RATE


def talk_hears_and_answers(case):
    """Speech from the virtual microphone; the reply is found in what the virtual speaker played."""
    for profile in ("ultra-fast", "balanced", "high-quality"):
        with case.desk.tape(case.folder) as tape, talk(case, "--profile", profile) as program:
            after_greeting(tape)
            said, heard, score = say_and_hear(case, tape)
            turn = check_turn(program.wait_spoken(1, 30))
            require(turn["profile"] == profile, f"profile {turn['profile']}")
            program.signal(signal.SIGTERM)
            program.wait_end(20)
            summary = program.summary()
            require(summary["utterances"]["lost"] == 0, f"lost utterances: {summary['utterances']}")
            spoken_ms = (said[1] - said[0]) * 1000 / sound.RATE
            require(turn["audio"]["sent_ms"] > spoken_ms * 0.9, f"said {spoken_ms:.0f} ms, sent {turn['audio']['sent_ms']:.0f} ms")
            case.figure(f"{profile}: response", turn["latency_ms"]["response"])
            case.figure("total", turn["latency_ms"]["total"])
            case.figure("total off the tape", tape_total(said, heard))
            case.figure("correlation", f"{score:.2f}")


def talk_leaves_after_its_turns(case):
    """--turns ends it by itself, with status 0 and the summary last."""
    with case.desk.tape(case.folder) as tape, talk(case, "--turns", "2") as program:
        after_greeting(tape)
        for _ in range(2):
            start = tape.now()
            case.desk.play(sound.speech(case.speech, SENTENCE))
            tape.wait_sound(start, 40, "a reply")
            tape.wait_quiet(0.8, 40, start)
        program.wait_end(30)
        require(len(program.spoken()) == 2, f"{len(program.spoken())} spoken turns, 2 wanted")
        for turn in program.spoken():
            check_turn(turn)
        program.summary()


def talk_rests_while_nobody_speaks(case):
    """Two seconds after the last sound the speaker's stream rests, and the threads wake with the microphone alone. (A server
    that is asked for too short a latency wakes everybody every half millisecond: 10 000 times a second. A slow machine wakes
    them less often, never more.) Then a sentence is heard as always."""
    with case.desk.tape(case.folder) as tape, talk(case, "--profile", "ultra-fast") as program:
        after_greeting(tape)
        time.sleep(3)
        before, since = program.wake_ups(), time.monotonic()
        time.sleep(5)
        rate = (program.wake_ups() - before) / (time.monotonic() - since)
        case.figure("wake-ups a second", rate, "")
        most = MOST_WAKE_UPS[case.desk.server]
        require(10 < rate < most, f"{rate:.0f} wake-ups a second while nobody speaks, {most} are too many")
        say_and_hear(case, tape)
        program.signal(signal.SIGTERM)
        program.wait_end(20)


def talk_outlives_its_sound_server(case):
    """The sound server ends and comes back: the program goes on by itself."""
    desk = case.desk
    with talk(case) as program:
        with desk.tape(case.folder) as tape:
            after_greeting(tape)
            say_and_hear(case, tape)
        desk.rig("kill-server")
        desk.rig("up")
        with desk.tape(case.folder) as tape:
            # It finds its devices again in its own time; until then nobody hears.
            for attempt in range(1, 7):
                start = tape.now()
                desk.play(sound.speech(case.speech, SENTENCE))
                try:
                    tape.wait_sound(start, 8, "a reply")
                    break
                except Failure:
                    require(program.alive() and attempt < 6, f"deaf after the server came back: {program.stderr()[-300:]}")
            tape.wait_quiet(0.8, 40, start)
            match(tape, start, SENTENCE)
            case.figure("heard at attempt", attempt, "")
        program.signal(signal.SIGTERM)
        program.wait_end(20)
        program.summary()


def whole(case, tape, start, what):
    """What was said since `start` came back as a whole: beginning, end and nearly all between, at one distance.

    (That no single sample is lost is proved on simulated time; here the sound server itself may drop a period.)
    Gives the seconds said.
    """
    mouth, speaker = tape.mouth(start), tape.speaker(start)
    said, heard = sound.span(mouth), sound.span(speaker)
    require(said and heard, f"{what}: nothing was said or heard")
    found = sound.pieces(mouth[said[0] : said[1]], speaker)
    require(len(found) >= 5, f"{what}: too little was said to judge")
    good = [(at, lag) for at, lag, score in found if score > 0.45]
    scores = ", ".join(f"{at / sound.RATE:.1f} s {score:.2f}" for at, _, score in found)
    require(len(good) >= 0.8 * len(found), f"{what}: {len(found) - len(good)} of {len(found)} pieces are not in the reply: {scores}")
    require(good[0][0] - found[0][0] < sound.RATE and found[-1][0] - good[-1][0] < sound.RATE, f"{what}: an end is missing: {scores}")
    shift = (good[-1][1] - good[0][1]) * 1000 / sound.RATE
    require(abs(shift) < 150, f"{what}: the end came {shift:+.0f} ms off its distance to the beginning")
    case.figure(f"{what}, from beginning to end shifted by", shift)
    return (said[1] - said[0]) / sound.RATE


CASES = [talk_hears_and_answers, talk_leaves_after_its_turns, talk_rests_while_nobody_speaks, talk_outlives_its_sound_server]
