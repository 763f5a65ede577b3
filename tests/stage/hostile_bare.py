"""Arguments and environment that no shell would send on purpose."""

import os

from desk import require
from program import Program


def arguments_that_are_no_text(case):
    """Bytes that are not UTF-8, empty and endless arguments: refused as wrong use, with words, without a panic."""
    for number, argument in enumerate([b"\xff\xfe", b"", b"--profile=\xff", b"a" * 100_000]):
        with Program(case.binary, [os.fsdecode(argument)], case.folder / str(number)) as program:
            program.wait_end(30, status=2)
            require("panicked" not in program.stderr(), "it panicked")
            require(program.stderr().strip(), f"nothing was said of {argument[:20]!r}")


CASES = [arguments_that_are_no_text]
