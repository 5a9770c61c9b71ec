"""A synthetic log: sweeps of a LiDAR in a simulated town, with exact truth."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cameras import Images
from perception_label.geometry.inside import points_inside
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, inverse
from perception_label.readers.recording import Recording
from perception_label.simulate.camera.files import Progress, write_images
from perception_label.simulate.camera.images import SimulatedCamera, calibration
from perception_label.simulate.casting import Caster, Hits
from perception_label.simulate.lidar import (
    beams,
    intensity,
    kept,
    returned_power,
    surface_reflectivity,
)
from perception_label.simulate.plan import START_NS, Plan, make_plan
from perception_label.simulate.settings import SceneSettings
from perception_label.simulate.shapes.mesh import Material
from perception_label.simulate.town import stream
from perception_label.simulate.truth import Truth

_POSE_HZ = 100


@dataclass(frozen=True, slots=True)
class LabelledSweep:
    """A sweep, and what each of its N points belongs to.

    Attributes
    ----------
    sweep : Sweep
        Sensor frame.
    instances : (N,) int32
        Instance of each point, 0 for none; instance k is track `Plan.names()[k - 1]`.
    materials : (N,) uint8
        `Material` of each point.
    is_ground : (N,) bool
        Whether it lies on the ground.
    """

    sweep: Sweep
    instances: NDArray[np.int32]
    materials: NDArray[np.uint8]
    is_ground: Mask


class SimulatedSweeps:
    """Makes sweep i of a plan on its own; the `SweepSource` of a simulated recording."""

    def __init__(self, plan: Plan, threads: int = 1) -> None:
        self.plan = plan
        self.caster = Caster(plan, threads)
        self._beams = beams(plan.settings.lidar, plan.settings.rate_hz)

    def __call__(self, i: int) -> Sweep:
        """Return sweep i, sensor frame."""
        return self.labelled(i).sweep

    def cameras(self, threads: int = 1) -> list[SimulatedCamera]:
        """Return the log's cameras, which look at the same town."""
        return [
            SimulatedCamera(self.plan, camera, caster=self.caster, threads=threads)
            for camera in self.plan.settings.cameras
        ]

    def labelled(self, i: int) -> LabelledSweep:
        """Return sweep i with the instance, material and ground flag of each point."""
        plan, rays = self.plan, self._beams
        lidar = plan.settings.lidar
        now = plan.sweep_times_s()[i]
        time = now + rays.offset_s
        columns, rings = rays.directions.shape[:2]
        world_from_lidar = plan.world_from_ego(time) @ plan.ego_from_lidar()
        directions = np.matmul(rays.directions, world_from_lidar[:, :3, :3].swapaxes(1, 2))
        directions = directions.reshape(-1, 3)
        column = np.repeat(np.arange(columns), rings)
        origins = world_from_lidar[column, :3, 3]
        random = stream(plan.settings.seed, 7, i)
        hits = self.caster.cast(origins, directions, column, time)
        hits = self._through_glass(
            hits, origins, directions, column, time, random.random(len(column))
        )
        rows = np.flatnonzero(
            (hits.range_m > lidar.min_range_m) & (hits.range_m < lidar.max_range_m)
        )
        self._paint(hits, rows, origins, directions)
        shine = surface_reflectivity(hits.materials[rows], hits.instances[rows])
        cosine = hits.cosine[rows].astype(np.float64)
        power = returned_power(hits.range_m[rows].astype(np.float64), cosine, shine, lidar)
        stays = kept(power, lidar, random)
        rows, shine, cosine = rows[stays], shine[stays], cosine[stays]
        measured = hits.range_m[rows] + lidar.range_noise_m * random.standard_normal(len(rows))
        brightness = intensity(cosine, shine, random)
        if lidar.deskew:
            points = origins[rows] + directions[rows] * measured[:, None]
            middle = plan.world_from_ego(np.array([now]))[0] @ plan.ego_from_lidar()
            lidar_from_world = inverse(middle)
            # Not @: a threaded product of so small a matrix costs more than it saves.
            points = np.einsum("ni,ji->nj", points, lidar_from_world[:3, :3])
            points += lidar_from_world[:3, 3]
        else:
            points = rays.directions.reshape(-1, 3)[rows] * measured[:, None]
        sweep = Sweep(
            points_m=np.ascontiguousarray(points, dtype=np.float32),
            timestamp_ns=int(plan.timestamps_ns()[i]),
            intensity=brightness,
            ring=np.ascontiguousarray(rows % rings, dtype=np.uint16),
            time_offset_ns=np.rint(rays.offset_s[rows // rings] * 1e9).astype(np.int32),
        )
        return LabelledSweep(
            sweep, hits.instances[rows], hits.materials[rows], hits.is_ground[rows]
        )

    def _paint(
        self, hits: Hits, rows: NDArray[np.int64], origins: Floats, directions: Floats
    ) -> None:
        """Turn asphalt under a road marking into paint."""
        road = rows[hits.materials[rows] == Material.ASPHALT]
        at = origins[road, :2] + directions[road, :2] * hits.range_m[road, None]
        hits.materials[road[self.plan.town.is_painted(at)]] = Material.PAINT

    def _through_glass(
        self,
        hits: Hits,
        origins: Floats,
        directions: Floats,
        columns: NDArray[np.int64],
        time_s: Floats,
        luck: Floats,
    ) -> Hits:
        """Let some rays that met glass go on, some be lost, some come back."""
        for turn in range(2):
            chance = (luck * (7.0 if turn else 1.0)) % 1.0
            glass = (hits.materials == Material.GLASS) & np.isfinite(hits.range_m)
            rows = np.flatnonzero(glass & (chance < 0.55))
            hits.range_m[np.flatnonzero(glass & (chance >= 0.55) & (chance < 0.80))] = np.inf
            if len(rows) == 0:
                break
            passed = hits.range_m[rows].astype(np.float64) + 0.01
            start = origins[rows] + directions[rows] * passed[:, None]
            beyond = self.caster.cast(start, directions[rows], columns[rows], time_s)
            hits.range_m[rows] = beyond.range_m + passed.astype(np.float32)
            hits.cosine[rows], hits.materials[rows] = beyond.cosine, beyond.materials
            hits.instances[rows], hits.is_ground[rows] = beyond.instances, beyond.is_ground
        return hits


def simulate_log(
    settings: SceneSettings | None = None,
    *,
    count_points: bool = True,
    workers: int = 2,
    images_folder: Path | None = None,
    images_kind: str = "jpg",
    on_image: Progress | None = None,
) -> Recording:
    """Return a synthetic log as a reader would hand over a recorded one.

    Sweep i is made when it is asked for, always the same, whatever was asked before. The truth
    holds a box per object and sweep, at the object's exact pose at the sweep's timestamp, for
    objects within `label_radius_m` of the ego vehicle that own at least one point of the log;
    boxes of sweeps in which nothing of the object was seen are there with 0 points. Boxes are
    upright around bodies that tilt with the road.

    Parameters
    ----------
    settings : SceneSettings, optional
        What to simulate.
    count_points : bool
        Make every sweep once now to count the points in each box. Without it the truth holds
        every object in range, with -1 points.
    workers : int
        Threads that make the sweeps for the count, and the images.
    images_folder : Path, optional
        Where the images of the settings' cameras are written now. Without it the log has the
        cameras' calibration and no images.
    images_kind : str
        `jpg` or `png`: a file per image, a folder per camera; `mp4`: a video per camera.
    on_image : callable, optional
        Told how many images of how many are written.

    Returns
    -------
    Recording
        `source` is a `SimulatedSweeps`; its `labelled(i)` also tells each point's instance.
    """
    chosen = settings or SceneSettings()
    plan = make_plan(chosen)
    source = SimulatedSweeps(plan)
    return Recording(
        log_id=f"simulated-{chosen.seed:04d}",
        format="simulated",
        lidar="lidar",
        timestamps_ns=plan.timestamps_ns(),
        ego_from_lidar=plan.ego_from_lidar(),
        source=source,
        ego_poses=_ego_poses(plan),
        truth=_truth(plan, source, workers if count_points else 0),
        is_deskewed=chosen.lidar.deskew,
        cameras={camera.name: calibration(camera) for camera in chosen.cameras},
        images=_images(source, images_folder, images_kind, workers, on_image),
    )


def _images(
    source: SimulatedSweeps, folder: Path | None, kind: str, workers: int, on_image: Progress | None
) -> dict[str, Images]:
    """Take and write the images of all cameras."""
    cameras = [] if folder is None else source.cameras()
    total, before, out = sum(len(camera) for camera in cameras), 0, {}
    for camera in cameras:

        def moved(done: int, _: int, before: int = before) -> None:
            if on_image is not None:
                on_image(before + done, total)

        name = camera.settings.name
        out[name] = write_images(
            camera, Path(folder or ".") / name, kind=kind, workers=max(workers, 1), progress=moved
        )
        before += len(camera)
    return out


def _ego_poses(plan: Plan) -> EgoPoses:
    """Return the ego vehicle's poses every 10 ms and at every sweep."""
    last = round(plan.settings.duration_s * 1e9) + 100_000_000
    times = START_NS + np.arange(0, last, 1_000_000_000 // _POSE_HZ, dtype=np.int64)
    times = np.unique(np.concatenate([times, plan.timestamps_ns()]))
    return EgoPoses(times, plan.world_from_ego(np.asarray((times - START_NS) * 1e-9)))


def _truth(plan: Plan, source: SimulatedSweeps, workers: int) -> Labels:
    """Return the boxes of all sweeps; no workers, no count."""
    truth = Truth(plan)
    if workers < 1:
        return truth.labels(None)

    def count(i: int) -> tuple[Ints, Ints]:
        made = source.labelled(i)
        pose = plan.world_from_ego(plan.sweep_times_s()[i : i + 1])[0] @ plan.ego_from_lidar()
        points = np.einsum("ni,ji->nj", made.sweep.points_m.astype(np.float64), pose[:3, :3])
        owned = np.bincount(made.instances, minlength=len(plan.bodies) + 1)[1:]
        return points_inside(points + pose[:3, 3], truth.boxes(i)[0]), owned

    with ThreadPoolExecutor(workers) as pool:
        return truth.labels(list(pool.map(count, range(plan.settings.n_sweeps))))
