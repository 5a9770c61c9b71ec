"""Fit what turns a track's features into the probability that it is right.

`python benchmarks/proposals/calibrate_tracks.py WORKSPACE[:SCORER[:FOLD]] … --out scorer.npz`:
logs with truth that the scorer has not learned, or a scorer that left a quarter of the places
out and the number of that quarter. Logistic regression per group of classes, by scikit-learn;
writes the weights into the scorer given by --out. Every track counts, however low its score.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from train_scorer import place_fold, save
from training_data import GROUP_OF

from perception_label.config import Proposals, Settings
from perception_label.geometry.overlap import overlap_bev
from perception_label.pipeline.parallel import in_order
from perception_label.pipeline.propose import _detect, level_poses, link, searched_stride
from perception_label.pipeline.workspace import open_workspace
from perception_label.proposals.hypotheses import GROUPS, VEHICLE
from perception_label.proposals.scorer import SHIPPED, load_scorer
from perception_label.proposals.tracks import N_TRACK_FEATURES

EVERYTHING = Settings(proposals=Proposals(min_score=0.0))
WITHIN_M = 70.0  # farther out truth is patchy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()
    features, groups, right, weight = [], [], [], []
    for spec in args.logs:
        for row in judged_tracks(*spec.split(":")):
            for column, value in zip((features, groups, right, weight), row, strict=True):
                column.append(value)
    scorer = load_scorer(args.out)
    weights = fit(np.array(features), np.array(groups), np.array(right), np.array(weight))
    save(replace(scorer, track_weights=weights), args.out)


def judged_tracks(workspace: str, scorer: str = "", fold: str = "-1"):
    """Yield (features, group, whether it is right, weight) of each track of each log."""
    chosen = load_scorer(Path(scorer)) if scorer else load_scorer()
    opened = open_workspace(workspace)
    for name in opened.logs():
        log = opened.log(name)
        poses = level_poses(log)
        stride = searched_stride(log.timestamps_ns, EVERYTHING.proposals.search_hz)
        sweeps = np.arange(0, len(poses), stride)
        seen = list(
            in_order(lambda i: _detect(log, i, chosen, EVERYTHING), sweeps.tolist(), 2)  # noqa: B023
        )
        tracks, _ = link(seen, sweeps, poses, log.timestamps_ns, chosen, EVERYTHING)
        truth = log.truth()
        group = np.array([GROUP_OF.get(n, -1) for n in truth.class_names])[truth.classes]
        for track in tracks:
            middle = track.cuboids.center_m[len(track.cuboids) // 2]
            if int(fold) >= 0 and place_fold(middle[None, :2])[0] != int(fold):
                continue
            hits = hits_of(track, truth, group, log.timestamps_ns, poses)
            if len(hits):
                yield track.features, track.group, np.mean(hits) >= 0.5, len(hits)


def hits_of(track, truth, group, timestamps_ns, poses) -> list[bool]:
    """Whether the track's box is right at each sweep near enough to be judged."""
    hits = []
    for i in range(track.first_found, track.last_found + 1):
        box = track.cuboids[[i - track.first]]
        if np.linalg.norm(box.center_m[0, :2] - poses[i, :2, 3]) > WITHIN_M:
            continue
        rows = (truth.timestamps_ns == timestamps_ns[i]) & (group == track.group)
        real = truth.cuboids[rows]
        if len(real) == 0:
            hits.append(False)
        elif track.group == VEHICLE:
            hits.append(bool(overlap_bev(box, real).max() >= 0.5))
        else:
            apart = np.linalg.norm(real.center_m[:, :2] - box.center_m[0, :2], axis=1)
            hits.append(bool(apart.min() <= 0.5))
    return hits


def fit(features, groups, right, weight) -> np.ndarray:
    weights = np.zeros((len(GROUPS), N_TRACK_FEATURES))
    for group, name in enumerate(GROUPS):
        mine = groups == group
        model = LogisticRegression(C=1.0, fit_intercept=False, max_iter=2000)
        model.fit(features[mine], right[mine], sample_weight=np.sqrt(weight[mine]))
        weights[group] = model.coef_[0]
        likely = model.predict_proba(features[mine])[:, 1]
        print(f"{name}: {mine.sum()} tracks, {right[mine].mean():.2f} right; by probability:")
        for low in np.arange(0, 1, 0.2):
            bin_ = (likely >= low) & (likely < low + 0.2)
            if bin_.any():
                print(
                    f"  {low:.1f}-{low + 0.2:.1f}: {right[mine][bin_].mean():.2f} of {bin_.sum()}"
                )
    return weights


if __name__ == "__main__":
    main()
