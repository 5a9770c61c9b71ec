"""ROS 2 bags in SQLite (`.db3`), without ROS."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from perception_label.readers.bags.packed import Message, unpack
from perception_label.readers.files import refuse


class Db3Place(NamedTuple):
    """Which message: the n-th of a topic that was recorded at an instant."""

    topic_number: int
    log_ns: int
    n: int


class Db3File:
    """One `.db3`; `packing` is that of each message, as the bag's metadata tells."""

    def __init__(self, path: Path, packing: str = "") -> None:
        self.path = path
        self.packing = packing
        self.remarks: list[str] = []
        self._lock = threading.Lock()
        self._open: Any = None

    def __reduce__(self) -> tuple[type["Db3File"], tuple[Path, str]]:
        return Db3File, (self.path, self.packing)

    def scan(self) -> Iterator[Message]:
        """Yield every message in the order they were recorded.

        Raises
        ------
        SourceError
            If it is no such database, or it is damaged or cut short.
        """
        reader = self._reader()
        last: dict[int, tuple[int, int]] = {}
        for connection, log_ns, data in self._rows(reader, reader.connections):
            before, n = last.get(connection.id, (-1, 0))
            n = n + 1 if before == log_ns else 0
            last[connection.id] = (log_ns, n)
            place = Db3Place(connection.id, log_ns, n)
            encoding = connection.ext.serialization_format
            yield Message(
                connection.topic, connection.msgtype, encoding, log_ns, place, self._plain(data)
            )

    def read(self, place: Db3Place) -> bytes:
        """Return the bytes of one message; safe to call from several threads."""
        with self._lock:
            reader = self._reader()
            only = [c for c in reader.connections if c.id == place.topic_number]
            rows = self._rows(reader, only, place.log_ns, place.log_ns + 1)
            data = next((row[2] for n, row in enumerate(rows) if n == place.n), None)
        if data is None:
            raise refuse(self.path, f"a message at {place.log_ns} ns", "none")
        return self._plain(data)

    def _plain(self, data: bytes) -> bytes:
        try:
            return unpack(self.packing, data)
        except ValueError as error:
            raise refuse(self.path, f"{self.packing} messages", error) from None

    def _reader(self) -> Any:
        import apsw
        from rosbags.rosbag2.errors import ReaderError
        from rosbags.rosbag2.storage_sqlite3 import Sqlite3Reader

        if self._open is None:
            reader = Sqlite3Reader(self.path)
            try:
                reader.open()
            except (ReaderError, apsw.Error, OSError, ValueError, KeyError, TypeError) as error:
                raise refuse(self.path, "a ROS 2 database", error) from None
            self._open = reader
        return self._open

    def _rows(
        self, reader: Any, connections: Any, *span_ns: int
    ) -> Iterator[tuple[Any, int, bytes]]:
        import apsw

        try:
            for connection, log_ns, data in reader.messages(connections, *span_ns):
                if not isinstance(data, bytes) or not isinstance(log_ns, int):
                    raise refuse(self.path, "messages of bytes", type(data).__name__)
                yield connection, log_ns, data
        except (apsw.Error, KeyError) as error:
            raise refuse(self.path, "a whole ROS 2 database", error) from None
