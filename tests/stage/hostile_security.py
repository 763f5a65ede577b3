"""Files, folders and words that somebody else laid out: nothing hangs, nothing of the user's is harmed, nothing is told."""

import datetime
import json
import os
import shutil
import signal
import socket
import stat
import zipfile
from pathlib import Path

from desk import eventually, require
from program import Program

SPEECH = Path(__file__).resolve().parents[1] / "fixtures" / "speech" / "american-man.wav"
KEY = "AIzaSyCanaryKey-0123456789_abcdefghijkl"
EVIL = "evil\x1b]0;title\x07\x9b31m\u202eexe"
# What a terminal obeys, and what turns the order of a text.
OBEYED = [chr(c) for c in (*range(0, 9), *range(11, 32), *range(127, 160))] + list("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Server:
    """`sovereign serve`, and where it listens."""

    def __init__(self, case, *arguments):
        self.program = Program(case.binary, ["serve", "--json", "--listen", "127.0.0.1:0", *arguments], case.folder / "server")

    def __enter__(self):
        self.program.__enter__()
        first = self.program.wait_document("an address", 30, lambda _: True)
        self.url, self.port = first["listening"], first["port"]
        return self

    def __exit__(self, *how):
        self.program.__exit__(*how)


def fresh(case):
    """The case's folder, without what an earlier run left: as a rule a pipe or a link where a file is wanted."""
    shutil.rmtree(case.folder)
    case.folder.mkdir()


def talk(server, *more):
    return ["talk", "--json", "--endpoint", server.url, "--output", "none", "--input", SPEECH, *more]


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def limited(before, binary):
    """The program behind a shell that changes its limits first; the process is the same one."""
    return "bash", ["-c", f'{before}; exec "$@"', "sh", binary]


def _state(folder):
    return folder / "home" / ".local" / "state" / "sovereign"


def _place(path, kind, victim):
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        (path / "inside").mkdir(parents=True)
    elif kind == "link":
        path.symlink_to(victim)
    elif kind == "dangling":
        path.symlink_to(path.parent / "nowhere")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "socket":
        # Not a device of the machine: who replaces what it finds here, as root, would take it from all others.
        with socket.socket(socket.AF_UNIX) as made:
            folder = os.open(path.parent, os.O_RDONLY)
            made.bind(f"/proc/self/fd/{folder}/{path.name}")  # a socket's path is short
            os.close(folder)
    elif kind == "huge":
        with open(path, "wb") as file:
            file.truncate(3 << 30)


def _no_file(kind):
    """In the place of every file that the program opens by itself: it talks, says so and harms nothing."""
    def run(case):
        fresh(case)
        victim = case.folder / "victim"
        with Server(case) as server:
            folder = case.folder / "talk"
            state, config = _state(folder), folder / "home" / ".config" / "sovereign"
            victim.write_text("precious")
            today = datetime.datetime.now(datetime.timezone.utc).date()
            # A link is followed to what the user set, so only what is no file matters there. (With a spoilt config.yaml the
            # state folder is not known: hostile_config has that.)
            own = [state / name for name in ("conversations.db", "conversations.lock", "monitor-token", f"logs/sovereign.{today}.log")]
            theirs = [config / name for name in ("key", "profiles/mine.yaml")]
            for path in own + (theirs if kind != "link" else []):
                _place(path, kind, victim)
            with Program(case.binary, talk(server, "--monitor", _free_port()), folder) as program:
                program.wait_end(30, status=None)
                said = program.stderr()
                require(program.process.returncode == 0, f"status {program.process.returncode}: {said[-400:]}")
                require(len(program.turns()) == 1, f"{len(program.turns())} turns: {said[-400:]}")
                require("panicked" not in said, said[-400:])
            if kind != "huge":
                for word in ("conversations.", "sovereign/logs", "monitor-token"):
                    require(word in said, f"nothing was said of {word}: {said}")
            require(victim.read_bytes() == b"precious", "the victim was written to")
            require(not (state / "nowhere").exists(), "a dangling link was followed")
            for path in own:
                require(kind == "huge" or path.is_symlink() or not path.is_file(), f"{path} was replaced")
    run.__name__ = f"a_{kind}_where_a_file_should_be"
    return run


def planted_folders_without_a_home(case):
    """No writable home, and a folder in the temporary folder under each name that the program could be known by."""
    fresh(case)
    shared, victim = case.folder / "tmp", case.folder / "victim"
    shared.mkdir(exist_ok=True)
    shared.chmod(0o1777)
    victim.write_text("precious")
    for number in range(os.getpid(), os.getpid() + 2_000):
        planted = shared / f"sovereign-{number}"
        planted.mkdir(exist_ok=True)
        (planted / "question.wav").symlink_to(victim)
    before = set(shared.iterdir())
    environment = {"HOME": "/proc/none", "TMPDIR": str(shared)}
    with Program(case.binary, ["talk", "--demo"], case.folder / "talk", environment) as program:
        program.wait_end(60)
    made = [path for path in shared.iterdir() if path not in before]
    require(victim.read_bytes() == b"precious", "a planted link was followed")
    require(len(made) == 1, f"{len(made)} folders were made")
    require(stat.S_IMODE(made[0].stat().st_mode) == 0o700, f"the folder is open to others: {oct(made[0].stat().st_mode)}")
    for file in made[0].rglob("*"):
        require(file.stat().st_mode & 0o077 == 0, f"{file} is open to others")


def _private(umask):
    """What is kept is the user's alone, also where an earlier version left it open."""
    def run(case):
        fresh(case)
        folder = case.folder / "talk"
        state = _state(folder)
        (state / "logs").mkdir(parents=True, exist_ok=True)
        today = datetime.datetime.now(datetime.timezone.utc).date()
        for name in (f"logs/sovereign.{today}.log", "conversations.lock"):
            (state / name).touch()
            (state / name).chmod(0o644)
        for path in (state, state / "logs"):
            path.chmod(0o755)
        with Server(case) as server:
            binary, arguments = limited(f"umask {umask}", case.binary)
            with Program(binary, [*arguments, *talk(server, "--monitor", _free_port())], folder) as program:
                program.wait_end(60, status=0)
        found = [state, *state.rglob("*")]
        require(len(found) > 4, f"only {found}")
        for path in found:
            mode, wanted = stat.S_IMODE(path.stat().st_mode), 0o700 if path.is_dir() else 0o600
            require(mode == wanted, f"{path.relative_to(folder)} is {oct(mode)}")
    run.__name__ = f"private_with_umask_{umask}"
    return run


def no_core_holds_the_key(case):
    """However the shell sets the limit, a crash writes no core, and a collector of crashes gets no memory."""
    binary, arguments = limited("ulimit -c unlimited 2>/dev/null || true", case.binary)
    with Program(binary, [*arguments, "serve", "--json", "--listen", "127.0.0.1:0"], case.folder, {"GEMINI_API_KEY": KEY}) as program:
        program.wait_document("an address", 30, lambda _: True)
        process = Path(f"/proc/{program.process.pid}")
        limit = next(line for line in (process / "limits").read_text().splitlines() if line.startswith("Max core"))
        require(limit.split()[4:6] == ["0", "0"], f"cores may be written: {limit}")
        require(int((process / "coredump_filter").read_text(), 16) == 0, "a collector would get the heap")
        program.signal(signal.SIGQUIT)
        program.process.wait(20)
        cores = [path for path in case.folder.rglob("core*") if path.is_file()]
        require(not cores, f"a core was written: {cores}")


def _require_plain(text, where):
    found = sorted({repr(sign) for sign in OBEYED if sign in text})
    require(not found, f"{', '.join(found)} in {where}: {text[:300]!r}")


def nothing_obeys_what_others_wrote(case):
    """Names of files, texts of profiles, arguments, and what a server says: written out on the terminal and in the log."""
    fresh(case)
    script = case.folder / "script.yaml"
    call = {"id": "a", "name": "f\x1b[2J\x07\n2026-01-01T00:00:00Z ERROR forged\u202e", "args": {}}
    raw = json.dumps({"toolCall": {"functionCalls": [call]}})
    # The server minds the answer to a call that it did not make, and closes.
    script.write_text(json.dumps({"turns": [[{"say": "words\x1b]0;x\x07\x9b\u202e", "ms": 300}], [{"raw": raw}]]}))
    with Server(case, "--script", script) as server:
        home = case.folder / "talk" / "home" / ".config" / "sovereign" / "profiles"
        home.mkdir(parents=True, exist_ok=True)
        (home / "mine.yaml").write_text('description: "d\\e]0;x\\x07\\u202e\\u009b"\nlabel: "l\\e[2J"\n')
        (home / f"{EVIL}\nerror: forged.yaml").write_text("target_ms: 1\n")
        spoken = case.folder / f"{EVIL}\nerror: forged.wav"
        spoken.write_bytes(SPEECH.read_bytes())
        said = []
        for arguments, status in [
            (["profiles", "list"], 0),
            (["profiles", "list", "--json"], 0),
            (["profiles", "show", "mine"], 0),
            (["profiles", "check", *home.iterdir()], 2),
            (["doctor", "--no-sound-check", "--profile", EVIL], 1),
            (["talk", "--turns", EVIL], 2),
            ([EVIL], 2),
            (["talk", "--output", "none", "--endpoint", server.url, "--log", "trace", "--input", spoken, spoken], None),
            (["talk", "--json", "--output", "none", "--endpoint", server.url, "--input", spoken], 0),
            (["talk", "--output", "none", "--demo", "--input", f"none{EVIL}.wav"], 2),
        ]:
            with Program(case.binary, arguments, case.folder / "talk") as program:
                program.wait_end(60, status=None)
                require(status in (None, program.process.returncode), f"{arguments[:2]}: status {program.process.returncode}: {program.stderr()[-300:]}")
                texts = (program.stderr(), (case.folder / "talk" / "stdout.txt").read_text(errors="replace"))
            for where, text in zip(("standard error", "standard output"), texts):
                _require_plain(text, f"{where} of {arguments[:2]}")
                require(not any(line.startswith(("error: forged", "2026-01-01T00:00:00Z ERROR")) for line in text.splitlines()),
                        f"a line was forged in {where} of {arguments[:2]}")
            said.append("".join(texts))
        require("\\u001b" in said[0] and "\\u202e" in said[3], f"it is not written out: {said[0][:300]}")
    for log in _state(case.folder / "talk").glob("logs/*.log"):
        text = log.read_text(errors="replace")
        _require_plain(text, "the log")
        require("calls a function that was not offered" in text and "2J" not in text, "the log knows nothing of it, or too much")
        forged = [line for line in text.splitlines() if not line[:4].isdigit() or line.startswith("2026-01-01T00:00:00Z ERROR")]
        require(not forged, f"forged lines: {forged[:2]}")


def _status(port, headers, path="/"):
    with socket.create_connection(("127.0.0.1", port), 10) as stream:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        stream.sendall(f"GET {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
        answer = b""
        while part := stream.recv(4096):
            answer += part
    return int(answer.split()[1])


def pages_of_the_web_are_turned_away(case):
    """By Host and Origin, at the monitor: with the right token and all."""
    port = _free_port()
    with Server(case) as server:
        folder = case.folder / "talk"
        files = [SPEECH] * 6
        arguments = ["talk", "--json", "--endpoint", server.url, "--output", "none", "--monitor", port, "--input", *files]
        with Program(case.binary, arguments, folder) as program:
            token_file = _state(folder) / "monitor-token"
            token = eventually("a token", 30, lambda: token_file.exists() and token_file.read_text())
            eventually("the monitor", 30, lambda: "figures for Prometheus" in program.stderr())
            right = [("Authorization", f"Bearer {token}")]
            for headers, wanted in [
                ([("Host", f"127.0.0.1:{port}")], 200),
                ([("Host", "localhost"), ("Origin", "http://localhost:3000")], 200),
                ([], 400),
                ([("Host", "evil.example")], 403),
                ([("Host", "localhost.evil.example")], 403),
                ([("Host", "localhost"), ("Origin", "null")], 403),
                ([("Host", "localhost"), ("Origin", "http://localhost:80@evil.example")], 403),
                ([("Host", "localhost"), ("Origin", "https://evil.example")], 403),
            ]:
                status = _status(port, headers + right, "/metrics")
                require(status == wanted, f"{headers}: {status}, {wanted} wanted")
            program.signal(signal.SIGTERM)
            program.wait_end(20)


def no_secret_in_the_bundle(case):
    """Whatever notation the settings have."""
    fresh(case)
    folder = case.folder / "doctor"
    config = folder / "home" / ".config" / "sovereign"
    (config / "profiles").mkdir(parents=True, exist_ok=True)
    token, words = "tok-canary-0123456789", "a canary instruction of nobody"
    for number, text in enumerate([
        f"volume: 0.5\nmonitor:\n  ? token\n  : {token}\n",
        f"volume: 0.5\nmonitor:\n  token:\n    {token}\n",
        f"volume: 0.5\nmonitor: {{\"tok\\x65n\": &a {token}}}\n",
        f"volume: 0.5\nmonitor: {token}\n",
        f"volume: 0.5\n---\nmonitor: {{token: {token}}}\n",
    ]):
        (config / "config.yaml").write_text(text)
        (config / "profiles" / "mine.yaml").write_text(f"live:\n  ? instruction\n  : {words.replace(' of', chr(10) + '    of')}\n")
        bundle = folder / f"{number}.zip"
        with Program(case.binary, ["doctor", "--no-sound-check", "--bundle", bundle], folder, {"GEMINI_API_KEY": KEY}) as program:
            program.wait_end(60, status=None)
        require(stat.S_IMODE(bundle.stat().st_mode) == 0o600, "the bundle is open to others")
        with zipfile.ZipFile(bundle) as parts:
            for name in parts.namelist():
                told = parts.read(name).decode()
                for secret in ("canary", "0123456789", "nobody"):
                    require(secret not in told, f"{secret} is in {name} of {text!r}: {told}")


CASES = [*[_no_file(kind) for kind in ("pipe", "folder", "link", "dangling", "loop", "socket", "huge")], planted_folders_without_a_home,
         _private("000"), _private("077"), no_core_holds_the_key, nothing_obeys_what_others_wrote, pages_of_the_web_are_turned_away,
         no_secret_in_the_bundle]
