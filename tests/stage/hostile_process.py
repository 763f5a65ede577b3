"""Signals, readers that stop, limits of the system, calls that fail, sudden ends: the program goes on, or ends in words."""

import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

from desk import Window, eventually, require
from program import Program

VOICES = Path(__file__).resolve().parent.parent / "fixtures" / "speech"
MAN, WOMAN = VOICES / "american-man.wav", VOICES / "british-woman.wav"
ENDS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
F_SETPIPE_SZ = 1031


def talk(*files, output="none"):
    return ["talk", "--demo", "--input", *(files or [MAN]), "--output", output, "--json"]


def in_words(program, statuses=(0, 1)):
    """It has ended by itself, with a status that is a contract, and without a panic."""
    status = program.process.returncode
    require(status in statuses, f"status {status}, wanted is one of {statuses}: {program.stderr()[-400:]}")
    require("panicked" not in program.stderr(), f"it panicked: {program.stderr()[-400:]}")
    # `bench` and `load` also give 1 for a limit that was missed, and tell it in the report.
    judges = {"bench", "load"} & set(program.arguments)
    require(status != 1 or judges or "error: " in program.stderr(), "it failed without a word")


def side_by_side(*works):
    """Does all at the same time; the first failure counts."""
    failures = []

    def run(work):
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


# -- readers that stop --

class Full:
    """A pipe that is full, and whose reader takes nothing."""

    def __init__(self, path):
        self.path = path
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self.end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self.end, F_SETPIPE_SZ, 4096)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.end, b"#" * 1023 + b"\n")

    def drain(self):
        """What is in it now, without what it was filled with."""
        text = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                text += os.read(self.end, 1 << 16)
        return text.lstrip(b"#\n")


def unread(case, name, arguments, out=True, err=False):
    """The program, with standard output or standard error into a full pipe; and that pipe."""
    folder = case.folder / name
    folder.mkdir(exist_ok=True)
    full = Full(folder / "full")
    into = (' >"$0"' if out else "") + (' 2>"$0"' if err else "")
    return Program("/bin/sh", ["-c", f'exec "$@" {into}', full.path, case.binary, *arguments], folder), full


def a_reader_that_stops_keeps_no_conversation_waiting(case):
    """Standard output, standard error, or both are full: the conversation goes on, and a signal ends it."""
    def one(name, number, out, err):
        table = case.folder / f"{name}.csv"
        table.unlink(missing_ok=True)
        program, _ = unread(case, name, [*talk(MAN, *[WOMAN] * 5), "--csv", table], out, err)
        with program:
            eventually("a turn closed although nobody reads", 60, lambda: table.exists() and len(table.read_text().splitlines()) > 1)
            program.signal(number)
            program.wait_end(20)
    side_by_side(lambda: one("stdout", signal.SIGINT, True, False), lambda: one("stderr", signal.SIGTERM, False, True),
                 lambda: one("both", signal.SIGHUP, True, True))


def a_reader_that_comes_back_gets_whole_lines(case):
    program, full = unread(case, "back", talk(MAN, WOMAN))
    with program:
        text, end = b"", time.monotonic() + 60
        time.sleep(4)
        while program.alive() and time.monotonic() < end:
            text += full.drain()
            time.sleep(0.02)
        program.wait_end(5)
        text += full.drain()
    documents = [json.loads(line) for line in text.decode().splitlines()]
    # On a busy machine an utterance may make two turns.
    *turns, summary = documents
    require(summary["schema"] == "sovereign.summary/1", f"the last line: {summary}")
    require(len(turns) == sum(summary["turns"].values()) >= 2, f"{len(turns)} turns arrived: {summary['turns']}")


def a_reader_that_never_comes_back_delays_the_end_only_so_long(case):
    """The input is over; nobody reads: it ends by itself, and says what is missing."""
    program, _ = unread(case, "never", talk())
    with program:
        program.wait_end(60, status=1)
        require("standard output was not read" in program.stderr(), program.stderr()[-300:])


def a_server_whose_events_nobody_reads_serves_and_ends(case):
    def one(number):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        program, _ = unread(case, f"serve-{number}", ["serve", "--json", "--listen", f"127.0.0.1:{port}"])
        with program:
            def connected():
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as peer:
                    peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    return peer.recv(1) is not None
            eventually("a connection", 20, connected)
            for _ in range(200):
                connected()
            program.signal(number)
            program.wait_end(20)
    side_by_side(*(lambda number=number: one(number) for number in ENDS))


def reports_that_nobody_reads_end_on_a_signal(case):
    def one(name, arguments, after, statuses):
        program, _ = unread(case, name, arguments)
        with program:
            time.sleep(after)
            require(program.alive(), f"{name} ended although its output was not written: {program.stderr()[-200:]}")
            program.signal(signal.SIGTERM)
            program.wait_end(30, status=None)
            in_words(program, statuses)
    side_by_side(
        lambda: one("doctor", ["doctor", "--no-sound-check", "--json"], 2, (0,)),
        lambda: one("profiles", ["profiles", "show", "balanced"], 1, (0,)),
        lambda: one("devices", ["devices"], 1, (0,)),
        lambda: one("help", ["--help"], 1, (0,)),
        lambda: one("bench", ["bench", "--turns", "50"], 2, (0, 1)),
        lambda: one("load", ["load", "--sessions", "2", "--seconds", "60"], 2, (0, 1)),
    )


# -- signals --

def the_first_signal_ends_whatever_runs(case):
    """Every command, at any moment, the start included: status 0."""
    commands = {
        "talk": talk(MAN, *[WOMAN] * 5), "serve": ["serve", "--json", "--listen", "127.0.0.1:0"],
        "bench": ["bench", "--turns", "50", "--json"], "load": ["load", "--sessions", "2", "--seconds", "60", "--json"],
        "doctor": ["doctor", "--json"], "profiles": ["profiles", "list"],
    }

    def one(name, arguments):
        for nth, after in enumerate([0.03, 0.1, 0.3, 1.5]):
            with Program(case.binary, arguments, case.folder / f"{name}-{after}") as program:
                # Until the program itself runs, a signal meets no rule of ours.
                eventually("its start", 10, lambda: not program.alive() or has_its_rule(program.process.pid))
                time.sleep(after)
                if program.alive():
                    program.signal(ENDS[nth % 3])
                program.wait_end(30, status=None)
                # `bench` and `load` judge what they have.
                in_words(program, (0, 1) if name in ("bench", "load") else (0,))
                if name == "talk":
                    program.summary()
    side_by_side(*(lambda name=name, arguments=arguments: one(name, arguments) for name, arguments in commands.items()))


def has_its_rule(pid):
    """Whether the program has put its rule for signals in force."""
    with contextlib.suppress(OSError, StopIteration):
        status = Path(f"/proc/{pid}/status").read_text()
        mask = next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1]
        return int(mask, 16) >> (signal.SIGTERM - 1) & 1
    return False


def the_second_signal_ends_at_once(case):
    """Whatever its kind, and although the end in good order waits for readers: a status that is not 0."""
    for first, second in [(signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGHUP), (signal.SIGHUP, signal.SIGHUP)]:
        for attempt in range(5):
            program, _ = unread(case, f"{first}-{second}-{attempt}", talk(MAN, *[WOMAN] * 5), err=True)
            with program:
                eventually("its start", 20, lambda: has_its_rule(program.process.pid))
                time.sleep(1)
                program.signal(first)
                time.sleep(0.2)
                if program.alive():
                    program.signal(second)
                program.wait_end(20, status=None)
                # On a machine that is very busy the end in good order may have come first.
                if program.process.returncode == 130:
                    break
        require(program.process.returncode == 130, f"status {program.process.returncode} after {first.name}, {second.name}")


def ignored_hang_ups_stay_ignored(case):
    """Started with `nohup`: SIGHUP is nothing; other signals are. SIGUSR1 keeps what the system does with it."""
    with Program("/bin/sh", ["-c", 'trap "" HUP; exec "$0" "$@"', case.binary, *talk(MAN, *[WOMAN] * 5)], case.folder / "nohup") as program:
        eventually("its start", 20, lambda: has_its_rule(program.process.pid))
        for _ in range(3):
            program.signal(signal.SIGHUP)
            time.sleep(0.1)
        program.wait_spoken(1, 60)
        program.signal(signal.SIGTERM)
        program.wait_end(20)
        program.summary()
    with Program(case.binary, talk(), case.folder / "user") as program:
        eventually("its start", 20, lambda: has_its_rule(program.process.pid))
        program.signal(signal.SIGUSR1)
        program.wait_end(20, status=-signal.SIGUSR1)


def suspended_and_continued(case):
    """Ctrl-Z in the middle of an utterance and of an answer, and `fg`: nothing is lost."""
    with Program(case.binary, talk(), case.folder) as program:
        eventually("its start", 20, lambda: has_its_rule(program.process.pid))
        for _ in range(3):
            time.sleep(0.8)
            program.signal(signal.SIGSTOP)  # SIGTSTP does nothing to a group that nobody controls
            time.sleep(0.7)
            program.signal(signal.SIGCONT)
        program.wait_end(60)
        said = program.summary()["utterances"]
        require(said["spoken"] >= 1 and said["lost"] == 0, f"lost: {said}")


def a_terminal_that_hangs_up(case):
    """The terminal window is closed: SIGHUP, and nothing to write to. It ends in good order."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "HOME": str(case.folder), "XDG_RUNTIME_DIR": str(case.folder), "ALSA_CONFIG_PATH": "/dev/null"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "GEMINI_API_KEY", "PULSE_SERVER"):
        environment.pop(name, None)
    command = ["setsid", "--ctty", case.binary, *talk(MAN, *[WOMAN] * 5)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=case.folder)
    try:
        os.close(theirs)
        seen = b""
        while b"demo" not in seen:
            seen += os.read(ours, 4096)
        os.close(ours)
        require(process.wait(20) == 0, f"status {process.returncode}")
    finally:
        process.kill()
        process.wait()


def started_without_standard_files(case):
    """Descriptors 0, 1 and 2 are closed: no file of ours takes their place, and nothing is written where it does not belong."""
    folder = case.folder / "bare"
    folder.mkdir(exist_ok=True)
    reply, table = folder / "reply.wav", folder / "turns.csv"
    arguments = [*talk(output=reply), "--csv", table]
    with Program("/bin/sh", ["-c", 'exec "$0" "$@" <&- >&- 2>&-', case.binary, *arguments], folder) as program:
        program.wait_end(60)
    require(reply.read_bytes()[:4] == b"RIFF", f"the reply begins with {reply.read_bytes()[:40]!r}")
    lines = table.read_text().splitlines()
    require(len(lines) == 2 and all(line.count(",") == lines[0].count(",") for line in lines), f"the table: {lines}")
    for file in folder.rglob("*"):
        # The store holds records, and is whole.
        if file.name == "conversations.db":
            with contextlib.closing(sqlite3.connect(file)) as store:
                require(store.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the store is damaged")
        elif file.is_file() and file != reply and not file.name.startswith("conversations.db"):
            require(b"sovereign.turn/1" not in file.read_bytes(), f"{file} got standard output")


# -- limits --

def unprivileged(case, name):
    """(command in front, folder) under which limits hold: root is exempt from the one on processes."""
    folder = case.folder / name
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return [], folder
    # A user with no other process, so that the limit counts ours alone.
    user = 61_000 + os.getpid() % 4_000 + sum(name.encode()) % 500
    for place in (folder, home):
        os.chmod(place, 0o777)
    return ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"], folder


def too_few_threads(case):
    """The system gives 0, 1, 2, … threads: it ends in words, or it works; it never panics and never hangs."""
    if os.geteuid() != 0:
        # Without another user: the same calls, refused one after the other.
        return failing(case, ["clone", "clone3"], "EAGAIN", [f"{n}+" for n in range(1, 20, 3)])

    def one(limit, arguments):
        front, folder = unprivileged(case, f"{arguments[0]}-{limit}")
        with Program(front[0], [*front[1:], "prlimit", f"--nproc={limit}", case.binary, *arguments], folder) as program:
            program.wait_end(60, status=None)
            in_words(program)
            if limit <= 5 and arguments[0] == "talk":
                require("threads" in program.stderr() and program.process.returncode == 1, f"{limit}: {program.stderr()[-300:]}")
    side_by_side(
        lambda: [one(limit, talk()) for limit in (1, 2, 5, 8)],
        lambda: [one(limit, talk()) for limit in (12, 20, 25)],
        lambda: [one(limit, talk()) for limit in (16, 60)],
        lambda: [one(limit, ["doctor", "--json"]) for limit in (1, 3, 5, 9)],
        lambda: [one(limit, ["profiles", "list"]) for limit in (1, 3, 8)],
        lambda: [one(limit, ["bench", "--turns", "1"]) for limit in (1, 7)],
        lambda: [one(limit, ["load", "--sessions", "1", "--seconds", "1"]) for limit in (2, 9)],
    )


def too_few_files(case):
    """0 to 64 open files: it ends in words, or it works."""
    def one(limit, arguments):
        folder = case.folder / f"{arguments[0]}-{limit}"
        with Program("prlimit", [f"--nofile={limit}", case.binary, *arguments], folder) as program:
            program.wait_end(60, status=None)
            # Below 8 the system's own loader gives up, with its own status.
            in_words(program, (0, 1) if limit >= 8 else (0, 1, 127))
            if limit == 64 and arguments[0] == "talk":
                require(program.process.returncode == 0, f"64 files are enough: {program.stderr()[-300:]}")
    side_by_side(
        lambda: [one(limit, talk()) for limit in (6, 8, 16)],
        lambda: [one(limit, talk()) for limit in (24, 32, 64)],
        lambda: [one(limit, ["doctor", "--json"]) for limit in (8, 16, 32)],
        lambda: [one(limit, ["serve", "--listen", "127.0.0.1:0"]) for limit in (8, 16)],
        lambda: [one(limit, ["load", "--sessions", "1", "--seconds", "1"]) for limit in (8, 16, 40)],
    )


def little_memory(case):
    """Less memory than it likes: it works, or the system's refusal ends it at once; it never hangs."""
    def one(megabytes):
        folder = case.folder / str(megabytes)
        with Program("prlimit", [f"--as={megabytes << 20}", case.binary, *talk()], folder) as program:
            program.wait_end(60, status=None)
            require(program.process.returncode in (0, 1, -signal.SIGABRT, 127), f"{megabytes} MB: status {program.process.returncode}")
            if megabytes >= 2048:
                require(program.process.returncode == 0, f"{megabytes} MB: {program.stderr()[-300:]}")
                peak = program.summary()["memory_mb"]["peak"]
                require(peak < 256, f"{peak} MB at the peak")
                case.figure("peak", peak, "MB")
    side_by_side(*(lambda megabytes=megabytes: one(megabytes) for megabytes in (50, 150, 400, 2048)))


def a_processor_that_others_want_too(case):
    """Two programs that compute without a pause on the one core that is left: nothing that was said is lost."""
    core = str(min(os.sched_getaffinity(0)))
    hogs = [subprocess.Popen(["taskset", "-c", core, "sh", "-c", "while :; do :; done"]) for _ in range(2)]
    try:
        with Program("taskset", ["-c", core, case.binary, *talk()], case.folder) as program:
            program.wait_end(60, status=None)
            said = program.summary()["utterances"]
            require(said["spoken"] == said["answered"] == 1 and said["lost"] == 0, f"lost: {said}")
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


# -- calls that fail --

def failing(case, calls, error, whens):
    """The Nth of these calls fails, for each N: it works, or ends in words. (strace's fault injection: it needs no special
    build, fails the calls of the libraries too, and with a filter in the kernel the other calls cost nothing.)"""
    def one(when):
        folder = case.folder / f"{calls[0]}-{error}-{when.replace('+', 'on')}"
        front = ["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={','.join(calls)}", "-e",
                 f"inject={','.join(calls)}:error={error}:when={when}"]
        with Program("strace", [*front, case.binary, *talk(), "--turns", "1"], folder) as program:
            program.wait_end(60, status=None)
            # The loader may fail before the program begins.
            in_words(program, (0, 1, 127))
    require(shutil.which("strace"), "strace is missing: the package of that name")
    lanes = [whens[n::4] for n in range(4)]
    side_by_side(*(lambda lane=lane: [one(when) for when in lane] for lane in lanes if lane))


def the_nth_thread_is_refused(case):
    failing(case, ["clone3", "clone"], "EAGAIN", ["23", "24", "26", "27", "28", "29", "30", "31", "32", "26+", "28+", "31+"])


def the_nth_file_is_refused(case):
    failing(case, ["openat"], "EMFILE", [str(n) for n in (60, 80, 90, 100)] + ["110+"])


def the_nth_socket_is_refused(case):
    failing(case, ["socket", "socketpair", "epoll_create1", "eventfd2", "pipe2", "inotify_init1"], "EMFILE",
            ["1", "2", "3", "4", "6", "8", "10", "12", "13+"])


# -- sudden ends, and two at a time --

def killed_at_any_moment(case):
    """kill -9 at a moment of its own each time: the next start is as the first was, and no file is torn."""
    folder = case.folder / "home-of-all"
    for nth in range(8):
        with Program(case.binary, [*talk(), "--csv", "turns.csv"], folder) as program:
            time.sleep(0.01 * 2 ** nth)
            program.signal(signal.SIGKILL)
            program.wait_end(10, status=None)
    with Program(case.binary, talk(), folder) as program:
        program.wait_end(60)
        require(len(program.spoken()) == 1, "no turn")
        require("warning" not in program.stderr(), f"it complains: {program.stderr()[-300:]}")
    left = [str(file.relative_to(folder)) for file in folder.rglob("*") if file.name.endswith((".tmp", ".part"))]
    require(not left, f"left behind: {left}")
    _whole_files(folder)


def _whole_files(folder):
    for file in folder.rglob("*.json"):
        json.loads(file.read_text())


def two_at_a_time_do_each_other_no_harm(case):
    folder = case.folder / "both"

    def one(nth):
        # A folder each for what it says; one home for what it keeps.
        with Program(case.binary, talk(MAN, WOMAN), case.folder / str(nth), {"HOME": str(folder)}) as program:
            program.wait_end(60)
            require(len(program.spoken()) == 2, "not both turns")
    folder.mkdir(exist_ok=True)
    side_by_side(*(lambda nth=nth: one(nth) for nth in range(3)))
    _whole_files(folder)
    for log in folder.rglob("*.log"):
        for line in log.read_text().splitlines():
            require(re.match(r"\d{4}-\d\d-\d\dT", line), f"a torn line in the log: {line!r}")


# -- the log --

def a_storm_of_warnings_is_a_few_lines(case):
    """A server that provokes thousands of warnings: some are written, and the number of the others."""
    call = json.dumps({"toolCall": {"functionCalls": [{"id": str(n), "name": "x"} for n in range(3_000)]}})
    script = case.folder / "storm.yaml"
    script.write_text("turns:\n  - - raw: " + json.dumps(call) + "\n    - parrot\n")
    server = Program(case.binary, ["serve", "--json", "--listen", "127.0.0.1:0", "--script", script], case.folder / "server")
    with server:
        address = server.wait_document("its address", 20, lambda d: "listening" in d)["listening"]
        arguments = ["talk", "--endpoint", address, "--input", MAN, "--output", "none", "--json"]
        with Program(case.binary, arguments, case.folder / "client") as program:
            program.wait_end(60, status=None)
            in_words(program)
    logs = [log.read_text() for log in (case.folder / "client").rglob("sovereign.*.log")]
    require(len(logs) == 1, f"{len(logs)} logs")
    lines = logs[0].splitlines()
    left_out = sum(int(n) for n in re.findall(r"(\d+) more lines of this kind", logs[0]))
    case.figure("lines", len(lines), "")
    require(len(lines) < 200, f"{len(lines)} lines")
    require(left_out >= 900, f"{left_out} lines left out")


# -- the demo is named, and the display --

def it_says_whom_it_talks_to(case):
    with Program(case.binary, talk(), case.folder / "demo") as program:
        program.wait_end(60)
        said = program.stderr()
        require("offline demo" in said and "nothing leaves this computer" in said and "Ctrl-C" in said, said[-400:])
    with Program(case.binary, ["serve", "--json", "--listen", "127.0.0.1:0"], case.folder / "server") as server:
        address = server.wait_document("its address", 20, lambda d: "listening" in d)["listening"]
        arguments = ["talk", "--endpoint", address, "--input", MAN, "--output", "none", "--turns", "1"]
        with Program(case.binary, arguments, case.folder / "own") as program:
            program.wait_end(60)
            said = program.stderr()
            require("the server at 127.0.0.1, on this computer" in said and "demo" not in said, said[-400:])


def displays_that_do_not_answer(case):
    """Variables that name nothing, a dead socket, or one behind which nobody speaks: as without a display, and said which."""
    folder = case.folder / "sockets"
    folder.mkdir(exist_ok=True)
    dead, mute = folder / "dead", folder / "mute"
    for path in (dead, mute):
        path.unlink(missing_ok=True)
    listeners = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    for listener, path in zip(listeners, (dead, mute)):
        listener.bind(str(path))
    listeners[0].close()
    listeners[1].listen()

    def one(name, variables, named):
        for arguments, status in ([["--window"], 3], [[], 0]):
            # The bare command talks instead: its bundled question, and the end of it.
            with Program(case.binary, arguments, case.folder / f"{name}-{status}", variables) as program:
                program.wait_end(90, status=status)
                for word in named:
                    require(word in program.stderr(), f"no {word!r}: {program.stderr()[-400:]}")
    side_by_side(
        lambda: one("none", {}, ["no display"]),
        lambda: one("both", {"WAYLAND_DISPLAY": "wayland-77", "DISPLAY": ":7177"}, ["WAYLAND_DISPLAY=wayland-77", "DISPLAY=:7177"]),
        lambda: one("dead", {"WAYLAND_DISPLAY": str(dead)}, [str(dead)]),
        lambda: one("mute", {"WAYLAND_DISPLAY": str(mute)}, [str(mute), "no answer"]),
        lambda: one("inherited", {"WAYLAND_SOCKET": "5"}, ["WAYLAND_SOCKET=5"]),
        lambda: one("nonsense", {"WAYLAND_SOCKET": "five", "DISPLAY": "no:display:at:all"}, ["WAYLAND_SOCKET=five", "DISPLAY=no:display:at:all"]),
    )
    listeners[1].close()


# -- on a desk --

def a_stale_wayland_display_hides_no_window_and_signals_keep_its_choices(case):
    """X11 answers, Wayland's variable names nothing: the window opens. F12 changes it; a signal ends it; the choice is kept."""
    desk = case.desk
    desk.window_manager()
    screen = {k: v for k, v in desk.environment.items() if k in ("DISPLAY", "LIBGL_ALWAYS_SOFTWARE")}
    stale = [{"WAYLAND_DISPLAY": "wayland-77"}, {"WAYLAND_SOCKET": "3"}, {"WAYLAND_DISPLAY": str(case.folder / "none")}]
    for number, variables in zip(ENDS, stale):
        folder = case.folder / str(number)
        with Program(case.binary, ["--window", "--demo"], folder, {**screen, **variables}) as program:
            window = Window(desk, program)
            time.sleep(1)
            window.key("F12")
            time.sleep(1)
            program.signal(number)
            case.figure("to the end", program.wait_end(20))
            require("panicked" not in program.stderr(), program.stderr()[-300:])
        kept = [file.read_text() for file in folder.rglob("config.yaml")]
        require(kept and "panel" in kept[0], f"the choice is lost: {kept}")


CASES = [
    the_first_signal_ends_whatever_runs,
    killed_at_any_moment,
    too_few_threads,
    too_few_files,
    a_reader_that_stops_keeps_no_conversation_waiting,
    a_reader_that_never_comes_back_delays_the_end_only_so_long,
    a_reader_that_comes_back_gets_whole_lines,
    a_server_whose_events_nobody_reads_serves_and_ends,
    reports_that_nobody_reads_end_on_a_signal,
    the_second_signal_ends_at_once,
    ignored_hang_ups_stay_ignored,
    suspended_and_continued,
    a_terminal_that_hangs_up,
    started_without_standard_files,
    little_memory,
    a_processor_that_others_want_too,
    the_nth_thread_is_refused,
    the_nth_file_is_refused,
    the_nth_socket_is_refused,
    two_at_a_time_do_each_other_no_harm,
    a_storm_of_warnings_is_a_few_lines,
    it_says_whom_it_talks_to,
    displays_that_do_not_answer,
]
CASES_ON_A_DESK = [a_stale_wayland_display_hides_no_window_and_signals_keep_its_choices]
