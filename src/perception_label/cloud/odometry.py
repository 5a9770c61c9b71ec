"""LiDAR odometry: the sensor's path from the points alone, for recordings without poses.

Two ways: `open3d`, point-to-plane registration (Chen and Medioni 1992) of each sweep to
the last few, and `kiss-icp` (Vizzo et al. 2023), an optional dependency that drifts less.
Both expect the sensor to keep its speed between sweeps. Drift is not corrected: no loop is
closed.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.deskew import deskew
from perception_label.cloud.open3d_library import load_open3d
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import MissingExtraError, SettingError
from perception_label.geometry.poses import EgoPoses, inverse

METHODS = ("open3d", "kiss-icp")

NEAR_M, FAR_M = 2.0, 80.0  # nearer is the vehicle itself, farther too sparse to align
VOXEL_M = 0.3
NORMAL_M = 0.8  # a normal is of the points this near
MAP_STEP_M = 0.3  # a sweep joins the map when the sensor has moved this far
MAP_SWEEPS = 25
N_ALIGNED, N_MAPPED = 8_000, 30_000  # points of a sweep that are aligned, that join the map
GATE_M = 2.0  # farther from the map a point has no partner
# Narrower kernels lock onto the ground's rings, which travel with the sensor.
KERNEL_M = 1.0
MAX_STEPS = 20
SMALL_STEP = 1e-4  # metres and radians
MIN_POINTS = 50  # fewer tell no six numbers


class Aligner(Protocol):
    """Tells where a sweep was taken, given a guess, and learns from it."""

    def __call__(self, points_m: Floats, guess: Pose) -> Pose:
        """Return map_from_lidar of (N, 3) points."""
        ...


def estimate_path(
    read: Callable[[int], Sweep],
    timestamps_ns: Ints,
    method: str,
    *,
    is_deskewed: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> EgoPoses:
    """Return the sensor's path, relative to where it took the first sweep.

    Parameters
    ----------
    read : callable
        Gives sweep i.
    timestamps_ns : (S,) int64
        The sweeps' times, rising.
    method : str
        `open3d` or `kiss-icp`.
    is_deskewed : bool
        Whether the points stand for the sweep's instant already; if not, and they have
        their own times, each sweep is de-skewed with the motion up to it.
    progress : callable, optional
        Told `(sweeps done, sweeps in all)`.

    Returns
    -------
    EgoPoses
        S poses of the sensor (not of the vehicle); the first is the identity. A sweep with
        fewer than `MIN_POINTS` usable points gets the pose that constant speed predicts.

    Raises
    ------
    SettingError
        If the method is unknown.
    MissingExtraError
        If the method's library is not installed.
    """
    align = _aligner(method)
    poses: Floats = np.tile(np.eye(4), (len(timestamps_ns), 1, 1))
    for i in range(len(timestamps_ns)):
        guess = _ahead(poses, timestamps_ns, i)
        sweep = read(i)
        if not is_deskewed and sweep.time_offset_ns is not None and i:
            times = np.array([timestamps_ns[i - 1], timestamps_ns[i]])
            times = np.append(times, 2 * times[1] - times[0])
            onwards = guess @ inverse(poses[i - 1]) @ guess
            predicted = EgoPoses(times, np.stack([poses[i - 1], guess, onwards]))
            sweep = deskew(sweep, predicted, np.eye(4))
        points_m = usable(sweep.points_m)
        if len(points_m) >= MIN_POINTS:
            poses[i] = align(points_m, guess)
        elif i:
            poses[i] = guess
        if progress is not None:
            progress(i + 1, len(timestamps_ns))
    return EgoPoses(timestamps_ns, inverse(poses[0]) @ poses)


def usable(points_m: NDArray[np.float32]) -> Floats:
    """Return the finite points at a useful distance, (N, 3) float64."""
    range_m = np.linalg.norm(points_m, axis=1)
    kept = points_m[(range_m > NEAR_M) & (range_m < FAR_M)]
    return np.asarray(kept, dtype=np.float64)


def _ahead(poses: Floats, timestamps_ns: Ints, i: int) -> Pose:
    """Return the pose that the last step, repeated, leads to."""
    if i < 2:
        return np.array(poses[max(i - 1, 0)])
    # Only a gap of missing sweeps is scaled: jitter of the clock is not motion.
    ratio = (timestamps_ns[i] - timestamps_ns[i - 1]) / (
        timestamps_ns[i - 1] - timestamps_ns[i - 2]
    )
    step = inverse(poses[i - 2]) @ poses[i - 1]
    guess: Pose = poses[i - 1]
    for _ in range(max(1, min(round(float(ratio)), 10))):
        guess = guess @ step
    return guess


def _aligner(method: str) -> Aligner:
    if method == "open3d":
        return _Open3d()
    if method == "kiss-icp":
        return _KissIcp()
    raise SettingError(f"odometry: expected one of {', '.join(METHODS)}, got {method!r}")


class _Open3d:
    """Open3D finds neighbours and normals; the steps are ours, since its own sums differ by run."""

    def __init__(self) -> None:
        self._o3d = load_open3d()
        self._kept: deque[Floats] = deque(maxlen=MAP_SWEEPS)
        self._last_m = np.full(3, np.inf)
        self._map_m = self._normals = np.empty((0, 3))
        self._nearest: Any = None

    def __call__(self, points_m: Floats, guess: Pose) -> Pose:
        pose = guess.copy()
        if self._nearest is not None:
            # Every so-manieth point, not voxel means: means lie on a grid that moves along
            # with the sensor, and two sweeps would agree best where they are.
            sample_m = points_m[:: max(1, len(points_m) // N_ALIGNED)]
            for _ in range(MAX_STEPS):
                step = self._step(sample_m @ pose[:3, :3].T + pose[:3, 3], pose[:3, 3])
                pose[:3, :3] = Rotation.from_rotvec(step[:3]).as_matrix() @ pose[:3, :3]
                pose[:3, 3] += step[3:]
                if np.abs(step).max() < SMALL_STEP:
                    break
        if not np.linalg.norm(pose[:3, 3] - self._last_m) < MAP_STEP_M:
            kept = points_m[:: max(1, len(points_m) // N_MAPPED)]
            self._learn(kept @ pose[:3, :3].T + pose[:3, 3], pose)
        return pose

    def _step(self, points_m: Floats, center_m: Floats) -> Floats:
        """Return the turn about the sensor (3,) and the shift (3,) of one Gauss-Newton step."""
        found, squared = self._nearest.knn_search(self._o3d.core.Tensor(points_m), 1)
        is_near = squared.numpy()[:, 0] < GATE_M**2
        if is_near.sum() < MIN_POINTS:
            return np.zeros(6)
        rows, points_m = found.numpy()[is_near, 0], points_m[is_near]
        normals = self._normals[rows]
        off_m = np.einsum("ij,ij->i", points_m - self._map_m[rows], normals)
        # Geman-McClure: what moved by itself hardly counts.
        weights = (KERNEL_M**2 / (KERNEL_M**2 + off_m**2)) ** 2
        slopes = np.concatenate([np.cross(points_m - center_m, normals), normals], axis=1)
        weighted = slopes * weights[:, None]
        # A trace of damping: in an open field nothing holds some directions.
        curvature = weighted.T @ slopes + 1e-6 * len(rows) * np.eye(6)
        return np.asarray(-np.linalg.solve(curvature, weighted.T @ off_m))

    def _learn(self, points_m: Floats, pose: Pose) -> None:
        self._kept.append(points_m)
        self._last_m = pose[:3, 3].copy()
        geometry = self._o3d.geometry
        cloud = geometry.PointCloud(self._o3d.utility.Vector3dVector(np.concatenate(self._kept)))
        cloud = cloud.voxel_down_sample(VOXEL_M)
        cloud.estimate_normals(geometry.KDTreeSearchParamHybrid(radius=NORMAL_M, max_nn=20))
        self._map_m, self._normals = np.array(cloud.points), np.array(cloud.normals)
        search = self._o3d.core.nns.NearestNeighborSearch(self._o3d.core.Tensor(self._map_m))
        search.knn_index()
        self._nearest = search


class _KissIcp:
    def __init__(self) -> None:
        try:
            from kiss_icp.config import KISSConfig
            from kiss_icp.kiss_icp import KissICP
        except ImportError as error:
            raise MissingExtraError(
                "odometry kiss-icp: expected its library, got none: "
                f"pip install 'perception-label[odometry]' ({error})"
            ) from None
        settings = KISSConfig()
        settings.data.max_range, settings.data.min_range = FAR_M, NEAR_M
        settings.data.deskew = False  # done before, to the sweep's own instant
        settings.mapping.voxel_size = FAR_M / 100
        settings.registration.max_num_threads = 1  # with more the sums differ from run to run
        self._odometry = KissICP(settings)

    def __call__(self, points_m: Floats, guess: Pose) -> Pose:
        self._odometry.last_delta = inverse(self._odometry.last_pose) @ guess
        self._odometry.register_frame(points_m, np.empty(0))
        return np.array(self._odometry.last_pose)
