"""`perception-label infer WORKSPACE --model FILE`: a model of your own over a log, as a source."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit
from perception_label.cli.progress import progress_bar


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    model: Annotated[
        Path | None, typer.Option(help="The model's manifest (TOML); this package ships no model.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="The log; needed if there are several.")] = None,
    camera: Annotated[
        str | None, typer.Option(help="Whose images; needed if there are several cameras.")
    ] = None,
    first_ns: Annotated[
        int | None, typer.Option(help="First instant; the log's by default.")
    ] = None,
    last_ns: Annotated[int | None, typer.Option(help="Last instant; the log's by default.")] = None,
    workers: Annotated[int, typer.Option(help="Images or sweeps at once.", min=1)] = 2,
    as_json: AsJson = False,
) -> None:
    """Run your own segmenter or detector over a log; what it says becomes a named source."""
    from perception_label.pipeline.plugins.manifest import load_plugin
    from perception_label.pipeline.plugins.run import run_plugin
    from perception_label.pipeline.sources import source_gates
    from perception_label.pipeline.workspace import open_workspace

    plugin = load_plugin(model)
    opened = open_workspace(workspace)
    span = None
    if first_ns is not None or last_ns is not None:
        span = (-(1 << 62) if first_ns is None else first_ns, last_ns or (1 << 62))
    with progress_bar("infer") as progress:
        report = run_plugin(
            opened, plugin, log, camera=camera, span_ns=span, workers=workers, progress=progress
        )
    of_log = opened.log(report.log_id)
    gates = source_gates(of_log, opened.edits(of_log).state())
    kind = "imported" if report.task == "detect_3d" else "model"
    gate = gates.get(f"{kind}:{report.name}")
    result = {
        "log_id": report.log_id,
        "name": report.name,
        "task": report.task,
        "stored_as": report.stored_as,
        "n_inputs": report.n_inputs,
        "n_labels": report.n_labels,
        "n_tracks": report.n_tracks,
        "inputs_per_s": report.inputs_per_s,
        "gate": None if gate is None else str(gate),
    }
    lines = [
        f"log {report.log_id}: {report.n_labels} labels of {report.n_tracks} tracks from "
        f"{report.name} on {report.n_inputs} inputs, {report.inputs_per_s:.1f}/s",
        f"kept as {report.stored_as}; {gate if gate is not None else 'nobody checked it yet'}",
    ]
    emit(as_json, result, lines)
