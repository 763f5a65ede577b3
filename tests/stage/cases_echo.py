"""Loudspeaker and microphone in one room: the demo must never talk to itself."""

import signal

import sound
from cases_talk import SENTENCE, after_greeting, talk
from desk import STOP, require
from program import check_turn


def demo_keeps_quiet_with_an_echo(case):
    """Echo path of 60 ms and gain 0.4: the greeting, one spoken turn, and then none by itself."""
    desk = case.desk
    seconds = case.options.echo_seconds
    desk.rig("echo-path", "on", 60, 0.4)
    try:
        with desk.tape(case.folder) as tape, talk(case) as program:
            after_greeting(tape)
            require(not program.spoken(), "the greeting was taken for speech")
            start = tape.now()
            desk.play(sound.speech(case.speech, SENTENCE))
            begun = tape.wait_sound(start, 40, "a reply")
            check_turn(program.wait_spoken(1, 40))
            quiet = tape.wait_quiet(1.0, 40, begun)
            _echo_is_there(tape, begun, quiet)
            require(not STOP.wait(seconds), "stopped from outside")
            again = sound.span(tape.speaker(quiet + sound.RATE))
            require(again is None, f"it spoke by itself {(again or [0])[0] / sound.RATE + 1:.1f} s after its reply")
            require(len(program.spoken()) == 1, f"{len(program.spoken())} spoken turns, 1 wanted")
            percent, megabytes = program.usage()
            program.signal(signal.SIGTERM)
            program.wait_end(20)
            summary = program.summary()
            require(summary["utterances"]["spoken"] == 1, f"utterances: {summary['utterances']}")
            case.figure("quiet for", seconds, "s")
            case.figure("CPU", percent, "% of a core")
            case.figure("memory", megabytes, "MB")
    finally:
        desk.rig("echo-path", "off")


def _echo_is_there(tape, begun, quiet):
    """The test is worth something only if the reply did reach the microphone."""
    level = sound.level(tape.mouth(begun + sound.RATE // 5, quiet))
    require(level > -45, f"the echo path does not work: {level:.0f} dBFS at the microphone while the reply sounds")


CASES = [demo_keeps_quiet_with_an_echo]
