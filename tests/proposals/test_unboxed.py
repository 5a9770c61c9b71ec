"""What stands or moves between all boxes: found, told apart, described."""

import numpy as np
import pytest

from perception_label.proposals.unboxed import (
    FEATURES,
    Loose,
    class_names,
    describe,
    fleeting_clusters,
    probability,
    standing,
    standing_clusters,
)

SECONDS = np.arange(10) * 0.2
SENSOR = np.tile([[0.0, 0, 1.8]], (10, 1))


def surface(center, size, seed, n=300):
    """Points on the two sides of a box that face the origin, with 2 cm of noise."""
    rng = np.random.default_rng(seed)
    u = rng.uniform(-0.5, 0.5, (n, 3)) * size
    side = rng.random(n) < size[1] / (size[0] + size[1])
    u[side, 0] = -np.sign(center[0] or 1) * size[0] / 2
    u[~side, 1] = -np.sign(center[1] or 1) * size[1] / 2
    middle = np.array([*center, size[2] / 2 + 0.1])
    return u + middle + rng.normal(0, 0.02, (n, 3))


def gathered(parts):
    """Loose points of (sweep, points) pairs; the ground is at 0."""
    points = np.concatenate([p for _, p in parts]).astype(np.float32)
    sweeps = np.concatenate([np.full(len(p), i) for i, p in parts])
    return Loose(points, points[:, 2], sweeps, SECONDS, SENSOR)


def parked(i):
    return surface((12.0, 6.0), (4.3, 1.8, 1.4), i)


def walker(i):
    return surface((8.0 + 0.28 * i, -5.0), (0.6, 0.5, 1.6), 100 + i, 80)


@pytest.fixture
def scene():
    return gathered([(i, p) for i in range(10) for p in (parked(i), walker(i))])


def test_what_stays_stands_and_what_walks_does_not(scene):
    stands = standing(scene)
    is_car = scene.points_m[:, 1] > 0
    assert stands[is_car].mean() > 0.95
    assert stands[~is_car].mean() < 0.35


def test_a_parked_car_is_one_cluster_in_every_sweep(scene):
    found = [describe(scene, c) for c in standing_clusters(scene, standing(scene))]
    for part in found:
        near = np.flatnonzero(np.hypot(*(part.cuboids.center_m[:, :2] - [12, 6]).T) < 1.0)
        assert len(near) == 1
        assert part.sweeps[near[0]].tolist() == list(range(10))
        by_name = dict(zip(FEATURES, part.features[near[0]], strict=True))
        assert by_name["length_m"] == pytest.approx(4.3, abs=0.3)
        assert by_name["height_m"] == pytest.approx(1.5, abs=0.15)
        assert by_name["car"] > 0.7
        assert class_names(part.features[near])[0] == "car"


def test_a_walker_is_a_cluster_in_single_sweeps(scene):
    found = describe(scene, fleeting_clusters(scene, standing(scene)))
    assert len(found.cuboids) >= 6
    assert all(len(s) == 1 for s in found.sweeps)
    assert np.abs(found.cuboids.center_m[:, 1] + 5).max() < 0.6


def test_a_car_is_likelier_an_object_than_a_wall_a_post_and_a_hedge_under_trees():
    rng = np.random.default_rng(3)
    car = [(i, parked(i)) for i in range(10)]
    post = [(i, surface((6.0, -14.0), (0.2, 0.2, 3.5), i, 80)) for i in range(10)]
    tree = rng.uniform((9, -9, 0.3), (14, -6, 3.8), (400, 3))
    loose = gathered([*car, *post, *((i, tree + rng.normal(0, 0.03, (400, 3))) for i in range(10))])
    found = describe(loose, standing_clusters(loose, standing(loose))[1])
    likely = probability(found.features)
    is_car = np.hypot(*(found.cuboids.center_m[:, :2] - [12, 6]).T) < 1.5
    assert is_car.sum() == 1
    assert len(likely) > 1
    assert likely[is_car][0] > 2 * likely[~is_car].max()


def test_walls_are_no_object_size():
    along, up = np.linspace(-15, 15, 900), np.tile([0.5, 1, 2], 300)
    wall = np.column_stack([along, np.full(900, 9.0), up])
    loose = gathered([(i, wall) for i in range(10)])
    assert [c.n for c in standing_clusters(loose, standing(loose))] == [0, 0]


def test_another_origin_moves_the_boxes_and_changes_no_feature(scene):
    shift = np.array([64.0, -32.0, 0.0])  # whole cubes
    moved = Loose(
        (scene.points_m + shift).astype(np.float32),
        scene.height_m,
        scene.sweeps,
        scene.seconds,
        scene.sensor_m + shift,
    )
    # Float32 rounds elsewhere: a heading may turn by a fraction of a degree.
    one, two = (describe(s, standing_clusters(s, standing(s))[1]) for s in (scene, moved))
    assert np.allclose(one.cuboids.center_m + shift, two.cuboids.center_m, atol=0.02)
    assert np.allclose(one.features, two.features, atol=0.05)


def test_nothing_loose_is_nothing_found():
    none = Loose(
        np.empty((0, 3), np.float32),
        np.empty(0, np.float32),
        np.empty(0, np.int64),
        np.empty(0),
        np.empty((0, 3)),
    )
    stands = standing(none)
    assert stands.shape == (0,)
    for clusters in (*standing_clusters(none, stands), fleeting_clusters(none, stands)):
        found = describe(none, clusters)
        assert len(found.cuboids) == 0
        assert found.features.shape == (0, len(FEATURES))
        assert probability(found.features).shape == (0,)


def test_one_sweep_shows_nothing_moving():
    loose = gathered([(0, parked(0))])
    one = Loose(loose.points_m, loose.height_m, loose.sweeps, SECONDS[:1], SENSOR[:1])
    assert standing(one).all()
