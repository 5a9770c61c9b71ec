import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from perception_label.geometry.inside import points_inside
from perception_label.simulate.log import SimulatedSweeps
from perception_label.simulate.plan import make_plan
from perception_label.simulate.settings import LidarSettings, SceneSettings
from perception_label.simulate.truth import Truth


def world_from_lidar(recording, i):
    times = recording.ego_poses.timestamps_ns
    at = int(np.searchsorted(times, recording.timestamps_ns[i]))
    assert times[at] == recording.timestamps_ns[i]
    return recording.ego_poses.world_from_ego[at] @ recording.ego_from_lidar


def world_points(recording, sweep, i):
    pose = world_from_lidar(recording, i)
    return sweep.points_m.astype(float) @ pose[:3, :3].T + pose[:3, 3]


def same(a, b):
    names = ("points_m", "intensity", "ring", "time_offset_ns")
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in names)


def test_a_sweep_is_the_same_whatever_was_made_before(recording, made):
    fresh = pickle.loads(pickle.dumps(recording.source))
    assert same(fresh(7), made[7].sweep)


def test_threads_change_nothing(small, made):
    source = SimulatedSweeps(make_plan(small), threads=1)
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(source, range(4)))
    assert all(same(a, b.sweep) for a, b in zip(again, made, strict=False))


def test_another_seed_is_another_town(small, made):
    other = SimulatedSweeps(make_plan(replace(small, seed=4, duration_s=0.1)))
    assert not same(other(0), made[0].sweep)


def test_points_of_an_object_lie_in_its_box(recording, made):
    """Mirrors may stick out, bodies tilt with the road, movers smear within the sweep."""
    plan, total, out = recording.source.plan, 0, 0
    for i, sweep in enumerate(made):
        points = world_points(recording, sweep.sweep, i)
        cuboids, index = Truth(plan).boxes(i)
        for box, k in enumerate(index):
            own = points[sweep.instances == k + 1]
            grown = cuboids[box]
            speed = 12.0 * (k >= len(plan.parked))
            grown.size_m[:] += 0.2 + 2 * 0.05 * speed
            grown.size_m[:, 1] += 0.3
            total += len(own)
            out += len(own) - int(points_inside(own, grown)[0])
    assert total > 500
    assert out <= 0.002 * total


def test_truth_counts_the_points_in_each_box(recording, made):
    truth = recording.truth
    i = 5
    rows = truth.timestamps_ns == recording.timestamps_ns[i]
    points = world_points(recording, made[i].sweep, i)
    assert points_inside(points, truth.cuboids[rows]).tolist() == truth.n_points[rows].tolist()
    assert truth.n_points[rows].max() > 20


def test_truth_holds_only_what_was_seen_at_least_once(recording, made):
    owners = set(np.unique(np.concatenate([m.instances for m in made])).tolist()) - {0}
    names = recording.source.plan.names()
    assert set(recording.truth.track_names) <= {names[k - 1] for k in owners}
    assert (recording.truth.n_points == 0).any()


def test_ground_points_lie_on_the_ground(recording, made):
    town = recording.source.plan.town
    points = world_points(recording, made[4].sweep, 4)[made[4].is_ground]
    height = points[:, 2] - town.height_m(points[:, :2])
    on_road = town.outside_road_m(points[:, :2]) < -0.3
    assert on_road.mean() > 0.2
    # Along the ray noise is 15 mm; the mesh is exact to some millimetres.
    assert np.quantile(np.abs(height[on_road]), 0.99) < 0.05
    off_road = town.outside_road_m(points[:, :2]) > 0.3
    assert np.median(height[off_road]) == pytest.approx(0.14, abs=0.02)


def test_straight_ahead_is_seen_at_the_timestamp(made):
    sweep = made[0].sweep
    ahead = np.abs(np.arctan2(sweep.points_m[:, 1], sweep.points_m[:, 0])) < 0.05
    assert ahead.any()
    assert np.abs(sweep.time_offset_ns[ahead]).max() < 2_000_000
    assert np.abs(sweep.time_offset_ns).max() <= 50_000_000


def test_ranges_without_noise_match_the_plane_of_a_flat_town():
    lidar = LidarSettings(n_beams=32, azimuth_step_rad=0.02, range_noise_m=0.0, drop_share=0.0)
    empty = {"vehicles": 0, "cyclists": 0, "pedestrians": 0}
    settings = SceneSettings(seed=1, duration_s=0.1, hill_height_m=0.0, lidar=lidar, **empty)
    source = SimulatedSweeps(make_plan(settings))
    made = source.labelled(0)
    pose = source.plan.world_from_ego(source.plan.sweep_times_s()[:1])[0]
    points = made.sweep.points_m[made.is_ground].astype(float)
    xy = (points + lidar.position_m)[:, :2] @ pose[:2, :2].T + pose[:2, 3]
    road = source.plan.town.outside_road_m(xy) < -0.2
    assert road.mean() > 0.3
    # The road's own roughness is 5 mm from crest to hollow; 1 mm beyond it is ours.
    assert np.abs(points[road, 2] + lidar.position_m[2]).max() < 0.0035
