"""The learned scorer: how much a cuboid hypothesis will overlap a real object.

Gradient-boosted trees, trained by `benchmarks/proposals/train_scorer.py`, kept as plain arrays
in `scorer.npz` beside this file; `docs/scorer.md` is its model card.
"""

import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from perception_label._core import forest as core
from perception_label.arrays import Floats, Ints
from perception_label.errors import SchemaError, ShapeError
from perception_label.proposals.features import GATE_NAMES, NAMES
from perception_label.proposals.hypotheses import GROUPS
from perception_label.proposals.tracks import N_TRACK_FEATURES

SHIPPED = Path(__file__).parent / "scorer.npz"
MOST_DEPTH = 64
MOST_LEAVES = 32  # of a tree: the kernel has a bit for each
ALL = 2**MOST_LEAVES - 1
_NODE_COLUMNS = {
    "feature": np.int16,
    "threshold": np.float32,
    "left": np.int32,
    "value": np.float32,
    "roots": np.int32,
}


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of regression trees, as `_core.forest.predict` takes them."""

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    keep: NDArray[np.uint32]
    starts: NDArray[np.int32]
    value: NDArray[np.float32]
    leaves: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Forest:
    """Regression trees as arrays; nodes are rows of the first four.

    A row of features goes to node `left` when its `feature` is at most the `threshold`, else to
    the node after that; a leaf leads to itself, has a `value` and an infinite threshold. The
    `questions` are made of them.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    value: NDArray[np.float32]
    roots: NDArray[np.int32]
    depth: int
    base: float
    n_features: int
    questions: Questions = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay the questions out."""
        object.__setattr__(self, "questions", _ask(self))

    def predict(
        self, features: NDArray[np.float32], rows: Ints | None = None
    ) -> NDArray[np.float32]:
        """Return one value per row of (M, F) features; of the chosen rows, the others 0."""
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise ShapeError(f"features: expected (M, {self.n_features}), got {features.shape}")
        out = np.zeros(len(features), dtype=np.float32)
        asked = self.questions
        core.predict(
            np.ascontiguousarray(features, dtype=np.float32),
            np.arange(len(features)) if rows is None else rows,
            asked.feature,
            asked.threshold,
            asked.keep,
            asked.starts,
            asked.value,
            asked.leaves,
            self.base,
            np.empty((self.n_features, 64), dtype=np.float32),
            out,
        )
        return out


@dataclass(frozen=True, slots=True)
class Scorer:
    """A gate for clusters, a forest per group of classes, and the calibration of tracks.

    Attributes
    ----------
    gate : Forest
        From what a cluster looks like to how good its best hypothesis may be.
    groups : tuple of Forest
        One per group of `hypotheses.GROUPS`: from a hypothesis to its expected BEV IoU
        (vehicles), or 1 - centre distance in metres (pedestrians, cyclists).
    track_weights : (3, 11) float64
        Logistic regression per group: from a track's features to the probability that its
        boxes are right.
    """

    gate: Forest
    groups: tuple[Forest, ...]
    track_weights: Floats

    def score(self, features: NDArray[np.float32], group: NDArray[Any]) -> NDArray[np.float32]:
        """Return the expected quality of each hypothesis, (M,), 0 to 1."""
        out = np.zeros(len(features), dtype=np.float32)
        for index, forest in enumerate(self.groups):
            out += forest.predict(features, np.flatnonzero(group == index))
        return np.clip(out, 0, 1)


def pack(scorer: Scorer) -> dict[str, NDArray[Any]]:
    """Return the scorer as named arrays, to be written with `numpy.savez_compressed`."""
    arrays: dict[str, NDArray[Any]] = {
        "feature_names": np.array(NAMES),
        "gate_names": np.array(GATE_NAMES),
        "group_names": np.array(GROUPS),
        "track_weights": scorer.track_weights,
    }
    for name, forest in zip(("gate", *GROUPS), (scorer.gate, *scorer.groups), strict=True):
        for column in _NODE_COLUMNS:
            arrays[f"{name}_{column}"] = getattr(forest, column)
        arrays[f"{name}_base"] = np.array(forest.base)
        arrays[f"{name}_depth"] = np.array(forest.depth)
    return arrays


@lru_cache(maxsize=4)
def load_scorer(path: Path = SHIPPED) -> Scorer:
    """Read a scorer; no code in the file is run.

    Raises
    ------
    SchemaError
        If the file is not there or was trained for other features.
    """
    try:
        # Opened here: NumPy leaves a file open that it cannot read.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        expected = {"feature_names": NAMES, "gate_names": GATE_NAMES, "group_names": GROUPS}
        for key, names in expected.items():
            if arrays[key].tolist() != list(names):
                raise SchemaError(f"{path}: expected {key} of this version, got others")
        forests = [
            _forest(arrays, name, len(GATE_NAMES if name == "gate" else NAMES))
            for name in ("gate", *GROUPS)
        ]
        weights = arrays["track_weights"].astype(np.float64)
        if weights.shape != (len(GROUPS), N_TRACK_FEATURES):
            raise SchemaError(
                f"{path}: track_weights: expected {(len(GROUPS), N_TRACK_FEATURES)}, "
                f"got {weights.shape}"
            )
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile, zlib.error) as error:
        if isinstance(error, SchemaError):
            raise
        raise SchemaError(f"{path}: expected a scorer, got: {error}") from None
    return Scorer(forests[0], tuple(forests[1:]), weights)


def _forest(arrays: dict[str, NDArray[Any]], name: str, n_features: int) -> Forest:
    columns = {
        column: np.ascontiguousarray(arrays[f"{name}_{column}"], dtype=kind)
        for column, kind in _NODE_COLUMNS.items()
    }
    nodes = len(columns["feature"])
    left, feature = columns["left"], columns["feature"]
    leaf = left == np.arange(nodes)
    # The kernel follows these without looking: a damaged file must not reach it.
    sound = (
        all(len(columns[c]) == nodes for c in ("threshold", "left", "value"))
        and bool(np.all((feature >= 0) & (feature < n_features)))
        and bool(np.all((left >= np.arange(nodes)) & (left + ~leaf < nodes)))
        and bool(np.all(np.isposinf(columns["threshold"][leaf])))
        and bool(np.all((columns["roots"] >= 0) & (columns["roots"] < nodes)))
        and 0 <= int(arrays[f"{name}_depth"]) <= MOST_DEPTH
    )
    if not sound:
        raise SchemaError(f"{name}: expected trees whose nodes point down, got others")
    return Forest(
        depth=int(arrays[f"{name}_depth"]),
        base=float(arrays[f"{name}_base"]),
        n_features=n_features,
        **columns,
    )


def _ask(forest: Forest) -> Questions:
    """Return the questions of trees: which leaves, from left to right, a yes leaves over."""
    left, values = forest.left.tolist(), forest.value.tolist()
    asked: list[int] = []
    keep: list[int] = []
    value: list[float] = []
    starts, leaves = [0], []
    for root in forest.roots.tolist():
        leaves.append(len(value))
        # Nodes still to visit, leftmost on top; a far child knows its parent's question.
        path = [(root, -1, 0)]
        while path:
            node, question, first = path.pop()
            here = len(value) - leaves[-1]
            if question >= 0:
                keep[question] = ALL & ~((1 << here) - (1 << first))
            if here == MOST_LEAVES:
                raise SchemaError(f"trees: expected at most {MOST_LEAVES} leaves each, got more")
            if left[node] == node:
                value.append(values[node])
                continue
            path += [(left[node] + 1, len(asked), here), (left[node], -1, 0)]
            asked.append(node)
            keep.append(ALL)
        starts.append(len(asked))
    asked = asked or [0] * min(1, len(left))
    return Questions(
        forest.feature[asked],
        forest.threshold[asked],
        np.array(keep or [ALL], dtype=np.uint32),
        np.array(starts, dtype=np.int32),
        np.array(value, dtype=np.float32),
        np.array(leaves, dtype=np.int32),
    )
