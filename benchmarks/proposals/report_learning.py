"""What verdicts teach: `python benchmarks/proposals/report_learning.py WORKSPACE …`.

Truth stands in for the person: a machine track is right if most of its boxes lie on truth. Each
log is told by the verdicts of all other logs given, with 30 and with 60 of its own; the log
loss is that on the tracks of it that were not judged.
"""

import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from perception_label import open_workspace
from perception_label.pipeline.boxes import machine_labels
from perception_label.proposals.learn import (
    RIGHT,
    UNKNOWN,
    WRONG,
    join_tables,
    learn,
    track_table,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
from report_queue import matches

OWN = (30, 60)


def judged(log):
    """A log's machine tracks, which of them are right, and the class truth gives them."""
    truth, poses = log.truth(), log.world_from_sensor
    tables, right, classes = [], [], []
    for name in ("proposals", "candidates", "unboxed"):
        labels = machine_labels(log, name)
        at = np.searchsorted(log.timestamps_ns, labels.timestamps_ns)
        table = track_table(labels, poses[at, :3, 3], is_cluster=name == "unboxed")
        i, j = matches(truth, labels, 0.3, 0.6)
        on = np.zeros(len(labels), dtype=bool)
        on[j] = True
        names = np.array(truth.class_names)[truth.classes[i]]
        for track_id, given in zip(table.track_ids, table.class_names, strict=True):
            track = labels.track_names.index(track_id)
            mine, count = np.unique(names[labels.tracks[j] == track], return_counts=True)
            right.append(on[labels.tracks == track].mean() > 0.5)
            classes.append(mine[count.argmax()] if len(mine) else given)
        tables.append(table)
    return join_tables(tables), np.array(right), np.array(classes)


def loss(probability, right):
    sure = np.clip(probability, 1e-3, 1 - 1e-3)
    return float(-np.where(right, np.log(sure), np.log(1 - sure)).mean())


def main(*paths):
    logs = {}
    for path in paths:
        workspace = open_workspace(path)
        for name in workspace.logs():
            logs[name] = judged(workspace.log(name))
    for name, (table, right, classes) in logs.items():
        others = [logs[k] for k in logs if k != name]
        for own in OWN:
            order = np.random.default_rng(0).permutation(len(table))
            mine = np.full(len(table), UNKNOWN)
            mine[order[:own]] = np.where(right[order[:own]], RIGHT, WRONG)
            verdicts = [mine, *(np.where(o[1], RIGHT, WRONG) for o in others)]
            whole = join_tables([table, *(o[0] for o in others)])
            given = np.concatenate([classes, *(o[2] for o in others)])
            start = perf_counter()
            own_rows = np.arange(len(whole)) < len(table)
            found = learn(whole, np.concatenate(verdicts), given, is_own=own_rows)
            seconds = perf_counter() - start
            rest = order[own:]
            named = rest[right[rest]]
            n = found.n_right + found.n_wrong
            print(
                f"{name}, {n} verdicts, {own} of them its own: log loss "
                f"{loss(table.shipped[rest], right[rest]):.3f} as shipped, "
                f"{loss(found.probability[rest], right[rest]):.3f} now; classes "
                f"{np.mean(table.class_names[named] == classes[named]):.3f}, "
                f"{np.mean(found.class_names[named] == classes[named]):.3f}; {seconds:.1f} s"
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
