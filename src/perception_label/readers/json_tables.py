"""Tables kept as JSON arrays of flat records, read one record at a time.

The tables of a full dataset are gigabytes, of which one log needs a few thousand records.
"""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from perception_label.readers.files import refuse

CHUNK_BYTES = 1 << 20
LARGEST_RECORD = 1 << 25  # characters; real ones have a few hundred

Record = dict[str, Any]


def records(path: Path) -> Iterator[Record]:
    """Yield the records of a table in their order, holding one at a time.

    Raises
    ------
    SourceError
        If the file cannot be read or is no JSON array of objects.
    """
    try:
        with path.open("rb") as file:
            text = _Text(path, file)
            text.expect("[")
            if text.mark() == "]":
                text.expect("]")
            else:
                yield text.record()
                while text.expect(",]") == ",":
                    yield text.record()
            text.expect("")
    except OSError as error:
        raise refuse(path, "a readable file", error.strerror or error) from None


def field(path: Path, record: Record, name: str, kind: type | tuple[type, ...] = str) -> Any:
    """Return a value of a record, which must be there and of this type.

    Raises
    ------
    SourceError
        If it is missing or of another type.
    """
    value = record.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        told = kind.__name__ if isinstance(kind, type) else " or ".join(k.__name__ for k in kind)
        got = type(value).__name__ if name in record else "none"
        raise refuse(path, f"{name}: a {told} in each record", got)
    return value


class _Text:
    """The text of a file, of which a chunk or one record is held."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder()
        self._held, self._at = "", 0

    def mark(self) -> str:
        """Return the next character that is no space, which stays; none at the end."""
        while True:
            while self._at < len(self._held):
                if not self._held[self._at].isspace():
                    return self._held[self._at]
                self._at += 1
            if not self._more():
                return ""

    def expect(self, marks: str) -> str:
        """Take the next character, which must be one of these; none means the end."""
        mark = self.mark()
        if not (mark and mark in marks) and mark != marks:
            told = f"one of {marks!r}" if marks else "nothing after the array"
            raise refuse(self._path, f"a whole JSON array of records: {told}", repr(mark))
        self._at += 1
        return mark

    def record(self) -> Record:
        """Take the next record."""
        self.mark()
        while True:
            try:
                value, self._at = self._json.raw_decode(self._held, self._at)
            except RecursionError as error:
                raise refuse(self._path, "records of JSON", error) from None
            except ValueError as error:
                # It may only be cut by the end of what is held.
                if len(self._held) - self._at > LARGEST_RECORD or not self._more():
                    raise refuse(self._path, "a whole JSON array of records", error) from None
                continue
            if not isinstance(value, dict):
                raise refuse(self._path, "a JSON array of records", f"a {type(value).__name__}")
            return value

    def _more(self) -> bool:
        data = self._file.read(CHUNK_BYTES)
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise refuse(self._path, "text", f"bytes that are no UTF-8: {error.reason}") from None
        self._held, self._at = self._held[self._at :] + text, 0
        return bool(data)
