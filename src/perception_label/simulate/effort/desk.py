"""The desk of an annotator: what the review app shows, and the edits it takes."""

from collections.abc import Sequence
from typing import Protocol

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.quality.queue import QueueItem
from perception_label.simulate.effort.eye import Shown


class Desk(Protocol):
    """The queue, the tracks as they are now, and the edits; every edit solves the track again."""

    def queue(self) -> Sequence[QueueItem]:
        """Return what needs a person now, in the order to work in."""

    def track_ids(self) -> list[str]:
        """Return the tracks that are there."""

    def shown(self, track_id: str) -> Shown | None:
        """Return a track as it is now, None if it is gone."""

    def count(self, shown: Shown, rows: Ints) -> Ints:
        """Return the points in some of a track's boxes, (n,) int64."""

    def adopt(self, item: QueueItem) -> str | None:
        """Make a missing object's candidate a track; None if there is none to take."""

    def click(self, timestamp_ns: int, point_m: Floats) -> str | None:
        """Make a track from a click on a point (3,), world frame; None if nothing is there."""

    def draw(self, timestamp_ns: int, box: Cuboids, class_name: str) -> str:
        """Make a track from a box drawn by hand."""

    def set_keyframe(self, track_id: str, timestamp_ns: int, box: Cuboids) -> None:
        """Fix the track's box at a sweep."""

    def set_class(self, track_id: str, class_name: str) -> None:
        """Name the track's class."""

    def set_lifespan(self, track_id: str, first_ns: int, last_ns: int) -> None:
        """Set the sweeps the track lives from and to."""

    def delete(self, track_id: str) -> None:
        """Remove a track."""

    def merge(self, track_id: str, other_id: str) -> bool:
        """Join the other track to a track of the same object; False if that cannot be."""

    def split(self, track_id: str, at_ns: int) -> str:
        """Cut a track; what begins at the sweep gets the id that is returned."""

    def accept(self, track_id: str) -> None:
        """Say that a track is right."""

    def reject(self, item: QueueItem) -> None:
        """Say that a missing object is none."""

    def labels(self) -> Labels:
        """Return the boxes of all tracks, points counted, world frame."""
