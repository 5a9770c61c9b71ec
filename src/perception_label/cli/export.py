"""`perception-label export WORKSPACE --format F --out DIR`: labels for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit
from perception_label.cli.progress import progress_bar


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    format: Annotated[str, typer.Option(help="One of docs/formats.md, such as parquet.")],
    out: Annotated[Path, typer.Option(help="The folder to write to; made if it is not there.")],
    log: Annotated[str | None, typer.Option(help="One log; all by default.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="A machine result, or truth; by default the best there is, edits solved first."
        ),
    ] = None,
    points: Annotated[
        bool | None,
        typer.Option(help="Write point clouds and pictures too; as the format needs by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write labels in another tool's format; `docs/conventions.md` says what its numbers mean."""
    from perception_label.pipeline.export import export
    from perception_label.pipeline.workspace import open_workspace

    with progress_bar("export") as progress:
        report = export(
            open_workspace(workspace), out, format,
            log=log, source=source, points=points, progress=progress,
        )  # fmt: skip
    result = {
        "n_tracks": report.n_tracks,
        "n_boxes": report.n_boxes,
        "files": [str(path) for path in report.files],
        "left_out": list(report.left_out),
    }
    lines = [f"exported {report.n_boxes} boxes of {report.n_tracks} tracks as {format}:"]
    lines += [f"  {path}" for path in report.files]
    lines += [f"left out: {text}" for text in report.left_out]
    emit(as_json, result, lines)
