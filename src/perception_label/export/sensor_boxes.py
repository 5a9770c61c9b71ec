"""Boxes of a log in its LiDAR's frame, sweep by sweep, for tools that show one sweep at a time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import MissingPosesError
from perception_label.export.labelled import BATCH_ROWS, Labelled
from perception_label.export.pictures import intensity_scale, points_and_intensity
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import interpolate_poses, inverse
from perception_label.tables import labels_from_table


@dataclass(frozen=True, slots=True)
class SensorBoxes:
    """M boxes at sweeps, in order of sweep and track.

    Attributes
    ----------
    labels : Labels
        The same boxes in the world.
    center_m : (M, 3) float64
        Their middles in the LiDAR's frame.
    euler_rad : (M, 3) float64
        Turns about x, y, z, each about the axis as the one before left it: the matrix is
        Rx Ry Rz. Boxes stand upright in the world, so on a slope x and y are not 0.
    start : (S + 1,) int64
        Sweep i has the rows from `start[i]` to `start[i + 1]`.
    is_key : (M,) bool
        Which were set by a person.
    """

    labels: Labels
    center_m: Floats
    euler_rad: Floats
    start: Ints
    is_key: Mask

    def rows(self, i: int) -> range:
        """Return the rows of sweep i."""
        return range(int(self.start[i]), int(self.start[i + 1]))


def sensor_boxes(labelled: Labelled) -> tuple[SensorBoxes, tuple[str, ...]]:
    """Return a log's boxes in its LiDAR's frame, and what is left out.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    """
    if labelled.ego_poses is None:
        raise MissingPosesError(f"log {labelled.log_id}: expected ego poses, got none")
    times = labelled.timestamps_ns
    every = labels_from_table(labelled.boxes)
    at_sweep = np.isin(every.timestamps_ns, times)
    kept = np.flatnonzero(at_sweep)
    sweeps = np.searchsorted(times, every.timestamps_ns[kept])
    order = np.lexsort((every.tracks[kept], sweeps))
    labels, sweeps, rows = every[kept[order]], sweeps[order], kept[order]
    world_from_lidar = interpolate_poses(labelled.ego_poses, times) @ labelled.ego_from_lidar
    center, euler = np.empty((len(labels), 3)), np.empty((len(labels), 3))
    # In parts: matrices of two million boxes at once would be a gigabyte.
    for first in range(0, len(labels), BATCH_ROWS):
        part = slice(first, first + BATCH_ROWS)
        poses = inverse(world_from_lidar)[sweeps[part]]
        turn = Rotation.from_euler("Z", labels.cuboids.yaw_rad[part, None]).as_matrix()
        center[part] = np.einsum("mij,mj->mi", poses[:, :3, :3], labels.cuboids.center_m[part])
        center[part] += poses[:, :3, 3]
        euler[part] = Rotation.from_matrix(poses[:, :3, :3] @ turn).as_euler("XYZ")
    start = np.searchsorted(sweeps, np.arange(len(times) + 1)).astype(np.int64)
    n_out = len(every) - len(labels)
    said = (f"{n_out} boxes at instants that are no sweep",) if n_out else ()
    return SensorBoxes(labels, center, euler, start, labelled.is_key()[rows]), said


def fill_pcd(labelled: Labelled, i: int, path: Path) -> None:
    """Write sweep i as a binary PCD file of x, y, z and intensity from 0 to 1, sensor frame."""
    points = points_and_intensity(labelled, i, intensity_scale(labelled))
    n = len(points)
    head = (
        "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\nFIELDS x y z intensity\n"
        f"SIZE 4 4 4 4\nTYPE F F F F\nCOUNT 1 1 1 1\nWIDTH {n}\nHEIGHT 1\n"
        f"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS {n}\nDATA binary\n"
    )
    path.write_bytes(head.encode() + np.ascontiguousarray(points, dtype="<f4").tobytes())
