import numpy as np
import pytest

from perception_label.cloud.depth_edges import depth_edges
from perception_label.errors import ShapeError


def scan(board_m=10.0, wall_m=30.0, half_rad=0.1):
    """A board, 0.2 rad wide and high, before a wall."""
    azimuth, elevation = np.meshgrid(np.arange(-0.3, 0.3, 0.0035), np.arange(-0.2, 0.2, 0.0035))
    azimuth, elevation = azimuth.ravel() + 1e-4, elevation.ravel() + 1e-4
    on_board = (np.abs(azimuth) < half_rad) & (np.abs(elevation) < half_rad)
    away = np.where(on_board, board_m, wall_m)
    ray = np.column_stack(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        ]
    )
    return ray * away[:, None]


def test_outlines_are_where_the_board_ends():
    edges = depth_edges(scan())
    azimuth = np.arctan2(edges.points_m[:, 1], edges.points_m[:, 0])
    elevation = np.arcsin(edges.points_m[:, 2] / np.linalg.norm(edges.points_m, axis=1))
    np.testing.assert_allclose(np.linalg.norm(edges.points_m, axis=1), 10, rtol=1e-6)
    np.testing.assert_allclose(np.abs(azimuth[edges.is_upright]), 0.1, atol=0.003)
    np.testing.assert_allclose(np.abs(elevation[~edges.is_upright]), 0.1, atol=0.003)
    # Both sides, all the way up; top and bottom, all the way along.
    assert edges.is_upright.sum() == pytest.approx(2 * 0.2 / 0.0035, rel=0.1)
    assert (~edges.is_upright).sum() == pytest.approx(2 * 0.2 / 0.0035, rel=0.1)


def test_slanted_ground_has_no_outline():
    x, y = np.meshgrid(np.arange(3, 50, 0.2), np.arange(-20, 20, 0.2))
    ground = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, -1.8)])
    assert len(depth_edges(ground)) == 0


def test_order_and_nonsense_change_nothing():
    points = scan()
    rng = np.random.default_rng(0)
    mixed = np.concatenate([points, [[np.nan, 0, 0], [0, 0, 0], [np.inf, 1, 1]]])
    found = depth_edges(mixed[rng.permutation(len(mixed))])
    assert sorted(map(tuple, found.points_m)) == sorted(map(tuple, depth_edges(points).points_m))


def test_few_points_have_no_outline():
    for points in (np.empty((0, 3)), np.array([[9.0, 0, 0]])):
        assert len(depth_edges(points)) == 0
    with pytest.raises(ShapeError):
        depth_edges(np.zeros((3, 2)))
