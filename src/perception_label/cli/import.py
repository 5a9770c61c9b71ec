# ruff: noqa: N999  # a module is named for its verb
"""`perception-label import FILE WORKSPACE`: boxes of a detector or another tool, as a source."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit


def run(
    file: Annotated[Path, typer.Argument(help="Parquet, CSV, JSON Lines or KITTI tracking text.")],
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    format: Annotated[
        str, typer.Option(help="auto, parquet, csv, jsonl or kitti-tracking.")
    ] = "auto",
    name: Annotated[str | None, typer.Option(help="Of the source; the file's by default.")] = None,
    log: Annotated[str | None, typer.Option(help="The log; needed if there are several.")] = None,
    coordinate_frame: Annotated[
        str, typer.Option(help="Of the boxes: world, ego or sensor.")
    ] = "world",
    calibration: Annotated[
        Path | None, typer.Option(help="KITTI's calibration; the log's camera by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take predictions in as one more source: compared with the boxes, never mixed into them."""
    from perception_label.pipeline.imported import import_predictions
    from perception_label.pipeline.workspace import open_workspace

    report = import_predictions(
        open_workspace(workspace),
        file,
        log,
        format=format,
        name=name,
        coordinate_frame=coordinate_frame,
        calibration=calibration,
    )
    result = {
        "log_id": report.log_id,
        "name": report.name,
        "n_tracks": report.n_tracks,
        "n_boxes": report.n_boxes,
        "files": [str(file)],
        "left_out": list(report.left_out),
    }
    lines = [
        f"log {report.log_id}: {report.n_boxes} boxes of {report.n_tracks} tracks from "
        f"imported:{report.name}",
        *(f"left out: {text}" for text in report.left_out),
    ]
    emit(as_json, result, lines)
