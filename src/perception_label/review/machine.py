"""What machines made of a log, by track; read again when it was written again."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from perception_label.geometry.labels import Labels, each_track
from perception_label.pipeline.boxes import MAKERS, machine_labels
from perception_label.pipeline.solve import NAME as SOLVED
from perception_label.review.shown import Shown, solved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perception_label.storage.edits import TrackState
    from perception_label.storage.logs import Log


class MachineTracks:
    """The boxes that machines made of one log; threads may share it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._turn = Lock()
        self._known: dict[str, tuple[tuple[int, int], dict[str, Labels]]] = {}

    def of(self, name: str) -> Mapping[str, Labels]:
        """Return a machine result by track; empty if there is none."""
        path = self._log.machine_file(name)
        try:
            facts = path.stat()
        except FileNotFoundError:
            return {}
        now = facts.st_ino, facts.st_mtime_ns
        with self._turn:
            known = self._known.get(name)
        if known is None or known[0] != now:
            known = now, each_track(machine_labels(self._log, name))
            with self._turn:
                self._known[name] = known
        return known[1]

    def find(self, track_id: str) -> tuple[Labels, str] | None:
        """Return a machine's boxes of this id, and who made them; None if there are none."""
        for name, source in MAKERS.items():
            boxes = self.of(name).get(track_id)
            if boxes is not None:
                return boxes, source
        return None

    def solved(self, track: TrackState) -> Shown:
        """Return an edited track, solved on what machines made of it."""
        found = self.find(track.track_id)
        stored = self.of(SOLVED).get(track.track_id)
        return solved(self._log, track, None if found is None else found[0], stored)
