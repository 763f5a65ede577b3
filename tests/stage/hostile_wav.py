"""WAV files with headers that lie, and places that take no more: what is there is spoken, what is lost is said."""

import array
import contextlib
import os
import random
import re
import shutil
import struct
import wave
from pathlib import Path

from desk import eventually, require
from program import Program

VOICE = Path(__file__).resolve().parents[1] / "fixtures" / "speech" / "american-man.wav"
RATE = 16_000


def headers_that_lie(case):
    """Sizes and redundant fields of every value, chunks of every length: each file is spoken, and heard as the same."""
    voice = _voice()
    pcm, junk = voice.tobytes(), _chunk(b"LIST", b"INFO software 7.1")
    files = {
        "good": _wav(pcm),
        "streamed": _wav(pcm, data_size=0xFFFFFFFF, riff_size=0xFFFFFFFF),
        "never finished": _wav(pcm, data_size=0, riff_size=0),
        "odd chunk": _wav(pcm, between=junk[:-1] + b"\0"),
        "odd chunk without its pad byte": _wav(pcm, between=junk[:-1]),
        "a byte too many": _wav(pcm + b"\7"),
        "no byte rate": _wav(pcm, per_second=0),
        "block of three": _wav(pcm, block=3),
        "longer format": _wav(pcm, extension=b"\x02\0\x07\x07"),
        "junk in front, a tag behind": _wav(pcm, before=_chunk(b"JUNK", bytes(333)), after=b"TAG" + b"x" * 125),
        "large": _wav(pcm, kind=b"RF64", data_size=0xFFFFFFFF, before=_chunk(b"ds64", struct.pack("<QQQI", 9, len(pcm), 0, 0)), after=junk),
        "big endian": _wav(_swapped(voice).tobytes(), kind=b"RIFX"),
        "20 bits in 24": _wav(b"".join(b"\0" + struct.pack("<h", s) for s in voice), bits=24, extension=_extension(20)),
        "24 bits in 32": _wav(b"".join(b"\0\0" + struct.pack("<h", s) for s in voice), bits=32, extension=_extension(24)),
        "floats": _wav(b"".join(struct.pack("<f", s / 32768) for s in voice), tag=3, bits=32),
        "opposite phase": _wav(_stereo(voice, [-s for s in voice]), channels=2),
        "noise on one channel": _wav(_stereo(_noise(len(voice)), voice), channels=2),
    }
    heard = _heard(case, files)
    for name, (seconds, level) in heard.items():
        good = heard["good"]
        require(abs(seconds - good[0]) < 0.25 and abs(level - good[1]) < 1.5, f"{name}: heard as {seconds} s at {level} dB, {good} wanted")


def recordings_that_cannot_be_read(case):
    """Compressed, cut off within the header, without a whole sample, something else: refused by name, never silence."""
    pcm = _voice().tobytes()
    files = {
        "adpcm": (_wav(pcm, tag=2), "Microsoft ADPCM"),
        "extensible": (_wav(pcm, tag=0xFFFE), "no named format"),
        "half": (_wav(pcm, tag=3, bits=16), "16 bits"),
        "cut": (_wav(pcm)[:30], "header"),
        "sample": (_wav(b"\1"), "no sound"),
        "chunks": (_wav(b"", after=_chunk(b"LIST", b"INFO")), "no sound"),
        "flac": (b"fLaC" + bytes(60), "FLAC"),
    }
    for name, (data, word) in files.items():
        file = case.folder / f"{name}.wav"
        file.write_bytes(data)
        with Program(case.binary, ["talk", "--demo", "--json", "--input", file, "--output", "none"], case.folder / name) as program:
            program.wait_end(30, status=2)
            require(word in program.stderr() and file.name in program.stderr(), f"{name}: no {word!r} in: {program.stderr().strip()[-300:]}")


def places_that_take_no_more(case):
    """A full device in every place that is written to: status 1, the place, the reason, one thing to do."""
    file = case.folder / "voice.wav"
    file.write_bytes(_wav(_voice().tobytes()))
    talk = ["talk", "--demo", "--input", file, "--turns", "1", "--output"]
    to_nowhere = 'exec "$0" "$@" > /dev/full'
    cases = [
        ('exec "$0" "$@"', [*talk, "/dev/full"], "--output /dev/full"),
        ('exec "$0" "$@"', [*talk, "none", "--csv", "/dev/full"], "--csv /dev/full"),
        (to_nowhere, [*talk, "none", "--json"], "standard output"),
        (to_nowhere, [*talk, "none"], "standard output"),
        (to_nowhere, ["serve", "--json", "--listen", "127.0.0.1:0"], "standard output"),
        (to_nowhere, ["profiles", "show", "balanced"], "standard output"),
        (to_nowhere, ["profiles", "list"], "standard output"),
        (to_nowhere, ["devices"], "standard output"),
        (to_nowhere, ["doctor", "--no-sound-check"], "standard output"),
        (to_nowhere, ["bench", "--turns", "1", "--profile", "ultra-fast", "--json"], "standard output"),
        (to_nowhere, ["--version"], "standard output"),
        (to_nowhere, ["talk", "--help"], "standard output"),
    ]
    with contextlib.ExitStack() as running:
        started = []
        for number, (shell, arguments, place) in enumerate(cases):
            arguments = ["-c", shell, case.binary, *arguments]
            started.append((running.enter_context(Program("/bin/sh", arguments, case.folder / str(number))), arguments, place))
        for program, arguments, place in started:
            program.wait_end(90, status=1)
            said = program.stderr() + "\n".join(program.lines)
            require(place in said and "No space left" in said, f"{arguments[3:]}: {said.strip()[-300:]}")
            require(re.search(r"(?i)free some space", said), f"{arguments[3:]}: no advice: {said.strip()[-300:]}")
    with Program(case.binary, ["doctor", "--no-sound-check", "--bundle", "/dev/full"], case.folder / "bundle") as program:
        program.wait_end(60, status=1)
        require("/dev/full cannot be written" in "\n".join(program.lines), f"nothing was said of the bundle: {program.lines[-4:]}")
    with Program("/bin/sh", ["-c", 'exec "$0" "$@" 2> /dev/full', case.binary, "profiles", "show", "fast"], case.folder / "words") as program:
        program.wait_end(30, status=2)


def pipes_in_place_of_files(case):
    """A pipe whose other end nobody holds, in every place that takes a file: refused by name, without waiting."""
    pipe = case.folder / "pipe"
    if not pipe.exists():
        os.mkfifo(pipe)
    talk = ["talk", "--demo", "--turns", "1"]
    for number, (arguments, status) in enumerate([
        ([*talk, "--input", pipe, "--output", "none"], 2),
        ([*talk, "--input", VOICE, "--output", pipe], 2),
        ([*talk, "--input", VOICE, "--output", "none", "--csv", pipe], 2),
        (["bench", "--turns", "1", "--input", pipe], 2),
        (["load", "--compare", pipe], 2),
        (["doctor", "--no-sound-check", "--bundle", pipe], 1),
    ]):
        with Program(case.binary, arguments, case.folder / str(number)) as program:
            program.wait_end(30, status=status)
            said = program.stderr() + "\n".join(program.lines)
            require(str(pipe) in said and "pipe" in said.replace(str(pipe), ""), f"{arguments}: {said.strip()[-300:]}")


def a_limit_on_files(case):
    """`ulimit -f`: the signal ends nothing, the reply is cut where the limit is, and the file up to there is good."""
    file, reply = case.folder / "voice.wav", case.folder / "reply.wav"
    file.write_bytes(_wav(_voice().tobytes()))
    arguments = ["talk", "--demo", "--json", "--input", file, "--turns", "1", "--output", reply, "--csv", case.folder / "turns.csv"]
    with Program("/bin/sh", ["-c", 'ulimit -f 40; exec "$0" "$@"', case.binary, *arguments], case.folder) as program:
        program.wait_end(60, status=1)
        require("File too large" in program.stderr() and "reply.wav" in program.stderr(), program.stderr()[-300:])
        require([turn["outcome"] for turn in program.turns()] == ["completed"], "the conversation does not go on")
        program.summary()
    with wave.open(str(reply)) as recorded:
        require(15_000 < 2 * recorded.getnframes() <= 20_480, f"{recorded.getnframes()} frames are kept")
    for number, (arguments, word) in enumerate([
        (["profiles", "show", "balanced"], "standard output"),
        (["doctor", "--no-sound-check", "--bundle", case.folder / "all.zip"], "all.zip"),
        (["bench", "--turns", "1", "--report", case.folder / "report"], "--report"),
    ]):
        limited = ["-c", 'ulimit -f 0; exec "$0" "$@" > out.txt 2> /dev/stdout' if number else 'ulimit -f 0; exec "$0" "$@" > out.txt', case.binary, *arguments]
        folder = case.folder / f"limit {number}"
        with Program("/bin/sh", limited, folder) as program:
            program.wait_end(60, status=1)


def files_that_are_deleted_meanwhile(case):
    """A folder that goes away under the recording and the table: said, status 1, and the conversation goes on."""
    file, folder = case.folder / "voice.wav", case.folder / "gone"
    file.write_bytes(_wav(_voice().tobytes()))
    folder.mkdir(exist_ok=True)
    arguments = ["talk", "--demo", "--json", "--input", file, file, "--output", folder / "reply.wav", "--csv", folder / "turns.csv"]
    with Program(case.binary, arguments, case.folder) as program:
        eventually("a row", 60, lambda: (folder / "turns.csv").exists() and (folder / "turns.csv").read_text().count("\n") > 1)
        shutil.rmtree(folder)
        program.wait_end(60, status=1)
        said = program.stderr()
        require("reply.wav cannot be written: the file was deleted" in said, said[-400:])
        require("turns.csv cannot be written" in said, said[-400:])
        require([turn["outcome"] for turn in program.turns()] == ["completed"] * 2, "the conversation does not go on")
        program.summary()


# -- helpers --

def _heard(case, files):
    """What a server heard of each file: (seconds, dBFS)."""
    heard = {}
    with contextlib.ExitStack() as running:
        started = {}
        for number, (name, data) in enumerate(files.items()):
            file = case.folder / f"{number}.wav"
            file.write_bytes(data)
            serve = ["serve", "--json", "--listen", "127.0.0.1:0"]
            server = running.enter_context(Program(case.binary, serve, case.folder / f"server {number}"))
            url = server.wait_document("an address", 30, lambda _: True)["listening"]
            arguments = ["talk", "--endpoint", url, "--json", "--input", file, "--output", "none", "--turns", "1"]
            started[name] = server, running.enter_context(Program(case.binary, arguments, case.folder / f"run {number}"))
        for name, (server, program) in started.items():
            program.wait_end(90, status=None)
            turns = program.spoken()
            require(program.process.returncode == 0 and len(turns) == 1, f"{name}: status {program.process.returncode}, {program.stderr().strip()[-300:]}")
            turn = server.wait_document(f"{name}: what was heard", 30, lambda told: told.get("event") == "turn")
            require(turn.get("voice_ms") is not None, f"{name}: {turn}")
            heard[name] = turn["voice_ms"] / 1000, turn["level_dbfs"]
    return heard


def _voice():
    with wave.open(str(VOICE)) as file:
        return array.array("h", file.readframes(file.getnframes()))


def _swapped(samples):
    swapped = array.array("h", samples)
    swapped.byteswap()
    return swapped


def _stereo(left, right):
    both = array.array("h", bytes(4 * len(left)))
    both[0::2], both[1::2] = array.array("h", left), array.array("h", right)
    return both.tobytes()


def _noise(count):
    draw = random.Random(1)
    return [draw.randint(-12_000, 12_000) for _ in range(count)]


def _chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _extension(valid):
    return struct.pack("<HHIH", 22, valid, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")


def _wav(data, *, kind=b"RIFF", riff_size=None, before=b"", tag=1, channels=1, bits=16, per_second=None, block=None, extension=b"",
         between=b"", data_size=None, after=b""):
    order = ">" if kind == b"RIFX" else "<"
    block = channels * bits // 8 if block is None else block
    per_second = RATE * block if per_second is None else per_second
    tag = 0xFFFE if len(extension) == 24 else tag
    fmt = struct.pack(order + "HHIIHH", tag, channels, RATE, per_second, block, bits) + extension
    size = len(data) if data_size is None else data_size
    body = before + b"fmt " + struct.pack(order + "I", len(fmt)) + fmt + between + b"data" + struct.pack(order + "I", size) + data + after
    return kind + struct.pack(order + "I", len(body) + 4 if riff_size is None else riff_size) + b"WAVE" + body


CASES = [headers_that_lie, recordings_that_cannot_be_read, places_that_take_no_more, pipes_in_place_of_files, a_limit_on_files, files_that_are_deleted_meanwhile]
