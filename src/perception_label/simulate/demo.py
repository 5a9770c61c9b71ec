"""The whole path on a simulated log: simulate, ingest, propose, score, label, export, draw."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from perception_label.geometry.poses import inverse
from perception_label.pipeline.export import export
from perception_label.pipeline.score import LogScore, score
from perception_label.pipeline.workspace import Workspace, open_workspace
from perception_label.simulate.effort.cost import cost
from perception_label.simulate.effort.figure import draw_cost
from perception_label.simulate.effort.report import CostReport
from perception_label.simulate.log import simulate_log
from perception_label.simulate.picture import draw, save
from perception_label.simulate.settings import SceneSettings
from perception_label.storage.logs import Log
from perception_label.storage.whole import write_text
from perception_label.tables import labels_from_table

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo made and how long each step took.

    Attributes
    ----------
    workspace : Path
        Holds the simulated log, its truth and its proposals.
    n_sweeps, n_tracks, n_boxes : int
        Of the log, and what was exported.
    score : LogScore
        The proposals against the simulator's exact truth.
    cost : CostReport
        What it costs a simulated annotator to make the proposals right, beside other ways.
    files : tuple of Path
        The exported labels, then the pictures.
    seconds : dict of str to float
        Wall time of each step.
    """

    workspace: Path
    n_sweeps: int
    n_tracks: int
    n_boxes: int
    score: LogScore
    cost: CostReport
    files: tuple[Path, ...]
    seconds: dict[str, float]


def run_demo(
    out: Path,
    propose: Callable[[Workspace], Any],
    *,
    settings: SceneSettings | None = None,
    on_step: Step | None = None,
) -> Demo:
    """Simulate a log into `out/workspace`, label it, score and export it into `out`.

    Parameters
    ----------
    out : Path
        A folder, made if it is not there; a demo that is there is replaced.
    propose : callable
        Writes the proposals of a workspace's only log.
    settings : SceneSettings, optional
        What to simulate.
    on_step : callable, optional
        Told the name of each step as it begins.
    """
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        if on_step is not None:
            on_step(name)
        start = perf_counter()
        done = work()
        seconds[name] = perf_counter() - start
        return done

    workspace = open_workspace(out / "workspace", create=True)
    # Sweeps are cast when they are ingested; counting points now would cast each twice, and
    # the score counts them anyway.
    recording = timed(
        "simulate", lambda: simulate_log(settings, count_points=False, images_folder=out / "images")
    )
    timed("ingest", lambda: workspace.ingest(recording))
    log = workspace.log(recording.log_id)
    timed("propose", lambda: propose(workspace))
    found = timed("score", lambda: score(workspace, log))
    spent = timed("annotate", lambda: cost(workspace, log))
    write_text(out / "cost.svg", draw_cost(spent))
    report = timed("export", lambda: export(workspace, out / "labels", "kitti-tracking"))
    picture = timed("draw", lambda: _picture(log, out / "demo.png"))
    return Demo(
        workspace=out / "workspace",
        n_sweeps=len(log.sweeps),
        n_tracks=report.n_tracks,
        n_boxes=report.n_boxes,
        score=found,
        cost=spent,
        files=(*report.files, picture, out / "cost.svg"),
        seconds=seconds,
    )


def _picture(log: Log, path: Path) -> Path:
    """Draw the sweep in the middle of the log with the boxes the machine found in it."""
    labels = labels_from_table(log.dense_boxes())
    i = len(log.sweeps) // 2
    sweep = log.sweep(i)
    here = labels[labels.timestamps_ns == sweep.timestamp_ns]
    names = [here.class_names[k] for k in here.classes]
    pose = sweep.world_from_sensor
    boxes = here.cuboids if pose is None else here.cuboids.moved(inverse(np.asarray(pose)))
    return save(draw(sweep.points_m, boxes, names, intensity=sweep.intensity), path)
