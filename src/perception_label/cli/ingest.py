"""`perception-label ingest SOURCE WORKSPACE`: a recording becomes a log of the workspace."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit, note
from perception_label.cli.progress import progress_bar


def run(
    source: Annotated[Path, typer.Argument(help="The recording: a folder or a file.")],
    workspace: Annotated[Path, typer.Argument(help="The workspace; made if it is not there.")],
    format: Annotated[str, typer.Option(help="Source format; auto looks at the content.")] = "auto",
    topic: Annotated[
        list[str] | None,
        typer.Option(
            help="Of a bag, instead of what is guessed: lidar=/points, camera.front=/cam/image, "
            "poses=/odom, ego=base_link, world=map; may be given several times."
        ),
    ] = None,
    topics: Annotated[
        Path | None, typer.Option(help="The same in a YAML file: a line KEY: TOPIC for each.")
    ] = None,
    odometry: Annotated[
        str | None,
        typer.Option(help="open3d or kiss-icp: estimate ego poses for a source without."),
    ] = None,
    deskew: Annotated[
        bool, typer.Option("--deskew", help="Move each point to its sweep's instant.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of a log from other files.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take a recording (and the labels that came with it, kept as truth) into a workspace."""
    from perception_label.pipeline.ingest import ingest
    from perception_label.readers.bags.choice import told_topics

    with progress_bar(f"ingest {source.name}") as progress:
        report = ingest(
            workspace.expanduser(),
            source,
            format,
            topics=told_topics(topics, topic or []),
            odometry=odometry,
            deskew=deskew,
            replace=replace,
            progress=progress,
            on_wait=note,
        )
    result = {
        "log_id": report.log_id,
        "format": report.format,
        "n_sweeps": report.n_sweeps,
        "n_points": report.n_points,
        "left_out": list(report.left_out),
        "warnings": list(report.warnings),
        "poses_from": report.poses_from,
        "is_new": report.is_new,
        "n_resumed": report.n_resumed,
        "topics": dict(report.chosen),
    }
    did = "ingested" if report.is_new else "already had, unchanged:"
    lines = [
        f"{did} log {report.log_id} ({report.format}): {report.n_sweeps} sweeps, "
        f"{report.n_points} points, poses from {report.poses_from}"
    ]
    if report.n_resumed:
        lines.append(f"took over {report.n_resumed} sweeps from an ingest that was cut off")
    lines += [f"topic {key}={value}" for key, value in report.chosen.items()]
    lines += [f"left out: {text}" for text in report.left_out]
    lines += [f"warning: {text}" for text in report.warnings]
    emit(as_json, result, lines)
