"""Dense boxes of tracks, as columns: what proposals, solvers and truth all are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label.arrays import Floats, Ints
from perception_label.errors import ShapeError
from perception_label.geometry.cuboids import Cuboids, concatenate

_COLUMNS = ("timestamps_ns", "tracks", "classes", "scores", "n_points", "expected_iou", "revision")
# Columns that may be left out, and what their boxes get then: nobody knows.
_UNKNOWN = {"expected_iou": np.nan, "revision": -1}


@dataclass(frozen=True, slots=True)
class Labels:
    """M boxes of T tracks over the sweeps of a log, in the world frame.

    Attributes
    ----------
    timestamps_ns : (M,) int64
        The sweep of each box.
    tracks : (M,) int32
        Index into `track_names`.
    track_names : tuple of T str
        The tracks' ids, as a table or a file spells them.
    classes : (M,) int16
        Index into `class_names`.
    class_names : tuple of str
        The classes' names (`car`, `truck`, `pedestrian`, …).
    cuboids : Cuboids
        M cuboids, world frame.
    scores : (M,) float64
        Probability that the box is right, 1 for truth.
    n_points : (M,) int64
        LiDAR points inside the box, -1 where nobody counted.
    expected_iou : (M,) float64
        3-D overlap with the truth that the maker expects, 0 … 1; NaN where unknown.
    revision : (M,) int64
        Last edit of the box's track when the box was made; -1 where there is none.
    """

    timestamps_ns: Ints
    tracks: NDArray[np.int32]
    track_names: tuple[str, ...]
    classes: NDArray[np.int16]
    class_names: tuple[str, ...]
    cuboids: Cuboids
    scores: Floats
    n_points: Ints
    expected_iou: Floats = field(default_factory=lambda: np.empty(0))
    revision: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        m = len(self.cuboids)
        for name, unknown in _UNKNOWN.items():
            given = getattr(self, name)
            if given.shape == (0,):
                object.__setattr__(self, name, np.full(m, unknown, dtype=given.dtype))
        for name in _COLUMNS:
            if getattr(self, name).shape != (m,):
                raise ShapeError(f"labels: expected {name} ({m},), got {getattr(self, name).shape}")

    def __len__(self) -> int:
        return len(self.cuboids)

    def __getitem__(self, rows: ArrayLike | slice) -> Self:
        """Return the chosen boxes; the names of tracks and classes stay as they are."""
        index = rows if isinstance(rows, slice) else np.atleast_1d(np.asarray(rows))
        return type(self)(
            timestamps_ns=self.timestamps_ns[index],
            tracks=self.tracks[index],
            track_names=self.track_names,
            classes=self.classes[index],
            class_names=self.class_names,
            cuboids=self.cuboids[index],
            scores=self.scores[index],
            n_points=self.n_points[index],
            expected_iou=self.expected_iou[index],
            revision=self.revision[index],
        )

    @classmethod
    def from_columns(
        cls,
        timestamps_ns: ArrayLike,
        track_ids: ArrayLike,
        class_names: ArrayLike,
        cuboids: Cuboids,
        *,
        scores: ArrayLike | None = None,
        n_points: ArrayLike | None = None,
        expected_iou: ArrayLike | None = None,
        revision: ArrayLike | None = None,
    ) -> Self:
        """Return labels from one value per box; ids and class names may be any strings."""
        m = len(cuboids)
        tracks, track = np.unique(np.asarray(track_ids, dtype=str), return_inverse=True)
        classes, label = np.unique(np.asarray(class_names, dtype=str), return_inverse=True)
        return cls(
            timestamps_ns=np.asarray(timestamps_ns, dtype=np.int64),
            tracks=track.astype(np.int32),
            track_names=tuple(tracks.tolist()),
            classes=label.astype(np.int16),
            class_names=tuple(classes.tolist()),
            cuboids=cuboids,
            scores=np.ones(m) if scores is None else np.asarray(scores, dtype=np.float64),
            n_points=np.full(m, -1) if n_points is None else np.asarray(n_points, dtype=np.int64),
            expected_iou=np.asarray(() if expected_iou is None else expected_iou, np.float64),
            revision=np.asarray(() if revision is None else revision, np.int64),
        )


def join_labels(parts: Sequence[Labels]) -> Labels:
    """Return the boxes of several labels as one; equal track ids are one track. None: no boxes."""

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)])

    def words(names: str, index: str) -> NDArray[np.str_]:
        held = [np.array(getattr(p, names), dtype=str)[getattr(p, index)] for p in parts if len(p)]
        return np.concatenate([np.empty(0, dtype="<U1"), *held])

    whole = [
        np.concatenate([np.empty(0, np.int64), *(getattr(part, name) for part in parts)])
        for name in ("timestamps_ns", "n_points", "revision")
    ]
    return Labels.from_columns(
        whole[0],
        words("track_names", "tracks"),
        words("class_names", "classes"),
        concatenate([part.cuboids for part in parts]),
        scores=column("scores"),
        n_points=whole[1],
        expected_iou=column("expected_iou"),
        revision=whole[2],
    )


def each_track(labels: Labels) -> dict[str, Labels]:
    """Return the boxes of each track by its id, in time order."""
    order = np.lexsort((labels.timestamps_ns, labels.tracks))
    cuts = np.flatnonzero(np.diff(labels.tracks[order])) + 1
    groups = np.split(order, cuts) if len(order) else []
    return {labels.track_names[labels.tracks[rows[0]]]: labels[rows] for rows in groups}
