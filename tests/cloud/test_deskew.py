from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.cloud.deskew import deskew
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import SettingError
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse, transform
from recordings import MOUNT, START_NS, path, world_points

TIMES = START_NS + np.arange(-2, 4, dtype=np.int64) * 100_000_000


def smeared(seed, ego_poses, n=300):
    """A still world, each point seen from where the sensor was at that point's time."""
    rng = np.random.default_rng(seed)
    world = world_points(n, seed)
    offsets = rng.integers(-60_000_000, 60_000_000, n).astype(np.int32)
    poses = interpolate_poses(ego_poses, START_NS + offsets.astype(np.int64)) @ MOUNT
    seen = np.einsum("nij,nj->ni", inverse(poses)[:, :3, :3], world) + inverse(poses)[:, :3, 3]
    at_once = transform(
        inverse(interpolate_poses(ego_poses, np.array([START_NS]))[0] @ MOUNT), world
    )
    return Sweep(seen.astype(np.float32), START_NS, time_offset_ns=offsets), at_once


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 40),
    st.floats(-1.5, 1.5).filter(lambda w: abs(w) > 0.01),
)
def test_a_still_world_becomes_sharp_again(seed, speed_mps, turn_radps):
    ego_poses = path(TIMES, speed_mps, turn_radps)
    sweep, at_once = smeared(seed, ego_poses)
    assert np.abs(deskew(sweep, ego_poses, MOUNT).points_m - at_once).max() < 2e-3


def test_a_standing_sensor_changes_nothing():
    ego_poses = EgoPoses(TIMES, np.tile(np.eye(4), (len(TIMES), 1, 1)))
    sweep, _ = smeared(1, ego_poses)
    assert np.allclose(deskew(sweep, ego_poses, MOUNT).points_m, sweep.points_m, atol=1e-5)


def test_points_of_the_sweeps_instant_stay():
    sweep, _ = smeared(2, path(TIMES))
    same = replace(sweep, time_offset_ns=np.zeros(len(sweep), np.int32))
    assert np.allclose(deskew(same, path(TIMES), MOUNT).points_m, sweep.points_m, atol=1e-5)


def test_no_points_and_no_times():
    empty = Sweep(np.empty((0, 3), np.float32), START_NS, time_offset_ns=np.empty(0, np.int32))
    assert len(deskew(empty, path(TIMES), MOUNT)) == 0
    with pytest.raises(SettingError, match="expected a time of each point"):
        deskew(replace(empty, time_offset_ns=None), path(TIMES), MOUNT)
