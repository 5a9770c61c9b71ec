import contextlib
import runpy
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor

import perception_label as pl
from conftest import ROOT
from perception_label.proposals.features import GATE_NAMES, NAMES
from perception_label.proposals.hypotheses import CYCLIST, GROUPS, PEDESTRIAN, VEHICLE
from perception_label.proposals.scorer import SHIPPED, Forest, Scorer, load_scorer, pack
from perception_label.proposals.tracks import N_TRACK_FEATURES


@pytest.fixture(scope="module")
def training():
    """The training script's names; it imports its neighbour by name."""
    folder = str(ROOT / "benchmarks" / "proposals")
    sys.path.insert(0, folder)
    try:
        return runpy.run_path(folder + "/train_scorer.py")
    finally:
        sys.path.remove(folder)


def stump(n_features, low, high, feature=1, threshold=0.0):
    """One tree of one question."""
    return Forest(
        feature=np.array([feature, 0, 0], np.int16),
        threshold=np.array([threshold, np.inf, np.inf], np.float32),
        left=np.array([1, 1, 2], np.int32),
        value=np.array([0, low, high], np.float32),
        roots=np.zeros(1, np.int32),
        depth=1,
        base=0.25,
        n_features=n_features,
    )


def small_scorer():
    groups = tuple(stump(len(NAMES), -k, k / 10) for k in range(3))
    return Scorer(
        stump(len(GATE_NAMES), 0, 1), groups, np.arange(3.0 * N_TRACK_FEATURES).reshape(3, -1)
    )


def saved(tmp_path, **changed):
    arrays = {**pack(small_scorer()), **changed}
    path = tmp_path / "scorer.npz"
    np.savez_compressed(path, **{k: v for k, v in arrays.items() if v is not None})
    return path


def test_pack_then_load_is_identity(tmp_path):
    mine, back = small_scorer(), load_scorer(saved(tmp_path))
    np.testing.assert_array_equal(back.track_weights, mine.track_weights)
    for a, b in zip((mine.gate, *mine.groups), (back.gate, *back.groups), strict=True):
        assert (a.base, a.depth, a.n_features) == (b.base, b.depth, b.n_features)
        for column in ("feature", "threshold", "left", "value", "roots"):
            np.testing.assert_array_equal(getattr(a, column), getattr(b, column))


def test_each_group_is_scored_by_its_own_forest_from_0_to_1():
    features = np.zeros((6, len(NAMES)), np.float32)
    features[::2, 1] = 1
    group = np.array([VEHICLE, VEHICLE, PEDESTRIAN, PEDESTRIAN, CYCLIST, CYCLIST])
    scores = small_scorer().score(features, group)
    np.testing.assert_allclose(scores, [0.25, 0.25, 0.35, 0, 0.45, 0], rtol=1e-6)
    assert small_scorer().score(features[:0], group[:0]).shape == (0,)


def test_features_of_another_width_are_refused():
    with pytest.raises(pl.LabelError, match=r"features: expected \(M, 18\), got \(2, 3\)"):
        small_scorer().gate.predict(np.zeros((2, 3), np.float32))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("feature_names", np.array([*NAMES[:-1], "other"])),
        ("gate_names", np.array(GATE_NAMES[::-1])),
        ("group_names", np.array(GROUPS[:2])),
    ],
)
def test_a_scorer_of_other_features_is_refused(tmp_path, key, value):
    with pytest.raises(pl.LabelError, match=f"expected {key} of this version, got others"):
        load_scorer(saved(tmp_path, **{key: value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gate_left", [0, 1, 2]),  # a root that is a leaf but asks
        ("gate_left", [1, 0, 2]),  # up
        ("gate_left", [2, 1, 2]),  # the sibling would lie beyond the end
        ("gate_left", [9, 1, 2]),
        ("gate_left", [-1, 1, 2]),
        ("gate_feature", [18, 0, 0]),
        ("gate_feature", [-1, 0, 0]),
        ("gate_threshold", [0, 0.5, np.inf]),  # a leaf that asks
        ("gate_threshold", [0, np.nan, np.inf]),
        ("gate_threshold", [0, np.inf]),
        ("gate_roots", [3]),
        ("gate_roots", [-1]),
        ("gate_depth", 100),
        ("gate_depth", -1),
    ],
)
def test_damaged_trees_are_refused(tmp_path, key, value):
    path = saved(tmp_path, **{key: np.array(value)})
    with pytest.raises(pl.LabelError, match="gate: expected trees whose nodes point down"):
        load_scorer(path)


@pytest.mark.parametrize("key", ["gate_left", "gate_depth", "track_weights", "gate_names"])
def test_a_missing_array_is_refused(tmp_path, key):
    with pytest.raises(pl.LabelError, match="expected a scorer, got"):
        load_scorer(saved(tmp_path, **{key: None}))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "scorer.npz"
    path.write_bytes(content)
    with pytest.raises(pl.LabelError, match=r"scorer.npz: expected a scorer, got"):
        load_scorer(path)


def test_a_file_cut_short_is_refused(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(pl.LabelError, match="expected a scorer"):
        load_scorer(path)


@given(st.integers(100, 10_000), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_harmless(tmp_path_factory, at, change):
    path = saved(tmp_path_factory.mktemp("flipped"))
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= change
    path.write_bytes(content)
    with contextlib.suppress(pl.LabelError):
        scorer = load_scorer(path)
        assert np.isfinite(scorer.gate.predict(np.zeros((1, len(GATE_NAMES)), np.float32))).all()


def test_an_array_file_is_refused(tmp_path):
    np.save(tmp_path / "scorer.npy", np.zeros(3))
    with pytest.raises(pl.LabelError, match="expected a scorer, got"):
        load_scorer(tmp_path / "scorer.npy")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(pl.LabelError, match="expected a scorer"):
        load_scorer(tmp_path / "none.npz")


class Harmful:
    def __reduce__(self):
        return (pytest.fail, ("the file ran code",))


def test_no_pickle_is_opened(tmp_path):
    path = saved(tmp_path, gate_value=np.array([Harmful()], dtype=object))
    with pytest.raises(pl.LabelError, match="allow_pickle"):
        load_scorer(path)


def test_the_shipped_scorer_loads_and_is_small():
    scorer = load_scorer()
    assert SHIPPED.stat().st_size < 1_000_000
    assert len(scorer.groups) == len(GROUPS)
    assert scorer.track_weights.shape == (3, N_TRACK_FEATURES)


@settings(max_examples=5)
@given(seed=st.integers(0, 1000))
def test_a_forest_predicts_what_scikit_learn_does(training, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 1, (600, 5)).astype(np.float32)
    features[:, 4] = rng.integers(0, 4, 600)  # many equal values
    quality = features[:, 0] * (features[:, 1] > 0) + features[:, 4] + rng.normal(0, 0.1, 600)
    weight = rng.uniform(0.5, 2, 600)
    forest = training["grow"](features, quality, weight, 12, 8, 0.13, 60)
    rival = HistGradientBoostingRegressor(
        max_iter=12,
        learning_rate=0.13,
        max_leaf_nodes=8,
        max_depth=training["DEPTH"],
        min_samples_leaf=60,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    ).fit(features, quality, sample_weight=weight)
    fresh = rng.normal(0, 1, (300, 5)).astype(np.float32)
    np.testing.assert_allclose(forest.predict(features), rival.predict(features), atol=1e-5)
    np.testing.assert_allclose(forest.predict(fresh), rival.predict(fresh), atol=1e-5)
