"""A service that keeps no rule: messages, frames and ends of turns that are wrong, late, doubled, missing or endless."""

import base64
import json
import time

import sound as voice
from desk import require
from program import Program, check_turn
from wire import CLOSE, PING, TEXT, Server, Wire, sound

QUESTION = "What time is it"


def talk(case, server, turns=1, *arguments):
    """Speaks `turns` short questions to the server; gives the spoken turns, the summary and what was said of it all."""
    file = voice.speech(case.speech, QUESTION)
    with Program(case.binary, ["talk", "--json", "--output", "none", "--turns", turns, "--endpoint", server.url,
                               "--input", *[file] * turns, *arguments], case.folder) as program:
        program.wait_end(60, status=None)
        require("panicked" not in program.stderr(), "it panicked")
        require(program.process.returncode in (0, 1), f"exit status {program.process.returncode}: {program.stderr()[-300:]}")
        return program.spoken(), program.summary(), program.stderr()


def completed(turns, number, server=None, connections=1):
    for turn in turns:
        check_turn(turn)
    require(len(turns) == number, f"{len(turns)} spoken turns, {number} wanted")
    if server:
        require(server.connections == connections, f"{server.connections} connections, {connections} wanted")


def heard(turn, least_ms):
    require(turn["audio"]["heard_ms"] >= least_ms, f"{turn['audio']['heard_ms']} ms heard, {least_ms} wanted")


# -- messages --

def a_wrong_field_costs_only_itself(case):
    """Fields of wrong types, in every notation of Protobuf and beside the sound: all of the reply is heard, its turn completes."""
    tone = [8_000 if i // 27 % 2 else -8_000 for i in range(4_800)]  # 200 ms
    data = sound(tone)["data"]
    lines = "\n".join(data[i:i + 76] for i in range(0, len(data), 76))
    urlsafe = data.replace("+", "-").replace("/", "_").rstrip("=")

    def part(data):
        return {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}

    def turn(wire):
        time.sleep(0.2)
        wire.say({"usageMetadata": {"promptTokenCount": 45.0, "responseTokenCount": "30", "totalTokenCount": 7.5e1}})
        wire.content(modelTurn={"parts": [part(lines)], "role": 5}, outputTranscription="none")
        wire.content(modelTurn={"parts": [3, None, "x", {"inlineData": {"mimeType": "audio/pcm"}}, {"inlineData": 1}, part(urlsafe)]},
                     interactionStatus=1)
        wire.say({"server_content": {"model_turn": {"parts": [{"inline_data": {"mime_type": "audio/pcm;rate=24000", "data": data}}]}},
                  "groundingMetadata": [], "somethingNew": {"a": [1]}})
        wire.say('{"serverContent":{"outputTranscription":{"text":"Half \\ud83d"},"outputTranscription":{"finished":null}}}')
        wire.say(b'\xef\xbb\xbf{"serverContent":{"outputTranscription":{"text":"\xff mark."}}}\0')
        wire.say({"serverContent": {"turnComplete": True, "interactionStatus": 3, "turnCompleteReason": 1, "waitingForInput": "yes"},
                  "usageMetadata": {"promptTokenCount": 45.5, "responseTokenCount": [], "promptTokensDetails": [{"modality": 4}, 5]},
                  "sessionResumptionUpdate": True, "goAway": None})

    with Server([turn], set_up=lambda wire: wire.say({"setupComplete": True})) as server:
        turns, *_ = talk(case, server)
        completed(turns, 1, server)
        heard(turns[0], 590)


def what_is_no_message_is_passed_over(case):
    """Blank frames, words that keep a connection alive, deep and endless JSON: the connection is kept, the turn completes."""
    def turn(wire):
        for _ in range(5):
            for noise in ("", " ", "\n", "{}", "ping", '"ping"', "keepalive", ": heartbeat"):
                wire.say(noise, opcode=TEXT)
        wire.say('{"unknown":' + "[" * 200_000 + "]" * 200_000 + "}")
        wire.say('{"serverContent":{"modelTurn":{"parts":[' + "{}," * 100_000 + "{}]}}}")
        wire.say('{"serverContent":{"groundingMetadata":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}}")
        wire.say('{"serverContent":')
        wire.say("[[[[")
        wire.answer()

    def keep_alive(wire):
        for _ in range(9):
            wire.say("ping", opcode=TEXT)
        wire.say({"setupComplete": {}})

    with Server([turn], set_up=keep_alive) as server:
        turns, *_ = talk(case, server)
        completed(turns, 1, server)
        heard(turns[0], 390)


def broken_messages_never_end_a_connection_in_mid_utterance(case):
    """Broken messages while the user speaks are borne; while an answer is awaited they end the connection, and it is asked again."""
    def break_up(wire):
        for _ in range(6):
            wire.say('{"serverContent":{"modelTurn":')

    with Server([Wire.answer, break_up, Wire.answer], began={1: break_up}) as server:
        turns, *_ = talk(case, server, 2)
        completed(turns, 2, server, connections=2)


def sound_that_is_none_is_not_played(case):
    """Base64 that is none, halves of samples, rates and types that cannot be: nothing of it is heard, the good sound is."""
    good = sound([6_000 if i // 30 % 2 else -6_000 for i in range(4_800)])
    half = base64.b64encode(base64.b64decode(good["data"])[:-1]).decode()

    def turn(wire):
        time.sleep(0.2)
        for mime in ("audio/pcm;rate=abc", "audio/pcm;rate=0", "audio/pcm;rate=4000000000", "audio/pcm;channels=2", "audio/opus", ""):
            if mime:
                wire.content(modelTurn={"parts": [{"inlineData": {**good, "mimeType": mime}}]})
        wire.content(modelTurn={"parts": [{"inlineData": {**good, "data": "!!!!"}}, {"inlineData": {**good, "data": half}}]})
        wire.content(modelTurn={"parts": [{"inlineData": good}]})
        wire.over()

    with Server([turn]) as server:
        turns, *_ = talk(case, server)
        completed(turns, 1, server)
        heard(turns[0], 390)
        require(turns[0]["audio"]["heard_ms"] <= 450, f"noise was played: {turns[0]['audio']}")


# -- ends of turns --

def an_end_alone_is_the_cut_turns(case):
    """A reply is cut; its turnComplete comes alone behind the next question. The next answer is heard as the next turn's."""
    def late_end(wire):
        time.sleep(0.15)
        wire.content(turnComplete=True)
        time.sleep(0.4)
        wire.answer(600, "Second.")

    with Server([lambda wire: wire.tone(8_000, words="First."), late_end]) as server:
        turns, *_ = talk(case, server, 2, "--interrupt-after", "500")
        require([t["outcome"] for t in turns] == ["interrupted", "completed"], f"outcomes {[t['outcome'] for t in turns]}")
        heard(turns[1], 590)
        require("Second." in turns[1]["transcript"]["assistant"], f"transcript {turns[1]['transcript']}")


def what_follows_the_end_is_heard(case):
    """turnComplete, then more sound while the first part still plays: both are heard, in one turn."""
    def twice(wire):
        wire.answer(700, "Let me see. ")
        time.sleep(0.1)
        wire.answer(900, "It is noon.")

    with Server([twice]) as server:
        turns, *_ = talk(case, server)
        completed(turns, 1, server)
        heard(turns[0], 1_590)
        require("It is noon." in turns[0]["transcript"]["assistant"], f"transcript {turns[0]['transcript']}")


def a_part_that_is_not_the_end_is_heard_with_the_rest(case):
    """Extended thinking: a filler that is closed IN_PROGRESS, then after three seconds the answer."""
    def twice(wire):
        wire.tone(300, words="Hm. ")
        wire.content(generationComplete=True)
        wire.content(turnComplete=True, interactionStatus="IN_PROGRESS")
        time.sleep(3)
        wire.answer(500, "Noon.")

    with Server([twice]) as server:
        turns, *_ = talk(case, server)
        completed(turns, 1, server)
        heard(turns[0], 790)


def ends_that_are_missing_or_doubled_cost_no_answer(case):
    """Cut replies with every wrong set of end signs, one after the other: each healthy answer behind them is heard."""
    ends = [
        [],
        [{"interrupted": True}],
        [{"interrupted": True}, {"interrupted": True}, {"turnComplete": True}, {"turnComplete": True}],
        [{"turnComplete": True}, {"generationComplete": True}],
    ]

    def cut_turn(wire):
        wire.tone(8_000)

    def answered_late(late):
        def turn(wire):
            time.sleep(0.05)
            for end in late:
                wire.content(**end)
            time.sleep(0.3)
            wire.tone(8_000)
        return turn

    def last(wire):
        for end in ends[-1]:
            wire.content(**end)
        time.sleep(0.4)
        wire.answer(500, "Last.")

    turns = [cut_turn] + [answered_late(late) for late in ends[:-1]] + [last]
    with Server(turns) as server:
        said, *_ = talk(case, server, len(turns), "--interrupt-after", "300")
        outcomes = [t["outcome"] for t in said]
        require(outcomes == ["interrupted"] * 4 + ["completed"], f"outcomes {outcomes}")
        require("Last." in said[-1]["transcript"]["assistant"], f"transcript {said[-1]['transcript']}")


def a_reply_without_ends_does_not_cost_the_next(case):
    """The first reply has no end sign at all and fails with words; the next one is heard."""
    with Server([lambda wire: wire.tone(300)]) as server:
        turns, _, said = talk(case, server, 2)
        require([t["outcome"] for t in turns] == ["failed", "completed"], f"outcomes {[t['outcome'] for t in turns]}")
        require("the reply stopped" in said + json.dumps(turns[0]), f"no words for it: {said[-300:]}")


# -- frames --

def _fragments(wire):
    wire.frame('{"serverContent":', fin=False)
    wire.frame('{"turnComplete":true}}', fin=True)  # a message begins while another is under way


FRAMES = {
    "masked": lambda wire: wire.frame("{}", mask=b"abcd"),
    "reserved bits": lambda wire: wire.frame("{}", reserved=4),
    "long control frame": lambda wire: wire.frame(b"x" * 200, opcode=PING),
    "broken control frame": lambda wire: wire.frame(b"x", opcode=PING, fin=False),
    "unknown kind": lambda wire: wire.frame(b"x", opcode=11),
    "continues nothing": lambda wire: wire.frame(b"x", opcode=0),
    "mixed fragments": _fragments,
    "text that is no UTF-8": lambda wire: wire.frame(b"\xff\xfe{", opcode=TEXT),
    "close of one byte": lambda wire: wire.frame(b"x", opcode=CLOSE),
    "close for no reason": lambda wire: wire.frame(b"\x03\xf3" + b"\xff\xfe", opcode=CLOSE),
}


def _frames(name, kinds):
    def run(case):
        turns = [turn for kind in kinds for turn in (FRAMES[kind], Wire.answer)]
        with Server(turns) as server:
            said, *_ = talk(case, server, len(kinds))
            completed(said, len(kinds), server, connections=1 + len(kinds))
    run.__name__ = name
    run.__doc__ = f"Frames against RFC 6455 ({', '.join(kinds)}): another connection, and the same question is answered."
    return run


def frames_without_measure_are_refused_with_words(case):
    """A frame that claims 2^62 bytes, and fragments without end: not gathered; the turn fails, says why, and is asked again."""
    def endless(wire):
        piece = b" " * (1 << 20)
        wire.frame(piece, fin=False)
        for _ in range(40):
            wire.frame(piece, opcode=0, fin=False)

    def claim(wire):
        wire.frame(b"{", length=1 << 62)

    with Server([claim, endless, claim, claim]) as server:
        turns, _, said = talk(case, server)
        require([t["outcome"] for t in turns] == ["failed"], f"outcomes {[t['outcome'] for t in turns]}")
        require("16 MiB" in said, f"it does not say what was wrong: {said[-300:]}")
        require("It is asked for again" in said, f"it is not asked again: {said[-300:]}")


def floods_are_borne(case):
    """A flood of pings and of empty fragments in front of the answer and within it: it is heard."""
    def turn(wire):
        wire.raw(bytes([0x80 | PING, 0]) * 100_000)
        wire.frame('{"serverContent":{"outputTranscription":{"text":"', fin=False)
        wire.raw(bytes([0, 0]) * 100_000)
        wire.frame('Hi."}}}', opcode=0)
        wire.tone(300)
        wire.raw(bytes([0x80 | PING, 4]) + b"ping")
        wire.tone(300)
        wire.over()

    with Server([turn]) as server:
        turns, *_ = talk(case, server)
        completed(turns, 1, server)
        heard(turns[0], 590)


CASES = [
    a_wrong_field_costs_only_itself,
    what_is_no_message_is_passed_over,
    broken_messages_never_end_a_connection_in_mid_utterance,
    sound_that_is_none_is_not_played,
    an_end_alone_is_the_cut_turns,
    what_follows_the_end_is_heard,
    a_part_that_is_not_the_end_is_heard_with_the_rest,
    ends_that_are_missing_or_doubled_cost_no_answer,
    a_reply_without_ends_does_not_cost_the_next,
    _frames("frames_against_the_rules", list(FRAMES)[:5]),
    _frames("frames_out_of_order", list(FRAMES)[5:]),
    frames_without_measure_are_refused_with_words,
    floods_are_borne,
]
