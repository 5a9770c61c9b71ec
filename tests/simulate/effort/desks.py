"""A desk in memory: tracks as boxes, an engine of choice, a queue of everything or of nothing."""

from dataclasses import dataclass, field, replace

import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.interpolate import interpolate
from perception_label.geometry.labels import Labels
from perception_label.quality.queue import QueueItem, ranked
from perception_label.simulate.effort.eye import Shown


@dataclass
class Track:
    """Boxes a machine gave, and the keyframes a person set since."""

    track_id: str
    class_name: str
    times: np.ndarray
    boxes: Cuboids
    n_points: np.ndarray
    keys: dict = field(default_factory=dict)
    verdict: str = ""


def item(track, kind="track", expected_error=0.1):
    row = int(np.argmax(track.n_points))
    box = track.boxes.packed()[row]
    return QueueItem(
        item_id=f"{kind}:{track.track_id}",
        kind=kind,
        track_id=track.track_id,
        class_name=track.class_name,
        first_ns=int(track.times[0]),
        last_ns=int(track.times[-1]),
        at_ns=int(track.times[row]),
        center_m=tuple(box[:3]),
        size_m=tuple(box[3:6]),
        yaw_rad=float(box[6]),
        score=0.9,
        expected_error=expected_error,
        stratum="all",
        reason="",
        source="test",
    )


class MemoryDesk:
    """Solves with straight lines in the world frame through the keyframes a person set."""

    def __init__(self, labels, *, candidates=None, expected_error=0.1, hide=()):
        self.tracks = {t.track_id: t for t in tracks_of(labels)}
        self.found = {t.track_id: t for t in tracks_of(candidates)} if candidates else {}
        self.expected_error = expected_error
        self.hide = set(hide)
        self.rejected = []
        self.judged_ns = np.unique(labels.timestamps_ns)

    def queue(self):
        items = [
            item(t, expected_error=self.expected_error * len(t.times))
            for t in self.tracks.values()
            if not t.verdict
        ]
        items += [item(c, "missing", 5.0) for c in self.found.values()]
        return list(ranked([i for i in items if i.track_id not in self.hide]))

    def track_ids(self):
        return list(self.tracks)

    def shown(self, track_id):
        track = self.tracks.get(track_id)
        if track is None:
            return None
        boxes = track.boxes
        if track.keys:
            at = np.array(sorted(track.keys))
            keys = Cuboids.unpack(np.array([track.keys[t] for t in at]))
            boxes = interpolate(keys, at, track.times, method="linear")
        n = len(track.times)
        return Shown(
            track_id, track.class_name, track.times, boxes, track.n_points, np.full(n, np.nan)
        )

    def count(self, shown, rows):
        return np.full(len(rows), 50)

    def adopt(self, item):
        track = self.found.pop(item.track_id, None)
        if track is None:
            return None
        self.tracks[track.track_id] = track
        return track.track_id

    def click(self, timestamp_ns, point_m):
        return None

    def draw(self, timestamp_ns, box, class_name):
        name = f"drawn-{timestamp_ns}"
        times = self.judged_ns
        boxes = Cuboids.unpack(np.repeat(box.packed(), len(times), axis=0))
        self.tracks[name] = Track(name, class_name, times, boxes, np.full(len(times), -1))
        self.set_keyframe(name, timestamp_ns, box)
        return name

    def set_keyframe(self, track_id, timestamp_ns, box):
        self.tracks[track_id].keys[timestamp_ns] = box.packed()[0]

    def set_class(self, track_id, class_name):
        self.tracks[track_id].class_name = class_name

    def set_lifespan(self, track_id, first_ns, last_ns):
        track = self.tracks[track_id]
        times = self.judged_ns[(self.judged_ns >= first_ns) & (self.judged_ns <= last_ns)]
        track.boxes = interpolate(track.boxes, track.times, times, method="linear")
        points = dict(zip(track.times.tolist(), track.n_points.tolist(), strict=True))
        track.n_points = np.array([points.get(t, -1) for t in times.tolist()])
        track.times = times

    def delete(self, track_id):
        del self.tracks[track_id]

    def merge(self, track_id, other_id):
        one, two = self.tracks[track_id], self.tracks.pop(other_id)
        new = ~np.isin(two.times, one.times)
        times = np.concatenate([one.times, two.times[new]])
        order = np.argsort(times)
        packed = np.concatenate([one.boxes.packed(), two.boxes.packed()[new]])[order]
        points = np.concatenate([one.n_points, two.n_points[new]])[order]
        one.times, one.boxes, one.n_points = times[order], Cuboids.unpack(packed), points
        one.keys = {**two.keys, **one.keys}
        return True

    def split(self, track_id, at_ns):
        old = self.tracks[track_id]
        late, name = old.times >= at_ns, f"{track_id}-{at_ns}"
        self.tracks[name] = replace(
            old,
            track_id=name,
            times=old.times[late],
            boxes=old.boxes[late],
            n_points=old.n_points[late],
            keys={t: k for t, k in old.keys.items() if t >= at_ns},
        )
        old.times, old.boxes, old.n_points = (
            old.times[~late],
            old.boxes[~late],
            old.n_points[~late],
        )
        old.keys = {t: k for t, k in old.keys.items() if t < at_ns}
        return name

    def accept(self, track_id):
        track = self.tracks[track_id]
        track.verdict = "accept"
        if np.ptp(self.shown(track_id).cuboids.packed(), axis=0).max() < 1e-6:
            self.set_lifespan(track_id, self.judged_ns[0], self.judged_ns[-1])

    def reject(self, item):
        self.found.pop(item.track_id, None)
        self.rejected.append(item.track_id)

    def labels(self):
        shown = [s for s in map(self.shown, self.tracks) if s is not None]
        none = np.empty(0, dtype=np.int64)
        sizes = [len(s) for s in shown]
        return Labels.from_columns(
            np.concatenate([none, *(s.timestamps_ns for s in shown)]),
            np.repeat([s.track_id for s in shown], sizes),
            np.repeat([s.class_name for s in shown], sizes),
            Cuboids.unpack(
                np.concatenate([np.empty((0, 7)), *(s.cuboids.packed() for s in shown)])
            ),
            n_points=np.concatenate([none, *(s.n_points for s in shown)]),
        )


def tracks_of(labels):
    found = []
    for k in np.unique(labels.tracks):
        rows = np.flatnonzero(labels.tracks == k)
        rows = rows[np.argsort(labels.timestamps_ns[rows])]
        found.append(
            Track(
                labels.track_names[k],
                labels.class_names[labels.classes[rows[0]]],
                labels.timestamps_ns[rows],
                labels.cuboids[rows],
                labels.n_points[rows],
            )
        )
    return found
