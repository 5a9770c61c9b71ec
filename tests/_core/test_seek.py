import numpy as np
import pytest

from _core.test_register import HALF_M, SIDE_M, corner, in_rows
from oracles import passes as passes_oracle
from oracles import register as register_oracle
from oracles import seek as oracle
from perception_label._core import passes, seek

RADII = np.array([0.3, 0.2, 0.1])
MEASURES = np.array([SIDE_M, 0.005, 0.15, 0.5, 0.25, 0.08])
STEPS = np.array([0.15, 0.15, 0.05])
LIMITS = np.array([3.0, 0.3])
SEARCH = np.array([0.35, 0.3, 0.25, 0.3, 30.0])


def shape(seed):
    model, nearest = np.zeros((500, 3), np.float32), np.full((32, 24, 18), -1, np.int32)
    apart2 = np.full(nearest.shape, np.inf, np.float32)
    n = register_oracle.grow(
        corner(seed, 60), np.zeros(4), HALF_M, 0.08, SIDE_M, 0, model, nearest, apart2
    )
    return [n, model, nearest, apart2]


def placed(points, pose):
    """Points of an object's axes where its pose is."""
    c, s = np.cos(pose[3]), np.sin(pose[3])
    x = pose[0] + c * points[:, 0] - s * points[:, 1]
    y = pose[1] + s * points[:, 0] + c * points[:, 1]
    return np.column_stack([x, y, pose[2] + points[:, 2]])


def both(run, seed):
    """What a kernel and its twin make of the same; the shapes too."""
    results = []
    for side in (seek, oracle):
        own, pose, curved = shape(seed), np.zeros(4), np.zeros((3, 3))
        n = run(side, own, (pose, curved))
        results.append((n, pose, curved, own[1]))
    return results


def same(fast, slow):
    assert fast[0] == pytest.approx(slow[0], abs=2)
    assert fast[1] == pytest.approx(slow[1], abs=5e-3)
    assert fast[2] == pytest.approx(slow[2], rel=0.05, abs=20)


def seen(seed, offset_m, half_m):
    """Points of an object off a guess, in the guess's axes."""
    points = in_rows(placed(corner(seed + 50, 50), np.array([*offset_m, 0, 0.03])))
    out = np.empty((60, 3), np.float32)
    return out[: register_oracle.crop(points, np.zeros(4), half_m, out)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("offset_m", [0.1, 3.0])
@pytest.mark.parametrize(
    ("weight", "price"),
    [
        (np.zeros((3, 3)), np.array([3.0, 5.0, 10.0, 0.0, 0.0])),
        (np.diag([4.0, 9.0, 100.0]), np.array([0.0, 0.0, 0.0, 0.7, 12.0])),
    ],
)
def test_find_matches_its_oracle(seed, offset_m, weight, price):
    points = seen(seed, (offset_m, 0), HALF_M + np.array([0.4, 0.2, 0.0]))
    begun = np.zeros((3, 4))
    begun[1:, 0] = -0.4, 0.4

    def run(side, own, out):
        return side.find(
            points, begun, weight, price, LIMITS, RADII, MEASURES, STEPS, HALF_M, HALF_M, *own,
            *out,
        )  # fmt: skip

    fast, slow = both(run, seed)
    assert (fast[0] < 0) == (slow[0] < 0) == (offset_m > 2)
    same(fast, slow)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reach_m", [np.array([0.4, 0.3]), np.array([1.0, 0.5])])
def test_starts_match_their_oracle(seed, reach_m):
    points = seen(seed, (0.2, -0.1), HALF_M + np.append(reach_m, 0.0))
    price = np.array([0.0, 0.0, 0.0, 0.7, 12.0])
    turned, weight = np.array([-0.08, 0.0, 0.08]), np.diag([4.0, 9.0, 100.0])
    results = []
    for side in (seek, oracle):
        _, *model = shape(seed)
        out = np.empty((4, 4))
        side.starts(points, reach_m, turned, weight, price, SEARCH, HALF_M, SIDE_M, *model[:2], out)
        results.append(out)
    assert results[0] == pytest.approx(results[1], abs=1e-9)
    assert (results[0][0] == 0).all()
    assert np.abs(results[0][1, :2] - [0.2, -0.1]).max() < 0.3


def test_nothing_is_found_where_there_is_nothing():
    none, pose, curved = np.empty((0, 3), np.float32), np.zeros(4), np.zeros((3, 3))
    found = seek.find(
        none, np.zeros((1, 4)), np.eye(3), np.zeros(5), LIMITS, RADII, MEASURES, STEPS, HALF_M,
        HALF_M, *shape(1), pose, curved,
    )  # fmt: skip
    assert found == -1


def sweeps(seed):
    """Points of four sweeps one after the other, the third nearly empty, and where they end."""
    parts = [
        corner(seed + i, n) + np.float32([0.05 * i, 0, 0]) for i, n in enumerate((40, 40, 3, 30))
    ]
    stops = np.cumsum([len(p) for p in parts])
    return np.concatenate(parts), np.column_stack([stops - [40, 40, 3, 30], stops])


def test_grow_each_matches_its_oracle():
    points, ends = sweeps(3)
    order, poses = np.array([3, 0, 1]), np.zeros((4, 4))
    poses[:, 0] = 0.05 * np.arange(4)
    counts, models = [], []
    for side in (passes, passes_oracle):
        n, *own = shape(2)
        counts.append(side.grow_each(points, ends, order, poses, HALF_M, 0.08, SIDE_M, n, *own))
        models.append(own[0])
    assert counts[0] == counts[1] > shape(2)[0]
    assert models[0] == pytest.approx(models[1], abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_align_each_matches_its_oracle(seed):
    points, ends = sweeps(seed)
    before = np.full((4, 4), np.nan)
    before[0] = 0.0
    results = []
    for side in (passes, passes_oracle):
        poses, found, curved = np.zeros((4, 4)), np.empty(4), np.zeros((4, 3, 3))
        side.align_each(
            points, ends, poses, np.full(4, 0.3), np.array([3, 1, 1, 3]), before,
            np.array([3.0, 0.3, 3.0, 10.0, 0.5]), RADII, MEASURES, STEPS, HALF_M,
            *shape(seed)[1:3], found, curved,
        )  # fmt: skip
        results.append((poses, found, curved))
    (poses, found, curved), (slow, expected, slow_curved) = results
    assert poses == pytest.approx(slow, abs=5e-3)
    assert found == pytest.approx(expected, abs=0.5)
    assert curved == pytest.approx(slow_curved, rel=0.05, abs=20)
    assert found[2] == -1e9
    # What was taken so near still holds.
    assert (curved[0] == 0).all()
    assert (curved[1] != 0).any()
