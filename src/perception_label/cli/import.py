# ruff: noqa: N999  # a module is named for its verb
"""`perception-label import FILE WORKSPACE`: labels of a detector or another tool."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit


def run(
    file: Annotated[Path, typer.Argument(help="The labels: a file, or the format's folder.")],
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    *,
    format: Annotated[
        str, typer.Option(help="One of docs/formats.md; told by name and content if auto.")
    ] = "auto",
    name: Annotated[str | None, typer.Option(help="Of the source; the file's by default.")] = None,
    log: Annotated[str | None, typer.Option(help="The log; needed if there are several.")] = None,
    way: Annotated[
        str,
        typer.Option("--as", help="source: beside the labels; edits: into them."),
    ] = "source",
    classes: Annotated[
        Path | None, typer.Option(help="YAML: class of the file: class of ours, or null.")
    ] = None,
    coordinate_frame: Annotated[
        str | None,
        typer.Option(help="Of boxes in plain tables: world, source, ego or sensor; world if none."),
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="KITTI's calibration; beside the labels, or the log's.")
    ] = None,
    columns: Annotated[
        Path | None, typer.Option(help="YAML: column of ours: column of the table, with its unit.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="Whose images 2-D labels are on; the only one by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take labels in: as one more source, compared with the boxes, or as edits of the log."""
    from perception_label.pipeline.imported import import_labels
    from perception_label.pipeline.workspace import open_workspace

    report = import_labels(
        open_workspace(workspace),
        file,
        log,
        format=format,
        name=name,
        way=way,
        classes=classes,
        coordinate_frame=coordinate_frame,
        calibration=calibration,
        columns=columns,
        camera=camera,
    )
    result = {
        "log_id": report.log_id,
        "name": report.name,
        "n_tracks": report.n_tracks,
        "n_boxes": report.n_boxes,
        "n_image_labels": report.n_image_labels,
        "n_edits": report.n_edits,
        "files": [str(file)],
        "left_out": list(report.left_out),
        "warnings": list(report.warnings),
    }
    into = f"{report.n_edits} new edits" if way == "edits" else f"imported:{report.name}"
    lines = [
        f"log {report.log_id}: {report.n_boxes} boxes of {report.n_tracks} tracks into {into}",
        *(
            [f"{report.n_image_labels} labels on images into {into}"]
            if report.n_image_labels
            else []
        ),
        *(f"left out: {text}" for text in report.left_out),
        *(f"look: {text}" for text in report.warnings),
    ]
    emit(as_json, result, lines)
