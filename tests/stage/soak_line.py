"""The line of a soak: what goes wrong with it, in which order, and the service behind it."""

import random

from program import Program
from relay import Relay
from wiretap import Wiretap

PARROT = "think_ms: 1200\nturn_complete: playback\n"
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
        self.relay = Relay(self.ports[0], buffer=1 << 14)
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
