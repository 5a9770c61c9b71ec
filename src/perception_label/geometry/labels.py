"""Dense boxes of tracks, as columns: what proposals, solvers and truth all are."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label.arrays import Floats, Ints
from perception_label.errors import ShapeError
from perception_label.geometry.cuboids import Cuboids


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
    """

    timestamps_ns: Ints
    tracks: NDArray[np.int32]
    track_names: tuple[str, ...]
    classes: NDArray[np.int16]
    class_names: tuple[str, ...]
    cuboids: Cuboids
    scores: Floats
    n_points: Ints

    def __post_init__(self) -> None:
        m = len(self.cuboids)
        for name in ("timestamps_ns", "tracks", "classes", "scores", "n_points"):
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
        )
