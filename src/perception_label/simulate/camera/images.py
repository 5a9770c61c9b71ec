"""A simulated camera: the images it takes in a log, and the exact truth of each."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.errors import SettingError
from perception_label.geometry.cameras import Camera
from perception_label.geometry.projection import project_points, unproject_pixels
from perception_label.simulate.camera.boxes import ImageBoxes, around, around_each
from perception_label.simulate.camera.light import exposed, sensed
from perception_label.simulate.camera.render import AROUND, Renderer, blurred, edges
from perception_label.simulate.camera.surfaces import SKY, Bundle, Instant, Stage, Surfaces
from perception_label.simulate.camera.texture import Singles
from perception_label.simulate.casting import Caster
from perception_label.simulate.plan import START_NS, Plan, make_plan, mount
from perception_label.simulate.settings import CameraSettings, SceneSettings
from perception_label.simulate.town import stream
from perception_label.video.images import as_grey, shrunk

Bytes = NDArray[np.uint8]

_EGO_FROM_OPTICAL = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])
_GAIN = 0.62  # of a usual exposure


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image and the exact truth of each of its H x W pixels.

    Attributes
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    timestamp_ns : int
        When it was taken.
    world_from_camera : (4, 4) float64
        From where; x right, y down, z ahead.
    instances : (H, W) int32
        The labelled thing that each pixel's centre shows, 0 for none.
    depth_m : (H, W) float32
        Along the optical axis, infinite for the sky.
    boxes : ImageBoxes
        Of the instances that show.
    """

    rgb: Bytes
    timestamp_ns: int
    world_from_camera: Pose
    instances: NDArray[np.int32]
    depth_m: Singles
    boxes: ImageBoxes

    def mask(self, instance: int) -> Mask:
        """Return which pixels show an instance, (H, W)."""
        return np.asarray(self.instances == instance)


@dataclass(frozen=True, slots=True)
class ExactFlow:
    """Where what each pixel of an image shows is in another image.

    Attributes
    ----------
    flow_px : (H, W, 2) float32
        Right and down, pixels; NaN where it is behind the camera.
    is_seen : (H, W) bool
        Whether it is in the other image and nothing hides it there.
    """

    flow_px: Singles
    is_seen: Mask


class SimulatedCamera:
    """The images of one camera of a simulated log; image i is always the same.

    It is an `ImageSource`, to be used as a video is; `labelled(i)` and `flow(i)` tell the truth.

    Parameters
    ----------
    plan : Plan
        The log.
    settings : CameraSettings
        The camera.
    caster : Caster, optional
        The LiDAR's, whose shapes are then shared.
    threads : int
        For each cast.
    """

    def __init__(
        self,
        plan: Plan,
        settings: CameraSettings | None = None,
        *,
        caster: Caster | None = None,
        threads: int = 1,
    ) -> None:
        chosen = settings or CameraSettings()
        self.plan, self.settings = plan, chosen
        self.name = chosen.name
        self.warnings: tuple[str, ...] = ()
        self.height_px, self.width_px = chosen.height_px, chosen.width_px
        self.calibration = calibration(chosen)
        self._stage = Stage(plan, caster or Caster(plan, threads), threads)
        self._renderer = Renderer(plan)
        n = int(np.ceil((plan.settings.duration_s - chosen.offset_s) * chosen.rate_hz - 1e-9))
        self.times_s: Floats = chosen.offset_s + np.arange(max(n, 0)) / chosen.rate_hz
        self.timestamps_ns: Ints = START_NS + np.rint(self.times_s * 1e9).astype(np.int64)
        columns, rows = np.meshgrid(np.arange(self.width_px), np.arange(self.height_px))
        self._grid = np.column_stack([columns.ravel(), rows.ravel()]).astype(np.float64)
        self._rays = self._looking(self._grid)
        self._whole = Bundle(np.zeros(3), self._rays)
        self._around = [self._looking(self._grid + off) for off in AROUND]
        self._last: tuple[int, Surfaces] | None = None
        self._pointed: tuple[Pose, Bundle] | None = None

    def __len__(self) -> int:
        return len(self.timestamps_ns)

    def world_from_camera(self, i: int) -> Pose:
        """Return the camera's pose at image i, (4, 4)."""
        ego = self.plan.world_from_ego(self.times_s[i : i + 1])[0]
        return np.asarray(ego @ self.calibration.ego_from_camera)

    def image(self, i: int, *, scale: float = 1.0) -> Bytes:
        """Return image i, (H, W, 3) uint8 RGB, or a preview `scale` times its size."""
        instant, pose = self._at(i)
        picture = self._picture(i, instant, pose, self._seen(i, instant, pose))
        return picture if scale == 1.0 else shrunk(picture, scale)

    def grey(self, i: int) -> Bytes:
        """Return image i in grey, (H, W) uint8."""
        return as_grey(self.image(i))

    def pictures(self, workers: int = 2) -> Iterator[Bytes]:
        """Yield all images in turn, (H, W, 3) uint8; a few are made ahead, by `workers` threads."""
        with ThreadPoolExecutor(workers) as pool:
            ahead: deque[Future[Bytes]] = deque()
            for i in range(len(self)):
                ahead.append(pool.submit(self.image, i))
                if len(ahead) > workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def greys(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Bytes]:
        """Yield images in grey, (H, W) uint8 each."""
        for i in range(len(self))[start:stop:step]:
            yield self.grey(i)

    def labelled(self, i: int) -> LabelledImage:
        """Return image i with its truth."""
        instant, pose = self._at(i)
        surfaces = self._seen(i, instant, pose)
        instances = np.where(surfaces.owners > self._stage.n_instances, 0, surfaces.owners)
        instances = np.maximum(instances, 0).reshape(self.height_px, self.width_px)
        depth = surfaces.distance_m * self._rays[:, 2]
        return LabelledImage(
            rgb=self._picture(i, instant, pose, surfaces),
            timestamp_ns=int(self.timestamps_ns[i]),
            world_from_camera=pose,
            instances=instances,
            depth_m=depth.reshape(instances.shape),
            boxes=self._boxes(instant, pose, instances),
        )

    def flow(self, i: int, j: int | None = None) -> ExactFlow:
        """Return where what image i shows is in image j, the next one unless told.

        A place counts as hidden if what image j shows there is nearer by more than 2 cm and a
        thousandth of the distance.
        """
        other = i + 1 if j is None else j
        instant, pose = self._at(i)
        later, then = self._at(other)
        surfaces = self._seen(i, instant, pose)
        rays = (self._rays @ pose[:3, :3].T.astype(np.float32)).astype(np.float64)
        sky = surfaces.owners == SKY
        points = pose[:3, 3] + rays * np.where(sky, 1.0, surfaces.distance_m)[:, None]
        moved = instant.carried(surfaces, points, later)
        # What is infinitely far moves by the camera's turn alone.
        ahead = np.where(sky[:, None], rays, moved - then[:3, 3])
        found = project_points(self.calibration, ahead @ then[:3, :3])
        at = found.pixels
        rows = np.flatnonzero(found.in_image)
        distance = np.linalg.norm(ahead[rows], axis=1)
        back = later.meet(Bundle(then[:3, 3], ahead[rows] / distance[:, None]))
        distance[sky[rows]] = np.inf
        seen = np.zeros(len(at), dtype=bool)
        seen[rows] = back.distance_m >= distance - (0.02 + 0.001 * np.minimum(distance, 1e3))
        shape = (self.height_px, self.width_px)
        flow = (at - self._grid).astype(np.float32).reshape(*shape, 2)
        return ExactFlow(flow, seen.reshape(shape))

    def _looking(self, points_px: Floats) -> Singles:
        rays, is_valid = unproject_pixels(self.calibration, points_px)
        if not is_valid.all():
            raise SettingError(
                f"camera {self.settings.name}: expected a lens that fills the picture, got "
                f"{int((~is_valid).sum())} pixels that see nothing"
            )
        return rays.astype(np.float32)

    def _at(self, i: int) -> tuple[Instant, Pose]:
        if not 0 <= i < len(self):
            raise SettingError(f"image: expected 0 to {len(self) - 1}, got {i}")
        return Instant(self._stage, float(self.times_s[i])), self.world_from_camera(i)

    def _bundle(self, pose: Pose) -> Bundle:
        """Return the rays of all pixels' centres."""
        held = self._pointed  # another thread may replace it meanwhile
        if held is None or not np.array_equal(held[0], pose):
            held = self._pointed = (pose, self._whole.placed(pose))
        return held[1]

    def _seen(self, i: int, instant: Instant, pose: Pose) -> Surfaces:
        """Return what each pixel's centre shows."""
        last = self._last
        if last is None or last[0] != i:
            last = (i, instant.meet(self._bundle(pose)))
            self._last = last
        return last[1]

    def _picture(self, i: int, instant: Instant, pose: Pose, surfaces: Surfaces) -> Bytes:
        settings = self.settings
        shape = (self.height_px, self.width_px)
        pixel = 1 / settings.focal_px
        random = stream(self.plan.settings.seed, 23, i, *settings.name.encode())
        gain = _GAIN * (1 + settings.gain_drift * self._drift(i))
        light = self._renderer.light(instant, self._bundle(pose), surfaces, pixel)
        levels = exposed(light, gain)
        if settings.smooth_edges:
            rows, leafy = edges(light, surfaces, shape)
            levels[leafy] = blurred(levels.reshape(*shape, 3), leafy)
            rays = np.concatenate([around[rows] for around in self._around])
            bundle = Bundle(pose[:3, 3], rays @ pose[:3, :3].T.astype(np.float32))
            met = instant.meet(bundle)
            more = exposed(self._renderer.light(instant, bundle, met, pixel), gain)
            levels[rows] += more.reshape(len(AROUND), -1, 3).sum(axis=0)
            levels[rows] /= len(AROUND) + 1
        return sensed(levels.reshape(*shape, 3), settings.noise, random)

    def _drift(self, i: int) -> float:
        """Return how far the exposure is off, about -1 to 1: two slow waves."""
        random = stream(self.plan.settings.seed, 24, *self.settings.name.encode())
        phase, rate = random.uniform(0, 2 * np.pi, 2), random.uniform(0.5, 2.0, 2)
        return float(np.sin(phase + rate * self.times_s[i]).sum() / 2)

    def _boxes(self, instant: Instant, pose: Pose, instances: NDArray[np.int32]) -> ImageBoxes:
        found, visible, counts = around_each(instances)
        amodal, share, cut = np.empty((len(found), 4)), np.empty(len(found)), []
        bundle = self._bundle(pose)
        for k, instance in enumerate(found.tolist()):
            alone = instant.alone(instance, bundle).reshape(instances.shape)
            amodal[k], share[k] = around(alone), counts[k] / max(int(alone.sum()), 1)
            cut.append(bool(alone[[0, -1]].any() or alone[:, [0, -1]].any()))
        return ImageBoxes(found, visible, amodal, counts, np.minimum(share, 1), np.array(cut, bool))


def calibration(camera: CameraSettings) -> Camera:
    """Return what a log says of a camera; its optical axis meets the middle of the picture."""
    pose = mount(camera.position_m, camera.rotation_rpy_rad)
    pose[:3, :3] = pose[:3, :3] @ _EGO_FROM_OPTICAL
    width, height, focal = camera.width_px, camera.height_px, camera.focal_px
    return Camera(
        width_px=width,
        height_px=height,
        intrinsics=(
            (focal, 0.0, (width - 1) / 2),
            (0.0, focal, (height - 1) / 2),
            (0.0, 0.0, 1.0),
        ),
        ego_from_camera=pose,
        distortion=camera.distortion,
        model=camera.model,
    )


def simulated_cameras(settings: SceneSettings, *, threads: int = 1) -> dict[str, SimulatedCamera]:
    """Return the cameras of a synthetic log, by name, without its LiDAR.

    The log is the one that `simulate_log` makes of the same settings.
    """
    plan = make_plan(settings)
    caster = Caster(plan, threads)
    return {
        camera.name: SimulatedCamera(plan, camera, caster=caster, threads=threads)
        for camera in settings.cameras
    }
