"""The program's own figures beside a recording: eight turns. `scripts/measure-truth` takes a hundred and judges strictly."""

import statistics

import truth
from desk import require

TURNS = 8
LEAST = 3
# Of eight turns on a machine that others keep busy the median alone can be judged, and generously: what this finds is a
# clock or a mark that is wrong by a period.
OFF_BY_MS = 15.0


def figures_are_those_of_a_recording(case):
    turns = truth.converse(case.desk, case.binary, case.folder / "balanced", "balanced", TURNS)
    found = truth.differences(turns)
    left_out = [turn["fault"] for turn in turns if "fault" in turn]
    require(len(found) >= LEAST, f"{len(found)} of {TURNS} turns can be compared: {left_out}")
    middle = statistics.median(found)
    case.figure("total less the tape's, median", middle)
    case.figure("at most", max(abs(d) for d in found))
    case.figure("turns compared", len(found), "")
    require(abs(middle) < OFF_BY_MS, f"the program tells {middle:+.1f} ms more than the tape shows (median): {found}")


CASES = [figures_are_those_of_a_recording]
