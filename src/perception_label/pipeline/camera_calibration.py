"""Whether the LiDAR's outlines lie on the edges of each camera's pictures, and if not, why."""

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.cloud.depth_edges import DepthEdges, depth_edges
from perception_label.errors import LabelError
from perception_label.geometry.moments import poses_at
from perception_label.geometry.poses import inverse
from perception_label.geometry.projection import project_points
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.project import nearest_sweeps, world_from_camera
from perception_label.quality.camera_checks import CameraViews, check_calibrations
from perception_label.quality.camera_fit import View, edge_maps, scaled
from perception_label.quality.findings import Finding
from perception_label.storage.logs import Log
from perception_label.video.images import ImageSource, as_grey

MOST_VIEWS = 12  # pictures of each camera that are looked at
WIDTH_PX = 960  # larger pictures are looked at smaller: edges are no sharper in the LiDAR
APART_NS = 100_000_000  # a picture without a sweep this near is not looked at
MARGIN = 0.1  # of the picture: outlines just beyond it may belong on it
STEP_NS = 50_000_000  # over which the outlines' motion is measured


def check_calibration(log: Log) -> list[Finding]:
    """Find cameras that do not look where their calibration and clock say, and name the fault.

    Up to `MOST_VIEWS` pictures of each camera are compared with the outlines in the sweeps
    nearest to them. A camera whose pictures cannot be read is passed over.
    """
    if log.ego_poses is None or not log.images:
        return []
    look, seen = Looks(log), {}
    for name in log.images:
        if name not in log.cameras:
            continue
        try:
            seen[name] = CameraViews(tuple(look.views(name, name)), _scale(log, name))
        except LabelError:
            continue  # `camera_images` tells it
    return check_calibrations(seen, look.views)


class Looks:
    """Pictures and outlines of a log, each looked at once."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._edges: dict[int, DepthEdges] = {}
        self._maps: dict[tuple[str, int], NDArray[np.uint8]] = {}
        self._sources: dict[str, ImageSource] = {}

    def views(self, camera: str, lens_of: str) -> list[View]:
        """Return pictures of a camera with the outlines before it, `WIDTH_PX` wide at most.

        `lens_of` takes another camera's calibration, as if the two were swapped; none if their
        pictures differ in size.

        Raises
        ------
        SourceError
            If an image cannot be read.
        """
        log, given = self._log, self._log.cameras[lens_of]
        if camera not in self._sources:
            self._sources[camera] = open_camera(log, camera)
        source = self._sources[camera]
        if (source.width_px, source.height_px) != (given.width_px, given.height_px):
            return []
        times = log.images[camera].timestamps_ns
        sweeps = nearest_sweeps(log, lens_of, times)
        view = scaled(given, _scale(log, lens_of))
        out = []
        for i in _looked_at(log, times, sweeps).tolist():
            around = times[i] + np.array([-STEP_NS, 0, STEP_NS])
            poses = world_from_camera(log, lens_of, around)
            points, velocity, upright = self._outlines(int(sweeps[i]), around, poses)
            seen = project_points(view, points)
            pixels, n_inside = seen.pixels, int(seen.in_image.sum())
            reach = np.array([view.width_px, view.height_px])
            with np.errstate(invalid="ignore"):
                near = ((pixels > -MARGIN * reach) & (pixels < (1 + MARGIN) * reach)).all(axis=1)
            if n_inside:
                maps = self._edge_maps(camera, i)
                out.append(View(view, points[near], velocity[near], upright[near], maps, n_inside))
        return out

    def _edge_maps(self, camera: str, i: int) -> NDArray[np.uint8]:
        if (camera, i) not in self._maps:
            image = self._sources[camera].image(i, scale=_scale(self._log, camera))
            self._maps[camera, i] = edge_maps(as_grey(image))
        return self._maps[camera, i]

    def _outlines(
        self, sweep_index: int, around_ns: Ints, poses: Floats
    ) -> tuple[Floats, Floats, Mask]:
        """Return outlines in the camera's axes, how they move there, and which run upwards.

        `poses` (3, 4, 4) are the camera's before, at and after the picture's time.
        """
        sweep = self._log.sweep(sweep_index)
        if sweep_index not in self._edges:
            points = sweep.points_m
            if sweep.lidar is not None and len(points):
                points = points[sweep.lidar == sweep.lidar.min()]
            self._edges[sweep_index] = depth_edges(points)
        edges = self._edges[sweep_index]
        held = np.flatnonzero(np.isfinite(poses[:, 0, 0]))
        first, last = int(held[0]), int(held[-1])
        seconds = max((around_ns[last] - around_ns[first]) / 1e9, 1e-9)
        camera_from_lidar = inverse(poses) @ np.asarray(sweep.world_from_sensor)
        at = [_moved(camera_from_lidar[k], edges.points_m) for k in (first, 1, last)]
        return at[1], (at[2] - at[0]) / seconds, edges.is_upright


def _scale(log: Log, camera: str) -> float:
    return min(1.0, WIDTH_PX / log.cameras[camera].width_px)


def _looked_at(log: Log, times: Ints, sweeps: Ints) -> Ints:
    """Return pictures, evenly spread, that have a sweep and a pose; the ends are left out."""
    if log.ego_poses is None or not len(times):
        return np.empty(0, dtype=np.int64)
    known = np.isfinite(poses_at(log.ego_poses, times)[:, 0, 0])
    known &= np.abs(times - log.timestamps_ns[sweeps]) <= APART_NS
    known &= log.n_points[sweeps] > 0
    rows = np.flatnonzero(known)
    if len(rows) <= MOST_VIEWS:
        return rows
    # Evenly over time and way: where the vehicle stands one picture is like the next.
    at = poses_at(log.ego_poses, times[rows])[:, :3, 3]
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(at, axis=0), axis=1))])
    place = np.arange(len(rows)) / len(rows) + way / max(float(way[-1]), 1.0)
    wanted = np.linspace(place[0], place[-1], MOST_VIEWS + 2)[1:-1]
    return np.unique(rows[np.searchsorted(place, wanted).clip(0, len(rows) - 1)])


def _moved(a_from_b: Floats, points_m: Floats) -> Floats:
    turned: Floats = np.einsum("ij,nj->ni", a_from_b[:3, :3], points_m)
    return turned + a_from_b[:3, 3]
