from dataclasses import replace

import numpy as np
import pytest

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.interpolate import interpolate
from perception_label.propagation.solve import solve_path
from perception_label.propagation.unseen import unseen_path
from propagation.scenes import CAR_M, subject


def blind(truth, at):
    """A car whose sweeps hold no points."""
    case = subject(truth, CAR_M, at)
    nothing = np.empty((0, 3), dtype=np.float32)
    return replace(case, views=replace(case.views, points=lambda i: nothing))


def straight_then_bent(n=61):
    """A way that is straight up to its middle."""
    way = np.arange(n) * 0.8
    yaw = np.clip(way - way[n // 2], 0, None) / 5
    x = np.cumsum(0.8 * np.cos(yaw))
    return np.column_stack([x, 5 + np.cumsum(0.8 * np.sin(yaw)), np.full(n, 0.8), yaw])


def test_what_no_sweep_saw_follows_the_curve_of_its_keyframes():
    truth, at = straight_then_bent(), [0, 20, 40, 60]
    case = blind(truth, at)
    path = solve_path(case)
    times_ns = np.rint(case.views.seconds * 1e9).astype(np.int64)
    keys = Cuboids(truth[at, :3], np.repeat(CAR_M[None], 4, axis=0), truth[at, 3])
    curve = interpolate(keys, times_ns[at], times_ns, method="motion").packed()
    assert path.is_unseen
    assert not path.is_static
    assert path.poses[:, :2] == pytest.approx(curve[:, :2], abs=1e-6)
    assert (path.poses[at] == case.keys.poses).all()
    assert np.flatnonzero(path.found).tolist() == at


def test_the_curve_is_less_sure_where_the_way_bends():
    case = blind(straight_then_bent(), [0, 10, 20, 30, 40, 50, 60])
    _, covariances = unseen_path(case)
    sigma_m = np.sqrt(covariances[:, 0, 0])
    assert sigma_m[45] > 1.5 * sigma_m[5]
    assert (sigma_m[case.keys.at] == 0).all()
    assert sigma_m[5] > sigma_m[1] > 0


@pytest.mark.parametrize("at", [[30], [20, 40]])
def test_few_keyframes_are_enough(at):
    path = solve_path(blind(straight_then_bent(), at))
    assert np.isfinite(path.poses).all()
    assert np.isfinite(path.covariances).all()
    assert path.is_unseen == (len(at) > 1)
