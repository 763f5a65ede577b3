"""What passes through a relay, message by message: which speech reached the service, in which context, and whether it was answered.

A context is what the service remembers: a resumed session has what was said up to its handle, a new one nothing.
"""

import base64
import json
import struct
import threading
import time


class Question:
    """Speech between the marks of one activity, as the service got it."""

    def __init__(self, connection, session):
        self.connection, self.session, self.began, self.ended = connection, session, time.time(), None
        self.sound, self.answered, self.utterance, self.parts = bytearray(), False, None, set()


class Line:
    """One connection."""

    def __init__(self, number):
        self.number, self.buffers, self.upgraded = number, {True: b"", False: b""}, {True: False, False: False}
        self.session, self.context, self.open, self.asked, self.set_up = None, [], None, None, False
        self.told, self.lock = b"", threading.Lock()


class Wiretap:
    def __init__(self):
        self.lines, self.questions, self.contexts, self.handles = {}, [], [], {}
        self.counts = {"connections": 0, "resumed": 0, "new sessions": 0, "told of what was said": 0, "goAway": 0}

    def __call__(self, number, upwards, data):
        line = self.lines.setdefault(number, Line(number))
        with line.lock:
            line.buffers[upwards] += data
            if not line.upgraded[upwards]:
                head, found, rest = line.buffers[upwards].partition(b"\r\n\r\n")
                if not found:
                    return
                line.upgraded[upwards], line.buffers[upwards] = True, rest
            for opcode, payload in self._frames(line, upwards):
                if opcode in (1, 2):
                    (self._up if upwards else self._down)(line, json.loads(payload))

    def waiting(self, number):
        """What is to be put into the stream to the client: only between its frames."""
        line = self.lines.get(number)
        if not line or not line.told:
            return b""
        with line.lock:
            told, line.told = (line.told, b"") if not line.buffers[False] else (b"", line.told)
            return told

    def newest(self):
        """The line that was set up last, if any."""
        ready = [line for line in list(self.lines.values()) if line.set_up]
        return ready[-1] if ready else None

    def say(self, message):
        """The service's word to the client, on the newest line."""
        payload = json.dumps(message).encode()
        self.counts["goAway"] += "goAway" in message
        if line := self.newest():
            line.told += bytes([0x82, len(payload)]) + payload

    @staticmethod
    def _frames(line, upwards):
        while True:
            data = line.buffers[upwards]
            if len(data) < 2:
                return
            size, at = data[1] & 0x7F, 2
            if size > 125:
                width = 2 if size == 126 else 8
                if len(data) < 2 + width:
                    return
                size, at = int.from_bytes(data[2 : 2 + width], "big"), 2 + width
            masked = data[1] & 0x80
            if len(data) < at + 4 * bool(masked) + size:
                return
            payload = data[at + 4 * bool(masked) :][:size]
            if masked:
                mask = data[at : at + 4] * (size // 4 + 1)
                payload = (int.from_bytes(payload, "big") ^ int.from_bytes(mask[:size], "big")).to_bytes(size, "big")
            line.buffers[upwards] = data[at + 4 * bool(masked) + size :]
            yield data[0] & 0x0F, payload

    def _up(self, line, message):
        if "setup" in message:
            handle = (message["setup"].get("sessionResumption") or {}).get("handle")
            line.session, context = self.handles.get(handle, (object(), []))
            line.context = list(context)
            self.contexts.append(line.context)
            line.resumes = handle is not None
        said = message.get("realtimeInput", {})
        if "clientContent" in message:
            self.counts["told of what was said"] += 1
        if "activityStart" in said:
            line.open = Question(line.number, line.session)
        elif "audio" in said and line.open:
            line.open.sound += base64.b64decode(said["audio"]["data"])
        elif "activityEnd" in said and line.open:
            line.open.ended = time.time()
            line.context.append(line.open)
            self.questions.append(line.open)
            line.asked, line.open = line.open, None

    def _down(self, line, message):
        if "setupComplete" in message:
            line.set_up = True
            self.counts["connections"] += 1
            self.counts["resumed" if line.resumes else "new sessions"] += 1
        if handle := message.get("sessionResumptionUpdate", {}).get("newHandle"):
            self.handles[handle] = (line.session, tuple(line.context))
        content = message.get("serverContent", {})
        if content.get("turnComplete") and not content.get("interrupted") and line.asked:
            line.asked.answered = True


def samples(question):
    """The sound of a question as numbers, 16 kHz."""
    return struct.unpack(f"<{len(question.sound) // 2}h", bytes(question.sound[: len(question.sound) // 2 * 2]))
