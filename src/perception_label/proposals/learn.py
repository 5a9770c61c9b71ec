"""Learn from the person: what verdicts on some tracks say of the others.

Gradient-boosted trees over features of whole tracks, trained anew on the verdicts of all logs at
hand. They replace the shipped probabilities and class names only where cross-validation shows that
they are better: with few verdicts nothing changes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import ShapeError
from perception_label.geometry.labels import Labels

LEAST_VERDICTS = 20
LEAST_EACH = 5  # of right and of wrong ones; of a class, for it to be learned
FOLDS = 5
SURE = 1.65  # standard errors that a gain must exceed: by luck it does one time in twenty
UNKNOWN, WRONG, RIGHT = -1, 0, 1
_NAMES = (
    "shipped_logit log_boxes length_m width_m height_m log_median_points log_most_points "
    "seen_share travel_m speed_mps nearest_m surface_density bottom_m is_cluster"
)
FEATURES = tuple(_NAMES.split())


@dataclass(frozen=True, slots=True)
class TrackTable:
    """T tracks as rows of features.

    Attributes
    ----------
    features : (T, 14) float64
        Columns as in `FEATURES`.
    shipped : (T,) float64
        Probability of being right, before learning.
    track_ids, class_names : (T,) str
        Of each.
    """

    features: Floats
    shipped: Floats
    track_ids: NDArray[np.str_]
    class_names: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.shipped)


def track_table(labels: Labels, sensor_m: Floats, *, is_cluster: bool = False) -> TrackTable:
    """Return the features of tracks.

    Parameters
    ----------
    labels : Labels
        M boxes of T tracks, world frame, with points counted and scores.
    sensor_m : (M, 3) float64
        Where the sensor was at each box's sweep, world frame.
    is_cluster : bool
        Whether they come from bare clusters, whose points are counted in another way.
    """
    if sensor_m.shape != (len(labels), 3):
        raise ShapeError(f"sensor_m: expected ({len(labels)}, 3), got {sensor_m.shape}")
    order = np.lexsort((labels.timestamps_ns, labels.tracks))
    starts = np.flatnonzero(np.diff(labels.tracks[order], prepend=-1))
    groups = np.split(order, starts[1:]) if len(order) else []
    rows = np.array([_features(labels, sensor_m, r, is_cluster) for r in groups])
    names = np.array(labels.class_names, dtype=str)
    first = np.array([r[0] for r in groups], dtype=np.int64)
    return TrackTable(
        features=rows.reshape(len(groups), len(FEATURES)),
        shipped=np.array([np.clip(labels.scores[r].mean(), 0, 1) for r in groups]),
        track_ids=np.array(labels.track_names, dtype="<U64")[labels.tracks[first]],
        class_names=names[labels.classes[first]] if len(first) else np.empty(0, "<U1"),
    )


def join_tables(tables: list[TrackTable]) -> TrackTable:
    """Return the tracks of several tables as one."""
    return TrackTable(
        np.concatenate([np.empty((0, len(FEATURES))), *(t.features for t in tables)]),
        np.concatenate([np.empty(0), *(t.shipped for t in tables)]),
        np.concatenate([np.empty(0, "<U1"), *(t.track_ids for t in tables)]),
        np.concatenate([np.empty(0, "<U1"), *(t.class_names for t in tables)]),
    )


def _features(labels: Labels, sensor_m: Floats, rows: Ints, is_cluster: bool) -> Floats:
    center, size = labels.cuboids.center_m[rows], np.median(labels.cuboids.size_m[rows], axis=0)
    n = np.maximum(labels.n_points[rows], 0)
    away = np.linalg.norm(center[:, :2] - sensor_m[rows, :2], axis=1)
    seconds = (labels.timestamps_ns[rows[-1]] - labels.timestamps_ns[rows[0]]) / 1e9
    travel = float(np.linalg.norm(center[-1, :2] - center[0, :2]))
    score = float(np.clip(labels.scores[rows].mean(), 1e-3, 1 - 1e-3))
    # Points fall with the square of the range: what is left tells surface from gaps.
    dense = np.median(n * np.maximum(away, 5.0) ** 2) / (size[0] * size[2] + 0.3) / 400
    bottom = float(np.median(center[:, 2] - labels.cuboids.size_m[rows, 2] / 2 - sensor_m[rows, 2]))
    return np.array(
        [
            np.log(score / (1 - score)),
            np.log1p(len(rows)),
            *size,
            np.log1p(np.median(n)),
            np.log1p(n.max()),
            (n >= 5).mean(),
            travel,
            travel / seconds if seconds > 0 else 0.0,
            away.min(),
            np.log1p(dense),
            bottom,
            float(is_cluster),
        ]
    )


@dataclass(frozen=True, slots=True)
class Learned:
    """What verdicts taught of T tracks.

    Attributes
    ----------
    probability : (T,) float64
        Of being right: learned if `is_used`, else as shipped.
    is_used : bool
        Whether cross-validation found the learned ones better, by more than its own error.
    n_right, n_wrong : int
        Verdicts it learned from.
    loss, shipped_loss : float
        Mean log loss of learned (cross-validated) and shipped probabilities on the verdicts;
        NaN if there were too few to learn from.
    class_names : (T,) str
        Learned where `classes_used`, else as given.
    class_doubt : (T,) float64
        Probability that the class in `class_names` is wrong; 0 where nothing was learned.
    classes_used : bool
        Whether cross-validation named more tracks right than the given names.
    """

    probability: Floats
    is_used: bool
    n_right: int
    n_wrong: int
    loss: float
    shipped_loss: float
    class_names: NDArray[np.str_]
    class_doubt: Floats
    classes_used: bool


def learn(
    table: TrackTable,
    verdicts: Ints,
    person_classes: NDArray[np.str_],
    *,
    is_own: Mask | None = None,
) -> Learned:
    """Learn what is right and what is called what from the tracks a person judged.

    Parameters
    ----------
    table : TrackTable
        T tracks.
    verdicts : (T,) int
        `RIGHT`, `WRONG` or `UNKNOWN`.
    person_classes : (T,) str
        The class a person left each right track with; ignored for the others.
    is_own : (T,) bool, optional
        Which tracks are of the log in question; the others are of other logs, which teach but
        may have another street or sensor. None: all.

    Returns
    -------
    Learned
        The same input gives the same result, on any number of threads.

    Raises
    ------
    ShapeError
        If the columns differ in length.

    Notes
    -----
    scikit-learn's histogram gradient boosting, small trees, cross-validated in `FOLDS` folds.
    Used from `LEAST_VERDICTS` verdicts on, `LEAST_EACH` of both kinds among them, if the mean
    gain in log loss over the shipped probabilities exceeds `SURE` of its standard errors, and if
    there is a gain on the log's own verdicts too, of which there must be as many. Class names
    likewise, by how many are right.
    """
    if verdicts.shape != (len(table),) or person_classes.shape != (len(table),):
        raise ShapeError(
            f"verdicts, person_classes: expected ({len(table)},), got {verdicts.shape}, "
            f"{person_classes.shape}"
        )
    own = np.ones(len(table), dtype=np.bool_) if is_own is None else is_own
    probability, loss, shipped_loss = _learn_right(table, verdicts, own)
    names, doubt = _learn_classes(table, verdicts == RIGHT, person_classes, own)
    return Learned(
        probability=table.shipped if probability is None else probability,
        is_used=probability is not None,
        n_right=int((verdicts == RIGHT).sum()),
        n_wrong=int((verdicts == WRONG).sum()),
        loss=loss,
        shipped_loss=shipped_loss,
        class_names=table.class_names if names is None else names,
        class_doubt=doubt,
        classes_used=names is not None,
    )


def _learn_right(
    table: TrackTable, verdicts: Ints, is_own: Mask
) -> tuple[Floats | None, float, float]:
    """Return learned probabilities or None, and both losses."""
    rows = np.flatnonzero(verdicts != UNKNOWN)
    right = verdicts[rows] == RIGHT
    nan = float("nan")
    if len(rows) < LEAST_VERDICTS or min(right.sum(), (~right).sum()) < LEAST_EACH:
        return None, nan, nan
    held_out = _cross_validated(table.features[rows], right, [False, True])[:, 1]
    mine, shipped = _log_loss(held_out, right), _log_loss(table.shipped[rows], right)
    gain = shipped - mine
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    own = gain[is_own[rows]]
    is_sure = gain.mean() > SURE * error and len(own) >= LEAST_VERDICTS
    if not (is_sure and own.mean() > own.std(ddof=1) / np.sqrt(len(own))):
        return None, float(mine.mean()), float(shipped.mean())
    model = _model().fit(table.features[rows], right)
    found = _single_threaded(model.predict_proba, table.features)[:, 1]
    return np.asarray(_sober(found)), float(mine.mean()), float(shipped.mean())


def _learn_classes(
    table: TrackTable, is_right: Mask, person_classes: NDArray[np.str_], is_own: Mask
) -> tuple[NDArray[np.str_] | None, Floats]:
    """Return learned class names or None, and how doubtful each name is."""
    none = np.zeros(len(table))
    rows = np.flatnonzero(is_right)
    names, count = np.unique(person_classes[rows], return_counts=True)
    common = names[count >= LEAST_EACH]
    if len(rows) < LEAST_VERDICTS or len(common) < 2:
        return None, none
    # What is too rare to learn stays as it was named.
    known = rows[np.isin(person_classes[rows], common)]
    answer = person_classes[known]
    features = _with_class(table)
    held_out = _cross_validated(features[known], answer, common.tolist())
    guess = common[held_out.argmax(axis=1)]
    more = (guess == answer).astype(np.int64) - (table.class_names[known] == answer)
    own = more[is_own[known]]
    if not (more.sum() > 0 and len(own) >= LEAST_VERDICTS and own.sum() >= 0):
        return None, none
    model = _model().fit(features[known], answer)
    sure = _single_threaded(model.predict_proba, features)
    named = model.classes_[sure.argmax(axis=1)].astype(str)
    is_common = np.isin(table.class_names, common)
    return np.where(is_common, named, table.class_names), np.where(is_common, 1 - sure.max(1), 0.0)


def _with_class(table: TrackTable) -> Floats:
    number = np.unique(table.class_names, return_inverse=True)[1]
    return np.column_stack([table.features, number])


def _model() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Few rows: small trees, slow steps, strong shrinkage of leaves.
    return _Single(
        HistGradientBoostingClassifier(
            max_iter=80,
            learning_rate=0.08,
            max_leaf_nodes=6,
            min_samples_leaf=5,
            l2_regularization=2.0,
            early_stopping=False,
            random_state=0,
        )
    )


class _Single:
    """A model that is fitted on one thread: sums in one order, so the same trees everywhere."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def fit(self, features: Floats, answer: NDArray[Any]) -> Any:
        return _single_threaded(self._model.fit, features, answer)


def _single_threaded(work: Any, *given: Any) -> Any:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return work(*given)


def _cross_validated(features: Floats, answer: NDArray[Any], classes: list[Any]) -> Floats:
    """Return the probability of each class for each row, from models that did not see it."""
    from sklearn.model_selection import StratifiedKFold

    out = np.zeros((len(answer), len(classes)))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(features, answer):
        model = _model().fit(features[train], answer[train])
        columns = [classes.index(name) for name in model.classes_.tolist()]
        out[np.ix_(test, columns)] = _single_threaded(model.predict_proba, features[test])
    return np.asarray(_sober(out))


def _sober(probability: Floats) -> Floats:
    """Return probabilities that some dozens of examples can support: none is quite certain."""
    return np.clip(probability, 0.01, 0.99)


def _log_loss(probability: Floats, is_right: Mask) -> Floats:
    sure = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.asarray(-np.where(is_right, np.log(sure), np.log(1 - sure)))
