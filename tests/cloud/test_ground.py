import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perception_label as pl
from oracles import ground as oracle
from perception_label._core import ground as core
from perception_label.cloud import ground

SEEDS = st.integers(0, 2**32 - 1)


def rings(height_of, *, sensor_m=1.8, n_beams=40, n_turns=720, seed=0, noise_m=0.02):
    """What a spinning LiDAR sees of a surface z = height_of(x, y), sensor frame."""
    rng = np.random.default_rng(seed)
    down = np.linspace(np.radians(-25), np.radians(-1.2), n_beams)[:, None]
    turn = np.arange(n_turns) / n_turns * 2 * np.pi
    r = np.full((n_beams, n_turns), 1.0)
    level = height_of(0.0, 0.0)
    for _ in range(60):
        x, y = r * np.cos(turn), r * np.sin(turn)
        drop = sensor_m + level - height_of(x, y)
        r = np.clip(0.7 * r + 0.3 * drop / np.tan(-down), 0.5, 90)
    x, y = r * np.cos(turn), r * np.sin(turn)
    z = height_of(x, y) - level - sensor_m + rng.normal(0, noise_m, x.shape)
    keep = (r < 80) & (np.abs(np.arctan2(z, r) - down) < 0.01)
    return np.stack([x[keep], y[keep], z[keep]], axis=1).astype(np.float32)


def box(center, size, n, seed=0):
    """Points on the sides and the top of a box."""
    rng = np.random.default_rng(seed)
    unit = rng.uniform(-0.5, 0.5, (n, 3))
    side = rng.integers(0, 3, n)
    unit[np.arange(n), side] = np.where(side == 2, 0.5, np.sign(unit[np.arange(n), side]) * 0.5)
    return (unit * size + center).astype(np.float32)


SURFACES = {
    "flat": lambda x, y: 0 * x,
    "ramp": lambda x, y: 0.1 * x,
    "cross slope": lambda x, y: 0.05 * x - 0.06 * y,
    "hill": lambda x, y: 2.0 * np.exp(-((x - 30) ** 2 + y**2) / 400),
    "dip": lambda x, y: -1.5 * np.exp(-((x + 25) ** 2 + (y - 5) ** 2) / 300),
    "kerb": lambda x, y: 0.15 * (np.abs(y) > 5),
    "crown": lambda x, y: -0.02 * np.abs(y),
}


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("sensor_m", [0.35, 1.8, 3.2])
def test_bare_ground_is_ground_at_any_mounting_height(name, sensor_m):
    points = rings(SURFACES[name], sensor_m=sensor_m)
    assert len(points) > 5000
    assert pl.split_ground(points).mean() > 0.98


@pytest.mark.parametrize("name", SURFACES)
def test_surface_follows_the_ground(name):
    points = rings(SURFACES[name])
    height = ground.ground_surface(points).height_above(points)
    assert np.quantile(np.abs(height), 0.95) < 0.06


@pytest.mark.parametrize("name", SURFACES)
def test_boxes_on_the_ground_are_not_ground(name):
    surface = SURFACES[name]
    parts = [rings(surface)]
    for k, (x, y) in enumerate([(8, 3), (12, -7), (-15, 2), (20, 9), (-9, -9)]):
        floor = float(surface(x, y)) - 1.8 - float(surface(0.0, 0.0))
        parts.append(box((x, y, floor + 0.95), (4.0, 1.8, 1.3), 400, k))
    is_ground = pl.split_ground(np.concatenate(parts))
    n = len(parts[0])
    assert is_ground[:n].mean() > 0.97
    assert is_ground[n:].mean() < 0.03


def test_reflections_below_the_ground_do_not_pull_it_down():
    road = rings(SURFACES["flat"])
    rng = np.random.default_rng(1)
    below = rng.uniform([-30, -30, -9], [30, 30, -2.6], (400, 3)).astype(np.float32)
    is_ground = pl.split_ground(np.concatenate([road, below]))
    assert is_ground[: len(road)].mean() > 0.98
    assert not is_ground[len(road) :].any()


def test_a_lower_road_beside_a_bridge_is_another_level():
    deck = rings(SURFACES["flat"])
    deck = deck[np.abs(deck[:, 1]) < 8]
    rng = np.random.default_rng(2)
    lower = rng.uniform([-40, 12, -8], [40, 40, -7.9], (4000, 3)).astype(np.float32)
    is_ground = pl.split_ground(np.concatenate([deck, lower]))
    assert is_ground[: len(deck)].mean() > 0.97


def test_a_ceiling_is_not_ground():
    road = rings(SURFACES["flat"])
    ceiling = road * np.float32([1, 1, 0]) + np.float32([0, 0, 1.0])
    is_ground = pl.split_ground(np.concatenate([road, ceiling]))
    assert is_ground[: len(road)].mean() > 0.98
    assert not is_ground[len(road) :].any()


@given(SEEDS)
def test_order_of_points_changes_nothing(seed):
    points = np.concatenate([rings(SURFACES["ramp"], n_turns=90), box((8, 0, -1), (4, 2, 1.5), 90)])
    order = np.random.default_rng(seed).permutation(len(points))
    assert (pl.split_ground(points)[order] == pl.split_ground(points[order])).all()


@given(st.sampled_from([-20.0, -1.5, 0.25, 7.0]))
def test_lifting_everything_changes_nothing(lift_m):
    points = np.round(
        np.concatenate([rings(SURFACES["hill"]), box((8, 0, -1), (4, 2, 1), 90)]) * 64
    )
    points /= 64
    same = pl.split_ground(points) == pl.split_ground(points + np.float32([0, 0, lift_m]))
    assert same.mean() > 0.995


def test_points_that_are_not_finite_are_not_ground_and_disturb_nobody():
    points = rings(SURFACES["flat"])
    bad = np.float32(
        [[np.nan, 0, 0], [0, np.inf, 0], [3, 3, -np.inf], [3e38, 0, 0], [5, 5, np.nan]]
    )
    is_ground = pl.split_ground(np.concatenate([bad, points]))
    assert not is_ground[:5].any()
    assert (is_ground[5:] == pl.split_ground(points)).all()


def test_no_point_one_point_and_points_far_away():
    assert pl.split_ground(np.empty((0, 3))).shape == (0,)
    assert pl.split_ground(np.zeros((1, 3))).tolist() == [True]
    assert pl.split_ground(np.full((4, 3), 1e6)).shape == (4,)
    assert ground.ground_surface(np.empty((0, 3))).z_at([[1.0, 2.0]]).tolist() == [0.0]


def test_surface_tells_the_height_at_places():
    surface = ground.ground_surface(rings(SURFACES["ramp"]))
    z = surface.z_at([[0.0, 0.0], [10.0, 3.0], [-20.0, 1.0], [np.nan, 0.0]])
    np.testing.assert_allclose(z[:3], [-1.8, -0.8, -3.8], atol=0.08)
    assert np.isnan(z[3])


def test_wrong_shapes_and_settings_are_refused():
    with pytest.raises(pl.LabelError, match=r"points_m: expected \(N, 3\), got \(3,\)"):
        pl.split_ground(np.zeros(3))
    with pytest.raises(pl.LabelError, match=r"xy_m: expected \(N, 2\), got \(4, 3\)"):
        ground.ground_surface(np.zeros((4, 3))).z_at(np.zeros((4, 3)))
    with pytest.raises(pl.LabelError, match="tolerance_m: expected a positive number"):
        pl.split_ground(np.zeros((4, 3)), tolerance_m=-1.0)


@given(SEEDS, st.integers(0, 120))
def test_kernels_match_their_twins(seed, n):
    rng = np.random.default_rng(seed)
    points = (rng.normal(0, 1, (n, 3)) * [9, 9, 0.4]).astype(np.float32)
    points[rng.integers(0, max(n, 1), n // 20)] = np.nan
    edges = np.array([0, 1, 2, 3.5, 5, 8, 12, 18.0])
    ring_at = (np.searchsorted(edges, np.arange(18 * 4) / 4, side="right") - 1).astype(np.int32)
    results = [run_kernels(side, points, edges, ring_at) for side in (core, oracle)]
    for mine, twin in zip(*results, strict=True):
        np.testing.assert_allclose(mine, twin, atol=1e-6)


def run_kernels(side, points, edges, ring_at):
    n = len(points)
    places, counts = np.empty((n, 2), np.float32), np.empty((7, 12), np.int32)
    side.place_points(points, edges.astype(np.float32), ring_at, places, counts)
    ends = (np.cumsum(counts) - counts.ravel()).astype(np.int32).reshape(counts.shape)
    heights, low = np.empty(counts.sum(), np.float32), np.empty((3, 12))
    side.heights_by_cell(points, places, ends, heights)
    side.second_lowest(heights, ends, low)
    surface, rise, gap, support = np.zeros((4, 7, 12))
    plane = np.array([0.0, 0.01, -0.02])
    side.grow(heights, ends, edges, plane, 3.0, 0.25, 0.12, surface, rise, gap, support)
    grown = surface.copy()
    side.relax(support, 3, surface)
    above, offsets = np.empty(n, np.float32), np.empty((7, 24), np.int32)
    side.height_above(surface, support, points, places, above)
    # On the grid of the thresholds' own steps no rounding decides on which side a point lies.
    coarse = (np.round(above * 64) / 64 + 1 / 128).astype(np.float32)
    side.count_offsets(coarse, places, offsets)
    tolerance, is_ground = np.linspace(0.06, 0.3, 7), np.empty(n, np.uint8)
    cells = np.empty((7, 12, 2), np.int32)
    side.choose_ground(coarse, places, tolerance, 0.1, 0.5, cells, is_ground)
    return [
        places,
        counts,
        ends,
        heights,
        low,
        grown,
        rise,
        gap,
        support,
        surface,
        above,
        offsets,
        is_ground,
    ]


@pytest.mark.realdata
def test_semantickitti_sweep(real_data):
    points = np.fromfile(real_data("semantickitti_seq00/000000.bin"), np.float32).reshape(-1, 4)
    labels = np.fromfile(real_data("semantickitti_seq00/000000.label"), np.uint32) & 0xFFFF
    truth, known = np.isin(labels, [40, 44, 48, 49, 60, 72]), labels > 1
    found = pl.split_ground(points[:, :3])
    hits = (found & truth & known).sum()
    assert 2 * hits / (found[known].sum() + truth[known].sum()) > 0.97
