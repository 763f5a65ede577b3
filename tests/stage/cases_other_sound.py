"""Another program's sound while the assistant is talked with: how loud it is at the speaker, and what the sound server says.

The other program plays a tone so soft that it counts as quiet for what waits for replies, and too high for speech.
"""

import contextlib
import os
import signal
import subprocess
import time
import wave
from pathlib import Path

import numpy as np

import sound
from cases_devices import LONG, is_of, pactl
from cases_talk import SENTENCE, after_greeting, talk
from desk import Failure, eventually, require
from program import check_turn

TONE_HZ, TONE_DBFS, TONE_S = 18_000, -58, 240
BLOCK = sound.RATE // 50  # 20 ms, of which each hertz of 50 is a bin
# What is left of the amplitude is a tenth.
LOWERED_DB, WITHIN_DB = -20, 2
USUAL = 52_429  # 80 %: not what a stream begins with


def tone_file(case):
    path = case.folder / "tone.wav"
    if not path.exists():
        at = np.arange(TONE_S * sound.RATE) / sound.RATE
        samples = 10 ** (TONE_DBFS / 20) * np.sqrt(2) * np.sin(2 * np.pi * TONE_HZ * at)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(sound.RATE)
            file.writeframes((samples * 32767).round().astype("<i2").tobytes())
    return path


def tone_levels(samples):
    """dBFS of the tone in each block of 20 ms."""
    whole = len(samples) // BLOCK * BLOCK
    blocks = samples[:whole].reshape(-1, BLOCK) * np.hanning(BLOCK)
    bins = np.abs(np.fft.rfft(blocks, axis=1))[:, TONE_HZ * BLOCK // sound.RATE] / (BLOCK / 4)
    return 20 * np.log10(bins / np.sqrt(2) + 1e-9)


def level_now(tape):
    """dBFS of the tone in the next half second."""
    start = tape.now()
    tape.wait_until(start + sound.RATE, 20)
    return float(np.median(tone_levels(tape.speaker(start + sound.RATE // 2, start + sound.RATE))))


def longest_run(flags):
    """How many in a row are true, at most."""
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def volume_of(stream):
    return next(iter(stream["volume"].values()))["value"]


class Player:
    """`paplay` of the tone under a name of its own, as another program is."""

    def __init__(self, case, name):
        self.case, self.name = case, name
        command = ["paplay", "--device=spk", f"--client-name={name}", "--latency-msec=200", str(tone_file(case))]
        self.process = subprocess.Popen(command, env={**os.environ, **case.desk.environment}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(f"a stream of {name}", 20, lambda: self.volume() is not None)

    def stream(self):
        streams = pactl(self.case.desk, "sink-inputs")
        return next((s for s in streams if s.get("properties", {}).get("application.name") == self.name), None)

    def volume(self):
        stream = self.stream()
        return volume_of(stream) if stream else None

    def set(self, volume):
        self.case.desk.x("pactl", "set-sink-input-volume", str(self.stream()["index"]), str(volume))

    def becomes(self, volume, what, seconds=5, tolerance=2):
        found = []
        def probe():
            found[:] = [self.volume()]
            return abs((found[0] or 0) - volume) <= tolerance
        try:
            eventually(what, seconds, probe, 0.01)
        except Failure:
            raise Failure(f"{what}: a volume of {found[0]}, {volume} wanted") from None

    def end(self):
        self.process.terminate()
        self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()


@contextlib.contextmanager
def remembering(desk):
    """A server that remembers the volume of a program, as all do but the bare PulseAudio of the rig."""
    if desk.server != "pulse":
        yield
        return
    module = desk.x("pactl", "load-module", "module-stream-restore", "restore_device=no").strip()
    try:
        yield
    finally:
        desk.x("pactl", "unload-module", module, check=False)


def lowered(volume):
    return round(volume * 10 ** (LOWERED_DB / 60))


def conversation(case):
    config = case.folder / "config.yaml"
    config.write_text("lower_other_sound: on\n")
    return talk(case, "--config", config)


def keepers(program):
    """The processes that lower for this program."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"lower-other-sound" in words and str(program.process.pid).encode() in words:
                found.append(int(path.parent.name))
    return found


def memory(pid):
    """Megabytes of its own share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def speak(case, text):
    case.desk.play(sound.speech(case.speech, text))


def other_sound_is_lowered_while_talking(case):
    """Before, while the user speaks, while the reply sounds, after: off the tape, without flutter, and exactly as before."""
    with remembering(case.desk), case.desk.tape(case.folder) as tape, Player(case, "Tester Player") as player:
        player.set(USUAL)
        with conversation(case) as program:
            after_greeting(tape)
            player.becomes(USUAL, "after the greeting")
            before = level_now(tape)
            start = tape.now()
            speak(case, SENTENCE)
            begun = tape.wait_sound(start, 40, "a reply")
            eventually("some of it", 10, lambda: tape.now() - begun > sound.RATE)
            player.becomes(lowered(USUAL), "while the reply sounds", tolerance=40)
            own = [volume_of(s) for s in pactl(case.desk, "sink-inputs") if is_of(program, s.get("properties", {}))]
            require(own == [65_536], f"its own volume is {own}")
            case.figure("memory of the process that lowers", memory(keepers(program)[0]), "MB")
            tape.wait_quiet(0.6, 40, begun)
            player.becomes(USUAL, "after the reply")
            tape.wait_until(tape.now() + sound.RATE, 20)
            said, heard = sound.span(tape.mouth(start)), sound.span(tape.speaker(start))
            levels = tone_levels(tape.speaker(start)) - before
            low = np.flatnonzero(np.abs(levels - LOWERED_DB) < WITHIN_DB)
            require(len(low), f"never lowered: {levels.round(1).tolist()}")
            first, last = low[0], low[-1]
            at = lambda sample: sample // BLOCK
            louder = longest_run(levels[first : last + 1] > LOWERED_DB + WITHIN_DB)
            after = float(np.median(levels[-sound.RATE // 2 // BLOCK :]))
            turn = check_turn(program.wait_spoken(1, 30))
            for name, part in (("before", levels[: at(said[0])]), ("while the user speaks", levels[first : at(said[1])]),
                               ("while the reply sounds", levels[at(heard[0]) : at(heard[1])]), ("after", levels[-25:])):
                case.figure(f"level {name}", f"{np.median(part):+.1f} dB")
            falls = np.flatnonzero(levels < -1)
            case.figure("begins to fall after the speech began", (falls[falls >= at(said[0])][0] - at(said[0])) * 20)
            case.figure("lowered after the speech began", (first - at(said[0])) * 20)
            case.figure("restored after the reply", (last - at(heard[1])) * 20)
            case.figure("louder between for at most", louder * 20)
            require(at(said[0]) < first < at(said[1]), "not lowered while the user speaks")
            # A gap of a busy sound server is a click, and shorter.
            require(louder < 5, f"it became louder between: {levels[first : last + 1].round(1).tolist()}")
            require(abs(after) < 0.5, f"{after:+.1f} dB after it")
            require(turn["audio"]["heard_ms"] > 0, "the reply itself was not heard")
            program.signal(signal.SIGTERM)
            program.wait_end(20)
        player.becomes(USUAL, "after the end")


def _lowered_in_a_reply(case, tape, player, volume=USUAL):
    start = tape.now()
    speak(case, LONG)
    tape.wait_sound(start, 40, "a reply")
    player.becomes(lowered(volume), "while the reply sounds", tolerance=40)


def other_sound_is_restored_after_a_kill(case):
    """The program is killed; then the program and the process that lowers, whose work the next start makes good."""
    with remembering(case.desk), case.desk.tape(case.folder) as tape, Player(case, "Tester Player") as player:
        player.set(USUAL)
        before = level_now(tape)
        with conversation(case) as program:
            after_greeting(tape)
            _lowered_in_a_reply(case, tape, player)
            keeper = keepers(program)
            require(len(keeper) == 1, f"{len(keeper)} processes lower")
            case.figure("level while the reply sounds", f"{level_now(tape) - before:+.1f} dB")
            program.signal(signal.SIGKILL)
            killed = time.monotonic()
            player.becomes(USUAL, "after kill -9")
            case.figure("restored after kill -9 within", (time.monotonic() - killed) * 1000)
            program.wait_end(10, status=-signal.SIGKILL)
            eventually("the end of the process that lowers", 10, lambda: not keepers(program))
            after = level_now(tape) - before
            case.figure("level after kill -9", f"{after:+.1f} dB")
            require(abs(after) < 0.5, f"{after:+.1f} dB after kill -9")
        with conversation(case) as program:
            begun = tape.wait_sound(tape.now(), 40, "the greeting")
            tape.wait_quiet(1.2, 40, begun)
            _lowered_in_a_reply(case, tape, player)
            # The assistant starts another one, which restores and lowers again.
            (first,) = keepers(program)
            os.kill(first, signal.SIGKILL)
            eventually("another process that lowers", 10, lambda: keepers(program) not in ([], [first]))
            time.sleep(1)
            player.becomes(lowered(USUAL), "after kill -9 of the process that lowers", tolerance=40)
            program.signal(signal.SIGSTOP)
            for pid in keepers(program):
                os.kill(pid, signal.SIGKILL)
            program.signal(signal.SIGKILL)
            program.wait_end(10, status=-signal.SIGKILL)
        time.sleep(0.5)
        require(abs(player.volume() - lowered(USUAL)) < 40, "somebody restored it")
        with talk(case) as program:
            player.becomes(USUAL, "at the next start, although it is switched off there", 20)
            program.signal(signal.SIGTERM)
            program.wait_end(20)


def other_sound_that_comes_goes_and_changes(case):
    """Streams that begin or end while the sound is lowered, and one whose volume the user changes."""
    with remembering(case.desk), case.desk.tape(case.folder) as tape, Player(case, "Tester Player") as player, \
            Player(case, "Tester Radio") as radio, conversation(case) as program:
        player.set(USUAL)
        radio.set(USUAL)
        after_greeting(tape)
        _lowered_in_a_reply(case, tape, player)
        player.end()
        radio.set(30_000)
        with Player(case, f"Tester Film {time.time():.0f}") as film:
            film.becomes(lowered(65_536), "begun meanwhile", tolerance=40)
            tape.wait_quiet(1.0, 40, tape.now())
            film.becomes(65_536, "begun meanwhile, after it")
            require(radio.volume() == 30_000, f"the user's choice became {radio.volume()}")
            with Player(case, "Tester Player") as again:
                again.becomes(USUAL, "ended meanwhile, begun again")
            _lowered_in_a_reply(case, tape, radio, 30_000)
            program.signal(signal.SIGTERM)
            program.wait_end(20)
            film.becomes(65_536, "after the end")
            radio.becomes(30_000, "after the end")


def other_sound_after_a_restart_of_the_server(case):
    """The server ends while the sound is lowered. Another stream of the program is as loud as before, and lowered in its turn."""
    desk = case.desk
    with conversation(case) as program:
        with desk.tape(case.folder) as tape, Player(case, "Tester Player") as player:
            after_greeting(tape)
            player.set(USUAL)
            _lowered_in_a_reply(case, tape, player)
            desk.rig("kill-server")
            player.process.wait(10)
        desk.rig("up")
        # PipeWire's remembers volumes over its end, the rig's PulseAudio does not.
        usual = USUAL if desk.server == "pipewire" else 65_536
        with desk.tape(case.folder / "after") as tape, Player(case, "Tester Player") as player:
            tape.wait_quiet(4.0, 60)
            player.becomes(usual, "after the restart")

            def heard():
                start = tape.now()
                speak(case, LONG)
                with contextlib.suppress(AssertionError):
                    player.becomes(lowered(usual), "in the next turn", tolerance=40)
                    return True
                return tape.wait_quiet(1.0, 40, start) < 0
            eventually("it to be lowered again", 90, heard)
        program.signal(signal.SIGTERM)
        program.wait_end(20)


CASES = [
    other_sound_is_lowered_while_talking,
    other_sound_is_restored_after_a_kill,
    other_sound_that_comes_goes_and_changes,
    other_sound_after_a_restart_of_the_server,
]
