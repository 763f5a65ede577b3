"""What a desktop says and does on its message bus, played: a tray, a screen saver, the sessions of logind. Session and system are one bus."""

import contextlib
import os
import subprocess
import threading

from jeepney import DBusAddress, MessageType, Properties, new_error, new_method_call, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from desk import Failure, eventually

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = DBusAddress("/StatusNotifierItem", interface="org.kde.StatusNotifierItem")
LOGIND = "org.freedesktop.login1"
SESSION = "/org/freedesktop/login1/session/_31"
PLAYER = DBusAddress("/org/mpris/MediaPlayer2", "org.mpris.MediaPlayer2.sovereign", "org.mpris.MediaPlayer2.Player")


class Desktop:
    """The bus, with logind on it; the tray comes and goes."""

    def __init__(self, case):
        self.folder = case.folder
        self.socket = case.desk.folder / "run" / "desktop-bus"  # a path short enough for a socket
        address = f"unix:path={self.socket}"
        self.environment = {"DBUS_SESSION_BUS_ADDRESS": address, "DBUS_SYSTEM_BUS_ADDRESS": address}
        self.icons, self.open = [], contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as opened:
            self.socket.unlink(missing_ok=True)
            config = self.folder / "bus.conf"
            config.write_text(f"""<busconfig><type>session</type><listen>unix:path={self.socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
""")
            log = opened.enter_context(open(self.folder / "bus.txt", "w"))
            daemon = subprocess.Popen(["dbus-daemon", "--nofork", f"--config-file={config}"], env={"PATH": os.environ["PATH"]},
                                      stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            opened.callback(daemon.wait)
            opened.callback(daemon.kill)
            self.logind = opened.enter_context(self.takes(LOGIND, {"GetSession": ("o", (SESSION,))}))
            self.user = opened.enter_context(contextlib.closing(self._connect()))
            self.open = opened.pop_all()
        return self

    def __exit__(self, *_):
        self.open.close()

    def _connect(self):
        def probe():
            with contextlib.suppress(FileNotFoundError, ConnectionError):
                return open_dbus_connection(f"unix:path={self.socket}")
        return eventually("the bus", 20, probe)

    @contextlib.contextmanager
    def takes(self, name, answers):
        """Whoever owns this name, and answers these calls."""
        connection = self._connect()
        connection.send_and_get_reply(message_bus.RequestName(name), timeout=30)

        def serve():
            with contextlib.suppress(OSError, ValueError):
                while True:
                    asked = connection.receive()
                    if asked.header.message_type != MessageType.method_call:
                        continue
                    member = asked.header.fields[3]
                    if member == "RegisterStatusNotifierItem":
                        self.icons.append(asked.body[0])
                    answer = answers.get(member)
                    connection.send(new_method_return(asked, *answer) if answer else new_error(asked, "org.freedesktop.DBus.Error.UnknownMethod"))

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield connection
        finally:
            # A read that is under way ends with it.
            with contextlib.suppress(OSError):
                connection.sock.shutdown(2)
            connection.close()

    def tray(self):
        self.icons.clear()
        return self.takes(WATCHER, {"RegisterStatusNotifierItem": (None, ())})

    def icon(self):
        """The name of the icon that the tray was given."""
        return eventually("the icon", 30, lambda: self.icons and self.icons[-1])

    def click(self):
        """On the icon."""
        item = DBusAddress(ITEM.object_path, self.icon(), ITEM.interface)
        answer = self.user.send_and_get_reply(new_method_call(item, "Activate", "ii", (0, 0)), timeout=30)
        if answer.header.message_type == MessageType.error:
            raise Failure(f"a click: {answer.body}")

    def media_key(self, method):
        """As the desktop calls a player when such a key is pressed."""
        answer = self.user.send_and_get_reply(new_method_call(PLAYER, method), timeout=30)
        if answer.header.message_type == MessageType.error:
            raise Failure(f"{method}: {answer.body}")

    def player(self):
        """What the player says it is doing; None where there is none."""
        answer = self.user.send_and_get_reply(Properties(PLAYER).get("PlaybackStatus"), timeout=30)
        return None if answer.header.message_type == MessageType.error else answer.body[0][1]

    def saver(self, active):
        """The screen saver of KDE Plasma begins or ends."""
        place = DBusAddress("/ScreenSaver", interface="org.freedesktop.ScreenSaver")
        self.user.send(new_signal(place, "ActiveChanged", "b", (active,)))

    def hint(self, locked):
        """Logind is told that the screen is locked or not."""
        place = DBusAddress(SESSION, interface="org.freedesktop.DBus.Properties")
        changed = (f"{LOGIND}.Session", {"LockedHint": ("b", locked)}, [])
        self.logind.send(new_signal(place, "PropertiesChanged", "sa{sv}as", changed))
