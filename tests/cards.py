"""A drive past upright cards: sweeps and pictures of one scene, exact and quick."""

import numpy as np
from PIL import Image, ImageDraw

from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.poses import EgoPoses, inverse
from perception_label.geometry.projection import project_points
from perception_label.readers.recording import Recording
from recordings import MemorySource

START_NS = 1_600_000_000_000_000_000
PERIOD_NS = 100_000_000
LIDAR = np.array([[1.0, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 1.8], [0, 0, 0, 1]])
SPEED_MPS = 8.0


def cards(seed=0, n=60):
    """Corners (n, 4, 3) of upright cards along a road, and their greys (n,)."""
    rng = np.random.default_rng(seed)
    x, side = rng.uniform(5, 60, n), rng.choice([-1, 1], n)
    center = np.column_stack([x, side * rng.uniform(3, 16, n), np.zeros(n)])
    yaw, width = rng.uniform(0, np.pi, n), rng.uniform(0.8, 3.0, n)
    along = np.column_stack([np.cos(yaw), np.sin(yaw), np.zeros(n)]) * width[:, None] / 2
    up = np.array([0, 0, 1.0]) * rng.uniform(1.0, 3.5, n)[:, None]
    low = center + np.array([0, 0, 0.3])
    corners = np.stack([low - along, low + along, low + along + up, low - along + up], axis=1)
    return corners, rng.integers(20, 236, n)


def mount(yaw_rad=0.0, at=(1.0, 0.0, 1.5), pitch_rad=0.03):
    """ego_from_camera of a camera that looks sideways by `yaw_rad`, and a little down."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    level = np.array([[s, 0, c], [-c, 0, s], [0, -1, 0]])
    c, s = np.cos(pitch_rad), np.sin(pitch_rad)
    pose = np.eye(4)
    pose[:3, :3] = level @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
    pose[:3, 3] = at
    return pose


def camera(yaw_rad=0.0, f=480.0):
    """A camera of the rig."""
    return Camera(640, 400, ((f, 0, 319.5), (0, f, 199.5), (0, 0, 1)), mount(yaw_rad))


def world_from_ego(times_ns):
    """Straight ahead at constant speed, (K, 4, 4)."""
    poses = np.tile(np.eye(4), (len(times_ns), 1, 1))
    poses[:, 0, 3] = (times_ns - START_NS) * 1e-9 * SPEED_MPS
    return poses


def picture(view, world_from_camera, corners, greys, cells=1):
    """The cards before a camera, painted from far to near, (H, W) uint8.

    Each has `cells` times `cells` fields of greys that vary.
    """
    image = Image.new("L", (view.width_px, view.height_px), 128)
    draw = ImageDraw.Draw(image)
    local = (corners - world_from_camera[:3, 3]) @ world_from_camera[:3, :3]
    for k in np.argsort(-np.linalg.norm(local.mean(axis=1), axis=1)):
        if (local[k, :, 2] > 0.3).all():
            rng = np.random.default_rng(k)
            along, up = local[k, 1] - local[k, 0], local[k, 3] - local[k, 0]
            for u, v in np.ndindex(cells, cells):
                unit = np.array([[u, v], [u + 1, v], [u + 1, v + 1], [u, v + 1]]) / cells
                field = local[k, 0] + unit[:, :1] * along + unit[:, 1:] * up
                grey = int(greys[k] if cells == 1 else rng.integers(20, 236))
                draw.polygon([tuple(p) for p in project_points(view, field).pixels], fill=grey)
    return np.asarray(image)


def sweep(world_from_lidar, corners, timestamp_ns):
    """Where rays to the front and sides hit the cards."""
    azimuth = np.radians(np.arange(-110, 110, 0.2))
    elevation = np.radians(np.arange(-12, 14, 0.4))
    a, e = (g.ravel() for g in np.meshgrid(azimuth, elevation))
    local = np.column_stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    rays, origin = local @ world_from_lidar[:3, :3].T, world_from_lidar[:3, 3]
    nearest = np.full(len(rays), np.inf)
    for card in corners:
        along, up = card[1] - card[0], card[3] - card[0]
        normal = np.cross(along, up)
        with np.errstate(divide="ignore"):
            away = ((card[0] - origin) @ normal) / (rays @ normal)
        at = origin + rays * away[:, None] - card[0]
        u, v = at @ along / (along @ along), at @ up / (up @ up)
        hits = (away > 0) & (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
        nearest = np.where(hits, np.minimum(nearest, away), nearest)
    # A wall far behind, so that every card ends before something.
    wall = np.minimum(nearest, 80.0)
    return Sweep(points_m=(local * wall[:, None]).astype(np.float32), timestamp_ns=timestamp_ns)


def drive(folder, views, *, n=6, late_ns=20_000_000, seed=0, cells=1):
    """A recording of the drive; `views` are the true cameras by name, pictures lie in `folder`."""
    corners, greys = cards(seed)
    times = START_NS + np.arange(n, dtype=np.int64) * PERIOD_NS
    poses = world_from_ego(times)
    sweeps = tuple(
        sweep(pose @ LIDAR, corners, int(t)) for pose, t in zip(poses, times, strict=True)
    )
    images = {}
    for name, view in views.items():
        (folder / name).mkdir(parents=True)
        taken = times + late_ns
        for k, pose in enumerate(world_from_ego(taken) @ view.ego_from_camera):
            path = folder / name / f"{k:03d}.png"
            Image.fromarray(picture(view, pose, corners, greys, cells)).save(path)
        paths = tuple(folder / name / f"{k:03d}.png" for k in range(n))
        images[name] = Images(taken, paths)
    return Recording(
        log_id="cards",
        format="synthetic",
        lidar="top",
        timestamps_ns=times,
        ego_from_lidar=LIDAR,
        source=MemorySource(sweeps),
        ego_poses=EgoPoses(times, poses),
        cameras=dict(views),
        images=images,
    )


def camera_from_world(view, time_ns):
    """Where a camera of the drive is at a time."""
    return inverse(world_from_ego(np.array([time_ns]))[0] @ view.ego_from_camera)
