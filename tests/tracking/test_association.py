import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from oracles import association as oracle
from oracles import tracklets as pieces_oracle
from perception_label import Cuboids, track_cuboids
from perception_label._core import association as core
from perception_label._core import tracklets as pieces
from perception_label.config import Tracking
from perception_label.errors import ShapeError
from perception_label.tracking import association

SEEDS = st.integers(0, 2**32 - 1)
EPOCH = 1_700_000_000_000_000_000
TENTH = 100_000_000
SETTINGS = association._packed_settings(Tracking())


def traffic(rng, n_objects=6, n_sweeps=25, *, spacing_m=9.0, noise_m=0.1, missed=0.1):
    """Return cuboids, times, true ids and scores of cars in lanes, some missed, shuffled."""
    lane = np.arange(n_objects)
    speed = rng.choice([0.0, 5.0, -12.0, 20.0], n_objects)
    sweep, car = [a.ravel() for a in np.meshgrid(np.arange(n_sweeps), lane, indexing="ij")]
    keep = rng.random(len(sweep)) >= missed
    sweep, car = sweep[keep], car[keep]
    n = len(sweep)
    start = rng.uniform(-20, 20, n_objects)
    center = np.column_stack([start[car] + 0.1 * sweep * speed[car], car * spacing_m, 0 * sweep])
    size = np.tile([4.4, 1.8, 1.5], (n, 1)) * rng.uniform(0.95, 1.05, (n, 1))
    yaw = np.where(speed[car] < 0, np.pi, 0) + rng.normal(0, 0.03, n)
    order = rng.permutation(n)
    cuboids = Cuboids(center + rng.normal(0, noise_m, (n, 3)), size, yaw)
    return cuboids[order], EPOCH + TENTH * sweep[order], car[order], rng.uniform(0.5, 1, n)


def same_partition(a, b):
    pairs = {(int(x), int(y)) for x, y in zip(a, b, strict=True)}
    return len(pairs) == len({p[0] for p in pairs}) == len({p[1] for p in pairs})


@given(SEEDS, st.integers(0, 9), st.integers(0, 9), st.floats(0, 1))
def test_assign_matches_scipy(seed, n, m, density):
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(rng.random((n, m)) < density)
    gains = rng.uniform(0.01, 5, len(rows))
    got, expected = np.empty(n, np.int64), np.empty(n, np.int64)
    core.assign(rows, columns, gains, n, m, got)
    oracle.assign(rows, columns, gains, n, m, expected)
    assert got.tolist() == expected.tolist()


@hypothesis_settings(max_examples=25)
@given(SEEDS, st.integers(1, 7), st.floats(2, 6), st.booleans())
def test_link_matches_matrix_filters(seed, n, spacing_m, backwards):
    rng = np.random.default_rng(seed)
    cuboids, times, car, scores = traffic(rng, n, 8, spacing_m=spacing_m, noise_m=0.4, missed=0.2)
    order = np.argsort(times, kind="stable")[:: -1 if backwards else 1]
    boxes, groups = cuboids.packed()[order], (car[order] % 2).astype(np.int64)
    _, starts = np.unique(times[order] * (-1 if backwards else 1), return_index=True)
    sweeps, weak = times[order][starts], scores[order] < 0.6
    bounds = np.append(starts, len(order))
    got, expected = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    arguments = (sweeps, bounds, boxes, groups, weak, SETTINGS, len(order))
    core.link(*arguments, got)
    oracle.link(*arguments, expected)
    assert got.tolist() == expected.tolist()


@given(SEEDS, st.integers(1, 8))
def test_ends_and_bridges_match_the_oracle(seed, n):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(1, 15, n))])
    times = rng.integers(0, 30, n).repeat(np.diff(offsets)) * TENTH + TENTH * np.arange(offsets[-1])
    times[offsets[:-1]] = np.sort(times[offsets[:-1]])
    boxes = np.column_stack(
        [rng.normal(0, 2, (offsets[-1], 3)), rng.uniform(1, 4, (offsets[-1], 3)), times * 0]
    )
    got, expected = np.empty((n, 2, 5)), np.empty((n, 2, 5))
    pieces.ends(times, boxes, offsets, SETTINGS, got)
    pieces_oracle.ends(times, boxes, offsets, SETTINGS, expected)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
    span = np.column_stack([times[offsets[:-1]], times[offsets[1:] - 1]])
    groups = rng.integers(0, 2, n)
    found = []
    for kernel in (pieces.bridge, pieces_oracle.bridge):
        pairs, misses = np.zeros((64, 2), np.int64), np.zeros(64)
        count = kernel(span, got, groups, 2 * 10**9, SETTINGS, pairs, misses)
        found.append((count, pairs.tolist(), misses.round(6).tolist()))
    assert found[0] == found[1]


@given(SEEDS, st.integers(0, 9))
def test_unlike_matches_the_oracle(seed, n):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-4, 4, (2, n, 7))
    a[:, 3:6], b[:, 3:6] = rng.uniform(0.5, 6, (2, n, 3))
    got, expected = np.empty(n), np.empty(n)
    core.unlike(a, b, got)
    oracle.unlike(a, b, expected)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


@given(SEEDS, st.integers(0, 20))
def test_trace_matches_the_oracle(seed, n):
    rng = np.random.default_rng(seed)
    follower = np.full(n, -1)
    for row in range(n):
        later = np.setdiff1d(np.arange(row + 1, n), follower)
        if len(later) and rng.random() < 0.7:
            follower[row] = rng.choice(later)
    got, expected = np.empty(n, np.int64), np.empty(n, np.int64)
    assert pieces.trace(follower, got) == pieces_oracle.trace(follower, expected)
    assert got.tolist() == expected.tolist()


@given(SEEDS)
def test_cars_in_lanes_keep_their_identity(seed):
    cuboids, times, car, scores = traffic(np.random.default_rng(seed))
    assert same_partition(track_cuboids(cuboids, times), car)
    assert same_partition(track_cuboids(cuboids, times, scores=scores), car)


@hypothesis_settings(max_examples=20)
@given(SEEDS, st.floats(-3, 3))
def test_rigid_motion_order_and_reading_backwards_change_nothing(seed, angle):
    rng = np.random.default_rng(seed)
    cuboids, times, _, _ = traffic(rng, spacing_m=3.0, noise_m=0.3)
    ids = track_cuboids(cuboids, times)
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    pose[:3, 3] = [4e5, 5e6, 100]
    assert same_partition(track_cuboids(cuboids.moved(pose), times), ids)
    order = rng.permutation(len(times))
    assert same_partition(track_cuboids(cuboids[order], times[order]), ids[order])
    assert same_partition(track_cuboids(cuboids, 2 * EPOCH - times), ids)
    assert track_cuboids(cuboids, times).tolist() == ids.tolist()


@given(SEEDS)
def test_a_track_has_one_box_per_sweep_and_ids_have_no_gaps(seed):
    cuboids, times, _, scores = traffic(np.random.default_rng(seed), spacing_m=1.0, noise_m=0.6)
    ids = track_cuboids(cuboids, times, scores=scores)
    taken = np.column_stack([ids, times])[ids >= 0]
    assert len(np.unique(taken, axis=0)) == len(taken)
    assert np.unique(ids[ids >= 0]).tolist() == list(range(ids.max() + 1))


def along_x(x, times, **others):
    x = np.asarray(x, dtype=float)
    center = np.column_stack([x, 0 * x, 0 * x])
    return track_cuboids(
        Cuboids(center, np.tile([4.4, 1.8, 1.5], (len(x), 1)), 0 * x),
        EPOCH + TENTH * np.asarray(times),
        **others,
    ).tolist()


def test_a_car_unseen_for_a_second_is_the_same_car():
    times = [0, 1, 2, 3, 4, 5, 15, 16, 17, 18]
    assert along_x(np.array(times) * 1.2, times) == [0] * 10
    never = Tracking(max_bridge_s=0.5)
    assert along_x(np.array(times) * 1.2, times, settings=never) == [0] * 6 + [1] * 4


def test_a_fast_car_is_linked_from_its_first_step():
    assert along_x([0, 3.3, 6.6], [0, 1, 2]) == [0, 0, 0]


def test_weak_boxes_continue_tracks_and_start_none():
    times, x = [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 40]
    scores = [0.9, 0.9, 0.9, 0.1, 0.9, 0.1]
    assert along_x(x, times, scores=scores) == [0, 0, 0, 0, 0, -1]
    # The pass backwards reaches the weak boxes before the first sure one.
    assert along_x([0, 1, 2, 3, 4], times[:5], scores=[0.1, 0.1, 0.9, 0.9, 0.9]) == [0] * 5


def test_short_and_flickering_tracks_go_only_when_scores_say_so():
    x = [0, 1, 2, 3, 4, 5, 60, 90]
    times = [0, 1, 2, 3, 4, 5, 3, 4]
    assert along_x(x, times) == [0] * 6 + [1, 2]
    assert along_x(x, times, scores=[0.8] * 6 + [0.5, 0.9]) == [0] * 6 + [-1, 1]


def test_classes_are_never_linked():
    times = [0, 1, 2, 3]
    assert along_x([0, 0, 0, 0], times, class_names=["car", "car", "bus", "bus"]) == [0, 0, 1, 1]


def test_borders():
    none = Cuboids(np.empty((0, 3)), np.empty((0, 3)), np.empty(0))
    assert track_cuboids(none, np.empty(0, np.int64)).shape == (0,)
    assert track_cuboids(none, np.empty(0, np.int64), scores=[]).dtype == np.int64
    assert along_x([5.0], [0]) == [0]
    assert along_x([5.0], [0], scores=[0.9]) == [0]
    assert along_x([0.0, np.nan, 1.0], [0, 1, 2]) == [0, -1, 0]
    assert along_x([0.0, 0.0], [0, 0]) == [0, 1]
    with pytest.raises(ShapeError, match=r"timestamps_ns: expected \(0,\)"):
        track_cuboids(none, np.array([1]))
    with pytest.raises(ShapeError, match=r"scores: expected \(0,\)"):
        track_cuboids(none, np.empty(0, np.int64), scores=[1.0])
    with pytest.raises(ShapeError, match="integers"):
        track_cuboids(none, np.array([0.5]))


def test_loading_the_kernels_calls_every_one_of_them(monkeypatch):
    called = set()
    for module, names in ((core, ("link", "assign", "unlike")), (pieces, ("ends", "bridge"))):
        for name in names:
            kernel = getattr(module, name)

            def count(*arguments, name=name, kernel=kernel):
                called.add(name)
                return kernel(*arguments)

            monkeypatch.setattr(module, name, count)
    association.load_kernels()
    assert called == {"link", "assign", "unlike", "ends", "bridge"}
