"""Our client against the strict server, the official SDK against our server: files only, no rig."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import sound
from desk import eventually, require
from program import Program, check_turn

TOOLS = Path(__file__).resolve().parent.parent / "live_conformance"
PROFILES = ["ultra-fast", "balanced", "high-quality"]
QUESTION = "What is the tallest tree in Europe today"
FOLLOW_UP = "And how old would you say it is by now"


class Service:
    """live_conformance/server.py on a free port. Ending it gives its summary."""

    def __init__(self, folder, *flags):
        self.log = open(Path(folder) / "service.txt", "w")
        self.process = subprocess.Popen(
            [sys.executable, str(TOOLS / "server.py"), "--port", "0", *map(str, flags)],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, text=True)
        first = self.process.stdout.readline()
        require(first, f"the strict server did not start, see {folder}/service.txt")
        self.port = json.loads(first)["port"]
        self.url = f"ws://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def verdict(self, least_connections=1):
        """Ends it; no violation may have been found."""
        self.process.send_signal(signal.SIGTERM)
        text, _ = self.process.communicate(timeout=30)
        summary = json.loads(text[text.index("{"):])
        wrong = [f"{v.get('path')}: {v.get('problem') or v.get('message')}" for v in summary["violations"]]
        require(summary["ok"] and not wrong, "violations: " + "; ".join(wrong[:5]))
        require(len(summary["connections"]) >= least_connections,
                f"{len(summary['connections'])} connections, at least {least_connections} wanted")
        require(summary["client_messages"].get("setup", 0) >= least_connections, "no setup was seen")
        return summary


def talk(case, service, *arguments, profile="balanced", inputs=(QUESTION, FOLLOW_UP), config=None):
    files = [sound.speech(case.speech, text) for text in inputs]
    settings = []
    if config:
        path = case.folder / "config.yaml"
        path.write_text(config)
        settings = ["--config", path]
    return Program(case.binary, ["talk", "--input", *files, "--output", case.folder / "reply.wav", "--json", "--profile", profile,
                                 "--endpoint", service.url, *settings, *arguments],
                   case.folder, {"GEMINI_API_KEY": "test-key"})


def conversation(case, profile, automatic):
    """Two questions, two answers, nothing to complain about on either side."""
    with Service(case.folder, "--latency-ms", 120, "--reply-ms", 700) as service:
        config = "detection: automatic\n" if automatic else None
        with talk(case, service, "--turns", "2", profile=profile, config=config) as program:
            program.wait_end(90)
            turns = [check_turn(t, automatic=automatic) for t in program.turns()]
            summary = program.summary()
        require(len(turns) == 2, f"{len(turns)} turns, 2 wanted")
        require(summary["utterances"]["lost"] == 0, f"lost utterances: {summary['utterances']}")
        seen = service.verdict()
        edges = seen["client_messages"]
        if automatic:
            require(not any("activity" in k.lower() for k in edges), f"activity signals with automatic detection: {edges}")
    heard = sound.span(sound.read(case.folder / "reply.wav"))
    require(heard, "the reply file is silent")
    for turn in turns:
        case.figure("response", turn["latency_ms"]["response"])


def _conversation(profile, automatic):
    def run(case):
        conversation(case, profile, automatic)
    run.__name__ = f"client_{profile.replace('-', '_')}_{'automatic' if automatic else 'manual'}"
    return run


def client_interrupts(case):
    with Service(case.folder, "--latency-ms", 120, "--reply-ms", 6000, "--late-chunks", 3) as service:
        with talk(case, service, "--turns", "2", "--interrupt-after", "900") as program:
            program.wait_end(90)
            turns = program.turns()
            program.summary()
        require(len(turns) == 2, f"{len(turns)} turns, 2 wanted")
        first = check_turn(turns[0], "interrupted")
        check_turn(turns[1])
        require("interruption_ms" in first, "no interruption_ms in the turn that speech cut")
        for name, value in first["interruption_ms"].items():
            case.figure(name, value)
        service.verdict()


def client_follows_go_away(case):
    with Service(case.folder, "--latency-ms", 120, "--reply-ms", 700, "--go-away-after", 4, "--go-away-time-left", 3) as service:
        with talk(case, service, "--turns", "3", inputs=(QUESTION, FOLLOW_UP, QUESTION)) as program:
            program.wait_end(120)
            turns, summary = program.turns(), program.summary()
        for turn in turns:
            check_turn(turn)
        require(len(turns) == 3 and summary["utterances"]["lost"] == 0, f"not all answered: {summary}")
        require(summary["connections"] >= 2, f"{summary['connections']} connections, at least 2 wanted")
        case.figure("rolls", summary["rolls"], "")
        service.verdict(2)


def _survives(name, flags):
    """The link ends under the conversation; every utterance is answered all the same."""
    def run(case):
        with Service(case.folder, "--latency-ms", 120, "--reply-ms", 700, *flags) as service:
            with talk(case, service, "--turns", "2") as program:
                program.wait_end(120, status=None)
                summary = program.summary()
            require(summary["utterances"]["lost"] == 0, f"lost utterances: {summary}")
            require(summary["turns"]["completed"] >= 1, f"nothing completed: {summary}")
            require(summary["connections"] >= 2, f"{summary['connections']} connections, at least 2 wanted")
            case.figure("connections", summary["connections"], "")
            service.verdict(2)
    run.__name__ = name
    return run


def client_tells_languages(case):
    """The user's languages are told to the transcription; the voice is the user's own choice."""
    with Service(case.folder, "--latency-ms", 120, "--reply-ms", 700, "--record", case.folder / "record.jsonl") as service:
        with talk(case, service, "--turns", "1", inputs=(QUESTION,), config="languages: [en-GB, de]\nvoice: Puck\n") as program:
            program.wait_end(60)
            turns = [check_turn(turn) for turn in program.turns()]
        require(len(turns) == 1, f"{len(turns)} turns, 1 wanted")
        service.verdict()
    setup = first_setup(case.folder / "record.jsonl")
    require(setup["inputAudioTranscription"] == {"languageCodes": ["en-GB", "de"]}, f"told: {setup['inputAudioTranscription']}")
    require(setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"] == {"voiceName": "Puck"}, "another voice")


def client_goes_without_refused_hints(case):
    """A model that takes no languages: set up once more without, said, and answered."""
    with Service(case.folder, "--latency-ms", 120, "--reply-ms", 700, "--refuse", "setup.inputAudioTranscription.languageCodes") as service:
        with talk(case, service, "--turns", "1", inputs=(QUESTION,), config="languages: [en-GB]\n") as program:
            program.wait_end(60)
            turns, summary = [check_turn(turn) for turn in program.turns()], program.summary()
            words = program.stderr()
        require(len(turns) == 1 and summary["connections"] == 1, f"not answered by the second setup: {summary}")
        require("cannot be told languages" in words, f"not said: {words.strip()[-200:]}")
        seen = service.verdict(2)
        require(len(seen["connections"]) == 2, f"{len(seen['connections'])} connections, 2 wanted")


def first_setup(record):
    lines = map(json.loads, record.read_text().splitlines())
    return next(line["message"]["setup"] for line in lines if "setup" in (line.get("message") or {}))


def client_without_endpoint(case):
    """Nobody listens there: one error chain, one hint, status 1."""
    with Program(case.binary, ["talk", "--input", sound.speech(case.speech, QUESTION), "--output", "none", "--turns", "1",
                               "--endpoint", "ws://127.0.0.1:9", "--json"], case.folder, {"GEMINI_API_KEY": "test-key"}) as program:
        took = program.wait_end(60, status=1)
        require(program.stderr().strip(), "nothing was said about it")
        require("panicked" not in program.stderr(), "it panicked")
        case.figure("gave up after", took)


def client_with_refused_key(case):
    with Service(case.folder, "--require-key", "another-key") as service:
        with talk(case, service, "--turns", "1") as program:
            program.wait_end(60, status=1)
            words = program.stderr()
        require("key" in words.lower(), f"the key is not named: {words.strip()[-200:]}")
        require("test-key" not in words, "the key was written down")


class Ours:
    """`sovereign serve` on a free port."""

    def __init__(self, case, *arguments):
        self.program = Program(case.binary, ["serve", "--listen", "127.0.0.1:0", "--json", *arguments], case.folder / "serve")

    def __enter__(self):
        first = eventually("the server's first line", 30, lambda: (self.program.alive() or self.program.wait_end(0)) and self.program.documents()[:1])
        require(set(first[0]) >= {"listening", "port"}, f"first line: {first[0]}")
        self.url = f"ws://127.0.0.1:{first[0]['port']}"
        return self

    def turns(self):
        """The user's turns as the server heard them."""
        return [d for d in self.program.documents() if d.get("event") == "turn"]

    def __exit__(self, *_):
        self.program.signal(signal.SIGTERM)
        try:
            self.program.wait_end(20)
        finally:
            self.program.__exit__()


def _sdk(name, *flags):
    def run(case):
        wav = sound.speech(case.speech, "What is the tallest tree in Europe and in which valley does it stand")
        with Ours(case) as server:
            done = subprocess.run(
                [sys.executable, str(TOOLS / "sdk_client.py"), "--base-url", server.url, "--wav", str(wav), *map(str, flags)],
                capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL)
        (case.folder / "verdict.json").write_text(done.stdout + done.stderr)
        verdict = json.loads(done.stdout) if done.stdout.strip() else {"failures": [done.stderr.strip()[-300:]]}
        require(done.returncode == 0, "the SDK complains: " + "; ".join(map(str, verdict["failures"][:5])))
        for turn in verdict["turns"]:
            if turn.get("first_audio_ms") is not None:
                case.figure("first audio", turn["first_audio_ms"])
    run.__name__ = name
    return run


CASES = [
    # The longest first, so that the lanes end together.
    client_follows_go_away,
    _survives("client_survives_close_1011", ["--close-code", 1011, "--close-after", 5, "--close-reason", "internal error"]),
    _survives("client_survives_a_drop", ["--drop-after", 5]),
    *[_conversation(profile, automatic) for profile in PROFILES for automatic in (False, True)],
    client_interrupts,
    _sdk("sdk_manual", "--activity", "manual", "--turns", 2),
    _sdk("sdk_automatic", "--activity", "auto", "--end-with", "silence", "--turns", 2),
    _sdk("sdk_automatic_stream_end", "--activity", "auto", "--end-with", "stream-end"),
    _sdk("sdk_interrupts", "--activity", "manual", "--barge-in-ms", 400),
    _sdk("sdk_resumes", "--activity", "manual", "--resume"),
    _sdk("sdk_says_everything", "--activity", "manual", "--everything"),
    client_tells_languages,
    client_goes_without_refused_hints,
    client_with_refused_key,
    client_without_endpoint,
]
