"""A TCP relay on loopback that disturbs what passes through it, as a script or a case tells it.

Each connection takes the next step of the script (the last one repeats); `set` changes what the open ones do.

    cut=N        ended after N bytes towards the server (or `down_cut=N`: towards the client); `reset=True` with RST instead of FIN
    accept=False taken and ended at once
    half=True    when N bytes have passed, only the client's side is ended
    swallow      taken and carried nowhere, both ways, for good
    stand        nothing is taken any more
    refuse       like accept=False, for new connections
    rate=N       so many bytes in a second towards the server

A `tap` sees what was carried: `tap(number, upwards, data)`; what `tap.waiting(number)` gives is sent to the client in between.
"""

import contextlib
import select
import socket
import struct
import threading
import time


class Relay:
    """Carries connections to `port`. `url` leads through it. `buffer`: bytes that the system takes from a client unread; with
    few a client can see that it stands still."""

    def __init__(self, port, script=({},), path="", buffer=None):
        self.port, self.script, self.mode, self.rate, self.tap = port, [dict(step) for step in script], None, None, None
        self.connections, self.up, self.open = 0, [], set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        if buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.listener.settimeout(0.1)
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}{path}"
        self.stopped = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.listener.close()

    def set(self, mode):
        """`swallow`, `stand`, `refuse` or None, for connections that are open now and for later ones."""
        self.mode = mode

    def cut(self, reset=False):
        """Ends all connections that are open now."""
        for client, server in list(self.open):
            _end(client, reset)
            _end(server, False)

    def _accept(self):
        while not self.stopped.is_set():
            try:
                client, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            step = self.script[min(self.connections, len(self.script) - 1)]
            number = self.connections
            self.connections += 1
            self.up.append(0)
            threading.Thread(target=self._carry, args=(client, number, step), daemon=True).start()

    def _carry(self, client, number, step):
        if self.mode == "refuse" or not step.get("accept", True):
            return _end(client, step.get("reset", False))
        server = socket.create_connection(("127.0.0.1", self.port))
        self.open.add((client, server))
        with contextlib.suppress(OSError, ValueError):  # ValueError: `cut` has closed them
            self._pass(client, server, number, step)
        self.open.discard((client, server))
        _end(client, step.get("reset", False))
        _end(server, False)

    def _pass(self, client, server, number, step):
        """Carries both ways until one side ends or the step is over."""
        down, dead = 0, False
        while not self.stopped.is_set():
            if self.mode == "stand":
                time.sleep(0.02)
                continue
            if self.tap and not dead and (told := self.tap.waiting(number)):
                client.sendall(told)
            for source in select.select([client, server], [], [], 0.05)[0]:
                upwards = source is client
                passed, limit = (self.up[number], step.get("cut")) if upwards else (down, step.get("down_cut"))
                data = source.recv(4096 if limit is None else max(1, min(4096, limit - passed)))
                dead |= self.mode == "swallow"
                if not data:
                    return
                if not dead:
                    if upwards and (rate := step.get("rate", self.rate)):
                        time.sleep(len(data) / rate)
                    (server if upwards else client).sendall(data)
                    if self.tap:
                        self.tap(number, upwards, data)
                self.up[number] += len(data) * upwards
                down += len(data) * (not upwards)
                if limit is not None and passed + len(data) >= limit:
                    if not step.get("half"):
                        return
                    client.shutdown(socket.SHUT_WR)


def _end(connection, reset):
    with contextlib.suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
