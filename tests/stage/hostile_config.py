"""A configuration file with something wrong in it: what it forbids does not happen, and what can be read holds."""

import contextlib
import json
import os
import socket
import threading
from pathlib import Path

import sound
from cases_window import open_window
from desk import eventually, require
from program import Program, check_turn

QUESTION = "Could you tell me where the nearest station is"
KEY = "AIzaSyCanary-0123456789_abcdefghijklmnop"


# Faults that leave open where to connect, but not where records are kept.
ENDPOINT_ALONE = ("no scheme", "empty", "twice", "slip", "wrong group")


class Listener:
    """A port of this computer that counts who connects, and answers nothing."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.seen = self.socket.getsockname()[1], []
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                connection.settimeout(2)
                with connection, contextlib.suppress(OSError):
                    self.seen.append(connection.recv(4096))

    def __exit__(self, *_):
        self.socket.close()


@contextlib.contextmanager
def parrot(case):
    """Our own server, in a process of its own; gives its address."""
    with Program(case.binary, ["serve", "--listen", "127.0.0.1:0", "--json"], case.folder / "server") as server:
        yield server.wait_document("its address", 30, lambda line: "listening" in line)["listening"]


def written(folder, text):
    """The configuration file of the home that `Program` gives a program in `folder`."""
    path = Path(folder) / "home" / ".config" / "sovereign" / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, bytes):
        path.write_bytes(text)
    elif text is not None:
        path.write_text(text)
    return path


def talk(case, folder, proxy, *arguments, files=1):
    """A conversation with a key at hand. All that would go to Google goes to `proxy`."""
    environment = {"GEMINI_API_KEY": KEY, "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "127.0.0.1"}
    question = sound.speech(case.speech, QUESTION)
    return Program(case.binary, ["talk", "--input", *[question] * files, "--output", "none", "--json", *arguments], folder, environment)


def a_protective_line_that_cannot_be_read(case):
    """Nothing is dialled, whatever is wrong with it, and the place is shown."""
    with Listener() as proxy, Listener() as gate, contextlib.ExitStack() as all_of_them:
        url = f"ws://127.0.0.1:{gate.port}"
        texts = {
            "no scheme": (f"endpoint: 127.0.0.1:{gate.port}\n", "config.yaml:1:11: endpoint"),
            "empty": ("volume: 1\nendpoint:\n", "config.yaml:2:"),
            "twice": (f"endpoint: {url}\nendpoint: {url}\n", "(the first is in line 1)"),
            "slip": (f"endpiont: {url}\n", "config.yaml:1:1: endpiont"),
            "wrong group": (f"window:\n  endpoint: {url}\n", "config.yaml:2:3: window.endpoint"),
            "variable": (f"endpoint: {url}\nstate: $HOME/logs\n", "config.yaml:2:8: state"),
            "keep": (f"endpoint: {url}\nkeep: of\n", "config.yaml:2:7: keep"),
            "quote": (f"endpoint: {url}\nvolume: \"0.5\n", "config.yaml:3:1"),
            "tab": (f"endpoint: {url}\n\tvolume: 1\n", "config.yaml:2:1: a tab"),
            "latin": (f"endpoint: {url} # caf\xe9\n".encode("latin-1"), "is not UTF-8"),
            "large": (b"# x\n" * 100_000, "at most 262144"),
            "folder": (lambda path: path.mkdir(), "is a folder"),
            "pipe": (lambda path: os.mkfifo(path), "is a pipe"),
            "device": (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device"),
            "nowhere": (lambda path: path.symlink_to("not-there"), "is a link to a file that is not there"),
        }
        programs = []
        for name, (text, told) in texts.items():
            folder = case.folder / name.replace(" ", "-")
            made = callable(text)
            path = written(folder, None if made else text)
            if made:
                if path.is_dir():
                    path.rmdir()
                path.unlink(missing_ok=True)
                text(path)
            programs.append((name, told, all_of_them.enter_context(talk(case, folder, proxy))))
        for name, told, program in programs:
            eventually(f"{name}: a word of it", 60, lambda program=program: "Nothing is sent" in program.stderr())
            require(told in program.stderr(), f"{name}: no {told!r} in {program.stderr()}")
            require("panicked" not in program.stderr(), f"{name}: it panicked")
            if name not in ENDPOINT_ALONE:
                require(not list((program.folder / "home").rglob("logs")), f"{name}: it keeps a log, though nobody knows where")
        for _, _, program in programs:
            program.signal()
        for name, _, program in programs:
            program.wait_end(60, status=None)
            require(not program.turns(), f"{name}: a turn was made")
        require(not proxy.seen and not gate.seen, f"something was dialled: {proxy.seen} {gate.seen}")


def a_script_with_a_broken_file_ends(case):
    """Files as microphone: nobody may be there to mend it. Status 2, with what to do."""
    with Listener() as proxy:
        written(case.folder, "endpoint: gate.example\n")
        with talk(case, case.folder, proxy) as program:
            program.wait_end(90, status=2)
            require("hint: Correct the file" in program.stderr(), program.stderr())
        require(not proxy.seen, f"something was dialled: {proxy.seen}")


def valid_lines_of_a_faulty_file_hold(case):
    """Each line by itself, and every fault is listed."""
    with parrot(case) as url, Listener() as proxy:
        written(case.folder, f"endpoint: {url}\nvolume: 50%\nprofile: ultra-fast\nwindow: {{panel: 9, theme: dark}}\nvolumen: 1\n")
        with talk(case, case.folder, proxy) as program:
            program.wait_end(90)
            turns = [check_turn(turn) for turn in program.spoken()]
            require(len(turns) == 1 and turns[0]["profile"] == "ultra-fast", f"{turns}")
            for told in ("config.yaml:2:9: volume: is the text \"50%\"", "did you mean `0.5`?", "config.yaml:4:17: window.panel",
                         "config.yaml:5:1: volumen: unknown key"):
                require(told in program.stderr(), f"no {told!r} in {program.stderr()}")
        require(not proxy.seen, f"the service was dialled: {proxy.seen}")


def the_command_line_goes_before_a_broken_file(case):
    """Who names an endpoint, or the demo, may go on."""
    with parrot(case) as url, Listener() as proxy:
        for number, arguments in enumerate([["--endpoint", url], ["--demo"]]):
            folder = case.folder / str(number)
            written(folder, "endpoint: [\n")
            with talk(case, folder, proxy, *arguments) as program:
                program.wait_end(90)
                require(len(program.spoken()) == 1, f"{arguments}: {program.stderr()}")
        require(not proxy.seen, f"the service was dialled: {proxy.seen}")


def a_mended_file_begins_the_conversation(case):
    """The file is watched: what was held back goes on when it is saved."""
    with parrot(case) as url, Listener() as proxy:
        path = written(case.folder, "endpoint: gate.example\n")
        with talk(case, case.folder, proxy) as program:
            eventually("a word of it", 60, lambda: "Nothing is sent" in program.stderr())
            fresh = path.with_suffix(".new")
            fresh.write_text(f"endpoint: {url}\n")
            fresh.replace(path)
            program.wait_end(90)
            require(len(program.spoken()) == 1, program.stderr())
            require("The configuration is correct again" in program.stderr(), program.stderr())
        require(not proxy.seen, f"the service was dialled: {proxy.seen}")


def a_file_that_breaks_while_it_runs(case):
    """The last good settings hold, and the defaults never do: not for a file that is gone, emptied, or something else."""
    with parrot(case) as url, Listener() as proxy:
        good = f"endpoint: {url}\nprofile: ultra-fast\n"
        path = written(case.folder, good)
        with talk(case, case.folder, proxy, files=3) as program:
            def told(words, what):
                eventually(what, 60, lambda: words in program.stderr())
            program.wait_spoken(1, 60)
            path.write_text("endpoint: [\n")
            told("The earlier settings stay", "a broken file")
            path.unlink()
            told("is gone", "a file that is gone")
            os.mkfifo(path)
            told("is a pipe", "a pipe")
            path.unlink()
            path.mkdir()
            told("is a folder", "a folder")
            path.rmdir()
            path.write_text("")
            told("the file is empty now", "an emptied file")
            path.write_text(good)
            told("correct again", "a mended file")
            program.wait_end(120)
            turns = [check_turn(turn) for turn in program.spoken()]
            require(len(turns) == 3 and all(turn["profile"] == "ultra-fast" for turn in turns), json.dumps(turns))
        require(not proxy.seen, f"the service was dialled: {proxy.seen}")


def doctor_names_every_fault_and_dials_nothing(case):
    """Also when it is asked to try the service."""
    with Listener() as proxy:
        written(case.folder, "endpoint: gate.example\nvolume: 50%\nstate: ~me/x\n")
        environment = {"GEMINI_API_KEY": KEY, "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        with Program(case.binary, ["doctor", "--live", "--no-sound-check", "--json"], case.folder, environment) as program:
            program.wait_end(60, status=1)
            said = "\n".join(program.lines)
        for told in ("config.yaml:1:11: endpoint", "config.yaml:2:9: volume", "config.yaml:3:8: state", "nothing is dialled"):
            require(told in said, f"no {told!r} in {said}")
        require(not proxy.seen, f"something was dialled: {proxy.seen}")


def a_tilde_is_the_home_folder(case):
    """In the configuration, and in arguments that no shell expanded."""
    with parrot(case) as url:
        home = case.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        (home / "my.yaml").write_text(f"endpoint: {url}\nstate: ~/kept here\n")
        question = sound.speech(case.speech, QUESTION)
        arguments = ["talk", "--config=~/my.yaml", "--input", question, "--output", "~/reply.wav", "--csv=~/turns.csv", "--json"]
        with Program(case.binary, arguments, case.folder) as program:
            program.wait_end(90)
            require(len(program.spoken()) == 1, program.stderr())
        for made in ("kept here/logs", "reply.wav", "turns.csv"):
            require((home / made).exists(), f"{made} is not in the home folder")
        require(not list(case.folder.rglob("~")), "there is a folder named `~`")


def files_in_place_of_profiles(case):
    """Pipes, folders, devices, links to nowhere and to themselves: told, and never waited for."""
    folder = written(case.folder, None).parent / "profiles"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    os.mkfifo(folder / "pipe.yaml")
    (folder / "folder.yaml").mkdir()
    (folder / "zero.yaml").symlink_to("/dev/zero")
    (folder / "ring.yaml").symlink_to("ring.yaml")
    (folder / "balanced.yaml").symlink_to("nowhere")
    (folder / "mine.yaml").write_text("target_ms: 250\n")
    with Program(case.binary, ["profiles", "list"], case.folder) as program:
        program.wait_end(30)
        require(any(line.startswith("mine ") for line in program.lines), f"{program.lines}")
        for told in ("pipe.yaml", "folder.yaml: is a folder", "zero.yaml", "ring.yaml", "the built-in `balanced` is used"):
            require(told in program.stderr(), f"no {told!r} in {program.stderr()}")
    for file in ("pipe.yaml", "zero.yaml", "folder.yaml"):
        with Program(case.binary, ["profiles", "check", folder / file], case.folder / file) as program:
            program.wait_end(30, status=2)
        with Program(case.binary, ["talk", "--demo", "--config", folder / file], case.folder / f"config-{file}") as program:
            program.wait_end(30, status=2)


def the_window_waits_for_a_broken_file_to_be_mended(case):
    """It opens, dials nothing, and begins when the file is saved."""
    with Listener() as proxy, Listener() as gate:
        path = written(case.folder, "endpoint: gate.example\n")
        environment = {"GEMINI_API_KEY": KEY, "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "127.0.0.1"}
        with open_window(case, environment=environment):
            case.desk.screenshot(case.folder / "held.png")
            require(not proxy.seen, f"something was dialled: {proxy.seen}")
            path.write_text(f"endpoint: ws://127.0.0.1:{gate.port}\n")
            eventually("a connection to the endpoint", 30, lambda: gate.seen)
        require(not proxy.seen, f"the service was dialled: {proxy.seen}")


CASES_ON_A_DESK = [the_window_waits_for_a_broken_file_to_be_mended]
CASES = [a_script_with_a_broken_file_ends, a_file_that_breaks_while_it_runs, a_protective_line_that_cannot_be_read,
         valid_lines_of_a_faulty_file_hold, the_command_line_goes_before_a_broken_file, a_mended_file_begins_the_conversation,
         doctor_names_every_fault_and_dials_nothing, a_tilde_is_the_home_folder, files_in_place_of_profiles]
