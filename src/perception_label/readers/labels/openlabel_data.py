"""OpenLABEL's attributes of objects, and its times."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from perception_label.readers.files import refuse

KINDS = ("num", "text", "boolean", "vec")
NS = 1_000_000_000
# A number this large counts ns, µs or ms since 1970, not seconds.
UNITS = ((10**17, 1), (10**14, 1_000), (10**11, 1_000_000))


class Values:
    """Attributes while they are gathered: of tracks, and of tracks at instants."""

    def __init__(self) -> None:
        self.of_tracks: dict[str, dict[str, Any]] = {}
        self._at: dict[str, dict[str, dict[int, Any]]] = {}

    def keep(self, track: str, data: Mapping[str, Any], at: int | None) -> None:
        """Keep what object data says, at an instant or (None) of the whole track."""
        values = dict(self.each(data))
        if at is None:
            if values:
                self.of_tracks.setdefault(track, {}).update(values)
        else:
            self.keep_plain(track, values, at)

    def keep_plain(self, track: str, values: Mapping[str, Any], at: int) -> None:
        """Keep values by name at an instant."""
        for name, value in values.items():
            self._at.setdefault(track, {}).setdefault(name, {})[at] = value

    def each(self, data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield name and value of each attribute in object data."""
        for kind in KINDS:
            for said in data.get(kind, ()):
                yield str(said["name"]), said["val"]

    def changing(self) -> dict[str, dict[str, dict[int, Any]]]:
        """Return the values by track, name and instant, those alone that are new there."""
        found: dict[str, dict[str, dict[int, Any]]] = {}
        for track, by_name in self._at.items():
            for name, values in by_name.items():
                last: Any = None
                for at in sorted(values):
                    if values[at] != last:
                        found.setdefault(track, {}).setdefault(name, {})[at] = values[at]
                    last = values[at]
        return found


def seconds_to_ns(path: Path, stamp: object) -> int:
    """Return a timestamp in ns: seconds as text or number, larger numbers in ms, µs, ns, or ISO.

    Raises
    ------
    SourceError
        If it is none of these.
    """
    try:
        number = Decimal(str(stamp))
        if number.is_finite():
            for least, ns in UNITS:
                if abs(number) >= least:
                    return int((number * ns).to_integral_value())
            return int((number * NS).to_integral_value())
    except InvalidOperation:
        pass
    try:
        moment = datetime.fromisoformat(str(stamp))
        return int(Decimal(repr(moment.timestamp())) * NS)
    except (ValueError, OverflowError):
        raise refuse(path, "a timestamp in seconds, or as ISO 8601 has it", stamp) from None
