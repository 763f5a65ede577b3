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
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import soak_report
import sound
from desk import STOP, Desk, Failure, Window, eventually, read_options, require
from program import Program
from soak_line import FAULTS, Service, plan
from wiretap import samples

SUBJECTS = ("the old captain", "my younger sister", "a patient gardener", "every second tourist", "our neighbour Martin", "the village doctor", "nobody in Lisbon",
            "that clever engineer", "a lonely shepherd", "the whole orchestra", "his grandmother", "some brave children", "the night porter", "a famous painter")
VERBS = ("has hidden", "wants to sell", "will repair", "never understood", "quietly borrowed", "should photograph", "cannot remember", "keeps polishing",
         "refused to carry", "dreams about", "secretly collects", "forgot to water", "has already counted", "would gladly swap")
OBJECTS = ("seven copper kettles", "a wooden bicycle", "the purple umbrella", "thirty empty bottles", "an enormous cactus", "two broken violins", "the marble staircase",
           "a basket of lemons", "nine silver buttons", "the frozen fountain", "a map of Finland", "some yellow curtains", "the rusty anchor", "fourteen postcards")
PLACES = ("behind the railway station", "near the cold river", "before breakfast on Sunday", "under a striped tent", "during the thunderstorm", "in the upper library",
          "after midnight", "with both hands", "beside the flower market", "without any reason", "on the way to Geneva", "at the edge of town", "for the third time", "while it snows")
REPLY_WITHIN_S = 75
QUIET_S, LATE_S = 1.4, 12  # after a reply; until a reply that was cut would have been asked for again
PIECE, WHOLE, PART = 0.45, 0.8, 0.5  # a piece is found from this correlation on; shares of the pieces of a sentence
TAPE_S = 600
GEOMETRY = "1100x720+20+20"
BANNERS = 145, 420  # rows of the screen in which a bar above the conversation may be
BUTTON_HEIGHT = 28


class Sentence:
    def __init__(self, folder, number, random_):
        self.number, self.at = number, None
        self.text = " ".join(random_.choice(words) for words in (SUBJECTS, VERBS, OBJECTS, PLACES))
        self.path = sound.speech(folder, self.text, random_.randrange(150, 186))
        voice = sound.read(self.path)
        first, last = sound.span(voice, -45)
        self.voice = voice[first:last]
        self.all = {at for at, _, _ in sound.pieces(self.voice, np.pad(self.voice, sound.RATE))}  # later those that the mouth said
        self.length = len(self.all)
        self.got, self.heard, self.again, self.state, self.fault, self.pressed, self.mouth = set(), set(), set(), "", "", 0, True

    def whole(self, parts, least):
        """Whether these pieces are so many of it, from beginning to end."""
        pieces, parts = self.all, parts & self.all
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


def hear_mouth(sentence, mouth):
    """A sound server without processor time loses pieces, and makes pauses, and so turns, that nobody meant: what was said counts."""
    found = sound.pieces(sentence.voice, np.pad(mouth, len(sentence.voice)))
    lags = [lag for _, lag, score in found if score > 0.5]
    sentence.mouth = len(lags) == len(found) and max(lags) - min(lags) < 0.1 * sound.RATE
    sentence.all = {at for at, _, score in found if score > 0.7} or sentence.all


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
        for state, key in (("conversations", "ctrl+h"), ("talk", "Escape"), ("figures", "ctrl+d"), ("end", "Escape")):
            self.window.key(key)
            STOP.wait(2)
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
        """Until the sentence came back, the service has ended its answer, and it is quiet; what does not come is the ledger's business."""
        fault.wait(120)
        end, mended = time.monotonic() + REPLY_WITHIN_S, time.monotonic()
        while time.monotonic() < end and not STOP.is_set() and self.program.alive():
            STOP.wait(0.3)
            heard, now = sound.span(self.tape.speaker(since)), self.tape.now()
            quiet_for = (now - since - heard[1]) / sound.RATE if heard else time.monotonic() - mended
            if quiet_for < QUIET_S:
                continue
            newest = self.service.tap.newest()
            answered = newest and newest.asked and newest.asked.answered and newest.asked.began > sentence.at
            if heard and (answered or quiet_for > LATE_S) and sentence.whole(sentence.found_in(self.tape.speaker(since, now))[0], PART):
                return
            if quiet_for > 4 and sentence.pressed < 2 and (at := self.send_now()):
                self.press(sentence, at)
                end, mended = time.monotonic() + REPLY_WITHIN_S, time.monotonic()
            elif answered and quiet_for > LATE_S:
                return

    def send_now(self):
        """Where the button "Send now" is on the screen, if it is: the first grey field of its size within a white card above the
        conversation, and no letter goes below the line, as in "Ask again"."""
        screen = self.desk.pixels().astype(int)
        for y in range(*BANNERS):
            row = screen[y]
            grey = ((row < 250) & (row > 200)).all(axis=1)
            starts = np.flatnonzero(grey[1:] & (row[:-1] == 255).all(axis=1)) + 1
            for x in starts:
                wide = int(np.argmin(np.append(grey[x:], False)))
                high = screen[y : y + 5, x + 4 : x + wide - 4]
                if 60 <= wide <= 130 and ((high < 250) & (high > 200)).all():
                    middle = y + BUTTON_HEIGHT // 2
                    below = screen[middle + 5 : middle + 8, x + 5 : x + wide - 5]
                    return (int(x) + wide // 2, middle) if below.min() > 200 else None
        return None

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
        questions = self.service.tap.questions[self.judged :]
        self.judged += len(questions)
        late = self.said[-6:]
        hear_mouth(late[-1], self.tape.mouth(start))
        for question in questions:
            got = sound.resample(np.array(samples(question)) / 32768, 16_000, sound.RATE)
            parts = [(sentence.found_in(got)[0], sentence) for sentence in late]
            parts, sentence = max(parts, key=lambda pair: len(pair[0]) / pair[1].length)
            question.parts, question.sound = parts, b""
            if len(parts) >= 0.2 * sentence.length:
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
    return f"{len(parts & sentence.all) / max(1, len(sentence.all)):.2f}"


def told(options, program):
    """What `sovereign history` tells afterwards."""
    def ask(*words):
        with Program(options.binary, ["history", *words, "--json", "--config", options.out / "window/config.yaml"], options.out / "window-history",
                     {"HOME": str(program.folder / "home")}) as asked:
            asked.wait_end(120)
            return asked.documents()[0]
    conversations = ask("list")["conversations"]
    return [ask("show", str(c["id"])) for c in reversed(conversations)]


def ledger(soak, conversations):
    """All that is known of what was said, as data for the report."""
    tap, options = soak.service.tap, soak.options
    turns = sorted((turn for c in conversations for turn in c["turns"]), key=lambda turn: turn["at"])
    sentences = []
    for place, s in enumerate(soak.said):
        until = soak.said[place + 1].at if place + 1 < len(soak.said) else time.time()
        mine = [t for t in turns if s.at <= datetime.fromisoformat(t["at"]).timestamp() < until and t["user"].strip()]
        contexts = [[q.parts for q in context if q.utterance == s.number] for context in tap.contexts]
        sentences.append({
            "number": s.number, "at": s.at, "text": s.text, "state": s.state, "fault": s.fault, "unbroken": s.mouth, "send_now": s.pressed, "turns": [t["outcome"] for t in mine],
            "pieces": len(s.all), "got": len(s.got & s.all), "heard": len(s.heard & s.all), "heard_again": len(s.again & s.all),
            "got_whole": s.whole(s.got, WHOLE), "heard_whole": s.whole(s.heard, PART), "heard_twice": s.whole(s.again, PART),
            "twice_in_a_context": any(len(a & b) > max(3, PART * min(len(a), len(b))) for parts in contexts for n, a in enumerate(parts) for b in parts[n + 1 :]),
        })
    places = {id(question): number for number, question in enumerate(tap.questions)}
    return {"minutes": options.minutes, "server": options.server, "seed": options.seed, "sentences": sentences, "usage": [u for u in soak.usage if u], "counts": tap.counts,
            "kept": {"conversations": len(conversations), "turns": len(turns)},
            "questions": [{"connection": q.connection, "began": q.began, "sentence": q.utterance, "pieces": [round(at / sound.RATE, 1) for at in sorted(q.parts)], "answered": q.answered}
                          for q in tap.questions],
            "contexts": [[places[id(question)] for question in context] for context in tap.contexts]}


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
        os.nice(-15)
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
    known = {**ledger(soak, conversations), "wrong": wrong, "load": os.getloadavg()[0]}
    (options.out / "ledger.json").write_text(json.dumps(known, indent=1))
    text, good = soak_report.table(known)
    print(text)
    if options.table:
        options.table.write_text(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
