"""Train the scorer that the package ships: `python benchmarks/proposals/train_scorer.py`.

Simulated towns (made here, seeded) and PandaSet's first 40 sweeps (CC BY 4.0) under the
recordings' folder. Trees by scikit-learn, kept as plain arrays. `--sweeps 0:28` leaves the
other sweeps out and `--hold-out F` a quarter of the places, to measure what is not learned by
heart. The model card is docs/scorer.md.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from training_data import TOWNS, Rows, recorded, rows_of, simulated

from perception_label.errors import SchemaError
from perception_label.proposals.hypotheses import CYCLIST, PEDESTRIAN, VEHICLE
from perception_label.proposals.scorer import SHIPPED, Forest, Scorer, load_scorer, pack
from perception_label.proposals.tracks import N_TRACK_FEATURES

DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", "../shared/data"))
# A simulated row of a vehicle counts this much of a real one: their shapes are simpler.
SIMULATED_WEIGHT = {VEHICLE: 0.3, PEDESTRIAN: 1.0, CYCLIST: 1.0}
# Of hypotheses that are plainly wrong there are most; they would leave few questions to tell the
# nearly right from the right. Scores come out higher for it: the thresholds of
# `proposals/sweep.py` and `config.Proposals` belong to these.
WRONG = 0.3
WRONG_WEIGHT = {VEHICLE: 0.2, PEDESTRIAN: 0.12, CYCLIST: 0.12}
# Trees, leaves, learning rate, least rows in a leaf.
TREES = {
    VEHICLE: (180, 31, 0.15, 100),
    PEDESTRIAN: (110, 24, 0.13, 60),
    CYCLIST: (110, 24, 0.13, 60),
}
GATE_TREES = (60, 16, 0.13, 60)
DEPTH = 7  # levels of a tree, at most
# Until tracks have been seen: sure above an expected quality of 0.45.
FIRST_WEIGHTS = np.tile([-4.5, 10.0, *np.zeros(N_TRACK_FEATURES - 2)], (3, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--towns", type=int, default=len(TOWNS))
    parser.add_argument("--sweeps", default="0:28", help="PandaSet's first and end sweep")
    parser.add_argument("--step", type=int, default=3, help="take every third sweep")
    parser.add_argument("--hold-out", type=int, default=-1, help="a quarter of the places, 0-3")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()
    first, end = map(int, args.sweeps.split(":"))
    real = real_rows(range(first, end, args.step))
    with ProcessPoolExecutor(2) as pool:
        towns = [rows for town in pool.map(town_rows, TOWNS[: args.towns]) for rows in town]
    save(replace(train(real, towns, args.hold_out), track_weights=known_weights()), args.out)


def known_weights() -> np.ndarray:
    """The shipped calibration of tracks, so that held-out scorers differ by their trees alone."""
    try:
        return load_scorer().track_weights
    except SchemaError:
        return FIRST_WEIGHTS


def real_rows(sweeps: range) -> list[Rows]:
    return [rows_of(*sample) for sample in recorded(DATA / "pandaset/002", sweeps)]


def town_rows(seed: int) -> list[Rows]:
    return [rows_of(*sample) for sample in simulated(seed)]


def place_fold(place_m: np.ndarray, center_m=(2.0, 2.0)) -> np.ndarray:
    """Eight sectors around the ego vehicle's start, dealt to four folds."""
    turn = np.arctan2(place_m[:, 1] - center_m[1], place_m[:, 0] - center_m[0]) + np.pi
    return (turn / (2 * np.pi) * 8).astype(int) % 4


def train(real: list[Rows], towns: list[Rows], hold_out: int = -1) -> Scorer:
    random = np.random.default_rng(0)
    forests = []
    for group, shape in TREES.items():
        parts = [sample(r, group, 0.6, 0.1, 1.0, random, hold_out) for r in real]
        parts += [sample(r, group, 0.4, 0.06, SIMULATED_WEIGHT[group], random) for r in towns]
        forests.append(grow(*joined(parts), *shape))
    every = [*real, *towns]
    gate = [(r.gate_features, r.gate_quality, np.ones(len(r.gate_quality))) for r in every]
    return Scorer(grow(*joined(gate), *GATE_TREES), tuple(forests), FIRST_WEIGHTS)


def sample(rows: Rows, group, keep, keep_bad, weight, random, hold_out=-1):
    """A share of the rows: nearly all of what is right, little of what is plainly wrong."""
    chance = np.where(rows.quality > WRONG, keep, keep_bad)
    if group != VEHICLE:
        chance = np.where(rows.quality > 0.2, 1.0, 0.3)
    pick = (rows.group == group) & (random.random(len(chance)) < chance)
    if hold_out >= 0:
        pick &= place_fold(rows.place) != hold_out
    weight = np.where(rows.quality < WRONG, WRONG_WEIGHT[group], 1.0) * weight / chance
    return rows.features[pick], rows.quality[pick], weight[pick]


def joined(parts) -> list[np.ndarray]:
    return [np.concatenate([part[k] for part in parts]) for k in range(3)]


def grow(features, quality, weight, trees, leaves, rate, least) -> Forest:
    """Fit by scikit-learn, then lay the nodes out as the kernel reads them."""
    model = HistGradientBoostingRegressor(
        max_iter=trees,
        learning_rate=rate,
        max_leaf_nodes=leaves,
        max_depth=DEPTH,
        min_samples_leaf=least,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    ).fit(features, quality, sample_weight=weight)
    columns = {"feature": [], "threshold": [], "left": [], "value": []}
    roots = []
    for (tree,) in model._predictors:
        roots.append(len(columns["feature"]))
        lay_out(tree.nodes, columns)
    return Forest(
        feature=np.array(columns["feature"], np.int16),
        threshold=np.array(columns["threshold"], np.float32),
        left=np.array(columns["left"], np.int32),
        value=np.array(columns["value"], np.float32),
        roots=np.array(roots, np.int32),
        depth=DEPTH,
        base=float(np.ravel(model._baseline_prediction)[0]),
        n_features=features.shape[1],
    )


def lay_out(nodes, columns) -> None:
    """Append one tree breadth first, so that two siblings lie side by side."""
    start = len(columns["feature"])
    queue, placed = [0], 1
    while queue:
        node = nodes[queue.pop(0)]
        leaf = bool(node["is_leaf"])
        here = len(columns["feature"])
        columns["feature"].append(0 if leaf else int(node["feature_idx"]))
        columns["threshold"].append(np.inf if leaf else below(float(node["num_threshold"])))
        columns["value"].append(float(node["value"]) if leaf else 0.0)
        columns["left"].append(here if leaf else start + placed)
        if not leaf:
            queue += [int(node["left"]), int(node["right"])]
            placed += 2


def below(threshold: float) -> float:
    """The greatest float32 not above: features are float32, so no comparison changes."""
    rounded = np.float32(threshold)
    return float(rounded if rounded <= threshold else np.nextafter(rounded, np.float32(-np.inf)))


def save(scorer: Scorer, path: Path) -> None:
    beside = path.with_suffix(".partial")
    with beside.open("wb") as file:
        np.savez_compressed(file, **pack(scorer))
    beside.replace(path)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
