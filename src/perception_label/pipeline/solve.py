"""Dense boxes from the edits: every live track solved, untouched proposals kept."""

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from perception_label.arrays import Ints, Mask
from perception_label.errors import SourceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.interpolate import interpolate
from perception_label.geometry.labels import Labels, each_track, join_labels
from perception_label.geometry.overlap import keep_best
from perception_label.pipeline.evidence import evidence_of
from perception_label.pipeline.parallel import in_order, n_workers
from perception_label.pipeline.propose import NAME as PROPOSALS
from perception_label.pipeline.propose import SOURCE as PROPOSED
from perception_label.pipeline.propose import Progress
from perception_label.pipeline.score import with_counts
from perception_label.pipeline.solve_track import SolvedTrack, solve_track
from perception_label.pipeline.workspace import Workspace
from perception_label.readers.labels import Facts, format_of, read_labels
from perception_label.storage.edits import make
from perception_label.storage.edits.edit import HUMAN, Edit
from perception_label.storage.edits.state import TrackState
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table, labels_to_table

NAME = "solved"
KEYFRAME_FILES = ("parquet", "csv", "jsonl")
SHARED = 0.3  # of the smaller footprint: a proposal that covers this much of a solved box is it


@dataclass(frozen=True, slots=True)
class SolveReport:
    """What `solve` made of a log's edits.

    `n_tracks` and `n_boxes` count all of the result, `n_solved` the tracks people decided on;
    `without_keyframes` are live tracks that nothing says the place of.
    """

    log_id: str
    n_tracks: int
    n_boxes: int
    n_solved: int
    wall_s: float
    without_keyframes: tuple[str, ...]


def solve(
    workspace: Workspace,
    log: Log | str | None = None,
    *,
    keyframes: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SolveReport:
    """Write dense boxes from the edits of a log: the machine result `solved`.

    Every live track of the edit log is carried over its lifespan; proposals that nobody touched
    are kept as they are, unless they stand where a solved track does. The same edits give the
    same bytes.

    Parameters
    ----------
    workspace : Workspace
        Holds the log and its edits.
    log : Log or str, optional
        Which log; None takes the only one.
    keyframes : Path, optional
        A Parquet, CSV or JSONL file of keyframes (`track_id`, `timestamp_ns`, `class_name`, box
        in the world frame): appended as edits first; a file that was there already changes
        nothing.
    workers : int, optional
        Threads over tracks; None takes one per core. The result does not depend on it.
    progress : callable, optional
        Called with how many of how many tracks are done.

    Raises
    ------
    SourceError, EditError
        If the file cannot be read, or says what cannot be.
    MissingPosesError
        If the log has no ego poses.
    """
    begun = perf_counter()
    opened = log if isinstance(log, Log) else workspace.log(log)
    edits = workspace.edits(opened)
    if keyframes is not None:
        edits.append(keyframe_edits(keyframes, set(edits.state().tracks)))
    state = edits.state()
    proposals = opened.machine(PROPOSALS)
    machine = {} if proposals is None else each_track(labels_from_table(proposals))
    live = list(state.live().values())
    evidence_of(opened)
    parts, sources, bare = [], [], []
    done = in_order(
        lambda track: solve_state(opened, track, machine.get(track.track_id)),
        live,
        n_workers(workers),
    )
    for k, (track, solved) in enumerate(zip(live, done, strict=True)):
        if solved is None:
            # A track that is only on images is not lost: `solve_images` has it.
            bare += [] if track.shapes else [track.track_id]
        else:
            parts.append(as_labels(track, solved))
            sources += sources_of(track, solved)
        if progress is not None:
            progress(k + 1, len(live))
    untouched = [boxes for name, boxes in machine.items() if name not in state.tracks]
    labels, source = _joined(parts, sources, untouched)
    labels = with_counts(opened, labels, np.ones(len(labels), dtype=np.bool_))
    opened.write_machine(NAME, labels_to_table(labels, source))
    return SolveReport(
        opened.id,
        len(np.unique(labels.tracks)),
        len(labels),
        len(parts),
        perf_counter() - begun,
        tuple(bare),
    )


def solve_state(log: Log, track: TrackState, machine: Labels | None = None) -> SolvedTrack | None:
    """Return a track as its edits say, or None if they say nothing of its place.

    Parameters
    ----------
    log : Log
        The log.
    track : TrackState
        What people decided.
    machine : Labels, optional
        The dense boxes it was adopted from, world frame: shown while no person set a keyframe,
        and what helps to find it where the keyframes' points are lost.

    Notes
    -----
    Sweeps in intervals that are outside have no box. In an interval that stands still it has
    one pose: that of the interval's first keyframe by a person, else of its middle.
    """
    human = np.array([s == HUMAN for s in track.key_sources], dtype=np.bool_)
    hints, hint_ns = track.keyframes[~human], track.key_timestamps_ns[~human]
    if machine is not None and len(machine):
        hints, hint_ns = machine.cuboids, machine.timestamps_ns
    if human.any():
        keys, key_ns = track.keyframes[human], track.key_timestamps_ns[human]
        size = track.size_m if track.size_m is not None else keys.size_m[0]
        own = track.key_has_size[human]
        if own.any():
            size = keys.size_m[np.flatnonzero(own)[-1]]
        solved = solve_track(
            log, keys, key_ns, class_name=track.class_name, size_m=size, span_ns=track.span_ns,
            is_static=_is_static(log, track), hints=hints, hint_timestamps_ns=hint_ns,
        )  # fmt: skip
    elif len(hints):
        solved = _as_hinted(log, track, hints, hint_ns)
    else:
        return None
    return _without_outside(_held(solved, track), track)


def as_labels(track: TrackState, solved: SolvedTrack) -> Labels:
    """Return the boxes of a solved track, points not counted."""
    n = len(solved.timestamps_ns)
    return Labels.from_columns(
        solved.timestamps_ns,
        np.full(n, track.track_id),
        np.full(n, track.class_name),
        solved.cuboids,
        expected_iou=solved.expected_iou,
        revision=np.full(n, track.revision),
    )


def sources_of(track: TrackState, solved: SolvedTrack) -> list[str]:
    """Return who made each box: a person, the solver (standing still or not), or a machine."""
    if HUMAN not in track.key_sources:
        return [track.source if track.source != HUMAN else PROPOSED] * len(solved.timestamps_ns)
    human = np.array([s == HUMAN for s in track.key_sources])
    keyed = np.isin(solved.timestamps_ns, track.key_timestamps_ns[human])
    other = "static" if solved.is_static else "solver"
    return [HUMAN if is_keyed else other for is_keyed in keyed.tolist()]


def keyframe_edits(path: Path, known: set[str]) -> list[Edit]:
    """Return the edits that a file of keyframes stands for; their ids follow from its content.

    `known` are the tracks that are there: others are created.
    """
    if format_of(path) not in KEYFRAME_FILES:
        raise SourceError(f"{path}: expected a file of {', '.join(KEYFRAME_FILES)}, got another")
    read = read_labels(path, "auto", Facts())
    if read.track_ids is None:
        raise SourceError(f"{path}: expected columns track_id and timestamp_ns, got others")
    edits = []
    for name in dict.fromkeys(read.track_ids.tolist()):
        rows = np.flatnonzero(read.track_ids == name)
        if name not in known:
            made = make.create_track(name, str(read.class_names[rows[0]]))
            edits.append(_named(made, f"{name}"))
        for row in rows.tolist():
            box, at = read.cuboids[[row]], int(read.at[row])
            numbers = box.packed()[0].tolist()
            key = make.set_keyframe(name, at, box.center_m[0], float(box.yaw_rad[0]), box.size_m[0])
            edits.append(_named(key, f"{name} {at} {numbers}"))
    return edits


def _named(edit: Edit, content: str) -> Edit:
    """Return the edit with an id that the same content always has."""
    name = f"perception-label/{edit.kind}/{content}"
    return replace(edit, edit_id=str(uuid5(NAMESPACE_URL, name)), client_time_ns=None)


def _is_static(log: Log, track: TrackState) -> bool | None:
    """Return True if it was said to stand still all its life, None if the points shall tell."""
    first, last = track.span_ns or (int(log.timestamps_ns[0]), int(log.timestamps_ns[-1]))
    for start, end in track.static_ns.tolist():
        if start <= first and last <= end:
            return True
    return None


def _as_hinted(log: Log, track: TrackState, hints: Cuboids, hint_ns: Ints) -> SolvedTrack:
    """Return a machine's boxes over the lifespan, straight between those it has."""
    order = np.argsort(hint_ns, kind="stable")
    hints, hint_ns = hints[order], hint_ns[order]
    first, last = track.span_ns or (int(hint_ns[0]), int(hint_ns[-1]))
    times = log.timestamps_ns[(log.timestamps_ns >= first) & (log.timestamps_ns <= last)]
    boxes = interpolate(hints, hint_ns, times, method="linear")
    size = np.median(hints.size_m, axis=0) if track.size_m is None else track.size_m
    unknown = np.full(len(times), np.nan)
    return SolvedTrack(
        cuboids=Cuboids(boxes.center_m, np.repeat(size[None], len(times), axis=0), boxes.yaw_rad),
        timestamps_ns=times,
        covariance=np.full((len(times), 4, 4), np.nan),
        expected_iou=unknown,
        is_static=bool(len(times)) and bool(np.ptp(boxes.center_m[:, :2], axis=0).max() == 0),
        next_keyframe_ns=int(times[len(times) // 2]) if len(times) else first,
        found=np.isin(times, hint_ns),
        class_name=track.class_name,
    )


def _held(solved: SolvedTrack, track: TrackState) -> SolvedTrack:
    """Return the track with one pose in each interval that a person said it stands still in."""
    packed = solved.cuboids.packed()
    human = np.array([s == HUMAN for s in track.key_sources], dtype=np.bool_)
    keyed = set(track.key_timestamps_ns[human].tolist())
    for start, end in track.static_ns.tolist():
        rows = np.flatnonzero((solved.timestamps_ns >= start) & (solved.timestamps_ns <= end))
        if len(rows) == 0:
            continue
        said = [r for r in rows.tolist() if int(solved.timestamps_ns[r]) in keyed]
        pose = packed[said[0] if said else rows[len(rows) // 2], [0, 1, 2, 6]]
        free = np.array([r for r in rows.tolist() if r not in said], dtype=np.int64)
        packed[free[:, None], [0, 1, 2, 6]] = pose
    return replace(solved, cuboids=Cuboids.unpack(packed))


def _without_outside(solved: SolvedTrack, track: TrackState) -> SolvedTrack:
    """Return the track without the sweeps in which it is not to be labelled."""
    kept: Mask = np.ones(len(solved.timestamps_ns), dtype=np.bool_)
    for start, end in track.outside_ns.tolist():
        kept &= (solved.timestamps_ns < start) | (solved.timestamps_ns > end)
    if kept.all():
        return solved
    return replace(
        solved,
        cuboids=solved.cuboids[kept],
        timestamps_ns=solved.timestamps_ns[kept],
        covariance=solved.covariance[kept],
        expected_iou=solved.expected_iou[kept],
        found=solved.found[kept],
    )


def _joined(
    parts: list[Labels], sources: list[str], untouched: list[Labels]
) -> tuple[Labels, list[str]]:
    """Return all boxes by sweep and track; of an untouched one on a solved one, the solved."""
    labels = join_labels([*parts, *untouched])
    source = np.array([*sources, *[PROPOSED] * (len(labels) - len(sources))], dtype=object)
    is_solved = np.arange(len(labels)) < len(sources)
    kept = np.ones(len(labels), dtype=np.bool_)
    order = np.argsort(labels.timestamps_ns, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(labels.timestamps_ns[order])) + 1):
        if is_solved[rows].all() or not is_solved[rows].any():
            continue
        best = keep_best(
            labels.cuboids[rows], is_solved[rows].astype(np.float64), SHARED, measure="min_area"
        )
        # Solved tracks stay, whatever they overlap.
        hidden = np.setdiff1d(np.arange(len(rows)), best)
        kept[rows[hidden[~is_solved[rows[hidden]]]]] = False
    chosen = np.lexsort((labels.tracks, labels.timestamps_ns))
    chosen = chosen[kept[chosen]]
    return labels[chosen], source[chosen].tolist()
