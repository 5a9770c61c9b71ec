"""Sweeps as Waymo's range images, and back out of them to the very same points.

A range image holds points on a grid of beams and azimuths. Each point goes to the pixel it is
nearest to, or to the next free one of its beam; what then lies between the pixel and the point is
told by the pixel's pose, which the layout has for every pixel: whoever reads the images by the
layout's rules gets the points back, to float32.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.export.labelled import Labelled

TOP = 1
ROWS = 64  # of a sweep whose points tell no ring
LEAST_COLUMNS = 360
NEAREST_M = 1e-3  # a range of 0 would be no return
NO_RETURN = -1.0
OUTSIDE_NLZ = -1.0  # no pixel is known to lie in a zone without labels


def inclinations_of(labelled: Labelled) -> Floats:
    """Return the beams' inclinations in radians, the lowest first, by the log's middle sweep."""
    n = len(labelled.timestamps_ns)
    sweep = labelled.sweep(n // 2) if n else None
    even = np.linspace(-0.45, 0.25, ROWS)
    if sweep is None or not len(sweep):
        return even
    rise = _rise(sweep)
    if sweep.ring is None:
        return np.unique(np.quantile(rise, (np.arange(ROWS) + 0.5) / ROWS))
    rings = np.unique(_beam(sweep))
    beams = np.searchsorted(rings, _beam(sweep))
    order = np.argsort(beams, kind="stable")
    parts = np.split(rise[order], np.flatnonzero(np.diff(beams[order])) + 1)
    found: Floats = np.unique([float(np.median(part)) for part in parts])
    return found


def images_of(
    labelled: Labelled, i: int, inclination_rad: Floats, world_from_ego: Pose
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the range image (H, W, 4) of sweep i and its pixels' poses (H, W, 6), float32.

    Parameters
    ----------
    labelled : Labelled
        The log.
    i : int
        The sweep.
    inclination_rad : (H,) float64
        The beams, the lowest first, which is the image's last row.
    world_from_ego : (4, 4) float64
        The vehicle at the sweep.

    Returns
    -------
    image : (H, W, 4) float32
        Range, intensity, elongation, whether in a zone without labels.
    poses : (H, W, 6) float32
        Roll, pitch, yaw and position of each pixel.
    """
    sweep, mount = labelled.sweep(i), labelled.ego_from_lidar
    points = sweep.points_m.astype(np.float64)
    beam = _nearest(inclination_rad, _rise(sweep))
    height = len(inclination_rad)
    most = int(np.bincount(beam, minlength=1).max()) if len(points) else 0
    width = max(LEAST_COLUMNS, most + most // 2)
    turn = np.arctan2(mount[1, 0], mount[0, 0])
    azimuth = np.arctan2(points[:, 1], points[:, 0]) + turn
    share = ((azimuth / np.pi + 1) / 2) % 1.0
    wanted = np.clip(((1 - share) * width).astype(np.int64), 0, width - 1)
    column = _placed(beam, wanted, width)
    row = height - 1 - beam
    reach = np.maximum(np.linalg.norm(points, axis=1), NEAREST_M).astype(np.float32)
    there = ((width - column - 0.5) / width * 2 - 1) * np.pi - turn
    flat = reach * np.cos(inclination_rad)[beam]
    beams = [flat * np.cos(there), flat * np.sin(there), reach * np.sin(inclination_rad)[beam]]
    image = np.zeros((height, width, 4), dtype=np.float32)
    image[..., 0], image[..., 3] = NO_RETURN, OUTSIDE_NLZ
    image[row, column, 0] = reach
    if sweep.intensity is not None:
        image[row, column, 1] = sweep.intensity
    yaw, pitch, roll = Rotation.from_matrix(world_from_ego[:3, :3]).as_euler("ZYX")
    euler = np.array([roll, pitch, yaw], dtype=np.float32)
    # Turned as the reader will turn it: by the rounded angles.
    rounded = Rotation.from_euler("ZYX", euler[::-1].astype(np.float64)).as_matrix()
    ego = points @ mount[:3, :3].T + mount[:3, 3]
    world = ego @ world_from_ego[:3, :3].T + world_from_ego[:3, 3]
    pixel = np.column_stack(beams) @ mount[:3, :3].T + mount[:3, 3]
    poses = np.zeros((height, width, 6), dtype=np.float32)
    poses[..., :3], poses[..., 3:] = euler, world_from_ego[:3, 3]
    poses[row, column, 3:] = world - pixel @ rounded.T
    return image, poses


def _rise(sweep: Sweep) -> Floats:
    points = sweep.points_m.astype(np.float64)
    out: Floats = np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1]))
    return out


def _beam(sweep: Sweep) -> Ints:
    """Return each point's beam; beams of other LiDARs in the sweep have other numbers."""
    ring = np.zeros(len(sweep), np.int64) if sweep.ring is None else sweep.ring.astype(np.int64)
    return ring if sweep.lidar is None else ring + (sweep.lidar.astype(np.int64) << 20)


def _nearest(rising: Floats, values: Floats) -> Ints:
    after = np.clip(np.searchsorted(rising, values), 0, len(rising) - 1)
    before = np.maximum(after - 1, 0)
    is_before: Mask = np.abs(rising[before] - values) < np.abs(rising[after] - values)
    return np.where(is_before, before, after)


def _placed(beam: Ints, wanted: Ints, width: int) -> Ints:
    """Return a column of its own for each point of a beam, as near to the wanted as it can be.

    Along a beam columns rise strictly: each is the wanted one or the next after its neighbour's,
    and no row is fuller than it is wide.
    """
    order = np.lexsort((wanted, beam))
    start = np.searchsorted(beam[order], np.arange(int(beam.max(initial=-1)) + 2))
    out = np.empty(len(beam), dtype=np.int64)
    for first, last in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
        rows = order[first:last]
        rank = np.arange(len(rows))
        columns = np.maximum.accumulate(wanted[rows] - rank) + rank
        out[rows] = np.minimum(columns, width - len(rows) + rank)
    return out
