"""Pictures of a sweep with its cuboids: from above, or as a camera above the street sees it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from perception_label.arrays import Floats
from perception_label.errors import MissingPosesError, SettingError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import interpolate_poses, inverse
from perception_label.readers.recording import Recording

_BACKGROUND = (9, 12, 20)
_CLASS_COLOURS = {
    "car": (64, 196, 255),
    "truck": (255, 167, 38),
    "bus": (255, 213, 79),
    "trailer": (255, 138, 101),
    "motorcycle": (186, 104, 200),
    "bicycle": (149, 117, 205),
    "cyclist": (224, 102, 255),
    "pedestrian": (105, 240, 130),
    "construction_vehicle": (255, 112, 67),
}
# Height above the ground → colour: night blue, teal, warm sand, white.
_RAMP_M = np.array([-0.5, 0.0, 0.4, 1.5, 4.0, 12.0])
_RAMP = np.array(
    [[38, 52, 92], [52, 72, 118], [44, 122, 140], [92, 190, 168], [222, 186, 120], [250, 236, 210]]
)
_EDGES = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4)]
_EDGES += [(0, 4), (1, 5), (2, 6), (3, 7)]
_SMOOTH = 2  # drawn so many times larger, then shrunk


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where a picture is taken from; all in the frame of the points, metres and radians."""

    kind: str = "perspective"  # or "above"
    width_px: int = 1600
    height_px: int = 900
    eye_m: tuple[float, float, float] = (-15.0, -5.0, 8.5)
    target_m: tuple[float, float, float] = (14.0, 1.0, -2.0)
    opening_rad: float = 1.05  # horizontal
    span_m: float = 110.0  # from the left to the right border, seen from above
    up_m: float = -1.9  # height of the ground in the frame of the points


def draw(
    points_m: NDArray[np.floating],
    cuboids: Cuboids | None = None,
    class_names: list[str] | None = None,
    *,
    view: View | None = None,
    point_classes: list[str] | None = None,
    intensity: NDArray[np.floating] | None = None,
) -> Image.Image:
    """Draw points and cuboids of one coordinate frame on a dark ground.

    Parameters
    ----------
    points_m : (N, 3) float
        Points, z up.
    cuboids : Cuboids, optional
        M cuboids in the same frame; the side they head to is marked.
    class_names : list of M str, optional
        Their classes, which choose the colour.
    view : View, optional
        From where.
    point_classes : list of N str, optional
        Class of each point; an empty name is coloured by height.
    intensity : (N,) float, optional
        0 to 255; brighter returns are drawn brighter.

    Returns
    -------
    PIL.Image.Image
        RGB.

    Raises
    ------
    SettingError
        If the view's kind is not known.
    """
    chosen = view or View()
    if chosen.kind not in ("perspective", "above"):
        raise SettingError(f"view: expected 'perspective' or 'above', got {chosen.kind!r}")
    xyz = np.asarray(points_m, dtype=np.float64)
    colours = _height_colours(xyz[:, 2] - chosen.up_m)
    if point_classes is not None:
        for name in set(point_classes) - {""}:
            rows = np.array([each == name for each in point_classes])
            colours[rows] = 0.25 * colours[rows] + 0.75 * np.array(_colour(name))
    if intensity is not None:
        colours *= (0.75 + 0.9 * np.clip(np.asarray(intensity) / 110, 0, 1) ** 0.8)[:, None]
    canvas = _splat(xyz, colours, chosen)
    if cuboids is not None and len(cuboids):
        names = class_names or ["car"] * len(cuboids)
        canvas = _boxes(canvas, cuboids, names, chosen)
    return canvas.resize((chosen.width_px, chosen.height_px), Image.Resampling.LANCZOS)


def draw_truth(recording: Recording, i: int, *, view: View | None = None) -> Image.Image:
    """Draw sweep i of a recording with those boxes of its truth that hold points.

    Raises
    ------
    MissingPosesError
        If the recording has no ego poses.
    """
    if recording.ego_poses is None:
        raise MissingPosesError(f"{recording.log_id}: expected ego poses, got none")
    sweep = recording.source(i)
    now = recording.timestamps_ns[i : i + 1]
    world_from_ego = interpolate_poses(recording.ego_poses, now)[0]
    lidar_from_world = inverse(world_from_ego @ recording.ego_from_lidar)
    cuboids, names = None, None
    if recording.truth is not None:
        truth = recording.truth
        seen = truth[(truth.timestamps_ns == now[0]) & (truth.n_points != 0)]
        cuboids = seen.cuboids.moved(lidar_from_world)
        names = [seen.class_names[k] for k in seen.classes]
    return draw(sweep.points_m, cuboids, names, view=view, intensity=sweep.intensity)


def save(image: Image.Image, path: Path) -> Path:
    """Write a picture as PNG."""
    image.save(path, format="PNG", optimize=True)
    return path


def _colour(name: str) -> tuple[int, int, int]:
    return _CLASS_COLOURS.get(name, (200, 200, 210))


def _height_colours(height_m: Floats) -> Floats:
    return np.column_stack([np.interp(height_m, _RAMP_M, _RAMP[:, k]) for k in range(3)])


def _project(xyz: Floats, view: View) -> tuple[Floats, Floats]:
    """Return where places fall, (N, 2) pixels of the enlarged canvas, and their depth (N,)."""
    wide, high = view.width_px * _SMOOTH, view.height_px * _SMOOTH
    if view.kind == "above":
        scale = wide / view.span_m
        at = np.column_stack([wide / 2 + xyz[:, 0] * scale, high / 2 - xyz[:, 1] * scale])
        return at, 100 - xyz[:, 2]
    eye, target = np.array(view.eye_m), np.array(view.target_m)
    ahead = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(ahead, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    d = xyz - eye
    depth = d @ ahead
    focal = wide / 2 / np.tan(view.opening_rad / 2)
    safe = np.maximum(depth, 0.05)
    at = np.column_stack(
        [wide / 2 + focal * (d @ right) / safe, high / 2 + focal * (d @ down) / safe]
    )
    return at, depth


def _splat(xyz: Floats, colours: Floats, view: View) -> Image.Image:
    """Paint points from far to near, nearer ones larger and brighter."""
    wide, high = view.width_px * _SMOOTH, view.height_px * _SMOOTH
    at, depth = _project(xyz, view)
    order = np.argsort(-depth, kind="stable")
    order = order[depth[order] > 0.3]
    at, depth, colours = at[order], depth[order], colours[order]
    if view.kind == "above":
        far = np.hypot(xyz[order, 0], xyz[order, 1])
        light, big = np.clip(1.25 - far / 130, 0.45, 1.1), np.full(len(order), 2)
    else:
        light = np.clip(1.4 - depth / 110, 0.42, 1.2)
        big = np.where(depth < 22, 4, np.where(depth < 45, 3, 2))
    paint = np.clip(colours * light[:, None], 0, 255).astype(np.uint8)
    canvas = np.empty((high, wide, 3), dtype=np.uint8)
    canvas[:] = _BACKGROUND
    x, y = np.floor(at[:, 0]), np.floor(at[:, 1])
    for dx in range(4):
        for dy in range(4):
            px, py = x + dx - 1, y + dy - 1
            ok = (dx < big) & (dy < big) & (px >= 0) & (px < wide) & (py >= 0) & (py < high)
            canvas[py[ok].astype(np.int64), px[ok].astype(np.int64)] = paint[ok]
    return Image.fromarray(canvas)


def _boxes(canvas: Image.Image, cuboids: Cuboids, names: list[str], view: View) -> Image.Image:
    """Draw the edges with a glow, the floor and the front tinted."""
    corners = cuboids.corners_m()
    at, depth = _project(corners.reshape(-1, 3), view)
    at, depth = at.reshape(-1, 8, 2), depth.reshape(-1, 8)
    sheet = Image.new("RGB", canvas.size)
    lines = ImageDraw.Draw(sheet)
    tint = Image.new("RGB", canvas.size)
    fills = ImageDraw.Draw(tint)
    for k in np.argsort(-depth.mean(axis=1)):
        if depth[k].min() < 0.8:
            continue
        fade = 1.0 if view.kind == "above" else float(np.clip(1.35 - depth[k].mean() / 90, 0.35, 1))
        r, g, b = (int(fade * c) for c in _colour(names[k]))
        spot = [tuple(p) for p in at[k]]
        dim = (r // 6, g // 6, b // 6)
        fills.polygon([spot[n] for n in (0, 1, 2, 3)], fill=dim)
        fills.polygon([spot[n] for n in (0, 3, 7, 4)], fill=(r // 4, g // 4, b // 4))
        for a, c in _EDGES:
            lines.line([spot[a], spot[c]], fill=(r, g, b), width=3)
        front = tuple((np.array(spot[0]) + np.array(spot[3])) / 2)
        middle = tuple(np.mean([spot[n] for n in range(4)], axis=0))
        lines.line([middle, front], fill=(r, g, b), width=3)
    glow = sheet.filter(ImageFilter.GaussianBlur(6))
    lit = ImageChops.add(ImageChops.add(canvas, tint), glow)
    return ImageChops.lighter(lit, sheet)
