from dataclasses import replace

import numpy as np
import pytest

from perception_label.errors import MissingPosesError, SettingError
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import inverse
from perception_label.pipeline.project import nearest_sweeps, project_tracks
from perception_label.pipeline.scan_times import SECTORS, at_scan_times, scan_offsets_ns
from perception_label.pipeline.workspace import open_workspace
from recordings import MOUNT, PERIOD_NS, START_NS, path, recording

LOOKS_AHEAD = np.array([[0.0, 0, 1, 1], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]])
CAMERA = Camera(640, 480, ((400.0, 0, 319.5), (0, 400.0, 239.5), (0, 0, 1.0)), LOOKS_AHEAD)
LATE_NS = 30_000_000
N = 6


def turning(sweep):
    """The same sweep by a LiDAR that starts behind, turns clockwise and ends at the timestamp."""
    points = sweep.points_m @ MOUNT[:3, :3].T + MOUNT[:3, 3]
    turned = (np.pi - np.arctan2(points[:, 1], points[:, 0])) / (2 * np.pi)
    return replace(sweep, time_offset_ns=((turned - 1) * PERIOD_NS).astype(np.int32))


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    times = START_NS + np.arange(N, dtype=np.int64) * PERIOD_NS
    plain = recording(N)
    boxes = Cuboids(
        np.concatenate(
            [np.tile([30.0, 3.0, 0.75], (N, 1)), [[20.0 + 1.5 * k, 2, 1] for k in range(N)]]
        ),
        np.tile([4.0, 2.0, 1.5], (2 * N, 1)),
        np.zeros(2 * N),
    )
    truth = Labels.from_columns(
        np.tile(times, 2), ["still"] * N + ["moves"] * N, ["car"] * N + ["truck"] * N, boxes
    )
    source = replace(plain.source, sweeps=tuple(turning(s) for s in plain.source.sweeps))
    shots = Images(times + LATE_NS, tuple(root / f"{k}.png" for k in range(N)))
    given = replace(
        plain, source=source, truth=truth, cameras={"front": CAMERA}, images={"front": shots}
    )
    workspace = open_workspace(root / "workspace", create=True)
    workspace.ingest(given)
    return workspace.log()


def test_directions_are_scanned_when_the_beam_passes(log):
    offsets = scan_offsets_ns(log)
    assert offsets.shape == (SECTORS,)
    # Straight ahead half a turn before the timestamp, left earlier, right later.
    np.testing.assert_allclose(offsets[[180, 270, 90]] / 1e6, [-50, -75, -25], atol=3)


def test_boxes_get_the_times_of_their_points(log):
    truth = log.truth()
    timed = at_scan_times(log, truth)
    shift = timed.timestamps_ns - truth.timestamps_ns
    assert (shift < 0).all()
    ahead = truth.timestamps_ns == log.timestamps_ns[0]
    assert np.abs(shift[ahead] + PERIOD_NS / 2).max() < 6e6


@pytest.mark.parametrize(
    ("is_exact", "since_ns"), [(True, LATE_NS), (False, LATE_NS + PERIOD_NS / 2)]
)
def test_a_moving_box_is_where_it_is_when_the_image_is_taken(log, is_exact, since_ns):
    found = project_tracks(log, "front", log.truth(), is_exact=is_exact)
    names = np.array(found.track_names)[found.tracks]
    third = (names == "moves") & (found.images == 2)
    assert found.cuboids.center_m[third][0, 0] == pytest.approx(
        20 + 1.5 * (2 + since_ns / PERIOD_NS), abs=0.1
    )
    still = (names == "still") & (found.images == 2)
    np.testing.assert_allclose(found.cuboids.center_m[still][0], [30, 3, 0.75], atol=1e-9)
    assert set(found.class_names[names == "moves"]) == {"truck"}


def test_the_camera_is_where_it_is_when_the_image_is_taken(log):
    found = project_tracks(log, "front", log.truth(), is_exact=True, images=[3])
    assert set(found.images) == {3}
    times = log.timestamps_ns[3] + LATE_NS
    world_from_camera = path(np.array([START_NS, times])).world_from_ego[1] @ LOOKS_AHEAD
    for row in range(len(found)):
        corners = found.cuboids.corners_m()[row]
        at = corners @ inverse(world_from_camera)[:3, :3].T + inverse(world_from_camera)[:3, 3]
        pixels = at[:, :2] / at[:, 2:] * 400 + [320, 240]
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        # The path between poses is a chord, not an arc.
        np.testing.assert_allclose(found.whole_px[row], [*low, *high], atol=1.0)


def test_shares_are_shares_and_visible_is_their_product(log):
    found = project_tracks(log, "front", log.truth())
    assert len(found) > 0
    for share in (found.visible, found.truncated, found.occluded):
        assert ((share >= 0) & (share <= 1)).all()
    np.testing.assert_allclose(found.visible, (1 - found.truncated) * (1 - found.occluded))
    kept = project_tracks(log, "front", log.truth(), min_visible=0.9)
    assert len(kept) == (found.visible >= 0.9).sum()


def test_threads_change_nothing(log):
    one = project_tracks(log, "front", log.truth(), workers=1)
    two = project_tracks(log, "front", log.truth(), workers=3)
    np.testing.assert_array_equal(one.boxes_px, two.boxes_px)
    np.testing.assert_array_equal(one.visible, two.visible)


def test_the_nearest_sweep_looked_ahead_half_a_turn_before_its_timestamp(log):
    times = log.timestamps_ns - PERIOD_NS // 2
    assert nearest_sweeps(log, "front", times).tolist() == list(range(N))


def test_unknown_cameras_and_images_are_refused(log, tmp_path):
    with pytest.raises(SettingError, match="expected a camera of front"):
        project_tracks(log, "rear", log.truth())
    with pytest.raises(SettingError, match="expected images 0 to 5"):
        project_tracks(log, "front", log.truth(), images=[9])
    empty = project_tracks(log, "front", log.truth(), images=[])
    assert len(empty) == 0
    workspace = open_workspace(tmp_path / "w", create=True)
    workspace.ingest(replace(recording(2), ego_poses=None, truth=None, cameras={"front": CAMERA}))
    bare = workspace.log()
    with pytest.raises(MissingPosesError):
        project_tracks(bare, "front", log.truth())
