"""What a screen reader sees and does: a session bus of its own on a desk, and the window's tree over AT-SPI."""

import contextlib
import os
import re
import signal
import subprocess
from collections import deque
from pathlib import Path

from jeepney import DBusAddress, MatchRule, Properties, message_bus, new_method_call
from jeepney.io.blocking import open_dbus_connection

from desk import Failure, eventually, require

LAUNCHER = Path("/usr/share/dbus-1/services/org.a11y.Bus.service")
MARK = "SOVEREIGN_STAGE_BUS"
ACCESSIBLE = "org.a11y.atspi.Accessible"
ROOT = "/org/a11y/atspi/accessible/root"

# Numbers of the protocol (atspi-constants.h).
ROLES = {7: "check box", 11: "combo box", 23: "frame", 29: "label", 32: "list item", 35: "menu item", 39: "panel", 40: "password text",
         42: "progress bar", 43: "button", 44: "radio button", 45: "radio menu item", 48: "scroll bar", 49: "scroll pane", 50: "separator",
         51: "slider", 52: "spin button", 60: "tool tip", 61: "text", 62: "toggle button", 73: "paragraph", 79: "entry", 83: "heading",
         85: "section", 88: "link", 116: "static"}
STATES = {4: "checked", 8: "enabled", 11: "focusable", 12: "focused", 20: "pressed", 23: "selected", 25: "showing"}
# What is pressed, chosen or typed into.
INTERACTIVE = {"button", "toggle button", "check box", "radio button", "combo box", "slider", "spin button", "entry", "password text", "link",
               "menu item", "list item"}


class Node:
    """An element, as it was when the tree was read."""

    def __init__(self, bus_name, item):
        (_, self.path), _, (_, self.parent), self.index, _, self.interfaces, self.name, role, self.description, states = item
        self.bus_name, self.children = bus_name, []
        self.role = ROLES.get(role, f"role {role}")
        bits = states[0] | states[1] << 32
        self.states = {word for bit, word in STATES.items() if bits >> bit & 1}

    def is_interactive(self):
        return self.role in INTERACTIVE

    def __repr__(self):
        return f"{self.role} {self.name!r}"


class ScreenReader:
    """The buses, and a client that reads; ended by the case, with everything that they started."""

    def __init__(self, case):
        require(LAUNCHER.exists(), f"{LAUNCHER} is missing: install at-spi2-core")
        self.desk, self.folder = case.desk, case.folder
        self.called = case.binary.name  # the toolkit names the program after its file
        self.socket = case.desk.folder / "run" / "session-bus"  # a path short enough for a socket
        self.environment = {**case.desk.environment, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.socket}", MARK: str(self.socket)}
        self.processes, self.connections, self.announced = [], [], []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        self.socket.unlink(missing_ok=True)
        config = self.folder / "session-bus.conf"
        config.write_text(f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={self.socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
""")
        self._spawn("dbus-daemon", "--nofork", f"--config-file={config}")
        session = eventually("the session bus", 20, lambda: self._connect(f"unix:path={self.socket}"))
        launcher = re.search(r"^Exec=(.*)$", LAUNCHER.read_text(), re.M)[1].split()
        self._spawn(*launcher, "--launch-immediately")
        bus = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
        self._has_owner(session, "org.a11y.Bus")
        for name in ("IsEnabled", "ScreenReaderEnabled"):
            status = Properties(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Status"))
            self.call(session, status.set(name, "b", True))
            require(self.call(session, status.get(name))[0][1], f"{name} stays off")
        address = self.call(session, new_method_call(bus, "GetAddress"))[0].split(",guid")[0]
        self.bus = self._connect(address)
        rule = MatchRule(type="signal", interface="org.a11y.atspi.Event.Object", member="Announcement")
        self.call(self.bus, message_bus.AddMatch(rule))
        self.heard = deque()
        self._filter = self.bus.filter(rule, queue=self.heard)
        self._filter.__enter__()

    def __exit__(self, *_):
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.close()
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        # The second bus and its registry, children of the launcher.
        for pid in self._left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _left(self):
        mark = f"{MARK}={self.socket}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    yield int(process.name)

    def _spawn(self, *command):
        log = open(self.folder / f"{Path(command[0]).name}.txt", "w")
        self.processes.append(subprocess.Popen(command, env={"PATH": os.environ["PATH"], "HOME": str(self.folder),
                                                             "GSETTINGS_BACKEND": "memory", **self.environment},
                                               stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _connect(self, address):
        try:
            connection = open_dbus_connection(address)
        except (FileNotFoundError, ConnectionError):
            return None
        self.connections.append(connection)
        return connection

    def _has_owner(self, connection, name):
        eventually(f"{name} on the bus", 20, lambda: self.call(connection, message_bus.NameHasOwner(name))[0])

    @staticmethod
    def call(connection, message):
        answer = connection.send_and_get_reply(message, timeout=30)
        if answer.header.message_type.name == "error":
            raise Failure(f"{message.header.fields}: {answer.body}")
        return answer.body

    # -- the window --

    def window(self, seconds=30):
        """Waits for the program on the bus; from then on its tree can be read."""
        registry = DBusAddress(ROOT, "org.a11y.atspi.Registry", ACCESSIBLE)
        def probe():
            for bus_name, path in self.call(self.bus, new_method_call(registry, "GetChildren"))[0]:
                name = self.call(self.bus, Properties(DBusAddress(path, bus_name, ACCESSIBLE)).get("Name"))[0][1]
                if name == self.called:
                    return bus_name
            return None
        self.program = eventually("the program on the bus of the screen readers", seconds, probe)
        return eventually("the window's tree", seconds, lambda: next((n for n in self.nodes() if n.role == "frame"), None))

    def nodes(self):
        """All elements, each after its parent, siblings in their order."""
        cache = DBusAddress("/org/a11y/atspi/cache", self.program, "org.a11y.atspi.Cache")
        nodes = [Node(self.program, item) for item in self.call(self.bus, new_method_call(cache, "GetItems"))[0]]
        by_path = {node.path: node for node in nodes}
        for node in sorted(nodes, key=lambda node: node.index):
            if node.parent in by_path and node is not by_path[node.parent]:
                by_path[node.parent].children.append(node)
        found = []
        def walk(node):
            found.append(node)
            for child in node.children:
                walk(child)
        walk(by_path[ROOT])
        return found

    def all(self, name=None, role=None):
        """Elements of this name (or whose name a compiled pattern finds) and role."""
        def fits(node):
            named = name is None or (node.name == name if isinstance(name, str) else name.search(node.name))
            return named and (role is None or node.role == role)
        return [node for node in self.nodes() if fits(node)]

    def find(self, name, role=None, seconds=20):
        """Waits for an element."""
        return eventually(f"{role or 'an element'} {name!r}", seconds, lambda: next(iter(self.all(name, role)), None))

    def gone(self, name, role=None, seconds=20):
        eventually(f"{role or 'an element'} {name!r} to go", seconds, lambda: not self.all(name, role))

    def says(self, words, seconds=20):
        """Waits for words anywhere in the tree."""
        return self.find(words if hasattr(words, "search") else re.compile(re.escape(words)), seconds=seconds)

    def focused(self):
        return next((node for node in self.nodes() if "focused" in node.states and node.role != "frame"), None)

    def press(self, node):
        """Does what the element offers to do."""
        require("org.a11y.atspi.Action" in node.interfaces, f"{node} offers no action")
        require(self._ask(node, "org.a11y.atspi.Action", "DoAction", "i", (0,))[0], f"{node} did nothing")

    def set_value(self, node, value):
        address = DBusAddress(node.path, node.bus_name, "org.a11y.atspi.Value")
        self.call(self.bus, Properties(address).set("CurrentValue", "d", value))

    def value(self, node):
        return self.call(self.bus, Properties(DBusAddress(node.path, node.bus_name, "org.a11y.atspi.Value")).get("CurrentValue"))[0][1]

    def text(self, node):
        """The words in a field."""
        return self._ask(node, "org.a11y.atspi.Text", "GetText", "ii", (0, -1))[0]

    def place(self, node):
        """Left, top, width and height on the screen."""
        return self._ask(node, "org.a11y.atspi.Component", "GetExtents", "u", (0,))[0]

    def announcements(self):
        """Everything announced so far: (words, 1 politely or 2 at once)."""
        self.call(self.bus, message_bus.GetId())  # what has arrived is sorted in
        while self.heard:
            _, politeness, _, (_, words), *_ = self.heard.popleft().body
            self.announced.append((words, politeness))
        return self.announced

    def _ask(self, node, interface, method, signature, body):
        return self.call(self.bus, new_method_call(DBusAddress(node.path, node.bus_name, interface), method, signature, body))
