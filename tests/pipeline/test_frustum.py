from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perception_label.cloud.sweeps import Sweep
from perception_label.errors import EditError, SettingError, ShapeError
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import overlap_bev
from perception_label.geometry.poses import EgoPoses
from perception_label.pipeline.frustum import cuboid_from_box, track_from_box
from perception_label.pipeline.project import project_tracks
from perception_label.pipeline.workspace import open_workspace
from recordings import MemorySource, recording

AHEAD = np.array([[0.0, 0, 1, 1], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]])
CAMERA = Camera(640, 480, ((400.0, 0, 319.5), (0, 400.0, 239.5), (0, 0, 1.0)), AHEAD)
CARS = Cuboids([[15, 2, 0.8], [26, -4, 0.8]], [[4.5, 1.8, 1.6]] * 2, [0.0, 0.4])
LIDAR = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1.8], [0, 0, 0, 1]])
N = 5


def cloud(seed):
    """Flat ground and the sides of the cars that face the sensor, sensor frame."""
    rng = np.random.default_rng(seed)
    ground = np.column_stack([rng.uniform(-5, 45, 6000), rng.uniform(-20, 20, 6000)])
    parts = [np.column_stack([ground, rng.normal(0, 0.01, 6000)])]
    for box in range(2):
        length, width, height = CARS.size_m[box]
        side = rng.random(500) < 0.4
        local = np.column_stack(
            [
                np.where(side, -length / 2, rng.uniform(-length / 2, length / 2, 500)),
                np.where(side, rng.uniform(-width / 2, width / 2, 500), 0.0),
                rng.uniform(0.1, height, 500) - height / 2,
            ]
        )
        near = -1.0 if CARS.center_m[box, 1] > 0 else 1.0
        local[~side, 1] = near * width / 2
        c, s = np.cos(CARS.yaw_rad[box]), np.sin(CARS.yaw_rad[box])
        turned = local @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        parts.append(turned + CARS.center_m[box])
    return (np.concatenate(parts) - [0, 0, 1.8]).astype(np.float32)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    plain = recording(N)
    sweeps = tuple(
        Sweep(points_m=cloud(k), timestamp_ns=int(plain.timestamps_ns[k])) for k in range(N)
    )
    shots = Images(plain.timestamps_ns, tuple(Path(f"/nowhere/{k}.png") for k in range(N)))
    given = replace(
        plain,
        source=MemorySource(sweeps),
        ego_from_lidar=LIDAR,
        ego_poses=EgoPoses(plain.timestamps_ns, np.tile(np.eye(4), (N, 1, 1))),
        truth=None,
        cameras={"front": CAMERA},
        images={"front": shots},
    )
    workspace = open_workspace(tmp_path_factory.mktemp("frustum") / "w", create=True)
    workspace.ingest(given)
    return workspace.log()


@pytest.fixture(scope="module")
def boxes(log):
    from perception_label.geometry.labels import Labels

    truth = Labels.from_columns(
        np.repeat(log.timestamps_ns, 2), ["a", "b"] * N, ["car"] * 2 * N,
        Cuboids.unpack(np.tile(CARS.packed(), (N, 1))),
    )  # fmt: skip
    seen = project_tracks(log, "front", truth, images=[2])
    assert [seen.track_names[t] for t in seen.tracks] == ["a", "b"]
    return seen.boxes_px


@pytest.mark.parametrize("which", [0, 1])
def test_a_box_gives_the_cuboid_of_what_is_in_it(log, boxes, which):
    found = cuboid_from_box(log, "front", 2, boxes[which])
    assert found.class_name == "car"
    assert overlap_bev(found.cuboid, CARS[[which]])[0, 0] > 0.6


def test_a_mask_gives_the_same_as_its_box(log, boxes):
    mask = np.zeros((480, 640), dtype=bool)
    x0, y0, x1, y1 = np.rint(boxes[0]).astype(int)
    mask[y0:y1, x0:x1] = True
    found = cuboid_from_box(log, "front", 2, mask=mask)
    assert overlap_bev(found.cuboid, CARS[[0]])[0, 0] > 0.6
    with pytest.raises(EditError):
        cuboid_from_box(log, "front", 2, boxes[0], mask=np.zeros_like(mask))


def test_a_box_gives_a_track(log, boxes):
    track = track_from_box(log, "front", 2, boxes[0], class_name="car")
    assert len(track.cuboids) == N
    assert overlap_bev(track.cuboids, CARS[[0]]).min() > 0.6


def test_a_box_on_the_sky_or_on_bare_ground_has_no_cuboid(log):
    for box in ([100, 10, 200, 60], [10, 400, 120, 470]):
        with pytest.raises(EditError, match="the LiDAR saw none"):
            cuboid_from_box(log, "front", 2, box)


def test_wrong_input_is_refused(log):
    box = [0, 0, 10, 10]
    with pytest.raises(ShapeError, match="with an area"):
        cuboid_from_box(log, "front", 0, [10, 10, 10, 20])
    with pytest.raises(ShapeError, match="got neither"):
        cuboid_from_box(log, "front", 0)
    with pytest.raises(ShapeError, match="mask"):
        cuboid_from_box(log, "front", 0, mask=np.ones((4, 4), dtype=bool))
    with pytest.raises(SettingError, match="an image from 0 to 4"):
        cuboid_from_box(log, "front", 5, box)
    with pytest.raises(SettingError, match="a camera of front"):
        cuboid_from_box(log, "rear", 0, box)
