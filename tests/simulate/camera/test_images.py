from dataclasses import replace

import numpy as np
import pytest

from perception_label.errors import SettingError
from perception_label.geometry.poses import interpolate_poses, inverse
from perception_label.geometry.projection import project_points, unproject_pixels
from perception_label.simulate.camera import SimulatedCamera, simulated_cameras
from perception_label.simulate.plan import START_NS
from perception_label.simulate.settings import CameraSettings, SceneSettings
from simulate.camera.conftest import SMALL


def seen_pixels(camera, points_m, i):
    """Project world points into image i the long way."""
    local = points_m - camera.world_from_camera(i)[:3, 3]
    local = local @ camera.world_from_camera(i)[:3, :3]
    return project_points(camera.calibration, local).pixels


def test_images_are_taken_at_the_cameras_own_instants(camera, recording):
    assert len(camera) == 10
    wanted = START_NS + np.rint((0.033 + np.arange(10) / 10) * 1e9).astype(np.int64)
    assert camera.timestamps_ns.tolist() == wanted.tolist()
    assert not np.isin(camera.timestamps_ns, recording.timestamps_ns).any()


def test_the_calibration_and_the_logs_ego_poses_give_the_cameras_pose(camera, recording):
    world_from_ego = interpolate_poses(recording.ego_poses, camera.timestamps_ns)
    told = world_from_ego @ camera.calibration.ego_from_camera
    exact = np.array([camera.world_from_camera(i) for i in range(len(camera))])
    assert np.abs(told - exact).max() < 1e-3


def test_an_image_is_the_same_whatever_was_asked_before(camera, plan, labelled):
    other = SimulatedCamera(plan, SMALL)
    other.image(7)
    again = other.labelled(4)
    assert np.array_equal(again.rgb, labelled.rgb)
    assert np.array_equal(again.instances, labelled.instances)
    assert np.array_equal(again.depth_m, labelled.depth_m)
    assert np.array_equal(camera.image(4), labelled.rgb)


def test_noise_alone_differs_between_images_of_a_standing_camera(plan, recording):
    quiet = CameraSettings(width_px=64, height_px=40, focal_px=48.0, noise=0.0, rate_hz=1000)
    still = SimulatedCamera(plan, quiet, caster=recording.source.caster)
    a, b = (still.image(i).astype(int) for i in (0, 0))
    assert np.array_equal(a, b)


def test_depth_and_instances_are_those_of_the_bodies(camera, labelled, plan):
    """Places seen on an instance lie within its box, at the image's own instant."""
    rows, columns = np.nonzero(labelled.instances)
    pixels = np.column_stack([columns, rows]).astype(float)
    rays = unproject_pixels(camera.calibration, pixels)[0]
    points = rays / rays[:, 2:] * labelled.depth_m[rows, columns][:, None]
    world = points @ labelled.world_from_camera[:3, :3].T + labelled.world_from_camera[:3, 3]
    assert len(labelled.boxes) > 3
    for instance in labelled.boxes.instances:
        body = plan.bodies[instance - 1]
        mine = world[labelled.instances[rows, columns] == instance]
        local = mine @ (turn := pose_of(plan, instance, camera.times_s[4])[:3, :3])
        local -= pose_of(plan, instance, camera.times_s[4])[:3, 3] @ turn
        length, width, height = body.size_m
        over = np.abs(local - [0, 0, height / 2]) - np.array([length, width, height]) / 2
        assert over[:, [0, 2]].max() < 0.03
        assert over[:, 1].max() < 0.2  # mirrors


def pose_of(plan, instance, time_s):
    from perception_label.simulate.actors import thing_poses

    if instance <= len(plan.parked):
        return thing_poses(plan.town, [plan.parked[instance - 1]])[0]
    actor = plan.actors[instance - 1 - len(plan.parked)]
    return actor.poses(plan.town, np.array([time_s]))[0]


def test_boxes_are_those_of_the_projected_bodies(camera, labelled, plan):
    """The amodal box is that of the mesh's projected corners, to a pixel."""
    compared = 0
    boxes = labelled.boxes
    for k, instance in enumerate(boxes.instances):
        if boxes.is_cut[k]:
            continue
        pose = pose_of(plan, instance, camera.times_s[4])
        actor = instance - 1 - len(plan.parked)
        posture = 0 if actor < 0 else plan.actors[actor].posture(camera.times_s[4])
        mesh = plan.bodies[instance - 1].meshes()[posture]
        at = seen_pixels(camera, mesh.moved(pose).vertices_m, 4) + 0.5
        box = np.concatenate([at.min(axis=0), at.max(axis=0)])
        assert (boxes.amodal_px[k, :2] >= box[:2] - 0.51).all()
        assert (boxes.amodal_px[k, 2:] <= box[2:] + 0.51).all()
        # Handlebars and shoes are thinner than these small pixels.
        assert np.abs(boxes.amodal_px[k] - box).max() < 2.6
        compared += 1
    assert compared > 2


def test_visible_boxes_and_shares_are_those_of_the_masks(labelled):
    boxes = labelled.boxes
    for k, instance in enumerate(boxes.instances):
        rows, columns = np.nonzero(labelled.mask(instance))
        around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert boxes.visible_px[k].tolist() == around
        assert boxes.n_pixels[k] == len(rows)
    assert (boxes.amodal_px[:, :2] <= boxes.visible_px[:, :2]).all()
    assert (boxes.amodal_px[:, 2:] >= boxes.visible_px[:, 2:]).all()
    assert ((boxes.visible_share > 0) & (boxes.visible_share <= 1)).all()


def test_flow_is_the_difference_of_projections(camera, labelled, plan):
    """What is at a pixel goes where its owner takes it, seen from the next image's place."""
    flow = camera.flow(4).flow_px
    shape = labelled.instances.shape
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    pixels = np.column_stack([columns.ravel(), rows.ravel()]).astype(float)
    rays = unproject_pixels(camera.calibration, pixels)[0]
    depth = labelled.depth_m.ravel()
    solid = np.isfinite(depth)
    points = rays[solid] / rays[solid, 2:] * depth[solid, None]
    pose = labelled.world_from_camera
    world = points @ pose[:3, :3].T + pose[:3, 3]
    owner = labelled.instances.ravel()[solid]
    checked = np.ones(len(owner), dtype=bool)
    for instance in np.unique(owner[owner > len(plan.parked)]):
        mine = owner == instance
        if plan.bodies[instance - 1].style == "walker":  # limbs move on their own
            checked &= ~mine
            continue
        then = pose_of(plan, instance, camera.times_s[5])
        move = then @ inverse(pose_of(plan, instance, camera.times_s[4]))
        world[mine] = world[mine] @ move[:3, :3].T + move[:3, 3]
    assert (checked & (owner > len(plan.parked))).sum() > 20
    wanted = seen_pixels(camera, world, 5) - pixels[solid]
    got = flow.reshape(-1, 2)[solid]
    ahead = checked & np.isfinite(wanted).all(axis=1)
    assert np.abs(got - wanted)[ahead].max() < 2e-3


def test_flow_takes_grey_to_grey_where_it_says_so(camera, labelled):
    flow = camera.flow(4)
    assert 0.5 < flow.is_seen.mean() < 1
    grey = labelled.rgb.astype(float).mean(axis=2)
    after = camera.image(5).astype(float).mean(axis=2)
    rows, columns = np.nonzero(flow.is_seen)
    at = np.rint(np.column_stack([columns, rows]) + flow.flow_px[rows, columns]).astype(int)
    change = np.abs(after[at[:, 1], at[:, 0]] - grey[rows, columns])
    assert np.median(change) < 4
    same = camera.labelled(5).instances[at[:, 1], at[:, 0]] == labelled.instances[rows, columns]
    assert same.mean() > 0.97


def test_there_and_back_is_nowhere(camera):
    """Flow to the next image, then from there back, cancels where both are seen."""
    there, back = camera.flow(4), camera.flow(5, 4)
    rows, columns = np.nonzero(there.is_seen)
    at = np.column_stack([columns, rows]) + there.flow_px[rows, columns]
    near = np.rint(at).astype(int)
    both = back.is_seen[near[:, 1], near[:, 0]]
    total = there.flow_px[rows, columns] + back.flow_px[near[:, 1], near[:, 0]]
    assert np.median(np.hypot(*total[both].T)) < 0.1


def test_no_flow_to_the_image_itself(camera):
    flow = camera.flow(2, 2)
    assert np.abs(flow.flow_px).max() < 1e-3
    assert flow.is_seen.mean() > 0.99


def test_a_picture_has_a_sky_a_road_and_things_to_follow(labelled):
    grey = labelled.rgb.astype(float).mean(axis=2)
    sky, road = ~np.isfinite(labelled.depth_m), np.isfinite(labelled.depth_m)
    assert sky[:20].mean() > 0.2
    assert road[-20:].all()
    assert grey[sky].mean() > grey[-20:].mean()
    assert grey[-20:].std() > 4  # something to follow on the asphalt


def test_gain_drift_changes_brightness_and_nothing_else(plan, recording):
    steady = CameraSettings(width_px=64, height_px=40, focal_px=48.0, noise=0, smooth_edges=False)
    made = [
        SimulatedCamera(plan, settings, caster=recording.source.caster).labelled(6)
        for settings in (steady, replace(steady, gain_drift=0.4))
    ]
    assert np.array_equal(made[0].instances, made[1].instances)
    darker = made[1].rgb.astype(int) - made[0].rgb
    assert abs(darker.mean()) > 2
    assert (np.sign(darker) * np.sign(darker.mean()) >= 0).all()


def test_settings_that_are_no_camera_are_refused(plan, recording):
    with pytest.raises(SettingError, match="model: expected 'pinhole' or 'fisheye'"):
        CameraSettings(model="mirror")
    with pytest.raises(SettingError, match="rate_hz: expected more than 0"):
        CameraSettings(rate_hz=0)
    with pytest.raises(SettingError, match="camera front: expected a lens that fills the picture"):
        SimulatedCamera(plan, CameraSettings(distortion=(-0.9, 0, 0, 0)))


def test_an_image_that_is_not_there_is_refused(camera):
    with pytest.raises(SettingError, match="expected 0 to 9, got 10"):
        camera.image(10)
    with pytest.raises(SettingError, match="expected 0 to 9, got -1"):
        camera.labelled(-1)


def test_a_fisheye_camera_sees_what_it_looks_at(plan, recording):
    settings = CameraSettings(
        width_px=120, height_px=120, focal_px=40.0, model="fisheye", distortion=(0.01, 0, 0, 0)
    )
    wide = SimulatedCamera(plan, settings, caster=recording.source.caster)
    made = wide.labelled(3)
    flow = wide.flow(3)
    assert np.isfinite(flow.flow_px[made.depth_m > 0]).all()
    assert (made.depth_m[:, :2][np.isfinite(made.depth_m[:, :2])] < 30).any()


def test_cameras_of_a_log_come_by_name():
    rig = (SMALL, CameraSettings(name="left", rotation_rpy_rad=(0, 0, 1.2), rate_hz=5))
    cameras = simulated_cameras(SceneSettings(seed=3, duration_s=1.0, vehicles=2, cameras=rig))
    assert list(cameras) == ["front", "left"]
    assert len(cameras["left"]) == 5
    left = cameras["left"].calibration.ego_from_camera[:3, 2]
    assert np.allclose(left, [np.cos(1.2), np.sin(1.2), 0])
