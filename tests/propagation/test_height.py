from dataclasses import replace

import numpy as np
import pytest

from perception_label.propagation.height import Height
from propagation.scenes import CAR_M, bend, subject


def on_ground(height_of, at=(0,)):
    case = subject(bend(11), CAR_M, list(at))
    return replace(case, views=replace(case.views, ground=height_of))


def test_heights_follow_a_slope():
    case = on_ground(lambda xy, _reach: 0.1 * xy[:, 0])
    xy = case.keys.poses[0, :2] + np.column_stack([np.arange(11.0), np.zeros(11)])
    z, spread = Height(case).of_span(xy)
    assert z - z[0] == pytest.approx(0.1 * np.arange(11.0))
    assert z[0] == pytest.approx(case.keys.poses[0, 2])
    assert (spread < 0.1).all()


def test_where_the_ground_is_unknown_a_pose_keeps_its_height():
    case = on_ground(lambda xy, _reach: np.full(len(xy), np.nan))
    height = Height(case)
    assert height.at(3, np.array([1.0, 2.0, 7.0, 0.0])) == 7.0
    assert np.isinf(height.of_span(np.zeros((11, 2)))[1]).all()


def test_ground_seen_only_farther_around_is_trusted_less():
    case = on_ground(lambda xy, reach: np.full(len(xy), 1.0 if reach > 3 else np.nan))
    z, spread = Height(case).of_span(np.zeros((11, 2)))
    assert np.isfinite(z).all()
    assert (spread > 0.2).all()
