"""Fit what turns a track's features into the probability that it is right.

`python benchmarks/proposals/calibrate_tracks.py SPEC … --out scorer.npz`, where each SPEC is the
seed of a simulated town, or WORKSPACE[:SCORER[:FOLD]]: logs with truth that the scorer has not
learned, or a scorer that left a quarter of the places out and the number of that quarter.
Without any, the towns of `training_data.CALIBRATION_TOWNS`. Each log is also cut into short ones.
Logistic regression per group of classes, by scikit-learn; writes the weights into the scorer given
by --out. Every track counts, however low its score.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.linear_model import LogisticRegression
from train_scorer import place_fold, save
from training_data import CALIBRATION_TOWNS, GROUP_OF, town_settings

from perception_label.config import Proposals, Settings
from perception_label.geometry.overlap import overlap_bev
from perception_label.pipeline.propose import detect_sweep, level_poses, link, searched_stride
from perception_label.pipeline.workspace import open_workspace
from perception_label.proposals.hypotheses import GROUPS, VEHICLE
from perception_label.proposals.scorer import SHIPPED, load_scorer
from perception_label.proposals.tracks import N_TRACK_FEATURES
from perception_label.simulate.log import simulate_log

EVERYTHING = Settings(proposals=Proposals(min_score=0.0, candidate_score=0.0))
TOWN_S = 5.0
WITHIN_M = 70.0  # farther out truth is patchy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*", default=[str(k) for k in CALIBRATION_TOWNS])
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()
    features, groups, right, weight = [], [], [], []
    for spec in args.logs:
        for row in judged_tracks(spec):
            for column, value in zip((features, groups, right, weight), row, strict=True):
                column.append(value)
    scorer = load_scorer(args.out)
    weights = fit(np.array(features), np.array(groups), np.array(right), np.array(weight))
    save(replace(scorer, track_weights=weights), args.out)


def judged_tracks(spec: str):
    """Yield (features, group, whether it is right, weight) of each track of each log."""
    if spec.isdigit():
        with TemporaryDirectory() as folder:
            workspace = open_workspace(Path(folder) / "workspace", create=True)
            workspace.ingest(simulate_log(town_settings(int(spec), TOWN_S)))
            yield from judged_in(workspace, load_scorer(), -1)
        return
    folder, *scorer = spec.split(":")
    chosen = load_scorer(Path(scorer[0])) if scorer else load_scorer()
    yield from judged_in(open_workspace(folder), chosen, int(scorer[1]) if len(scorer) > 1 else -1)


def judged_in(workspace, scorer, fold: int):
    for name in workspace.logs():
        log = workspace.log(name)
        poses, times = level_poses(log), log.timestamps_ns
        stride = searched_stride(times, EVERYTHING.proposals.search_hz)
        sweeps = np.arange(0, len(poses), stride)
        seen = [detect_sweep(log, i, scorer, EVERYTHING) for i in sweeps.tolist()]
        truth = log.truth()
        group = np.array([GROUP_OF.get(n, -1) for n in truth.class_names])[truth.classes]
        for first, end in spans(len(poses)):
            rows = np.flatnonzero((sweeps >= first) & (sweeps < end))
            part = [seen[k] for k in rows]
            here, now = poses[first:end], times[first:end]
            tracks, _ = link(part, sweeps[rows] - first, here, now, scorer, EVERYTHING)
            for track in tracks:
                middle = track.cuboids.center_m[len(track.cuboids) // 2]
                if fold >= 0 and place_fold(middle[None, :2])[0] != fold:
                    continue
                hits = hits_of(track, truth, group, now, here)
                if len(hits):
                    yield track.features, track.group, np.mean(hits) >= 0.5, len(hits)


def spans(n: int) -> list[tuple[int, int]]:
    """Return the parts of a log that are tracked on their own: logs may be short, too."""
    halves = [(0, n // 2), (n // 2, n)] if n > 30 else []
    moments = [(k, min(n, k + 6)) for k in range(2, n - 6, 10)]
    return [(0, n), *halves, *moments, *((k, k + 1) for k in range(4, n, 10))]


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
        # People are few: walkers and cyclists teach each other a little.
        mine = groups == group if group == VEHICLE else groups != VEHICLE
        model = LogisticRegression(C=1.0, fit_intercept=False, max_iter=2000)
        share = np.sqrt(weight[mine]) * np.where(groups[mine] == group, 1.0, 0.3)
        model.fit(features[mine], right[mine], sample_weight=share)
        weights[group] = model.coef_[0]
        mine = groups == group
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
