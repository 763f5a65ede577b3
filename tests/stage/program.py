"""The program under test: started in an environment of its own, its JSON lines read, its end waited for."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from desk import Failure, eventually, require

OUTCOMES = {"completed", "interrupted", "cancelled", "empty", "failed"}
MARKS = ["speech_start", "speech_end", "endpoint", "sent", "first_audio", "first_audible"]


class Program:
    """`sovereign ARGUMENTS`, with nothing of this machine's settings in its environment."""

    def __init__(self, binary, arguments, folder, environment=None, stdin=subprocess.DEVNULL):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        clean = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "RUST_BACKTRACE": "1",
                 "XDG_RUNTIME_DIR": str(home)}
        clean.update(_no_sound_card(self.folder))
        clean.update(environment or {})
        self.arguments = [str(a) for a in arguments]
        self.lines, self._more, self.started = [], threading.Condition(), time.monotonic()
        self.log = open(self.folder / "stderr.txt", "w")
        self.process = subprocess.Popen([str(binary), *self.arguments], env=clean, cwd=self.folder, stdin=stdin,
                                        stdout=subprocess.PIPE, stderr=self.log)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        # ValueError: the case closed it, as a reader that goes away does.
        with open(self.folder / "stdout.txt", "wb") as copy, contextlib.suppress(ValueError):
            for line in self.process.stdout:
                copy.write(line)
                copy.flush()
                with self._more:
                    self.lines.append(line.decode(errors="replace").rstrip("\n"))
                    self._more.notify_all()
        with self._more:
            self._more.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        self.log.close()

    def alive(self):
        return self.process.poll() is None

    def stderr(self):
        self.log.flush()
        return (self.folder / "stderr.txt").read_text(errors="replace")

    def usage(self):
        """(percent of a core since the start, megabytes of its own share of memory), as Linux tells them."""
        process = Path(f"/proc/{self.process.pid}")
        fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        pss = next(line for line in (process / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
        return 100 * seconds / (time.monotonic() - self.started), int(pss.split()[1]) / 1024

    def wake_ups(self):
        """Voluntary context switches of all threads so far."""
        total = 0
        for status in Path(f"/proc/{self.process.pid}/task").glob("*/status"):
            try:
                line = next(line for line in status.read_text().splitlines() if line.startswith("voluntary"))
            except (OSError, StopIteration):
                continue
            total += int(line.split()[1])
        return total

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait_end(self, seconds, status=0):
        """Waits for its end and gives how long that took, in milliseconds."""
        started = time.monotonic()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"still running after {seconds:g} s") from None
        took = (time.monotonic() - started) * 1000
        self._reader.join(5)
        require(status is None or self.process.returncode == status,
                f"exit status {self.process.returncode}, {status} wanted; last words: {self.stderr().strip()[-300:]}")
        return took

    # -- the JSON of talk and serve --

    def documents(self):
        """The JSON lines so far. Anything else on standard output is a fault."""
        with self._more:
            lines = list(self.lines)
        try:
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise Failure(f"standard output is not JSON lines: {error}") from None

    def turns(self):
        return [d for d in self.documents() if d.get("schema") == "sovereign.turn/1"]

    def spoken(self):
        """Turns that began with the user's speech (a greeting has none)."""
        return [t for t in self.turns() if "speech_start" in t.get("marks_ms", {})]

    def wait_document(self, what, seconds, choose):
        def probe():
            found = next((d for d in self.documents() if choose(d)), None)
            if found is None and not self.alive():
                self._reader.join(2)
                found = next((d for d in self.documents() if choose(d)), None)
                require(found is not None, f"ended (status {self.process.returncode}) without {what}: {self.stderr().strip()[-300:]}")
            return found
        return eventually(what, seconds, probe)

    def wait_spoken(self, number, seconds):
        """The number-th turn that began with speech."""
        self.wait_document(f"spoken turn {number}", seconds, lambda _: len(self.spoken()) >= number)
        return self.spoken()[number - 1]

    def summary(self):
        found = [d for d in self.documents() if d.get("schema") == "sovereign.summary/1"]
        require(len(found) == 1, f"{len(found)} summaries, one wanted")
        require(self.documents()[-1] is not None and self.documents()[-1]["schema"] == "sovereign.summary/1", "the summary is not the last line")
        return check_summary(found[0], self.turns())


def check_turn(turn, outcome="completed", automatic=False):
    """A turn as the contract has it: known outcome, ordered marks, parts that add up. Gives it back."""
    marks, parts = turn["marks_ms"], turn["latency_ms"]
    require(turn["outcome"] in OUTCOMES, f"unknown outcome {turn['outcome']!r}")
    require(turn["outcome"] == outcome, f"outcome {turn['outcome']}, {outcome} wanted: {json.dumps(turn)}")
    require(set(marks) <= set(MARKS), f"unknown marks: {sorted(set(marks) - set(MARKS))}")
    present = [m for m in MARKS if m in marks]
    for before, after in zip(present, present[1:]):
        require(marks[before] <= marks[after], f"{after} is before {before}: {marks}")
    if outcome == "completed":
        wanted = [m for m in MARKS if not (automatic and m in ("endpoint", "sent"))]
        require(set(wanted) <= set(marks), f"marks missing: {sorted(set(wanted) - set(marks))}")
        require(turn["audio"]["sent_ms"] > 0 and turn["audio"]["heard_ms"] > 0, f"no audio counted: {turn['audio']}")
    for name, value in parts.items():
        require(value >= 0, f"negative latency {name}: {value}")
    sums = [("client", ["downlink"] if automatic else ["uplink", "downlink"]), ("response", ["client", "server"])]
    if not automatic:
        sums.append(("total", ["endpointing", "response"]))
    for whole, pieces in sums:
        if whole in parts and all(p in parts for p in pieces):
            require(abs(parts[whole] - sum(parts[p] for p in pieces)) <= 0.5,
                    f"{' + '.join(pieces)} is not {whole}: {parts}")
        else:
            require(outcome != "completed", f"latencies missing for {whole}: {parts}")
    return turn


def check_summary(summary, turns):
    """A summary that agrees with its turns. Gives it back."""
    for outcome in OUTCOMES:
        counted = sum(t["outcome"] == outcome for t in turns)
        require(summary["turns"].get(outcome, 0) == counted,
                f"the summary counts {summary['turns'].get(outcome, 0)} {outcome}, there were {counted}")
    said = summary["utterances"]
    require(said["answered"] + said["lost"] <= said["spoken"], f"utterances do not add up: {said}")
    return summary


def _no_sound_card(folder):
    """Keeps ALSA from a real card: a test must not hear the room. (The rig's servers are reached by their sockets.)"""
    if not Path("/dev/snd").exists():
        return {}
    empty = Path(folder) / "no-alsa.conf"
    empty.write_text("# no cards\n")
    return {"ALSA_CONFIG_PATH": str(empty)}
