"""A WebSocket server that sends any bytes: frames of every kind, correct or not, at the moment a case wants them.

It knows as much of the Live service as it needs to be talked to: it answers the setup, and calls `turns[n](wire)` when the
n-th utterance has ended. What it has no function for is answered by `answer`.
"""

import base64
import hashlib
import json
import math
import socket
import struct
import threading
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
RATE = 24_000


class Wire:
    """One connection, after the upgrade."""

    def __init__(self, connection, number):
        self.connection, self.number, self.buffer = connection, number, b""
        self.messages = []

    # -- out --

    def raw(self, data):
        self.connection.sendall(data)

    def frame(self, payload=b"", opcode=BINARY, fin=True, reserved=0, mask=None, length=None):
        """One frame; `length` lies about the payload's."""
        payload = payload.encode() if isinstance(payload, str) else payload
        size = len(payload) if length is None else length
        head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
        flag = 0x80 if mask is not None else 0
        if size < 126:
            head += bytes([flag | size])
        elif size < 1 << 16:
            head += bytes([flag | 126]) + struct.pack(">H", size)
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", size)
        if mask is not None:
            head += mask
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.raw(head + payload)

    def say(self, message, opcode=BINARY):
        """A message: an object, or text that is sent as it is."""
        self.frame(message if isinstance(message, (str, bytes)) else json.dumps(message), opcode)

    def content(self, **fields):
        self.say({"serverContent": fields})

    def tone(self, ms, hz=440, words=None):
        """So much of a tone, in messages of 100 ms, all at once."""
        samples = [int(8_000 * math.sin(2 * math.pi * hz * i / RATE)) for i in range(RATE * ms // 1000)]
        if words:
            self.content(outputTranscription={"text": words})
        for start in range(0, len(samples), RATE // 10):
            self.content(modelTurn={"parts": [{"inlineData": sound(samples[start:start + RATE // 10])}], "role": "model"})

    def over(self):
        """The end signs of an answer, with the token counts."""
        self.content(generationComplete=True)
        self.say({"serverContent": {"turnComplete": True}, "usageMetadata": {"promptTokenCount": 20, "responseTokenCount": 10}})

    def answer(self, ms=400, words="Hello."):
        time.sleep(0.2)
        self.tone(ms, words=words)
        self.over()

    def cut(self):
        """Ends the connection without a word."""
        self.connection.close()

    # -- in --

    def _take(self, count):
        while len(self.buffer) < count:
            more = self.connection.recv(1 << 16)
            if not more:
                raise EOFError
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def message(self):
        """The next message of the client, as an object; pings and pongs are passed over."""
        while True:
            first, second = self._take(2)
            size = second & 0x7F
            if size == 126:
                size, = struct.unpack(">H", self._take(2))
            elif size == 127:
                size, = struct.unpack(">Q", self._take(8))
            mask = self._take(4) if second & 0x80 else b"\0" * 4
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self._take(size)))
            if first & 0x0F == CLOSE:
                raise EOFError
            if first & 0x0F in (TEXT, BINARY):
                message = json.loads(payload)
                self.messages.append(next(iter(message)))
                return message


def sound(samples, mime="audio/pcm;rate=24000"):
    data = struct.pack(f"<{len(samples)}h", *samples)
    return {"mimeType": mime, "data": base64.b64encode(data).decode()}


class Server:
    """Listens on loopback. `turns`: a function of the wire for each utterance, over all connections."""

    def __init__(self, turns=(), set_up=None, began=None):
        self.turns, self.set_up, self.began = list(turns), set_up, began or {}
        self.connections = self.starts = self.ends = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}"
        self._open = []
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for connection in self._open:
            connection.close()

    def _listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(connection)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection, number):
        try:
            wire = Wire(connection, number)
            upgrade(wire)
            wire.message()
            if self.set_up:
                self.set_up(wire)
            else:
                wire.say({"setupComplete": {}})
            while True:
                message = wire.message().get("realtimeInput", {})
                if "activityStart" in message:
                    self.starts += 1
                    self.began.get(self.starts, lambda _: None)(wire)
                if "activityEnd" in message:
                    self.ends += 1
                    turn = self.turns[self.ends - 1] if self.ends <= len(self.turns) else Wire.answer
                    turn(wire)
        except (EOFError, OSError):
            connection.close()


def upgrade(wire):
    head = b""
    while b"\r\n\r\n" not in head:
        more = wire.connection.recv(4096)
        if not more:
            raise EOFError
        head += more
    key = next(line.split(b":", 1)[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    wire.raw(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
