"""Learn from the verdicts in a workspace how likely each machine track is, and what it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Ints
from perception_label.pipeline.boxes import machine_labels
from perception_label.pipeline.propose import CANDIDATES, NAME
from perception_label.pipeline.sources import answer_of
from perception_label.pipeline.unboxed import NAME as UNBOXED
from perception_label.pipeline.workspace import open_workspace
from perception_label.proposals.learn import (
    LEAST_VERDICTS,
    RIGHT,
    UNKNOWN,
    WRONG,
    Learned,
    TrackTable,
    join_tables,
    learn,
    track_table,
)
from perception_label.storage.edits import LogState
from perception_label.storage.logs import Log

VERDICTS = {None: UNKNOWN, False: WRONG, True: RIGHT}
MOST_LOGS = 50  # of a workspace, the first by id: reading a log's edits takes time


@dataclass(frozen=True, slots=True)
class LearnedLog:
    """What verdicts say of one log's machine tracks that nobody judged yet.

    Attributes
    ----------
    probability : dict of track id to float
        That each is an object; empty where the shipped probabilities stay.
    class_name, class_doubt : dict of track id
        Learned class, and how likely it is wrong; empty where the given names stay.
    note : str
        One line for people; empty if there were too few verdicts.
    learned : Learned
        In full, over the tracks of all logs.
    """

    probability: dict[str, float]
    class_name: dict[str, str]
    class_doubt: dict[str, float]
    note: str
    learned: Learned


def learn_log(log: Log, state: LogState) -> LearnedLog:
    """Learn from every verdict in the workspace; return what that says of one log.

    Right is a track that was accepted or finalised, whatever was corrected before; wrong one
    that was rejected or deleted. Merged tracks teach nothing.

    Parameters
    ----------
    log : Log
        With proposals.
    state : LogState
        Its edits, replayed.
    """
    mine = _judged(log, state)
    parts = [mine, *_others(log)]
    table = join_tables([p[0] for p in parts])
    verdicts = np.concatenate([p[1] for p in parts])
    n = len(mine[0])
    is_own = np.arange(len(table)) < n
    found = learn(table, verdicts, np.concatenate([p[2] for p in parts]), is_own=is_own)
    ids = table.track_ids[:n].tolist()
    probability = dict(zip(ids, found.probability[:n].tolist(), strict=True))
    names = dict(zip(ids, found.class_names[:n].tolist(), strict=True))
    doubt = dict(zip(ids, found.class_doubt[:n].tolist(), strict=True))
    return LearnedLog(
        probability if found.is_used else {},
        names if found.classes_used else {},
        doubt if found.classes_used else {},
        _note(found),
        found,
    )


Judged = tuple[TrackTable, Ints, NDArray[np.str_]]


def _judged(log: Log, state: LogState) -> Judged:
    """Return the machine tracks of a log, what people said of each, and its class then."""
    poses = log.world_from_sensor
    tables = []
    for name in (NAME, CANDIDATES, UNBOXED):
        labels = machine_labels(log, name)
        if poses is None or not len(labels):
            continue
        at = np.searchsorted(log.timestamps_ns, labels.timestamps_ns)
        tables.append(track_table(labels, poses[at, :3, 3], is_cluster=name == UNBOXED))
    table = join_tables(tables)
    known = [state.tracks.get(name) for name in table.track_ids.tolist()]
    classes = [
        given if track is None else track.class_name
        for track, given in zip(known, table.class_names.tolist(), strict=True)
    ]
    verdicts = np.array([VERDICTS[answer_of(track)] for track in known], dtype=np.int64)
    return table, verdicts, np.array(classes, dtype=str)


def _others(log: Log) -> list[Judged]:
    """Return the judged tracks of the workspace's other logs."""
    workspace = open_workspace(log.workspace_path)
    found = []
    for name in workspace.logs()[:MOST_LOGS]:
        if name == log.id:
            continue
        state = workspace.edits(name).state()
        if not any(answer_of(track) is not None for track in state.tracks.values()):
            continue
        table, verdicts, classes = _judged(workspace.log(name), state)
        rows = np.flatnonzero(verdicts != UNKNOWN)
        part = TrackTable(
            table.features[rows], table.shipped[rows], table.track_ids[rows],
            table.class_names[rows],
        )  # fmt: skip
        found.append((part, verdicts[rows], classes[rows]))
    return found


def _note(found: Learned) -> str:
    n = found.n_right + found.n_wrong
    if n < LEAST_VERDICTS or np.isnan(found.loss):
        return ""
    word = "used" if found.is_used else "not used"
    return (
        f"learned from {n} verdicts: {word} (log loss {found.loss:.3f}, as shipped "
        f"{found.shipped_loss:.3f}, cross-validated)"
    )
