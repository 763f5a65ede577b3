"""A service that answers without a sound that can be heard: each such turn says why, and what can be done."""

import math
import struct
import base64
import time

from desk import require
from hostile_protocol import completed, heard, talk
from wire import RATE, Server, Wire


def one(case, turn, *arguments, words=(), outcome="empty", reason=None):
    """One question whose answer is `turn`: its outcome, its reason, and one line of words for people."""
    with Server([turn]) as server:
        turns, summary, said = talk(case, server, 1, *arguments)
    require(len(turns) == 1, f"{len(turns)} turns")
    found = turns[0]
    require(found["outcome"] == outcome, f"outcome {found['outcome']}, {outcome} wanted: {found}")
    require(found.get("reason") == reason, f"reason {found.get('reason')}, {reason} wanted")
    for word in words:
        require(said.count(word) == 1, f"{word!r} is said {said.count(word)} times: {said[-600:]}")
    if reason:
        require(summary["unheard"] == {reason: 1}, f"counted: {summary['unheard']}")
    return found, said


def pcm(amplitude, mime, order="<", ms=1_500):
    samples = [int(amplitude * math.sin(2 * math.pi * 440 * i / RATE)) for i in range(RATE * ms // 1_000)]
    data = struct.pack(f"{order}{len(samples)}h", *samples)
    return {"modelTurn": {"parts": [{"inlineData": {"mimeType": mime, "data": base64.b64encode(data).decode()}}]}}


def text_alone_is_shown_as_not_spoken(case):
    """Text parts, a thought among them, and no sound: the text is the answer, the thought is nowhere."""
    def turn(wire):
        parts = [{"text": "I wonder.", "thought": True}, {"text": "It is "}, {"text": "noon.\u202e\u001b[31m"}]
        wire.content(modelTurn={"parts": parts, "role": "model"})
        wire.content(turnComplete=True)

    found, said = one(case, turn, words=["wrote its answer"], reason="text_only")
    require(found["transcript"]["assistant"].startswith("It is noon."), f"transcript {found['transcript']}")
    require("wonder" not in str(found) + said and "\u001b" not in said, "the thought or its escapes are shown")


def a_rejected_answer_says_so(case):
    """turnCompleteReason and nothing else, as a name, as a number, and one without end."""
    def ends(reason):
        return lambda wire: wire.content(turnComplete=True, turnCompleteReason=reason)

    found, _ = one(case, ends("RESPONSE_REJECTED"), words=["rejected its own answer"], reason="rejected")
    require(found["complete_reason"] == "RESPONSE_REJECTED", f"{found}")
    one(case, ends("PROHIBITED_INPUT_CONTENT"), words=["by its rules for content"], reason="input_refused")
    found, _ = one(case, ends("X" * 100_000), words=["ended the turn without an answer"], reason="other")
    require(len(found["complete_reason"]) < 100, "a reason without end is kept")


def two_rejected_answers_begin_anew(case):
    """RESPONSE_REJECTED twice, with a handle at hand: the third question goes to a new conversation, and is heard."""
    resumed = []

    def rejected(wire):
        wire.say({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}})
        wire.content(turnComplete=True, turnCompleteReason="RESPONSE_REJECTED")

    with Server([rejected, rejected, Wire.answer], set_up=lambda wire: (resumed.append(wire.number), wire.say({"setupComplete": {}}))) as server:
        turns, summary, said = talk(case, server, 3)
    require([t["outcome"] for t in turns] == ["empty", "empty", "completed"], f"outcomes {[t['outcome'] for t in turns]}")
    require(summary["fresh_starts"] == 1 and summary["resumes"] == 0 and len(resumed) == 2, f"{summary}")
    require("a new session was begun" in said, f"it is not said: {said[-500:]}")


def sound_is_judged_by_what_it_is(case):
    """A tone near zero and a WAV file are no answers; PCM by the name L16 is one, in both orders of bytes."""
    def turn(**fields):
        def run(wire):
            time.sleep(0.2)
            wire.content(**fields)
            wire.over()
        return run

    one(case, turn(**pcm(6, "audio/pcm;rate=24000")), words=["too faint to be heard"], reason="near_silent")
    one(case, turn(**pcm(8_000, "audio/wav")), words=["type audio/wav"], reason="unplayable")
    for mime, order in (("audio/L16;rate=24000", ">"), ("audio/L16;codec=pcm;rate=24000", "<")):
        with Server([turn(**pcm(8_000, mime, order))]) as server:
            turns, *_ = talk(case, server)
            completed(turns, 1, server)
            heard(turns[0], 1_400)


def a_call_without_an_id_does_not_hang_the_turn(case):
    """A tool call that cannot be answered, and then nothing: the turn says so, long before the service counts as silent."""
    def turn(wire):
        wire.say({"toolCall": {"functionCalls": [{"name": "look\u202eup", "args": {}}]}})

    found, _ = one(case, turn, outcome="failed")
    require("without an id" in found["error"], f"{found['error']}")


def an_answer_that_breaks_off_by_itself_says_so(case):
    """`interrupted` before any sound, although nobody spoke."""
    def turn(wire):
        wire.content(interrupted=True)
        wire.content(turnComplete=True)

    one(case, turn, words=["broke its answer off"], reason="broken_off")


def a_late_answer_is_announced_and_heard(case):
    """Nothing for longer than the profile allows: it is said once, and the answer that comes is played."""
    (case.folder / "quick.yaml").write_text("name: quick\nextends: balanced\nlive: {reply_deadline_ms: 2000}\n")
    folder = case.folder / "home" / ".config" / "sovereign" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    (case.folder / "quick.yaml").rename(folder / "quick.yaml")

    def turn(wire):
        time.sleep(3.5)
        wire.answer(400)

    with Server([turn]) as server:
        turns, _, said = talk(case, server, 1, "--profile", "quick")
    completed(turns, 1)
    require(said.count("No answer after 2 s") == 1, f"it is not said once: {said[-500:]}")


def sources_are_bounded_and_clean(case):
    """Thousands of pages, addresses that are none, titles without end: some of the good ones are told, in one line each."""
    def turn(wire):
        bad = [{"web": {"title": "x", "uri": uri}} for uri in ("javascript:alert(1)", "file:///etc/passwd", "https://a.example@b.example/", 5)]
        good = [{"web": {"title": f"\u202e{n}\n\u001b]0;x\u0007" + "long " * 200, "uri": f"https://x.example/{n}"}} for n in range(600)]
        wire.content(groundingMetadata={"groundingChunks": bad + good, "webSearchQueries": [f"rain {n}" for n in range(500)],
                                        "searchEntryPoint": {"renderedContent": "<script>alert(1)</script>"}})
        wire.answer(400)

    with Server([turn]) as server:
        turns, *_ = talk(case, server)
    completed(turns, 1)
    found = turns[0]
    require(found["searched"] is True and len(found["sources"]) == 20 and len(found["queries"]) == 10, f"{len(found['sources'])}")
    require(all(s["url"].startswith("https://x.example/") and len(s["title"]) <= 201 for s in found["sources"]), f"{found['sources'][0]}")
    require(not any(c in str(found) for c in "\u202e\u001b\u0007") and "<script" not in str(found), "it is not clean")


CASES = [
    text_alone_is_shown_as_not_spoken,
    a_rejected_answer_says_so,
    two_rejected_answers_begin_anew,
    sound_is_judged_by_what_it_is,
    a_call_without_an_id_does_not_hang_the_turn,
    an_answer_that_breaks_off_by_itself_says_so,
    a_late_answer_is_announced_and_heard,
    sources_are_bounded_and_clean,
]
