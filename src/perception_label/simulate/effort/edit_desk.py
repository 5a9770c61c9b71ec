"""The annotator's desk on a workspace: the review queue, the edit log and the solver."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.errors import EditError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_inside
from perception_label.geometry.labels import Labels, each_track, join_labels
from perception_label.geometry.poses import inverse
from perception_label.pipeline.adopt import adoption
from perception_label.pipeline.carry_on import carry_on
from perception_label.pipeline.queue import review_queue
from perception_label.pipeline.workspace import Workspace
from perception_label.quality.queue import QueueItem
from perception_label.simulate.effort.engine import boxes_of, track_at_click
from perception_label.simulate.effort.eye import Shown
from perception_label.storage.edits import make
from perception_label.storage.edits.edit import Edit
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table, labels_to_table

if TYPE_CHECKING:
    from perception_label.storage.edits.state import TrackState

PROPOSED = "model:proposals"
CLICKED = "model:click"


class EditDesk:
    """Every verb is an edit in the log's edit log; then the track is solved again.

    Use it on a `scratch` workspace: it writes edits and machine results.
    """

    def __init__(self, workspace: Workspace, log: Log) -> None:
        self._log = log
        self._edits = workspace.edits(log)
        self._shown: dict[str, Shown] = {}
        self._machine: dict[str, Labels] = {}
        self._changed: set[str] = set()
        self._rejected: set[str] = set()
        self._n_new = 0
        self._candidates = _by_track(log, ("candidates", "unboxed"))
        edits: list[Edit] = []
        for track_id, boxes in _by_track(log, ("proposals",)).items():
            edits += self._adopted(track_id, boxes)
        self._append(edits)
        self._changed.clear()

    def queue(self) -> Sequence[QueueItem]:
        """Return the review queue of the tracks as they are now."""
        changed = [self._shown[name] for name in self._changed if name in self._shown]
        self._log.write_machine("solved", labels_to_table(_labels(changed), "solver"))
        found = review_queue(self._log, state=self._edits.state())
        known = set(self._shown) | self._rejected
        candidates = _by_track(self._log, ("candidates", "unboxed"))
        self._candidates = {name: c for name, c in candidates.items() if name not in known}
        return found.items

    def track_ids(self) -> list[str]:
        """Return the tracks that are there."""
        return list(self._shown)

    def shown(self, track_id: str) -> Shown | None:
        """Return a track as it is now, None if it is gone."""
        return self._shown.get(track_id)

    def count(self, shown: Shown, rows: Ints) -> Ints:
        """Return the points in some of a track's boxes, (n,) int64."""
        found = np.zeros(len(rows), dtype=np.int64)
        for k, row in enumerate(rows.tolist()):
            i = int(np.searchsorted(self._log.timestamps_ns, shown.timestamps_ns[row]))
            sweep = self._log.sweep(i)
            if sweep.world_from_sensor is not None:
                box = shown.cuboids[[row]].moved(inverse(np.asarray(sweep.world_from_sensor)))
                found[k] = points_inside(sweep.points_m, box)[0]
        return found

    def adopt(self, item: QueueItem) -> str | None:
        """Make a missing object's candidate a track; None if there is none to take."""
        boxes = self._candidates.pop(item.track_id, None)
        if boxes is None or item.track_id in self._shown:
            return None
        self._append(self._adopted(item.track_id, boxes))
        return item.track_id

    def click(self, timestamp_ns: int, point_m: Floats) -> str | None:
        """Make a track from a click on a point (3,), world frame; None if nothing is there."""
        solved = track_at_click(self._log, timestamp_ns, point_m)
        if solved is None or not len(solved.timestamps_ns):
            return None
        name, n = self._new_id(), len(solved.timestamps_ns)
        boxes = Labels.from_columns(
            solved.timestamps_ns,
            np.full(n, name),
            np.full(n, solved.class_name),
            solved.cuboids,
            expected_iou=solved.expected_iou,
        )
        self._append(self._adopted(name, boxes, CLICKED))
        return name

    def draw(self, timestamp_ns: int, box: Cuboids, class_name: str) -> str:
        """Make a track from a box drawn by hand."""
        name = self._new_id()
        self._append([make.create_track(name, class_name), _keyframe(name, timestamp_ns, box)])
        return name

    def set_keyframe(self, track_id: str, timestamp_ns: int, box: Cuboids) -> None:
        """Fix the track's box at a sweep."""
        self._append([_keyframe(track_id, timestamp_ns, box)])

    def set_class(self, track_id: str, class_name: str) -> None:
        """Name the track's class."""
        self._append([make.set_class(track_id, class_name)])

    def set_lifespan(self, track_id: str, first_ns: int, last_ns: int) -> None:
        """Set the sweeps the track lives from and to."""
        self._append([make.set_lifespan(track_id, first_ns, last_ns)])

    def delete(self, track_id: str) -> None:
        """Remove a track."""
        self._append([make.delete(track_id)])

    def merge(self, track_id: str, other_id: str) -> bool:
        """Join the other track to a track of the same object; False if that cannot be."""
        try:
            self._edits.append([make.merge(track_id, other_id)])
        except EditError:
            return False
        one, two = self._machine.get(track_id), self._machine.get(other_id)
        if one is not None and two is not None:
            self._machine[track_id] = _joined(one, two)
        self._shown.pop(other_id, None)
        self._solve(track_id)
        return True

    def split(self, track_id: str, at_ns: int) -> str:
        """Cut a track; what begins at the sweep gets the id that is returned."""
        name = self._new_id()
        if track_id in self._machine:
            self._machine[name] = self._machine[track_id]
        self._append([make.split(track_id, at_ns, name)])
        self._solve(name)
        return name

    def accept(self, track_id: str) -> None:
        """Say that a track is right."""
        self._edits.append([make.verdict(track_id, "accept")])
        shown, state = self._shown[track_id], self._edits.track(track_id)
        span = carry_on(self._log, shown.cuboids, shown.timestamps_ns) if len(shown) else None
        if span is not None and span != state.span_ns:
            self._append([make.set_lifespan(track_id, *span, source="rule")])

    def reject(self, item: QueueItem) -> None:
        """Say that a missing object is none."""
        boxes = self._candidates.pop(item.track_id, None)
        self._rejected.add(item.track_id)
        if boxes is None:
            return
        edits = self._adopted(item.track_id, boxes)[:1]
        self._edits.append([*edits, make.delete(item.track_id)])

    def labels(self) -> Labels:
        """Return the boxes of all tracks, points not counted, world frame."""
        return _labels(list(self._shown.values()))

    def _adopted(self, track_id: str, boxes: Labels, source: str = PROPOSED) -> list[Edit]:
        """Return the edits that make a machine's boxes a track with hints."""
        self._machine[track_id] = boxes
        return adoption(track_id, boxes, source)

    def _append(self, edits: list[Edit]) -> None:
        self._edits.append(edits)
        for track_id in dict.fromkeys(edit.track_id for edit in edits):
            self._solve(track_id)

    def _solve(self, track_id: str) -> None:
        self._changed.add(track_id)
        state: TrackState = self._edits.track(track_id)
        if not state.is_live:
            self._shown.pop(track_id, None)
            return
        boxes = boxes_of(self._log, state, self._machine.get(track_id))
        self._shown.pop(track_id, None)
        if boxes is not None:
            self._shown[track_id] = boxes

    def _new_id(self) -> str:
        self._n_new += 1
        return f"h{self._n_new:05d}"


def _labels(tracks: list[Shown]) -> Labels:
    shown = [each for each in tracks if len(each)]
    sizes = [len(each) for each in shown]
    none: Floats = np.empty(0)
    return Labels.from_columns(
        np.concatenate([none.astype(np.int64), *(each.timestamps_ns for each in shown)]),
        np.repeat([each.track_id for each in shown], sizes),
        np.repeat([each.class_name for each in shown], sizes),
        Cuboids.unpack(
            np.concatenate([np.empty((0, 7)), *(each.cuboids.packed() for each in shown)])
        ),
        expected_iou=np.concatenate([none, *(each.expected_iou for each in shown)]),
    )


def _keyframe(track_id: str, timestamp_ns: int, box: Cuboids) -> Edit:
    return make.set_keyframe(
        track_id, timestamp_ns, box.center_m[0], float(box.yaw_rad[0]), box.size_m[0]
    )


def _by_track(log: Log, names: tuple[str, ...]) -> dict[str, Labels]:
    """Return the tracks of machine results, rows in time order."""
    found: dict[str, Labels] = {}
    for name in names:
        table = log.machine(name)
        if table is None:
            continue
        found.update(each_track(labels_from_table(table)))
    return found


def _joined(one: Labels, two: Labels) -> Labels:
    """Return the boxes of two tracks as one; where both have one, the first's."""
    both = join_labels([one, two[~np.isin(two.timestamps_ns, one.timestamps_ns)]])
    return both[np.argsort(both.timestamps_ns, kind="stable")]
