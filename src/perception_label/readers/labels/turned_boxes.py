"""Boxes of tools that show one sweep at a time: in the LiDAR's frame, turned about all its axes."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import texts
from perception_label.geometry.poses import interpolate_poses
from perception_label.readers.files import floats, listed, refuse
from perception_label.readers.labels.given import Facts

EPOCH_NS = 10**17


class TurnedBoxes:
    """Boxes gathered one by one; `cuboids` stands them upright in the world."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: list[list[Any]] = []
        self._at: list[int] = []
        self._names: list[str] = []
        self._tracks: list[str] = []
        self._is_key: list[bool] = []

    def add(
        self,
        at: int,
        class_name: str,
        track_id: str,
        place: Sequence[Any],
        *,
        is_key: bool = True,
    ) -> None:
        """Keep a box: `place` is its middle, its length width height, and turns about x, y, z."""
        self._rows.append(list(place))
        self._at.append(at)
        self._names.append(class_name)
        self._tracks.append(track_id)
        self._is_key.append(is_key)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def at(self) -> Ints:
        """The number of each box's sweep, -1 for none."""
        return np.array(self._at, dtype=np.int64)

    @property
    def class_names(self) -> NDArray[np.object_]:
        """The classes as in the file."""
        return texts(self._names)

    @property
    def track_ids(self) -> NDArray[np.object_]:
        """The tracks as in the file."""
        return texts(self._tracks)

    @property
    def is_key(self) -> Mask:
        """Which boxes a person set."""
        return np.array(self._is_key, dtype=np.bool_)

    def cuboids(self, facts: Facts) -> tuple[Cuboids, str]:
        """Return the boxes and their coordinate frame: the world, where ego poses are known.

        A box keeps the heading that its length axis has in the level plane.

        Raises
        ------
        SourceError
            If a number is none.
        """
        table = floats(self.path, self._rows or np.empty((0, 9)), (-1, 9), "boxes")
        turns: Floats = Rotation.from_euler("XYZ", table[:, 6:]).as_matrix().reshape(-1, 3, 3)
        center = table[:, :3]
        frame = "sensor"
        if facts.ego_poses is not None and len(facts.timestamps_ns) and len(table):
            times = facts.timestamps_ns
            # Those of no sweep are left out later.
            instants = times[np.clip(self.at, 0, len(times) - 1)]
            poses = interpolate_poses(facts.ego_poses, instants, outside="hold")
            poses = poses @ facts.ego_from_lidar
            center = np.einsum("mij,mj->mi", poses[:, :3, :3], center) + poses[:, :3, 3]
            turns, frame = poses[:, :3, :3] @ turns, "world"
        yaw = np.arctan2(turns[:, 1, 0], turns[:, 0, 0])
        return Cuboids(center, table[:, 3:6], yaw), frame


def sweep_numbers(path: Path, stems: Iterable[str], facts: Facts) -> dict[str, int]:
    """Return which sweep of the log each file name stands for, for those that are one.

    Names are times (ns, or any unit of an epoch with as many digits as the log's), else numbers
    of sweeps from 0, else as many names as there are sweeps, in their order.

    Raises
    ------
    SourceError
        If none of these fits.
    """
    names = list(stems)
    times = facts.timestamps_ns
    digits = [int(name) if name.isdecimal() and len(name) < 20 else -1 for name in names]
    if names and all(d >= EPOCH_NS for d in digits):
        near = {n: int(np.abs(times - d).argmin()) for n, d in zip(names, digits, strict=True)}
        return {
            n: near[n]
            for n, d in zip(names, digits, strict=True)
            if abs(int(times[near[n]]) - d) <= 5_000_000
        }
    if all(0 <= d < len(times) for d in digits):
        return dict(zip(names, digits, strict=True))
    if len(names) == len(times):
        return {name: k for k, name in enumerate(names)}
    expected = f"names that are times or sweeps from 0 to {len(times) - 1}, or one for each"
    raise refuse(path, expected, f"{len(names)}: {listed(names, 3)}")
