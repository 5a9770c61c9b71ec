"""What the labels of a log cost so far: measured from the edits, not from a table of seconds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from perception_label.storage.edits.edit import HUMAN, Row

ON_A_TRACK = {"set_keyframe", "set_shape"}
JUDGED = {"verdict", "finalise", "delete"}
PAUSE_FACTOR = 1.15  # pauses are paid, and are in the figures of `perception-label cost` too


@dataclass(frozen=True, slots=True)
class Meter:
    """People's work on one log.

    Attributes
    ----------
    active_s : float
        Seconds that people worked; pauses are left out.
    sensor_s : float
        Length of the log.
    n_keyframes, n_boxes : int
        Keyframes people set, and the boxes of the tracks they set them on.
    n_tracks_done : int
        Tracks that somebody judged, finished or deleted.
    actions : dict
        By kind of edit: how many, and their active seconds.
    """

    active_s: float
    sensor_s: float
    n_keyframes: int
    n_boxes: int
    n_tracks_done: int
    actions: dict[str, tuple[int, float]]

    @property
    def hours_per_sensor_hour(self) -> float | None:
        """Return annotator-hours, pauses in, per sensor-hour; None for a log of no length."""
        return PAUSE_FACTOR * self.active_s / self.sensor_s if self.sensor_s > 0 else None

    @property
    def boxes_per_keyframe(self) -> float | None:
        """Return how many boxes a keyframe gave; None if nobody set one."""
        return self.n_boxes / self.n_keyframes if self.n_keyframes else None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self) | {
            "pause_factor": PAUSE_FACTOR,
            "annotator_hours_per_sensor_hour": self.hours_per_sensor_hour,
            "boxes_per_keyframe": self.boxes_per_keyframe,
        }


class Tally:
    """What people did on one log, counted as it comes."""

    def __init__(self) -> None:
        self.head = 0
        self.actions: dict[str, tuple[int, float]] = {}
        self.done: set[str] = set()

    def add(self, rows: Sequence[Row]) -> None:
        """Count the next rows of the edit log; only people's cost anything."""
        for row in rows:
            edit = row.edit
            self.head = row.revision
            if edit.source != HUMAN:
                continue
            n, seconds = self.actions.get(edit.kind, (0, 0.0))
            self.actions[edit.kind] = n + 1, seconds + edit.active_s
            if edit.kind in JUDGED:
                self.done.add(edit.track_id)

    def meter(self, sensor_s: float, n_keyframes: int, n_boxes: int) -> Meter:
        """Return the cost so far.

        Parameters
        ----------
        sensor_s : float
            Length of the log, seconds.
        n_keyframes, n_boxes : int
            Of the tracks that people set keyframes on, as they are now.
        """
        total = sum(seconds for _, seconds in self.actions.values())
        done = len(self.done)
        return Meter(total, sensor_s, n_keyframes, n_boxes, done, dict(self.actions))
