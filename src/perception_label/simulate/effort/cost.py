"""Run every way of labelling a log through the simulated annotator."""

from collections.abc import Callable
from time import perf_counter

import numpy as np

from perception_label.pipeline.workspace import Workspace
from perception_label.simulate.effort.actions import ActionSeconds, load_seconds
from perception_label.simulate.effort.baselines import Work, by_hand, sensor_linear, world_linear
from perception_label.simulate.effort.hand import Hand, Noise
from perception_label.simulate.effort.objects import Judged, judged
from perception_label.simulate.effort.report import CostReport, Strategy, strategy
from perception_label.storage.logs import Log

BASELINES: dict[str, Callable[[Judged, Hand], Work]] = {
    "by_hand": by_hand,
    "sensor_linear": sensor_linear,
    "world_linear": world_linear,
}


def cost(
    workspace: Workspace,
    log: Log | str | None = None,
    *,
    noise: Noise | None = None,
    seconds: ActionSeconds | None = None,
    seed: int = 0,
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
    seed : int
        Of the hand's generator; each strategy starts from it.
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
    table, hand = seconds or load_seconds(), noise or Noise()
    target = judged(opened)
    found: dict[str, Strategy] = {}
    wall_s = {}
    for name, way in BASELINES.items():
        if on_step is not None:
            on_step(name)
        start = perf_counter()
        found[name] = strategy(name, target, way(target, Hand(hand, seed)), table)
        wall_s[name] = perf_counter() - start
    return CostReport(
        log_id=opened.id,
        noise_m=hand.place_m,
        noise_rad=hand.turn_rad,
        judged=target,
        strategies=found,
        over_time=np.empty((0, 2)),
        wall_s=wall_s,
    )
