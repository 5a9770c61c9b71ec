"""`perception-label demo`: the whole path on a simulated log, with figures and a picture."""

import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from perception_label.cli.cost import describe as describe_cost
from perception_label.cli.output import AsJson, emit, note
from perception_label.cli.review import run as review
from perception_label.cli.score import describe


def run(
    out: Annotated[Path, typer.Option(help="Where the demo is written.")] = Path("out/demo"),
    seconds: Annotated[float, typer.Option(help="Length of the simulated log.", min=0.1)] = 20.0,
    seed: Annotated[int, typer.Option(help="Which town and traffic.", min=0)] = 0,
    camera: Annotated[
        bool, typer.Option("--camera", help="Also take images: about half a second each.")
    ] = False,
    no_review: Annotated[
        bool, typer.Option("--no-review", help="Do not open the review app at the end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Simulate a log, ingest, propose, score, label it by a simulated annotator, export, draw."""
    from perception_label.pipeline.propose import propose
    from perception_label.simulate.demo import run_demo
    from perception_label.simulate.settings import CameraSettings, SceneSettings

    start = perf_counter()
    demo = run_demo(
        out,
        propose,
        settings=SceneSettings(
            duration_s=seconds, seed=seed, cameras=(CameraSettings(),) if camera else ()
        ),
        on_step=lambda name: note(f"{name} ..."),
    )
    scored, spent = demo.score.as_dict(), demo.cost.as_dict()
    ours = spent["strategies"]["ours"]
    result = {
        "annotator_hours_per_sensor_hour": ours["hours_per_sensor_hour"]["nominal"],
        "boxes_per_keyframe": ours["boxes_per_keyframe"],
        "wall_s": perf_counter() - start,
        "n_sweeps": demo.n_sweeps,
        "n_tracks": demo.n_tracks,
        "n_boxes": demo.n_boxes,
        **{k: v for k, v in scored.items() if k not in ("log_id", "source", "n_sweeps")},
        "workspace": str(demo.workspace),
        "files": [str(path) for path in demo.files],
        "seconds": demo.seconds,
        "cost": spent,
    }
    lines = [
        *describe(scored),
        *describe_cost(spent),
        "time: " + ", ".join(f"{name} {took:.1f} s" for name, took in demo.seconds.items()),
        f"{demo.n_boxes} boxes of {demo.n_tracks} tracks over {demo.n_sweeps} sweeps",
        f"labels and pictures: {out}",
    ]
    emit(as_json, result, lines)
    # Scripts and pipes want the demo to end.
    if not (no_review or as_json) and sys.stdout.isatty() and sys.stdin.isatty():
        review(demo.workspace, opens=True)
