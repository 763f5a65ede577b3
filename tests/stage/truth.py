#!/usr/bin/env python3
"""Are the program's figures true? Its own `total` beside that of a recording of mouth and speaker on one clock.

    truth.py run --server pulse|pipewire --binary target/debug/sovereign   100 turns on a desk, into OUT/SERVER.json
    truth.py report                                    the table of these runs, for tests/measured/truth.md
    truth.py selftest                                  the gate catches clients that lie, on a recorded run

What the recording shows is found without the program:

- end of speech: utterances are cut off within a loud sound, so that no limit of level matters, and played as they are,
  sample for sample: their last sample is where the whole correlates with the tape. (How words die away is a matter of
  definition: for the same word the last voiced sample by -28 and by -38 dB is up to 180 ms apart.)
- first audible sample: the first above -50 dBFS at the speaker, in a reply that correlates with the utterance.

A turn in which the sound server stood still, or the mouth stammered, shows the machine and not the program. Those are
found by the tape alone (against the clock of the machine, and by correlation), left out, and counted. A turn that the
program did not tell, told twice or told as failed, or whose reply is not on the tape, is none of those: it counts against
the program, and with more than one in twenty of them its figures are not true of what it was asked for.
"""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import cases_talk
import sound
from desk import STOP, Desk, Failure, require
from program import Program

PROFILES = ("ultra-fast", "balanced", "high-quality")
# They end in a long voiced sound: there is no doubt that the last 100 ms are speech, whatever comes before.
SENTENCES = ("Tell me about the weather today", "How far is it to the moon", "When does the train leave for Rome", "Is there any news from home",
             "What is the longest river we know", "Turn the light on in the hall again now", "Did it rain while we were away", "Will you read me the poem alone")
VOICES = ("en-us", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb")
PITCHES = (50, 30, 70, 40, 60, 80, 35)
LEVELS_DB = (0, -6, -12)
FADE_MS = 2
LOUD = 10**-0.3  # within 3 dB of the loudest 10 ms of the last (first) third of the words
# A sound server that lost or gained more than this between the two ends makes a turn's tape worthless.
STILL_MS = 3.0
# The promise: 2 ms beside the rig's own share …
ALLOWED_MS = 2.0
# … in this part of the turns.
PART = 0.95
LEAST_TURNS = 20
# Of the turns that the program answered for, so many may have failed by its own doing.
MOST_FAILED = 0.05
# Whose a fault is.
PROGRAM, RIG, UNKNOWN = "program", "rig", "unknown"
# What a program must not get away with.
LIE_MS = 5.0
# How often the turns of a profile are filled up.
TRIES = 4
# Turns of runs while the machine had time for them: what an honest program looks like to the gate.
RECORDED = Path(__file__).resolve().parent / "truth_recorded.json"


def cut(samples):
    """What lies between two loud sounds, 2 ms faded at both ends: the first and last sample are the first and last voiced ones."""
    block = sound.RATE // 100
    power = np.square(samples[: len(samples) // block * block].reshape(-1, block)).mean(axis=1)
    third = len(power) // 3
    first = np.flatnonzero(power[:third] > power[:third].max() * LOUD)[0]
    last = np.flatnonzero(power[-third:] > power[-third:].max() * LOUD)[-1] + len(power) - third
    kept = samples[first * block : (last + 1) * block]
    fade = np.minimum(1, np.arange(len(kept)) / (FADE_MS * sound.RATE / 1000))
    return kept * fade * fade[::-1]


def place(needle, hay):
    """(sample, correlation) where the needle lies in the hay, to the sample."""
    size = 1 << (len(hay) + len(needle) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size)), size)[: len(hay) - len(needle) + 1]
    sums = np.concatenate(([0.0], np.cumsum(np.square(hay))))
    energy = sums[len(needle):] - sums[: len(sums) - len(needle)]
    floor = 1e-7 * len(needle)
    scores = np.where(energy > floor, products / np.sqrt(np.maximum(energy, floor) * np.sum(np.square(needle))), 0.0)
    best = int(np.argmax(scores))
    return best, float(scores[best])


def read_tape(said, mouth, speaker):
    """The wait that the tape shows, in ms, and how it was found; or why there is none."""
    at, score = place(said, mouth) if len(mouth) > len(said) else (0, 0.0)
    if score < 0.995:
        return {"fault": f"the mouth stammered: correlation {score:.3f}", "by": RIG}
    if not sound.span(speaker):
        return {"fault": "no reply on the tape", "by": PROGRAM}
    end = at + len(said)
    audible = np.flatnonzero(np.abs(speaker[end:]) > 104 / 32_768)
    if not len(audible):
        return {"fault": "no reply after the end of speech", "by": PROGRAM}
    first = end + int(audible[0])
    scores = [s for _, _, s in sound.pieces(said, speaker[max(0, first - 2_400):])]
    # The better half: a busy machine chops a reply, which moves nothing of its beginning.
    reply = float(np.quantile(scores, 0.75)) if scores else 0.0
    if reply < 0.5:
        # A busy machine chops replies: whose fault it was the tape does not show.
        return {"fault": f"the reply is not what was said: correlation {reply:.2f}", "by": UNKNOWN}
    return {"tape_total": round((first - end) * 1000 / sound.RATE, 3), "said": end, "heard": first, "mouth_correlation": round(score, 4), "reply_correlation": round(reply, 3)}


def utterance(folder, number):
    """The number-th utterance as a WAV file at sound.RATE: words, voice and level take turns."""
    text, voice = SENTENCES[number % len(SENTENCES)], VOICES[number % len(VOICES)]
    level, pitch = LEVELS_DB[number % len(LEVELS_DB)], PITCHES[number % len(PITCHES)]
    path = write(Path(folder) / f"{number:03}.wav", text, voice, pitch, level)
    return path, {"words": text, "voice": voice, "pitch": pitch, "level_db": level}


def write(path, text, voice="en-us", pitch=50, level=0):
    """These words as a WAV file, made once, cut at both ends."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = path.with_suffix(".raw.wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", "175", "-p", str(pitch), "-w", str(raw), "--", text], check=True)
        samples = cut(sound.read(raw)) * 10 ** (level / 20)
        raw.unlink()
        with wave.open(str(path), "wb") as w:
            w.setnchannels(1), w.setsampwidth(2), w.setframerate(sound.RATE)
            w.writeframes(np.clip(np.round(samples * 32_768), -32_768, 32_767).astype("<i2").tobytes())
    return path


class Watch:
    """How far the tape has come, against the clock of the machine: it tells when the sound server stood still."""

    def __init__(self, tape):
        self.tape, self.seen, self.over = tape, [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        last = 0
        while not self.over.wait(0.004):
            at, now = self.tape.now(), time.monotonic()
            if at != last:
                self.seen.append((at, now * 1000 - at * 1000 / sound.RATE))
                last = at

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def stood_still(self, start, end):
        """Milliseconds that the tape lost between two samples. What is read late is late by chance, never early: the
        least of half a second is the truth."""
        reach = sound.RATE // 2
        before = [late for at, late in self.seen if start - reach <= at < start]
        after = [late for at, late in self.seen if end <= at < end + reach]
        return min(after) - min(before) if before and after else None


def play(desk, path):
    """Has the server itself say it: a player of its own would stammer on a busy machine."""
    environment = {**os.environ, **desk.environment}
    subprocess.run(["pactl", "upload-sample", str(path), path.stem], env=environment, check=True, timeout=20)
    subprocess.run(["pactl", "play-sample", path.stem, "mouth"], env=environment, check=True, timeout=20, stdout=subprocess.DEVNULL)


def converse(desk, binary, folder, profile, turns, first=0, keep=False):
    """A conversation of so many turns; gives a record for each."""
    folder, records = Path(folder), []
    with desk.tape(folder) as tape, Watch(tape) as watch, \
            Program(binary, ["talk", "--demo", "--json", "--profile", profile], folder, desk.environment) as program:
        cases_talk.after_greeting(tape)
        for number in range(first, first + turns):
            path, record = utterance(folder.parent / "utterances", number)
            before, start = len(program.spoken()), tape.now()
            play(desk, path)
            try:
                program.wait_spoken(before + 1, 12)
            except Failure:
                if STOP.is_set() or not program.alive():
                    raise
            time.sleep(0.6)
            told = program.spoken()[before:]
            record |= {"server": desk.server, "profile": profile, "number": number, "start": start, "end": tape.now()}
            records.append(record | compare_turns(told))
        program.signal(signal.SIGTERM)
        program.wait_end(20)
        for record in records:
            path, _ = utterance(folder.parent / "utterances", record["number"])
            at = record["start"], record["end"]
            said = sound.read(path)
            record["said_ms"] = round(len(said) * 1000 / sound.RATE, 3)
            seen = read_tape(said, tape.mouth(*at), tape.speaker(*at))
            if "fault" not in seen:
                lost = watch.stood_still(at[0] + seen["said"], at[0] + seen["heard"])
                seen["stood_still"] = None if lost is None else round(lost, 2)
                if lost is None or abs(lost) > STILL_MS:
                    seen |= {"fault": "the sound server stood still", "by": RIG}
            record |= whose(record, seen)
            if "fault" not in record:
                record["difference"] = round(record["program_total"] - record["tape_total"], 3)
    if not keep:
        (folder / "tape.raw").unlink()
    return records


def whose(told, seen):
    """What is known of a turn, with one fault at most. One of the rig's ends the question: of words that stammered, or of a
    server that stood still, no program can make one good turn. But that it told no turn is the program's own whatever else
    the tape lacks."""
    if seen.get("by") != RIG and "fault" in told:
        return {**seen, "fault": told["fault"], "by": told["by"]}
    return seen


def compare_turns(told):
    """What the program told of an utterance."""
    if len(told) != 1:
        return {"fault": f"{len(told)} turns told for one utterance", "by": PROGRAM}
    turn = told[0]
    if turn["outcome"] != "completed" or "total" not in turn["latency_ms"]:
        return {"fault": f"the turn was {turn['outcome']}", "by": PROGRAM}
    marks = turn["marks_ms"]
    require(abs(marks["first_audible"] - marks["speech_end"] - turn["latency_ms"]["total"]) <= 0.2, f"total is not between its marks: {turn}")
    return {"program_total": turn["latency_ms"]["total"], "marks": marks, "latency": turn["latency_ms"], "underruns": turn["audio"]["underruns"],
            "capture_dropped": turn["audio"]["capture_dropped"], "reopened": turn["reopened"]}


def rig_share(desk, seconds=12):
    """The rig's own part, off `rig.sh floor`: the tightest loop that its sound server makes, in ms."""
    text = desk.rig("floor", seconds, timeout=90)
    found = dict(pair.split("=") for pair in text.replace(" ms", "").split() if "=" in pair)
    require("median" in found, f"the rig's floor could not be measured: {text.strip()}")
    return {name: float(value) for name, value in found.items()}


def run(options):
    """All profiles on one server; gives what the recording is of, and its turns."""
    per_profile = [len(part) for part in np.array_split(np.arange(options.turns), len(PROFILES))]
    with Desk(options.out, f"desk-truth-{options.server}", options.server) as desk:
        floor, first, turns = rig_share(desk), 0, []
        for profile, count in zip(PROFILES, per_profile):
            found = []
            # What the rig spoiled is said again, as long as it does not spoil everything.
            for again in range(TRIES):
                missing = count - len(differences(found)) - failures(found)
                if missing <= 0:
                    break
                folder = options.out / options.server / (f"{profile}-{again}" if again else profile)
                found += converse(desk, options.binary, folder, profile, missing, first, options.keep)
                first += missing
            turns += found
    load = [round(part, 1) for part in os.getloadavg()]
    return {"server": options.server, "floor_ms": floor, "load": load, "cores": os.cpu_count(), "turns": turns}


# -- the gate --

def judge(floor_ms, differences, failed=0):
    """What is wrong with these differences (program less tape, ms), in words; None if nothing is. `failed` turns beside them
    were not told, or told as failed, by the program.

    The sound server's own way is between the program and the tape, so that an honest program tells up to that share less:
    its median lies around half of it. No lie of LIE_MS has room there, whichever way it goes.
    """
    answered = len(differences) + failed
    if failed > MOST_FAILED * answered:
        return f"the program failed {failed} of {answered} turns, {MOST_FAILED:.0%} are allowed"
    if len(differences) < LEAST_TURNS:
        return f"{len(differences)} turns can be compared, {LEAST_TURNS} are needed"
    middle, limit = statistics.median(differences), ALLOWED_MS + floor_ms
    if abs(middle + floor_ms / 2) >= LIE_MS / 2:
        return (f"the median differs by {middle:+.1f} ms from the tape, {-floor_ms / 2 - LIE_MS / 2:+.1f} to {-floor_ms / 2 + LIE_MS / 2:+.1f} "
                "are the rig's: the program tells another wait than there was")
    p95 = quantile([abs(d) for d in differences], PART)
    if p95 > limit:
        return f"p95 of the difference is {p95:.1f} ms, {limit:.1f} are allowed"
    return None


def differences(turns, profile=None):
    return [t["difference"] for t in turns if "difference" in t and profile in (None, t["profile"])]


def failures(turns, profile=None):
    """Turns that the program failed: what the rig did to others is left out."""
    return sum(t.get("by") == PROGRAM and profile in (None, t["profile"]) for t in turns)


def judge_run(run):
    """The same for a run of `run`."""
    return judge(run["floor_ms"]["median"], differences(run["turns"]), failures(run["turns"]))


def quantile(values, q):
    """The smallest value that this part of them does not exceed: never kinder than the truth."""
    ordered = sorted(values)
    return ordered[max(0, int(np.ceil(q * len(ordered))) - 1)]


def missing(turn):
    """The program heard so much less of the utterance than was said as it tells too much: sound was lost on its way in."""
    heard = turn["marks"]["speech_end"] - turn["marks"]["speech_start"]
    return turn["difference"] > 0 and abs(turn["said_ms"] - heard - turn["difference"]) < 4


def report(runs):
    lines = [
        "# The program's figures beside a recording",
        "",
        "`total` of each turn (end of speech to first audible sample) as `talk --json` tells it, less what a recording of mouth and",
        "speaker on one clock shows, in milliseconds. Made by `scripts/measure-truth`; how: `tests/stage/truth.py`.",
        "",
        "| server | profile | turns compared | failed by the program | left out | median | p50 of \\|difference\\| | p95 | max |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    notes = []
    for run in runs:
        floor = run["floor_ms"]["median"]
        for profile in (*PROFILES, None):
            chosen = [t for t in run["turns"] if profile in (None, t["profile"])]
            found, failed = differences(chosen), failures(chosen)
            if not found and not failed:
                continue
            left_out = len(chosen) - len(found) - failed
            if not found:
                lines.append(f"| {run['server']} | {profile or 'all'} | 0 | {failed} | {left_out} | – | – | – | – |")
                continue
            sizes = [abs(d) for d in found]
            lines.append(f"| {run['server']} | {profile or 'all'} | {len(found)} | {failed} | {left_out} | {statistics.median(found):+.1f} | "
                         f"{quantile(sizes, 0.5):.1f} | {quantile(sizes, PART):.1f} | {max(sizes):.1f} |")
        floors = run["floor_ms"]
        notes.append(f"- **{run['server']}**: the rig's own share is {floor:.1f} ms (`rig.sh floor`: {int(floors['heard'])} clicks through the server's "
                     f"tightest loop, {floors['min']:.1f} to {floors['max']:.1f}); allowed is {ALLOWED_MS + floor:.1f} ms at p95; load average {run['load'][0]} "
                     f"on {run.get('cores', '?')} cores. Judged: " + (judge_run(run) or "true") + ".")
        faults = {False: {}, True: {}}
        for turn in run["turns"]:
            if "fault" in turn:
                name, of = turn["fault"].split(":")[0], faults[turn.get("by") == PROGRAM]
                of[name] = of.get(name, 0) + 1
        beyond = [t for t in run["turns"] if abs(t.get("difference", 0)) > ALLOWED_MS + floor]
        if beyond:
            short = sum(missing(t) for t in beyond)
            notes.append(f"  Beyond what is allowed: {len(beyond)}; in {short} of them the microphone's stream, as the program got it, "
                         "lacks as much of what was said.")
        for what, counts in (("Failed by the program", faults[True]), ("Left out", faults[False])):
            if counts:
                notes.append(f"  {what}: " + ", ".join(f"{count} ({name})" for name, count in sorted(counts.items())) + ".")
    return "\n".join([*lines, "", *notes, ""])


# -- the meter itself --

def selftest():
    """The tape is read to the sample; a recorded run passes the gate, and the same run told by a client that lies does not."""
    checks = [*tape_checks(), *gate_checks(), *failure_checks()]
    for name, right, what in checks:
        print(f"{'ok    ' if right else 'FAILED'} {name}: {what}")
    failed = sum(not right for _, right, _ in checks)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


def tape_checks():
    """A made voice at known places: what is read, and what is refused."""
    random = np.random.default_rng(1)
    t = np.arange(sound.RATE) / sound.RATE
    # Syllables of harmonics, each of another pitch, so that no piece is like another.
    said = sum(np.sin(2 * np.pi * n * np.cumsum(110 + 40 * np.sin(5 * t) + 25 * t) / sound.RATE) / n for n in range(1, 20))
    said = cut(0.12 * said * (0.3 + np.abs(np.sin(9 * t))))

    def tape(wait_ms, mouth=said, reply=said):
        end = 9_600 + len(mouth)
        length = end + round(wait_ms * sound.RATE / 1000) + len(said) + 9_600
        both = random.normal(0, 1e-4, (2, length))
        both[0, 9_600:end] += mouth
        at = end + round(wait_ms * sound.RATE / 1000)
        both[1, at : at + len(reply)] += reply
        return read_tape(said, both[0], both[1])

    for wait in (320.0, 325.0, 740.3):
        seen = tape(wait)
        error = seen.get("tape_total", 1e9) - wait
        yield f"a wait of {wait:g} ms", abs(error) < 0.25, f"off by {error:+.2f} ms"
    stammer = np.delete(said, slice(20_000, 20_960))
    yield "a mouth that stammered", "fault" in (seen := tape(320, mouth=stammer)), seen.get("fault", "not seen")
    other = random.normal(0, 0.1, len(said))
    yield "a reply of something else", "fault" in (seen := tape(320, reply=other)), seen.get("fault", "not seen")
    yield "no reply", "fault" in (seen := tape(320, reply=said * 0)), seen.get("fault", "not seen")


def gate_checks():
    for recorded in json.loads(RECORDED.read_text()):
        floor, found = recorded["floor_ms"], recorded["differences"]
        clients = {
            "is as recorded": (found, True),
            "tells 5 ms more": ([d + 5 for d in found], False),
            "tells 5 ms less, or plays 5 ms later than it says": ([d - 5 for d in found], False),
            "tells 0": ([d - told for d, told in zip(found, recorded["told"])], False),
            "is 15 ms off in every tenth turn": ([d + 15 * (n % 10 == 0) for n, d in enumerate(found)], False),
            "tells nothing": ([], False),
        }
        for name, (values, honest) in clients.items():
            verdict = judge(floor, values)
            yield f"{recorded['server']}, a client that {name}", (verdict is None) == honest, verdict or "true"


def failure_checks():
    """What a client failed counts against it; what the rig did to it does not."""
    recorded = next(r for r in json.loads(RECORDED.read_text()) if judge(r["floor_ms"], r["differences"]) is None)
    floor = {"median": recorded["floor_ms"], "heard": 1, "min": recorded["floor_ms"], "max": recorded["floor_ms"]}
    marks = {"speech_start": -1000.0, "speech_end": 0.0}
    good = [{"profile": "balanced", "difference": d, "said_ms": 1000.0, "marks": marks} for d in recorded["differences"]]

    def client(*told):
        """The same turns, and beside them some that were told so: None is one that the rig spoiled."""
        stammer = {"fault": "the mouth stammered: correlation 0.900", "by": RIG}
        others = [compare_turns(turns) if turns is not None else stammer for turns in told]
        return {"server": recorded["server"], "floor_ms": floor, "load": [0.0], "turns": [*good, *({"profile": "balanced"} | other for other in others)]}

    failed = [{"outcome": "failed", "latency_ms": {}}]
    silent, twice = [], failed * 2
    one_in_ten = len(good) // 9
    told, still, mute = compare_turns(silent), {"fault": "the sound server stood still", "by": RIG}, {"fault": "no reply on the tape", "by": PROGRAM}
    for name, one, expected in (
        ("tells no turn, and none is on the tape", whose(told, mute), PROGRAM),
        ("tells no turn, though one is on the tape", whose(told, {"tape_total": 320.0}), PROGRAM),
        ("tells a turn that is not on the tape", whose({"program_total": 320.0}, mute), PROGRAM),
        ("tells no turn, and something else is on the tape", whose(told, {"fault": "the reply is not what was said", "by": UNKNOWN}), PROGRAM),
        ("tells no turn on a server that stood still", whose(told, still), RIG),
        ("tells a turn that is on the tape", whose({"program_total": 320.0}, {"tape_total": 320.0}), None),
    ):
        yield f"whose it is, a client that {name}", one.get("by") == expected, one.get("fault", "no fault")
    clients = {
        "fails one turn of many": ([failed], True),
        "fails one turn in ten": ([failed] * one_in_ten, False),
        "tells nothing of one turn in ten": ([silent] * one_in_ten, False),
        "tells two turns for one in ten": ([twice] * one_in_ten, False),
        "is spoiled by the rig in one turn in ten": ([None] * one_in_ten, True),
        "fails all turns beside a rig that spoils as many": ([failed] * len(good) + [None] * len(good), False),
    }
    for name, (told, honest) in clients.items():
        run = client(*told)
        verdict = judge_run(run)
        yield f"a client that {name}", (verdict is None) == honest, verdict or "true"
        text = report([run])
        mine, rigs = sum(t is not None for t in told), sum(t is None for t in told)
        row = f"| {recorded['server']} | all | {len(good)} | {mine} | {rigs} |"
        yield f"the table of a client that {name}", row in text, "tells both counts" if row in text else text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "report", "selftest"])
    parser.add_argument("--server", choices=["pulse", "pipewire"], default="pulse")
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--keep", action="store_true", help="keep the recordings")
    parser.add_argument("--out", type=Path, default=Path("target/stage/truth"))
    options = parser.parse_args()
    options.out = options.out.resolve()
    if options.what == "selftest":
        return selftest()
    if options.what == "run":
        if not options.binary:
            parser.error("run needs --binary")
        options.binary = options.binary.resolve()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: STOP.set())
        options.out.mkdir(parents=True, exist_ok=True)
        found = run(options)
        (options.out / f"{options.server}.json").write_text(json.dumps(found, indent=1))
        print(report([found]))
        return 1 if judge_run(found) else 0
    runs = [json.loads(path.read_text()) for path in sorted(options.out.glob("*.json"))]
    if not runs:
        print(f"no runs in {options.out}: scripts/measure-truth makes them", file=sys.stderr)
        return 1
    print(report(runs), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
