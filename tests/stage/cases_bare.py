"""What starts where something is missing: the table of machines, and how the program ends."""

import re
import signal
import time

import sound
from desk import Window, eventually, require
from program import Program, check_turn

QUESTION = "Could you tell me where the nearest station is"


def nothing_at_all(case):
    """No display, sound or key: `talk` with the bundled utterance; the reply is a WAV whose path is printed."""
    _to_a_file(case, ["talk"])


def nothing_at_all_without_a_command(case):
    """The bare command does the same and says so."""
    said = _to_a_file(case, [])
    require(re.search(r"display|window", said, re.I), f"it does not say that it has no display: {said[-300:]}")


def _to_a_file(case, arguments):
    with Program(case.binary, arguments, case.folder) as program:
        program.wait_end(90)
        said = program.stderr() + "\n".join(program.lines)
    path = re.search(r"(/\S+\.wav)", said)
    require(path, f"no path of a WAV file was printed: {said.strip()[-300:]}")
    reply = sound.read(path[1])
    require(sound.span(reply), f"{path[1]} is silent")
    case.figure("reply", len(reply) / sound.RATE * 1000)
    return said


def files_in_and_out(case):
    """Two files against the demo: two completed turns, and both are found in the reply file."""
    files = [sound.speech(case.speech, text) for text in (QUESTION, "Thank you very much for your help")]
    with Program(case.binary, ["talk", "--demo", "--input", *files, "--output", case.folder / "reply.wav", "--turns", "2", "--json"],
                 case.folder) as program:
        program.wait_end(90)
        turns = [check_turn(t) for t in program.spoken()]
        program.summary()
    reply = sound.read(case.folder / "reply.wav")
    require(len(turns) == 2, f"{len(turns)} spoken turns, 2 wanted")
    for file, turn in zip(files, turns):
        _, score = sound.find(_voiced(sound.read(file)), reply)
        require(score > 0.6, f"{file.name} is not in the reply (correlation {score:.2f})")
        require(file.name in turn.get("input", ""), f"the turn does not name its file: {turn.get('input')}")
        case.figure("response", turn["latency_ms"]["response"])


def _voiced(samples):
    first, last = sound.span(samples)
    return samples[first:last]


def _ends_on(name, number):
    """A signal ends it with status 0 and the summary written."""
    def run(case):
        files = [sound.speech(case.speech, QUESTION)] * 6
        with Program(case.binary, ["talk", "--demo", "--input", *files, "--output", "none", "--json"], case.folder) as program:
            program.wait_spoken(1, 60)
            program.signal(number)
            case.figure("to the end", program.wait_end(20))
            program.summary()
    run.__name__ = name
    return run


def closed_output(case):
    """A reader that goes away is an ordinary end."""
    files = [sound.speech(case.speech, QUESTION)] * 3
    with Program(case.binary, ["talk", "--demo", "--input", *files, "--output", "none", "--json"], case.folder) as program:
        program.wait_spoken(1, 60)
        program.process.stdout.close()
        program.wait_end(90)
        require("panicked" not in program.stderr(), "it panicked")


def wrong_use(case):
    """Usage and settings: status 2, and the place and the nearest name are told."""
    for number, (arguments, wanted) in enumerate([
        (["--profile", "balancd", "talk"], "balanced"),
        (["talk", "--turns", "many"], "many"),
        (["profiles", "show", "ultrafast"], "ultra-fast"),
        (["profiles", "check", _bad_profile(case)], "bad.yaml:"),
    ]):
        with Program(case.binary, arguments, case.folder / str(number)) as program:
            program.wait_end(30, status=2)
            said = program.stderr() + "\n".join(program.lines)
            require(wanted in said, f"{' '.join(map(str, arguments))}: no {wanted!r} in: {said.strip()[-300:]}")
            require("panicked" not in said, "it panicked")


def _bad_profile(case):
    path = case.folder / "bad.yaml"
    path.write_text("name: bad\ntarget_mss: 200\n")
    return path


def profiles_are_complete(case):
    """What `show` prints, `check` accepts without a word."""
    for name in ("ultra-fast", "balanced", "high-quality"):
        folder = case.folder / name
        with Program(case.binary, ["profiles", "show", name], folder) as program:
            program.wait_end(30)
            (folder / "shown.yaml").write_text("\n".join(program.lines) + "\n")
        with Program(case.binary, ["profiles", "check", folder / "shown.yaml"], folder / "check") as program:
            program.wait_end(30)
            require(not program.lines, f"check says of {name}: {program.lines}")


def doctor_and_devices(case):
    """Both answer on a machine that has nothing."""
    for arguments in (["doctor"], ["doctor", "--json"], ["devices", "--json"], ["profiles", "list"]):
        with Program(case.binary, arguments, case.folder / "-".join(arguments).replace("--", "")) as program:
            program.wait_end(60, status=None)
            require(program.process.returncode in (0, 1, 3), f"{arguments}: status {program.process.returncode}")
            require(program.lines, f"{arguments} prints nothing")
            if "--json" in arguments:
                require(len(program.documents()) >= 1, "no document")


# -- on a desk --


def display_without_sound(case):
    """The window opens, says what is missing, and shows a turn of the bundled utterance."""
    desk = case.desk
    desk.window_manager()
    screen = {k: v for k, v in desk.environment.items() if k in ("DISPLAY", "LIBGL_ALWAYS_SOFTWARE")}
    with Program(case.binary, [], case.folder, screen) as program:
        window = Window(desk, program)
        # The bundled utterance, its answer, then rest: the picture has stopped changing.
        eventually("a picture at rest", 60, lambda: _at_rest(desk))
        desk.screenshot(case.folder / "window.png")
        require(program.alive(), f"it ended: {program.stderr()[-300:]}")
        window.close()
        program.wait_end(20)


def _at_rest(desk):
    before = desk.pixels()
    time.sleep(3)
    return (before != desk.pixels()).mean() < 0.001


def sound_without_display(case):
    """The bare command talks in the terminal: it greets, hears, answers."""
    desk = case.desk
    heard = {k: v for k, v in desk.environment.items() if k != "DISPLAY"}
    with desk.tape(case.folder) as tape, Program(case.binary, [], case.folder, heard) as program:
        tape.wait_sound(0, 40, "the greeting")
        quiet = tape.wait_quiet(1.2, 40)
        desk.play(sound.speech(case.speech, QUESTION))
        tape.wait_sound(quiet + sound.RATE // 2, 40, "the reply")
        tape.wait_quiet(1.0, 40)
        program.signal(signal.SIGINT)
        case.figure("to the end", program.wait_end(20))
        said = program.stderr()
        require(re.search(r"display|window", said, re.I), f"it does not say that it has no display: {said[-300:]}")


CASES = [
    _ends_on("ends_on_ctrl_c", signal.SIGINT),
    _ends_on("ends_on_sigterm", signal.SIGTERM),
    nothing_at_all,
    nothing_at_all_without_a_command,
    files_in_and_out,
    closed_output,
    wrong_use,
    profiles_are_complete,
    doctor_and_devices,
]
CASES_ON_A_DESK = [sound_without_display, display_without_sound]
