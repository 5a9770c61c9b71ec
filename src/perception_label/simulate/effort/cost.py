"""Run every way of labelling a log through the simulated annotator."""

from collections.abc import Callable
from time import perf_counter

import numpy as np

from perception_label.arrays import Floats
from perception_label.errors import WorkspaceError
from perception_label.pipeline.score import with_counts
from perception_label.pipeline.workspace import Workspace
from perception_label.quality.passing import judge
from perception_label.simulate.effort.actions import ActionSeconds, effort, load_seconds
from perception_label.simulate.effort.annotator import Annotator, Policy, spent_s
from perception_label.simulate.effort.baselines import Work, by_hand, sensor_linear, world_linear
from perception_label.simulate.effort.edit_desk import EditDesk
from perception_label.simulate.effort.eye import Eye
from perception_label.simulate.effort.hand import Hand, Noise
from perception_label.simulate.effort.objects import (
    MAX_RANGE_M,
    MIN_POINTS,
    Judged,
    in_range,
    judged,
)
from perception_label.simulate.effort.report import CostReport, Strategy, strategy
from perception_label.simulate.effort.scratch import scratch
from perception_label.storage.logs import Log

BASELINES: dict[str, Callable[[Judged, Hand], Work]] = {
    "by_hand": by_hand,
    "sensor_linear": sensor_linear,
    "world_linear": world_linear,
}
TENTHS = 10  # of the objects, over which the cost of one is followed


def cost(
    workspace: Workspace,
    log: Log | str | None = None,
    *,
    noise: Noise | None = None,
    seconds: ActionSeconds | None = None,
    policy: Policy | None = None,
    seed: int = 0,
    min_points: int = MIN_POINTS,
    max_range_m: float = MAX_RANGE_M,
    on_step: Callable[[str], None] | None = None,
) -> CostReport:
    """Measure what labelling a log costs: our way and three others, at equal quality.

    Nothing of the workspace is changed.

    Parameters
    ----------
    workspace : Workspace
        Holds the log, its truth and its proposals.
    log : Log or str, optional
        The log; None for the only one.
    noise : Noise, optional
        Of the hand; 5 cm and 1 degree by default.
    seconds : ActionSeconds, optional
        How long actions take; the table the package ships by default.
    policy : Policy, optional
        When the annotator does what.
    seed : int
        Of the hand's generator; each strategy starts from it.
    min_points : int
        Points in a box that has to be labelled.
    max_range_m : float
        Its distance from the sensor.
    on_step : callable, optional
        Told the name of each strategy as it begins.

    Raises
    ------
    WorkspaceError
        If the log has no truth or no proposals.
    MissingPosesError
        If the log has no ego poses.
    """
    opened = log if isinstance(log, Log) else workspace.log(log)
    if opened.machine("proposals") is None:
        raise WorkspaceError(
            f"log {opened.id}: expected proposals, got none: run `perception-label propose`"
        )
    table, hand = seconds or load_seconds(), noise or Noise()
    target = judged(opened, min_points=min_points, max_range_m=max_range_m)
    found: dict[str, Strategy] = {}
    over_time: Floats = np.empty((0, 2))
    wall_s = {}
    for name in (*BASELINES, "ours"):
        if on_step is not None:
            on_step(name)
        start = perf_counter()
        if name == "ours":
            found[name], over_time = _ours(
                workspace, opened, target, Hand(hand, seed), table, policy or Policy()
            )
        else:
            found[name] = strategy(name, target, BASELINES[name](target, Hand(hand, seed)), table)
        wall_s[name] = perf_counter() - start
    return CostReport(
        log_id=opened.id,
        noise_m=hand.place_m,
        noise_rad=hand.turn_rad,
        judged=target,
        strategies=found,
        over_time=over_time,
        wall_s=wall_s,
    )


def _ours(
    workspace: Workspace,
    log: Log,
    target: Judged,
    hand: Hand,
    table: ActionSeconds,
    policy: Policy,
) -> tuple[Strategy, Floats]:
    """Return what the annotator did at our desk, and what an object cost as it went on."""
    with scratch(workspace, log.id) as apart:
        desk = EditDesk(apart, apart.log(log.id))
        person = Annotator(desk, Eye(target, desk.count), hand, policy)
        person.work()
        labels = desk.labels()
    labels = labels[np.isin(labels.timestamps_ns, target.timestamps_ns)]
    counted = with_counts(log, labels, np.ones(len(labels), dtype=np.bool_))
    work = Work(person.actions, counted, person.n_keyframes)
    quality = judge(target.truth, in_range(target, counted), min_points=target.min_points)
    spent = effort(person.actions, table, n_tracks=len(target.things), sensor_s=target.sensor_s)
    running = spent_s(person.actions, table)
    marks = np.array(person.curve, dtype=np.int64).reshape(-1, 2)
    curve = np.column_stack(
        [running[marks[:, 0]] / max(1, len(target.things)), marks[:, 1] / max(1, target.n_boxes)]
    )
    if len(curve) and quality.passing_recall is not None:
        curve[-1, 1] = quality.passing_recall
    found = Strategy("ours", work, spent, quality, curve)
    return found, _over_time(person.finished, running)


def _over_time(finished: list[tuple[int, int]], running: Floats) -> Floats:
    """Return after how many objects, seconds per object over the last tenth of them, (n, 2)."""
    if not finished:
        return np.empty((0, 2))
    done_s = running[np.array([n for n, _ in finished])]
    ends = np.unique(np.linspace(0, len(done_s), TENTHS + 1).round().astype(np.int64))[1:]
    at = np.append(0.0, done_s[ends - 1])
    return np.column_stack([ends, np.diff(at) / np.diff(ends, prepend=0)])
