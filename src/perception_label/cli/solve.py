"""`perception-label solve WORKSPACE`: dense boxes from the edits."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit
from perception_label.cli.progress import progress_bar


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    log: Annotated[str | None, typer.Option(help="The log; needed if there are several.")] = None,
    keyframes: Annotated[
        Path | None, typer.Option(help="Parquet, CSV or JSONL keyframes, appended as edits first.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Threads; one per core if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Carry every edited track over its lifespan and write dense boxes, on sweeps and images."""
    from perception_label.pipeline.solve import solve
    from perception_label.pipeline.solve_images import solve_images
    from perception_label.pipeline.workspace import open_workspace

    opened = open_workspace(workspace)
    with progress_bar("solve") as progress:
        report = solve(opened, log, keyframes=keyframes, workers=workers, progress=progress)
    with progress_bar("solve images") as progress:
        images = solve_images(opened, report.log_id, progress=progress)
    result = {
        "log_id": report.log_id,
        "n_tracks": report.n_tracks,
        "n_boxes": report.n_boxes,
        "n_solved": report.n_solved,
        "without_keyframes": list(report.without_keyframes),
        "n_image_labels": images.n_labels,
        "wall_s": report.wall_s,
    }
    lines = [
        f"log {report.log_id}: {report.n_boxes} boxes of {report.n_tracks} tracks, "
        f"{report.n_solved} of them from edits, in {report.wall_s:.1f} s"
    ]
    if images.n_labels:
        lines.append(
            f"{images.n_labels} labels of {images.n_tracks} tracks on images of "
            f"{', '.join(images.cameras)}"
        )
    if report.without_keyframes:
        lines.append(f"without any keyframe: {', '.join(report.without_keyframes)}")
    emit(as_json, result, lines)
