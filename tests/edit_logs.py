"""Edit logs for tests: 100 sweeps at 10 Hz."""

import numpy as np

from perception_label.storage.edits import EditLog, make
from perception_label.storage.edits.database import Database

TIMES = 10**18 + np.arange(100, dtype=np.int64) * 100_000_000


def at(k):
    """Time of sweep k."""
    return int(TIMES[k])


def open_log(folder, place=None, log_id="log"):
    return EditLog(Database(place or folder / "labels.db"), log_id, TIMES, folder / "ontology.yaml")


def key(track_id, k, x=0.0, y=0.0, **by):
    """A keyframe at sweep k."""
    return make.set_keyframe(track_id, at(k), [x, y, 1.0], 0.1, **by)


def plain(track):
    """All that a track's state says, comparable; its revision left aside."""
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in (
            *((n, getattr(track, n)) for n in PLAIN),
            ("boxes", track.keyframes.packed()),
        )
    }


PLAIN = (
    "track_id",
    "class_name",
    "attributes",
    "sweep_attributes",
    "size_m",
    "key_timestamps_ns",
    "key_sources",
    "key_has_size",
    "span_ns",
    "static_ns",
    "outside_ns",
    "is_deleted",
    "is_finalised",
    "merged_into",
    "verdict",
    "verdict_reason",
    "comments",
    "source",
)
