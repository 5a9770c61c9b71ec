"""Fit the weights of `proposals/unboxed.py`: `python …/fit_unboxed.py WORKSPACE`.

Every log of the workspace needs truth and proposals. A cluster is an object if its best sweep's
centre lies in a truth box (grown by half a metre) that proposals do not cover. Prints a logistic
regression over `FEATURES`, the constant last, and how well each log is told by the others.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from perception_label import open_workspace
from perception_label.geometry.labels import join_labels
from perception_label.pipeline.boxes import machine_labels
from perception_label.pipeline.parallel import n_workers
from perception_label.pipeline.unboxed import found_unboxed
from perception_label.proposals.unboxed import FEATURES

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
from report_queue import matches


def examples(log):
    """Features of a log's clusters, and which are objects that have no box."""
    truth, proposed = log.truth(), machine_labels(log, "proposals")
    boxed = join_labels([proposed, machine_labels(log, "candidates")])
    found = found_unboxed(log, boxed, n_workers(None))
    free = np.array(truth.class_names)[truth.classes] != "other"
    free[matches(truth, proposed, 0.1, 0.7)[0]] = False
    answers = []
    for cluster in found:
        row = int(np.argmax(cluster.n_points))
        at = truth.timestamps_ns == log.timestamps_ns[cluster.sweeps[row]]
        rows = np.flatnonzero(free & at)
        off = cluster.cuboids.center_m[row, :2] - truth.cuboids.center_m[rows, :2]
        yaw, size = truth.cuboids.yaw_rad[rows], truth.cuboids.size_m[rows]
        along = np.abs(np.cos(yaw) * off[:, 0] + np.sin(yaw) * off[:, 1])
        across = np.abs(np.cos(yaw) * off[:, 1] - np.sin(yaw) * off[:, 0])
        answers.append(np.any((along < size[:, 0] / 2 + 0.5) & (across < size[:, 1] / 2 + 0.5)))
    return np.array([c.features for c in found]), np.array(answers)


def fitted(parts):
    """Weights on the plain features, the constant last."""
    x, y = (np.concatenate([p[k] for p in parts]) for k in range(2))
    scale = StandardScaler().fit(x)
    model = LogisticRegression(C=0.1, max_iter=2000).fit(scale.transform(x), y)
    weights = model.coef_[0] / scale.scale_
    return np.append(weights, model.intercept_[0] - weights @ scale.mean_)


def main(path):
    workspace = open_workspace(path)
    parts = {name: examples(workspace.log(name)) for name in workspace.logs()}
    for name, (x, y) in parts.items():
        rest = [p for other, p in parts.items() if other != name]
        told = ""
        if rest and 0 < y.sum() < len(y):
            w = fitted(rest)
            told = f", AUC {roc_auc_score(y, x @ w[:-1] + w[-1]):.2f} by the others"
        print(f"{name}: {y.sum()} objects of {len(y)} clusters{told}")
    for feature, weight in zip([*FEATURES, "constant"], fitted(list(parts.values())), strict=True):
        print(f"  {weight:8.3f}  {feature}")


if __name__ == "__main__":
    main(*sys.argv[1:])
