"""The boxes of a log sweep by sweep, taken from their table a few sweeps at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from scipy.spatial.transform import Rotation

from perception_label import schema
from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.errors import MissingPosesError
from perception_label.export.labelled import Labelled
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse, transform
from perception_label.tables import labels_from_table

# Sweeps whose boxes are in memory, some MB: few rows of a table take as long as many.
AT_ONCE = 1024


def path_of(labelled: Labelled) -> EgoPoses:
    """Return the ego vehicle's path.

    Raises
    ------
    MissingPosesError
        If the log has none.
    """
    if labelled.ego_poses is None:
        raise MissingPosesError(f"log {labelled.log_id}: expected ego poses, got none")
    return labelled.ego_poses


@dataclass(frozen=True, slots=True)
class SweepBoxes:
    """The boxes of one sweep, and who made each.

    Attributes
    ----------
    number : int
        Of the sweep.
    timestamp_ns : int
        Its time.
    world_from_lidar : (4, 4) float64
        Where the LiDAR was.
    labels : Labels
        M boxes, world frame.
    sources : tuple of M str
        Who made each.
    is_key : (M,) bool
        Whether a person set it.
    """

    number: int
    timestamp_ns: int
    world_from_lidar: Pose
    labels: Labels
    sources: tuple[str, ...]
    is_key: Mask

    def track_ids(self) -> list[str]:
        """Return the track of each box."""
        return [self.labels.track_names[k] for k in self.labels.tracks.tolist()]

    def class_names(self) -> list[str]:
        """Return the class of each box."""
        return [self.labels.class_names[k] for k in self.labels.classes.tolist()]

    def in_lidar(self) -> tuple[Floats, Rotation]:
        """Return centres (M, 3), metres, and rotations of the boxes, both in the LiDAR's frame.

        On a hill the LiDAR is tilted and the boxes are not, so a rotation is more than a yaw.
        """
        lidar_from_world = inverse(self.world_from_lidar)
        cuboids = self.labels.cuboids
        turn = Rotation.from_matrix(lidar_from_world[:3, :3])
        upright = Rotation.from_euler("z", cuboids.yaw_rad[:, None])
        return transform(lidar_from_world, cuboids.center_m), turn * upright


@dataclass(frozen=True, slots=True)
class BySweep:
    """A log's boxes in order of its sweeps; they stay in their table, which may be on disk.

    Attributes
    ----------
    labelled : Labelled
        The log.
    order : (M,) int64
        Rows of its table, by sweep.
    start : (S + 1,) int64
        Where in `order` each sweep begins.
    world_from_lidar : (S, 4, 4) float64
        At each sweep.
    """

    labelled: Labelled
    order: Ints
    start: Ints
    world_from_lidar: Floats

    @classmethod
    def of(cls, labelled: Labelled) -> Self:
        """Sort a log's boxes; only their times are read.

        Raises
        ------
        MissingPosesError
            If the log has no ego poses.
        """
        path = path_of(labelled)
        times = labelled.timestamps_ns
        at = labelled.boxes.column("timestamp_ns").to_numpy()
        sweep = np.searchsorted(times, at)
        known = np.append(times, -1)[sweep] == at
        rows = np.flatnonzero(known)
        order = rows[np.argsort(sweep[rows], kind="stable")]
        start = np.searchsorted(sweep[order], np.arange(len(times) + 1))
        poses = interpolate_poses(path, times) @ labelled.ego_from_lidar
        return cls(labelled, order, start, poses)

    @property
    def n_between(self) -> int:
        """How many boxes are at instants that are no sweep."""
        return len(self.labelled.boxes) - len(self.order)

    def left_out(self) -> tuple[str, ...]:
        """Say that boxes between sweeps are left out, if there are any."""
        n = self.n_between
        return (f"{n} boxes at instants that are no sweep",) if n else ()

    def sweeps(self, first: int = 0, last: int | None = None) -> Iterator[SweepBoxes]:
        """Yield each sweep from `first` to before `last`, those without boxes too."""
        end = len(self.labelled.timestamps_ns) if last is None else last
        for begin in range(first, end, AT_ONCE):
            yield from self._some(begin, min(begin + AT_ONCE, end))

    def _some(self, first: int, last: int) -> Iterator[SweepBoxes]:
        table = self._rows(int(self.start[first]), int(self.start[last]))
        labels = labels_from_table(table)
        sources = table.column("source").cast(pa.string()).to_pylist()
        keyed = {name: schema.is_key_source(name) for name in set(sources)}
        is_key = np.array([keyed[name] for name in sources], dtype=np.bool_)
        offset = int(self.start[first])
        for i in range(first, last):
            rows = slice(int(self.start[i]) - offset, int(self.start[i + 1]) - offset)
            yield SweepBoxes(
                i,
                int(self.labelled.timestamps_ns[i]),
                self.world_from_lidar[i],
                labels[rows],
                tuple(sources[rows]),
                is_key[rows],
            )

    def _rows(self, first: int, last: int) -> pa.Table:
        order = self.order[first:last]
        if len(order) and order[-1] - order[0] + 1 == len(order) and (np.diff(order) == 1).all():
            return self.labelled.boxes.slice(int(order[0]), len(order))
        return self.labelled.boxes.take(pa.array(order))
