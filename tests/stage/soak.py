#!/usr/bin/env python3
"""A long conversation in the window, over a line that is cut, stalled, slowed and rolled: nothing said may be lost or doubled.

    soak.py --binary target/debug/sovereign --minutes 480 [--seed N] [--server pulse|pipewire] [--table FILE]

Sentences, each said once, are spoken into the rig's microphone. The service is `sovereign serve`, which answers with the
user's own voice, behind a relay that carries out the faults of a plan (fixed by the seed, printed) in a chosen state of the
turn. Three ledgers are compared with what was said, by sound, piece by piece:

- what the service got: each sentence whole in a context, and no piece twice in one (`wiretap.py`);
- what the speaker played: each sentence comes back whole, once;
- what `sovereign history show` tells: one answered turn for each sentence, in order.

Memory, descriptors and threads of the program: the last quarter against the first. OUT/shots has a picture of each state.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import sound
from desk import STOP, Desk, Failure, Window, eventually, read_options, require
from program import Program
from relay import Relay
from wiretap import Wiretap, samples

# kind: (seconds, states of the turn it is tried in, how often it is in a deck)
ALL = ("idle", "speaking", "thinking", "answering")
FAULTS = {
    "none": (0, ("idle",), 8),
    "cut": (0, ALL, 1),
    "reset": (0, ALL, 1),
    "cut, refused for 3 s": (3, ALL, 1),
    "cut, refused for 12 s": (12, ("idle", "speaking", "thinking"), 1),
    "cut, refused for 45 s": (45, ("speaking", "thinking"), 1),
    "half open for 6 s": (6, ALL, 1),
    "stands still for 2 s": (2, ALL, 1),
    "stands still for 10 s": (10, ("speaking", "thinking"), 1),
    "64 kbit/s": (12, ("idle", "speaking"), 1),
    "goAway, 5 s": (5, ALL, 1),
    "goAway without a time": (5, ("idle", "answering"), 1),
    "service forgets the session": (0, ("idle", "thinking"), 1),
    "service resumes without what was said": (0, ("idle",), 1),
}
SUBJECTS = ("the old captain", "my younger sister", "a patient gardener", "every second tourist", "our neighbour Martin", "the village doctor", "nobody in Lisbon",
            "that clever engineer", "a lonely shepherd", "the whole orchestra", "his grandmother", "some brave children", "the night porter", "a famous painter")
VERBS = ("has hidden", "wants to sell", "will repair", "never understood", "quietly borrowed", "should photograph", "cannot remember", "keeps polishing",
         "refused to carry", "dreams about", "secretly collects", "forgot to water", "has already counted", "would gladly swap")
OBJECTS = ("seven copper kettles", "a wooden bicycle", "the purple umbrella", "thirty empty bottles", "an enormous cactus", "two broken violins", "the marble staircase",
           "a basket of lemons", "nine silver buttons", "the frozen fountain", "a map of Finland", "some yellow curtains", "the rusty anchor", "fourteen postcards")
PLACES = ("behind the railway station", "near the cold river", "before breakfast on Sunday", "under a striped tent", "during the thunderstorm", "in the upper library",
          "after midnight", "with both hands", "beside the flower market", "without any reason", "on the way to Geneva", "at the edge of town", "for the third time", "while it snows")
REPLY_WITHIN_S = 75
QUIET_S = 1.4
PIECE, WHOLE, PART = 0.45, 0.8, 0.5  # a piece is found from this correlation on; shares of the pieces of a sentence
MOST_GROWTH_MB = 20
TAPE_S = 600
PARROT = "think_ms: 1200\nturn_complete: playback\n"
GEOMETRY = "1100x720+20+20"
SEND_NOW_X = 608  # where the button begins in a window of this size and place


class Sentence:
    def __init__(self, folder, number, random_):
        self.number, self.at = number, None
        self.text = " ".join(random_.choice(words) for words in (SUBJECTS, VERBS, OBJECTS, PLACES))
        self.path = sound.speech(folder, self.text, random_.randrange(150, 186))
        voice = sound.read(self.path)
        first, last = sound.span(voice, -45)
        self.voice = voice[first:last]
        self.all = {at for at, _, _ in sound.pieces(self.voice, np.pad(self.voice, sound.RATE))}
        self.got, self.heard, self.again, self.state, self.fault, self.pressed, self.mouth = set(), set(), set(), "", "", 0, True

    def whole(self, parts, least):
        """Whether these pieces are so many of it, from beginning to end."""
        pieces = self.all
        ends = parts and min(parts) - min(pieces) < sound.RATE and max(pieces) - max(parts) < sound.RATE
        return bool(ends) and len(parts) >= least * len(pieces)

    def found_in(self, heard):
        """(pieces of the sentence that are in this sound, those that are in it twice)."""
        once, twice = set(), set()
        for start, end in stretches(heard):
            padded = np.pad(heard[start:end], len(self.voice))
            found = {at for at, _, score in sound.pieces(self.voice, padded) if score > PIECE}
            once, twice = once | found, twice | once & found
        return once, twice


def stretches(samples):
    """(first, last) sample of what lies between pauses that no sentence has."""
    found, block = [], sound.RATE // 100
    power = np.mean(np.square(samples[: len(samples) // block * block].reshape(-1, block)), axis=1)
    for at in np.flatnonzero(power > 1e-5) * block:
        if found and at - found[-1][1] < 0.7 * sound.RATE:
            found[-1][1] = at + block
        else:
            found.append([at, at + block])
    return found


def unbroken(sentence, mouth):
    """Whether the mouth said it without a gap: a sound server without processor time makes pauses, and so turns, that nobody meant."""
    found = sound.pieces(sentence.voice, mouth) if len(mouth) > len(sentence.voice) else []
    lags = [lag for _, lag, score in found if score > 0.5]
    return len(lags) == len(found) > 0 and max(lags) - min(lags) < 0.1 * sound.RATE


def plan(seed, only=""):
    """Faults and states without end: decks of all cells, shuffled."""
    random_ = random.Random(seed)
    while True:
        deck = [(state, kind) for kind, (_, states, times) in FAULTS.items() for state in states for _ in range(times) if only in kind]
        random_.shuffle(deck)
        yield from deck


class Service:
    """Two servers behind one relay: a handle of one is unknown to the other; the second resumes sessions without their context."""

    def __init__(self, options):
        self.servers = []
        for name, script in (("serve", PARROT), ("serve-forgetful", PARROT + "resumption: forgetful\n")):
            folder = options.out / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "script.yaml").write_text(script)
            self.servers.append(Program(options.binary, ["serve", "--json", "--listen", "127.0.0.1:0", "--script", folder / "script.yaml"], folder))

    def __enter__(self):
        self.ports = [server.wait_document("its address", 60, lambda d: "listening" in d)["port"] for server in self.servers]
        self.relay = Relay(self.ports[0])
        self.tap = self.relay.tap = Wiretap()
        return self

    def __exit__(self, *_):
        self.relay.__exit__()
        for server in self.servers:
            server.__exit__()

    def disturb(self, kind, seconds):
        """Begins a fault; gives what ends it."""
        relay, tap = self.relay, self.tap
        if kind.startswith("cut"):
            relay.set("refuse" if seconds else None)
            relay.cut()
        elif kind == "reset":
            relay.cut(reset=True)
        elif kind.startswith("half open"):
            relay.set("swallow")
        elif kind.startswith("stands still"):
            relay.set("stand")
        elif kind == "64 kbit/s":
            relay.rate = 8_000
        elif kind.startswith("goAway"):
            old = tap.newest()
            tap.say({"goAway": {} if "without" in kind else {"timeLeft": f"{seconds}s"}})
            return lambda: relay.cut() if tap.newest() is old else None  # the service's own end, if the client stays
        elif kind == "service forgets the session":
            relay.port = self.ports[0] if relay.port == self.ports[1] else self.ports[1]
            relay.cut()
        elif kind == "service resumes without what was said":
            relay.port = self.ports[1]
            relay.cut()

        def mend():
            relay.set(None)
            relay.rate = None
        return mend


class Soak:
    def __init__(self, options, desk, service, program, window):
        self.options, self.desk, self.service, self.program, self.window = options, desk, service, program, window
        self.random, self.said, self.usage, self.shots = random.Random(options.seed), [], [], {}
        self.tape, self.judged, self.read_until = None, 0, 0
        (options.out / "shots").mkdir(exist_ok=True)

    def run(self):
        deck, end = plan(self.options.seed, self.options.only), time.monotonic() + 60 * self.options.minutes
        while time.monotonic() < end and not STOP.is_set():
            require(self.program.alive(), f"it ended by itself, status {self.program.process.returncode}: {self.program.stderr()[-400:]}")
            with self.desk.tape(self.options.out) as self.tape:
                self.read_until = 0
                while time.monotonic() < end and not STOP.is_set() and self.tape.now() < TAPE_S * sound.RATE and self.program.alive():
                    self.turn(*next(deck))
                    if len(self.said) % 25 == 13:
                        self.page()
        for state, action in (("conversations", lambda: self.window.key("ctrl+h")), ("figures", lambda: self.window.key("ctrl+d")), ("end", lambda: self.window.key("Escape"))):
            action()
            time.sleep(2)
            self.shot(state)

    def turn(self, state, kind):
        sentence = Sentence(self.options.out / "speech", len(self.said) + 1, self.random)
        sentence.state, sentence.fault = state, kind
        self.said.append(sentence)
        since = self.tape.now()
        fault = threading.Event()
        if state == "idle":
            self.disturbed(sentence, fault)
            STOP.wait(1.5)
        sentence.at, start = time.time(), self.tape.now()
        player = threading.Thread(target=self.desk.play, args=(sentence.path,), daemon=True)
        player.start()
        if state == "speaking":
            eventually("speech", 60, lambda: sound.span(self.tape.mouth(start)))
            STOP.wait(1)
            self.disturbed(sentence, fault)
        player.join()
        if state == "thinking":
            STOP.wait(0.2)
            self.disturbed(sentence, fault)
        if state == "answering":
            if self.sounds(start):
                STOP.wait(0.6)
            self.disturbed(sentence, fault)
        if state == "idle" and kind == "none":
            fault.set()
        self.wait_answer(sentence, since, fault)
        self.judge(start)
        self.usage.append(self.measured())
        sentence.path.unlink(missing_ok=True)
        print(f"{len(self.said):4} {datetime.now():%H:%M:%S} {state:9} {kind:38} got {share(sentence.got, sentence)} heard {share(sentence.heard, sentence)}"
              f" again {share(sentence.again, sentence)} {'' if sentence.mouth else 'stammered '}pressed {sentence.pressed} {self.usage[-1]}", flush=True)

    def disturbed(self, sentence, over):
        """Carries out the fault beside the turn; pictures of the first of its kind."""
        seconds = FAULTS[sentence.fault][0]
        mend = self.service.disturb(sentence.fault, seconds)
        name = f"{sentence.fault}-{sentence.state}".replace(",", "").replace("/", "").replace(" ", "-")
        first = name not in self.shots

        def carry_out():
            began = time.monotonic()
            for at in (1.2, 8, 31):
                if first and (at < seconds or at == 1.2):
                    STOP.wait(max(0, began + at - time.monotonic()))
                    self.shot(f"{name}-{at:g}s")
            STOP.wait(max(0, began + seconds - time.monotonic()))
            mend()
            over.set()
            if first:
                STOP.wait(0.5)
                self.shot(f"{name}-mended")
                STOP.wait(2)
                self.shot(f"{name}-mended-2s")
        self.shots[name] = True
        threading.Thread(target=carry_out, daemon=True).start()

    def sounds(self, since):
        end = time.monotonic() + 30
        while time.monotonic() < end and not STOP.is_set():
            if sound.span(self.tape.speaker(since)):
                return True
            STOP.wait(0.1)
        return False

    def wait_answer(self, sentence, since, fault):
        """Until the sentence came back and it is quiet; a sentence that did not come back is the ledger's business."""
        fault.wait(120)
        end, mended = time.monotonic() + REPLY_WITHIN_S, time.monotonic()
        while time.monotonic() < end and not STOP.is_set() and self.program.alive():
            STOP.wait(0.3)
            heard, now = sound.span(self.tape.speaker(since)), self.tape.now()
            if not heard or now - since - heard[1] < QUIET_S * sound.RATE:
                quiet_for = time.monotonic() - mended
            else:
                found, _ = sentence.found_in(self.tape.speaker(since, now))
                if sentence.whole(found, PART):
                    return
                quiet_for = (now - since - heard[1]) / sound.RATE
            if quiet_for > 4 and sentence.pressed < 4 and (at := self.send_now()):
                self.press(sentence, at)
                end, mended = time.monotonic() + REPLY_WITHIN_S, time.monotonic()
                continue
            newest = self.service.tap.newest()
            if quiet_for > 15 and newest and newest.asked and newest.asked.answered and newest.asked.began > sentence.at:
                return

    def send_now(self):
        """Where the button "Send now" is on the screen, if it is: a grey field that begins within a white card."""
        screen = self.desk.pixels().astype(int)
        before, inside = screen[:, SEND_NOW_X - 4], screen[:, SEND_NOW_X + 5]
        rows = np.flatnonzero((before == 255).all(axis=1) & (inside < 250).all(axis=1) & (inside > 200).all(axis=1))
        return (SEND_NOW_X + 40, int(rows[len(rows) // 2])) if len(rows) >= 15 else None

    def press(self, sentence, at):
        sentence.pressed += 1
        self.shot(f"send-it-now-{sentence.number}-{sentence.pressed}")
        self.desk.x("xdotool", "mousemove", *map(str, at), "sleep", "0.3", "click", "1", "sleep", "0.3", "mousemove", "1200", "790")
        self.shot(f"send-it-now-{sentence.number}-{sentence.pressed}-pressed")

    def page(self):
        self.window.key("ctrl+h")
        STOP.wait(2)
        self.shot(f"conversations-{len(self.said)}")
        self.window.key("Escape")
        STOP.wait(0.5)

    def shot(self, name):
        try:
            self.desk.screenshot(self.options.out / "shots" / f"{name}.png")
        except Exception as problem:  # a picture is no reason to end
            print(f"no picture {name}: {problem}", file=sys.stderr)

    def judge(self, start):
        """Who said what reached the service, and what of it came back."""
        questions, self.judged = self.service.tap.questions[self.judged :], len(self.service.tap.questions)
        late = self.said[-6:]
        late[-1].mouth = unbroken(late[-1], self.tape.mouth(start))
        for question in questions:
            got = sound.resample(np.array(samples(question)) / 32768, 16_000, sound.RATE)
            parts = [(sentence.found_in(got)[0], sentence) for sentence in late]
            parts, sentence = max(parts, key=lambda pair: len(pair[0]) / max(1, len(pair[1].all)), default=(set(), None))
            question.parts, question.sound = parts, b""
            if sentence and len(parts) >= 0.2 * len(sentence.all):
                question.utterance = sentence.number
                sentence.got |= parts
        since, self.read_until = self.read_until, self.tape.now()
        heard = self.tape.speaker(since, self.read_until)
        for sentence in late:
            if sentence is self.said[-1] or not sentence.whole(sentence.heard, PART):
                found, twice = sentence.found_in(heard)
                sentence.again |= twice | sentence.heard & found
                sentence.heard |= found

    def measured(self):
        process = Path(f"/proc/{self.program.process.pid}")
        try:
            status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
            return {"s": round(time.monotonic() - self.program.started), "rss_mb": round(int(status["VmRSS"].split()[0]) / 1024, 1),
                    "threads": int(status["Threads"]), "descriptors": len(list((process / "fd").iterdir()))}
        except OSError:
            return {}


def share(parts, sentence):
    return f"{len(parts) / max(1, len(sentence.all)):.2f}"


def told(options, program):
    """What `sovereign history` tells afterwards."""
    def ask(*words):
        with Program(options.binary, ["history", *words, "--json", "--config", options.out / "window/config.yaml"], options.out / "window-history",
                     {"HOME": str(program.folder / "home")}) as asked:
            asked.wait_end(120)
            return asked.documents()[0]
    conversations = ask("list")["conversations"]
    return [ask("show", str(c["id"])) for c in reversed(conversations)]


def verdict(soak, conversations):
    """(rows of the table, what went wrong)."""
    wrong, rows, tap = [], [], soak.service.tap
    turns = sorted((turn for c in conversations for turn in c["turns"]), key=lambda turn: turn["at"])
    for place, sentence in enumerate(soak.said):
        until = soak.said[place + 1].at if place + 1 < len(soak.said) else time.time()
        pieces = len(sentence.all)
        mine = [t for t in turns if sentence.at <= datetime.fromisoformat(t["at"].split("[")[0]).timestamp() < until and t["user"].strip()]
        sentence.turns = [t["outcome"] for t in mine]
        answered = sum(outcome == "completed" for outcome in sentence.turns)
        contexts = [[q.parts for q in context if q.utterance == sentence.number] for context in tap.contexts]
        sentence.doubled = any(len(a & b) > PART * pieces for parts in contexts for n, a in enumerate(parts) for b in parts[n + 1 :])
        faults = {
            "lost on the way to the service": not sentence.whole(sentence.got, WHOLE),
            "twice in one context": sentence.doubled,
            "not heard": not sentence.whole(sentence.heard, PART),
            "heard twice": sentence.whole(sentence.again, PART),
            "no answered turn": answered == 0,
            "answered twice": answered > 1 and sentence.mouth,
        }
        sentence.faults = [name for name, found in faults.items() if found]
        if sentence.faults:
            wrong.append(f"{sentence.number}, {sentence.fault} while {sentence.state}: {', '.join(sentence.faults)}; turns {sentence.turns}")
    heard = [{"connection": q.connection, "began": q.began, "sentence": q.utterance, "pieces": sorted(p / sound.RATE for p in q.parts), "answered": q.answered} for q in tap.questions]
    places = {id(q): n for n, q in enumerate(tap.questions)}
    (soak.options.out / "ledger.json").write_text(json.dumps({
        "sentences": [{"number": s.number, "at": s.at, "text": s.text, "state": s.state, "fault": s.fault, "got": len(s.got), "heard": len(s.heard), "again": len(s.again),
                       "of": len(s.all), "unbroken": s.mouth, "send_now": s.pressed, "turns": s.turns, "faults": s.faults} for s in soak.said],
        "questions": heard, "contexts": [[places[id(q)] for q in context] for context in tap.contexts], "usage": soak.usage}, indent=1))
    strange = sum(q.utterance is None for q in tap.questions)
    count = lambda name: sum(name in s.faults for s in soak.said)  # noqa: E731
    rows += [("sentences said", len(soak.said)), ("of these with pauses by the busy rig, which may make several turns", sum(not s.mouth for s in soak.said)),
             ("faults", sum(s.fault != "none" for s in soak.said))]
    rows += [(name, count(name)) for name in ("lost on the way to the service", "twice in one context", "not heard", "heard twice", "no answered turn", "answered twice")]
    rows += [("heard in part twice (a reply that was cut and asked for again)", sum(len(s.again) >= 0.25 * len(s.all) and not s.whole(s.again, PART) for s in soak.said)),
             ("heard with gaps (the rig, or too little processor time)", sum(s.whole(s.heard, PART) and not s.whole(s.heard, WHOLE) for s in soak.said))]
    rows += [("speech at the service that nobody said", strange), ("conversations kept", len(conversations)), ("turns kept", len(turns)), *tap.counts.items()]
    return rows, wrong


def flat(usage):
    quarter = max(1, len(usage) // 4)
    lines, wrong = [], []
    for name, allowed in (("rss_mb", MOST_GROWTH_MB), ("threads", 0), ("descriptors", 0)):
        first, last = ([u[name] for u in part if u] for part in (usage[:quarter], usage[-quarter:]))
        before, after = statistics.median(first), statistics.median(last)
        lines.append(f"| {name} | {before:g} ({min(first):g} to {max(first):g}) | {after:g} ({min(last):g} to {max(last):g}) |")
        if after - before > allowed:
            wrong.append(f"{name} grew from {before:g} to {after:g}")
    return lines, wrong


def table(options, soak, rows, growth, wrong):
    by_kind = {}
    for s in soak.said:
        cell = by_kind.setdefault(s.fault, {}).setdefault(s.state, [0, 0])
        cell[0] += 1
        cell[1] += bool(s.faults)
    cells = lambda kind: " | ".join(f"{n - bad} of {n}" if (n := by_kind[kind].get(state, [0, 0])[0]) and (bad := by_kind[kind][state][1]) + 1 else "–" for state in ALL)  # noqa: E731
    return "\n".join([
        "# A long conversation over a bad line", "",
        f"Made by `scripts/soak {options.minutes:g}`; how: `tests/stage/soak.py`. The window on the rig ({options.server}), seed {options.seed}, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.", "",
        "| | |", "| --- | --- |", *[f"| {name} | {value} |" for name, value in rows], "",
        "Sentences that were got, heard and kept once, by fault and the state of the turn it came in:", "",
        f"| fault | {' | '.join(ALL)} |", "| --- |" + " --- |" * len(ALL), *[f"| {kind} | {cells(kind)} |" for kind in FAULTS if kind in by_kind], "",
        "| of the program | first quarter: median (range) | last quarter |", "| --- | --- | --- |", *growth, "",
        *(["Not as it should be:", "", *[f"- {line}" for line in wrong]] if wrong else ["Nothing was lost, nothing doubled."]), ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--only", default="", metavar="WORD", help="faults whose name holds it")
    parser.add_argument("--server", choices=["pulse", "pipewire"], default="pulse")
    parser.add_argument("--out", type=Path, default=Path("target/stage/soak"))
    parser.add_argument("--table", type=Path, help="write the table here too")
    options = read_options(parser)
    with contextlib.suppress(PermissionError):  # sound in real time beside builds; what is started inherits it
        os.nice(-10)
    deck = plan(options.seed)
    cells = sum(len(states) * times for _, states, times in FAULTS.values())
    print(f"seed {options.seed}; the first of the decks of {cells}: " + "; ".join(f"{kind} ({state})" for state, kind in (next(deck) for _ in range(cells))), flush=True)
    folder = options.out / "window"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(f"window:\n  panel: 1\n  theme: light\n  geometry: {GEOMETRY}\n")
    with Desk(options.out, f"desk-soak-{options.server}", options.server) as desk, Service(options) as service:
        desk.window_manager()
        arguments = ["--endpoint", service.relay.url, "--config", folder / "config.yaml"]
        with Program(options.binary, arguments, folder, {**desk.environment, "GEMINI_API_KEY": "test-key"}) as program:
            window = Window(desk, program, 120)
            eventually("a connection", 120, service.tap.newest)
            time.sleep(3)
            soak = Soak(options, desk, service, program, window)
            soak.shot("connected")
            problem = None
            try:
                soak.run()
            except Failure as failure:
                problem = str(failure)
            if program.alive():
                window.close()
                program.wait_end(60)
            wrong = [problem] if problem else []
            wrong += ["it panicked"] * ("panicked" in program.stderr())
        conversations = told(options, program)
    (options.out / "history.json").write_text(json.dumps(conversations, indent=1))
    rows, broken = verdict(soak, conversations)
    growth, grown = flat(soak.usage)
    wrong += broken + grown
    text = table(options, soak, rows, growth, wrong)
    print(text)
    if options.table:
        options.table.write_text(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
