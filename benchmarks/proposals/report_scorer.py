"""Print the tables of docs/scorer.md: `python benchmarks/proposals/report_scorer.py RECORDING ...`.

Each recording is ingested, proposed and scored; an unsigned number is the seed of a simulated
town that no scorer was trained on. `--scorer` takes a file of train_scorer.py; `--sweeps A:B`
and `--places F` judge what that one was trained without (its `--sweeps` and `--hold-out`).
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from train_scorer import place_fold

from perception_label.config import Scoring
from perception_label.geometry.poses import interpolate_poses
from perception_label.pipeline.propose import propose
from perception_label.pipeline.score import judged_instants, with_counts
from perception_label.pipeline.workspace import open_workspace
from perception_label.proposals.scorer import SHIPPED, load_scorer
from perception_label.quality.metrics import GROUPS, HEADLINE, SET_ASIDE, locate
from perception_label.quality.metrics_detection import match_boxes
from perception_label.quality.pairs import pair_up
from perception_label.readers import open_log
from perception_label.simulate.log import simulate_log
from perception_label.simulate.settings import SceneSettings
from perception_label.tables import labels_from_table

UNSEEN_TOWNS = 100_000  # training counts its seeds from 1000 on
BANDS_M = ((0, 20), (20, 40), (40, 60))
POINTS = ((5, 20), (20, 50), (50, 200), (200, 10**9))
SCORES = ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 1.01))
MIN_POINTS = Scoring().min_points
RANGE_M = Scoring().max_range_m


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="+", help="folders, or seeds of simulated towns")
    parser.add_argument("--scorer", type=Path, default=SHIPPED)
    parser.add_argument("--sweeps", default=":", help="judge these sweeps only, A:B")
    parser.add_argument("--places", type=int, help="judge this quarter of the places only, 0-3")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a simulated town")
    args = parser.parse_args()
    for name in args.recordings:
        report(name, args)


def report(name: str, args: argparse.Namespace) -> None:
    """Print one recording's tables."""
    with TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        workspace.ingest(recording_of(name, args.seconds))
        log = workspace.log()
        propose(workspace, log, scorer=load_scorer(args.scorer))
        truth, labels = log.truth(), labels_from_table(log.dense_boxes())
        seen = log.timestamps_ns[log.n_points > 0]
        first, end = (int(part) if part else None for part in args.sweeps.split(":"))
        instants = judged_instants(seen, truth.timestamps_ns)
        instants = np.intersect1d(instants, log.timestamps_ns[first:end])
        truth = truth[np.isin(truth.timestamps_ns, instants)]
        labels = labels[np.isin(labels.timestamps_ns, instants)]
        poses = interpolate_poses(log.ego_poses, instants)
        view = {"max_range_m": RANGE_M, "view_rad": log.info.truth_view_rad}
        there = locate(truth, instants, poses, **view)
        truth = with_counts(log, truth, there.inside)
        here = locate(labels, instants, poses, **view)
    inside = [there.inside, here.inside]
    if args.places is not None:
        for k, side in enumerate((truth, labels)):
            inside[k] = inside[k] & (place_fold(side.cuboids.center_m) == args.places)
    print(f"\n{name}: {len(instants)} sweeps judged")
    for group in GROUPS:
        judge(group, truth, labels, there, here, inside)


def recording_of(name: str, seconds: float):
    if name.isdigit():
        return simulate_log(SceneSettings(seed=UNSEEN_TOWNS + int(name), duration_s=seconds))
    return open_log(Path(name))


def judge(group, truth, labels, there, here, inside) -> None:
    """Print recall and precision of one group by class, distance, points and score."""
    names = np.array(truth.class_names)[truth.classes]
    is_group = np.isin(names, GROUPS[group])
    i = np.flatnonzero(is_group | np.isin(names, SET_ASIDE.get(group, ())))
    j = np.flatnonzero(np.isin(np.array(labels.class_names)[labels.classes], GROUPS[group]))
    if not is_group.any() and not len(j):
        return
    pairs = pair_up(truth.cuboids[i], there.sweeps[i], labels.cuboids[j], here.sweeps[j])
    sides = (labels.scores[j], (inside[0] & is_group)[i], inside[1][j])
    criterion = HEADLINE[group]
    every = match_boxes(pairs, criterion, *sides)
    counts = (truth.n_points >= MIN_POINTS)[i]
    found = match_boxes(pairs, criterion, sides[0], sides[1] & counts, sides[2])
    print(f"{f'{group}, {criterion}':24} truth recall | labels precision")
    row("all", found)
    for name in np.unique(names[i][found.truth_counts]):
        row(name, found, truth_in=names[i] == name)
    for low, high in BANDS_M:
        near, far = there.distance_m[i], here.distance_m[j]
        row(
            f"{low}-{high} m",
            found,
            truth_in=(near >= low) & (near < high),
            label_in=(far >= low) & (far < high),
        )
    points = truth.n_points[i]
    for low, high in POINTS:
        span = f"{low} points on" if high > 10**6 else f"{low}-{high - 1} points"
        row(span, every, truth_in=(points >= low) & (points < high))
    scores = labels.scores[j]
    for low, high in SCORES:
        row(f"score {low:g} on", found, label_in=(scores >= low) & (scores < high))


def row(name, found, truth_in=None, label_in=None) -> None:
    """Print one line; a side that is not given is left open unless neither is."""
    cells, n = [], 0
    both = truth_in is None and label_in is None
    for chosen, counts, right in (
        (truth_in, found.truth_counts, found.truth),
        (label_in, found.label_counts, found.label),
    ):
        if chosen is None and not both:
            cells.append(f"{'-':>6} {'-':>6}")
            continue
        counted = counts if chosen is None else counts & chosen
        n += counted.sum()
        share = counted[right].sum() / counted.sum() if counted.any() else np.nan
        cells.append(f"{counted.sum():6d} {share:6.3f}")
    if n:
        print(f"  {name:21} {' | '.join(cells)}")


if __name__ == "__main__":
    main()
