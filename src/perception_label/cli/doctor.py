"""`perception-label doctor WORKSPACE`: what looks wrong with a log, and why."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit


def run(
    workspace: Annotated[Path, typer.Argument(help="The workspace.")],
    log: Annotated[str | None, typer.Option(help="The log; all of them if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check clocks, poses, calibration, gaps and points; each finding with its evidence."""
    from perception_label.pipeline.doctor import examine
    from perception_label.pipeline.workspace import open_workspace

    opened = open_workspace(workspace)
    ids = opened.logs() if log is None else [log]
    ids = ids or [opened.log().id]  # says what is missing
    findings, lines = [], []
    for log_id in ids:
        found = examine(opened.log(log_id))
        findings += [{"log_id": log_id, **asdict(f)} for f in found]
        lines.append(f"log {log_id}: {len(found) or 'nothing'} found")
        for finding in found:
            facts = ", ".join(f"{name} {value:.6g}" for name, value in finding.evidence.items())
            lines.append(f"  {finding.severity}: {finding.kind} in {finding.where} ({facts})")
            lines.append(f"    {finding.suggestion}")
    emit(as_json, {"findings": findings}, lines)
