"""`perception-label propose WORKSPACE`: tracked first-guess cuboids over a whole log."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit
from perception_label.cli.progress import progress_bar


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    log: Annotated[str | None, typer.Option(help="The log; needed if there are several.")] = None,
    settings: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    workers: Annotated[int | None, typer.Option(help="Threads; one per core if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find road users in every sweep, link them, and write dense boxes with a probability."""
    from perception_label.config import Settings, load_settings
    from perception_label.pipeline.propose import propose
    from perception_label.pipeline.workspace import open_workspace

    chosen = Settings() if settings is None else load_settings(settings)
    opened = open_workspace(workspace)
    with progress_bar("propose") as progress:
        report = propose(opened, log, settings=chosen, workers=workers, progress=progress)
    result = {
        "log_id": report.log_id,
        "n_tracks": report.n_tracks,
        "n_boxes": report.n_boxes,
        "n_sweeps": report.n_sweeps,
        "wall_s": report.wall_s,
        "sweeps_per_s": report.sweeps_per_s,
    }
    lines = [
        f"log {report.log_id}: {report.n_boxes} boxes of {report.n_tracks} tracks",
        f"{report.n_sweeps} sweeps in {report.wall_s:.1f} s, {report.sweeps_per_s:.1f} per second",
    ]
    emit(as_json, result, lines)
