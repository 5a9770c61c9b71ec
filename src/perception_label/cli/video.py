"""`perception-label video propagate VIDEO --boxes FILE --out FILE`: labels through a video."""

from pathlib import Path
from typing import Annotated

import typer

from perception_label.cli.output import AsJson, emit
from perception_label.cli.progress import progress_bar


def propagate(
    video: Annotated[Path, typer.Argument(help="A video file or a folder of images.")],
    boxes: Annotated[
        Path, typer.Option(help="Keyframes: CSV, JSON Lines, Parquet, JSON, COCO, MOT, CVAT, PETS.")
    ],
    out: Annotated[
        Path, typer.Option(help="The file to write: .csv .jsonl .parquet .json .txt .xml.")
    ],
    format: Annotated[
        str, typer.Option(help="Of --out: csv, jsonl, parquet, coco, mot, cvat; by suffix if auto.")
    ] = "auto",
    boxes_format: Annotated[
        str, typer.Option(help="Of --boxes: also json, pets; by suffix and content if auto.")
    ] = "auto",
    every: Annotated[
        int | None,
        typer.Option(
            help="Only labels on every so many images are keyframes; the rest judges.", min=1
        ),
    ] = None,
    first: Annotated[int | None, typer.Option(help="First image to label, from 0.", min=0)] = None,
    last: Annotated[int | None, typer.Option(help="Last image to label.", min=0)] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the result: a video (.mp4) or a contact sheet (.png).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Carry 2-D labels from some images of a video to all others."""
    from perception_label.pipeline.propagate_video import propagate_video

    with progress_bar("propagate") as progress:
        report = propagate_video(
            video,
            boxes,
            out,
            format=format,
            boxes_format=boxes_format,
            every=every,
            span=(first, last),
            picture=picture,
            progress=progress,
        )
    result = {
        "n_images": report.n_images,
        "images_per_s": report.images_per_s,
        "n_tracks": report.n_tracks,
        "n_keyframes": report.n_keyframes,
        "n_labels": report.n_labels,
        "next_keyframes": report.next_keyframes,
        "held_out": report.held_out,
        "files": [str(path) for path in report.files],
        "left_out": list(report.left_out),
        "warnings": list(report.warnings),
    }
    lines = [
        f"{video.name}: {report.n_labels} labels of {report.n_tracks} tracks on {report.n_images} "
        f"images from {report.n_keyframes} keyframes, {report.images_per_s:.0f} images/s",
        *(f"  {path}" for path in report.files),
    ]
    held = report.held_out
    if held and held["n"]:
        lines.append(
            f"the file's other {held['n']} labels: mean IoU {held['mean_iou']:.3f}, "
            f"{held['share_iou_0.5']:.1%} at IoU 0.5 or more, {held['n_missing']} missing"
        )
    lines += [f"left out: {text}" for text in report.left_out]
    lines += [f"note: {text}" for text in report.warnings]
    emit(as_json, result, lines)


RUNS = {"propagate": propagate}
HELP = "2-D labels on videos."
