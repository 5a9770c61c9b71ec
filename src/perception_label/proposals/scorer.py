"""The learned scorer: how much a cuboid hypothesis will overlap a real object.

Gradient-boosted trees, trained by `benchmarks/proposals/train_scorer.py`, kept as plain arrays
in `scorer.npz` beside this file; `docs/scorer.md` is its model card.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from perception_label._core import forest as core
from perception_label.arrays import Floats
from perception_label.errors import SchemaError, ShapeError
from perception_label.proposals.features import GATE_NAMES, NAMES
from perception_label.proposals.hypotheses import GROUPS

SHIPPED = Path(__file__).parent / "scorer.npz"
MOST_DEPTH = 64
_NODE_COLUMNS = {
    "feature": np.int16,
    "threshold": np.float32,
    "left": np.int32,
    "value": np.float32,
    "roots": np.int32,
}


@dataclass(frozen=True, slots=True)
class Forest:
    """Regression trees as arrays; see `_core.forest.predict` for the layout."""

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    value: NDArray[np.float32]
    roots: NDArray[np.int32]
    depth: int
    base: float
    n_features: int

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one value per row of (M, F) features."""
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise ShapeError(f"features: expected (M, {self.n_features}), got {features.shape}")
        out = np.empty(len(features), dtype=np.float32)
        core.predict(
            np.ascontiguousarray(features, dtype=np.float32),
            self.feature,
            self.threshold,
            self.left,
            self.value,
            self.roots,
            self.depth,
            self.base,
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
    track_weights : (3, 8) float64
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
            rows = np.flatnonzero(group == index)
            out[rows] = forest.predict(features[rows])
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
