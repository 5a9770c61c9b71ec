"""The viewer's maths against ours, on the same numbers."""

import base64
import math

import numpy as np
import pytest

from perception_label.geometry.cameras import Camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_inside
from perception_label.geometry.projection import project_points
from perception_label.review.container import pack

POSE = np.array([[0.8, -0.6, 0, 12.0], [0.6, 0.8, 0, -7.0], [0, 0, 1, 1.9], [0, 0, 0, 1]])


def boxes(n, seed):
    rng = np.random.default_rng(seed)
    return Cuboids(
        rng.uniform(-20, 20, (n, 3)) * [1, 1, 0.05],
        rng.uniform(1, 6, (n, 3)),
        rng.uniform(-math.pi, math.pi, n),
    )


def plain(cuboids):
    return [
        {"center": c, "size": s, "yaw": y}
        for c, s, y in zip(
            cuboids.center_m.tolist(), cuboids.size_m.tolist(), cuboids.yaw_rad.tolist(),
            strict=True,
        )
    ]  # fmt: skip


ARRIVING = """const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
const cloud = new perception_label.container.Arriving(); cloud.push(bytes);"""


def packed(points):
    return base64.b64encode(pack(points.astype(np.float32), None)).decode()


def unpacked(page, text):
    """Return the points as the browser has them: rounded, and in their order."""
    return np.array(
        page.evaluate(
            f"""(packed) => {{ {ARRIVING}
            const {{origin, scale}} = cloud.header, v = cloud.values, out = [];
            for (let k = 0; k < cloud.rows; k++) {{
              out.push([0, 1, 2].map((d) => origin[d] + scale[d] * v[4 * k + d]));
            }}
            return out; }}""",
            text,
        )
    )


def test_corners_are_ours(blank):
    many = boxes(20, 1)
    found = np.array(
        blank.evaluate("(boxes) => boxes.map(perception_label.boxmath.corners)", plain(many))
    )
    ours = many.corners_m()
    # Ours come in an order of their own.
    gap = np.linalg.norm(found[:, :, None] - ours[:, None], axis=-1)
    assert gap.min(axis=2).max() < 1e-9
    assert gap.min(axis=1).max() < 1e-9


def test_owners_are_the_points_inside(blank):
    rng = np.random.default_rng(2)
    many = boxes(60, 2)
    text = packed(rng.uniform(-30, 30, (4000, 3)) * [1, 1, 0.1])
    seen = unpacked(blank, text) @ POSE[:3, :3].T + POSE[:3, 3]
    found = np.array(
        blank.evaluate(
            f"""([packed, pose, boxes]) => {{ {ARRIVING}
            return [...perception_label.owners.owners(cloud, pose, boxes)]; }}""",
            [text, POSE.ravel().tolist(), plain(many)],
        )
    )
    inside = points_inside(seen, many, mask=True)
    assert (found >= 0).sum() > 200
    assert ((found >= 0) == inside.any(axis=0)).all()
    rows = np.flatnonzero(found >= 0)
    assert inside[found[rows], rows].all()


def test_no_boxes_own_nothing(blank):
    text = packed(np.zeros((3, 3)))
    found = blank.evaluate(
        f"""([packed, pose]) => {{ {ARRIVING}
        return [...perception_label.owners.owners(cloud, pose, [])]; }}""",
        [text, POSE.ravel().tolist()],
    )
    assert found == [-1, -1, -1]


def test_points_near_a_box_are_in_its_axes(blank):
    rng = np.random.default_rng(3)
    one, reach = boxes(1, 3), 0.7
    text = packed(rng.uniform(-30, 30, (6000, 3)) * [1, 1, 0.1])
    seen = unpacked(blank, text) @ POSE[:3, :3].T + POSE[:3, 3]
    found = np.array(
        blank.evaluate(
            f"""([packed, pose, box, reach]) => {{ {ARRIVING}
            return [...perception_label.crop.near(cloud, pose, box, reach)]; }}""",
            [text, POSE.ravel().tolist(), plain(one)[0], reach],
        )
    ).reshape(-1, 3)
    grown = Cuboids(one.center_m, one.size_m + 2 * reach, one.yaw_rad)
    inside = seen[points_inside(seen, grown, mask=True)[0]] - one.center_m[0]
    c, s = math.cos(one.yaw_rad[0]), math.sin(one.yaw_rad[0])
    ours = np.column_stack(
        [c * inside[:, 0] + s * inside[:, 1], c * inside[:, 1] - s * inside[:, 0], inside[:, 2]]
    )
    assert len(ours) > 10
    assert found == pytest.approx(ours, abs=1e-4)  # the browser's are float32


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("side", [1, -1])
def test_a_moved_face_leaves_the_opposite_one(blank, axis, side):
    box = plain(boxes(1, 4))[0]
    at = side * (box["size"][axis] / 2 + 0.8)
    found = blank.evaluate(
        """([box, axis, side, at]) => {
        const {toWorld, withFace} = perception_label.boxmath, next = withFace(box, axis, side, at);
        const face = (b) => { const p = [0, 0, 0]; p[axis] = -side * b.size[axis] / 2;
          return toWorld(b, ...p); };
        return [next.size[axis], face(box), face(next)]; }""",
        [box, axis, side, at],
    )
    assert found[0] == pytest.approx(box["size"][axis] + 0.8)
    assert found[2] == pytest.approx(found[1])


MATRIX = ((500.0, 0.3, 320.0), (0, 510.0, 240.0), (0, 0, 1.0))


@pytest.mark.parametrize(
    ("model", "distortion"),
    [
        ("pinhole", ()),
        ("pinhole", (-0.2, 0.05, 0.001, -0.002, 0.01)),
        ("fisheye", (0.02, -0.01, 0.003, -0.0005)),
    ],
)
def test_pixels_are_ours(blank, model, distortion):
    camera = Camera(640, 480, MATRIX, np.eye(4), distortion=distortion, model=model)
    rng = np.random.default_rng(5)
    places = rng.uniform([-6, -4, -2], [6, 4, 20], (300, 3))
    ours = project_points(camera, places, np.eye(4))
    lens = [value if math.isfinite(value) else None for value in camera.lens().tolist()]
    found = blank.evaluate(
        """([camera, pose, places]) =>
        places.map((place) => perception_label.project.project(camera, pose, place))""",
        [{"width_px": 640, "height_px": 480, "lens": lens, "image_timestamps_ns": []},
         np.eye(4).ravel().tolist(), places.tolist()],
    )  # fmt: skip
    both = 0
    for mine, pixel in zip(found, ours.pixels, strict=True):
        if mine is None or not np.isfinite(pixel).all():
            continue
        both += 1
        assert [mine["x"], mine["y"]] == pytest.approx(pixel.tolist(), abs=1e-6)
    assert both > 150
    shown = np.array([each is not None for each in found])
    assert shown[ours.in_image].all()
