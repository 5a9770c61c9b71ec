"""Draw the cuboids of a log in its cameras' pictures, bright where they are visible."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from perception_label.geometry.poses import inverse
from perception_label.geometry.projection import project_points
from perception_label.geometry.sight import EDGES
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.project import ProjectedTracks, project_tracks, world_from_camera
from perception_label.pipeline.workspace import open_workspace
from perception_label.storage.logs import Log

COLOURS = {"car": (90, 200, 255), "truck": (255, 180, 60), "bus": (255, 120, 60)}
PEOPLE = (255, 110, 190)
LEAST_VISIBLE = 0.25
REACH_M = 70.0


def main() -> None:
    """Ingest a recording with labels and cameras, draw one picture of each camera."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="a PandaSet sequence, say")
    parser.add_argument("--image", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path("cuboids.png"))
    args = parser.parse_args()
    with TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        workspace.ingest(args.source)
        log = workspace.log()
        pictures = [draw(log, name, args.image) for name in log.cameras]
    whole = Image.new("RGB", (pictures[0].width, sum(p.height for p in pictures)))
    for k, picture in enumerate(pictures):
        whole.paste(picture, (0, sum(p.height for p in pictures[:k])))
    whole.save(args.out, optimize=True)
    print(f"{args.out}: {len(pictures)} cameras")


def draw(log: Log, camera: str, image: int) -> Image.Image:
    """Return one picture of a camera with the cuboids that are seen in it."""
    truth = log.truth()
    found = project_tracks(log, camera, truth, images=[image], min_visible=LEAST_VISIBLE)
    found = found[found.range_m < REACH_M]
    pose = world_from_camera(log, camera, found.timestamps_ns[:1])[0]
    picture = Image.fromarray(open_camera(log, camera).image(image))
    pen = ImageDraw.Draw(picture)
    for row in np.argsort(-found.range_m):
        outline(pen, log, found, int(row), inverse(pose))
    return picture.resize(
        (picture.width * 2 // 3, picture.height * 2 // 3), Image.Resampling.LANCZOS
    )


def outline(
    pen: ImageDraw.ImageDraw,
    log: Log,
    found: ProjectedTracks,
    row: int,
    camera_from_world: np.ndarray,
) -> None:
    """Draw the edges of one cuboid; the front face is crossed."""
    corners = found.cuboids[[row]].corners_m()[0]
    colour = COLOURS.get(str(found.class_names[row]), PEOPLE)
    lines = [*EDGES.tolist(), (0, 7), (3, 4)]
    for a, b in lines:
        points = corners[a] + np.linspace(0, 1, 24)[:, None] * (corners[b] - corners[a])
        seen = project_points(log.cameras[found.camera], points, camera_from_world)
        for k in np.flatnonzero(seen.is_valid[:-1] & seen.is_valid[1:]):
            pen.line([*map(tuple, seen.pixels[k : k + 2])], fill=colour, width=3)


if __name__ == "__main__":
    main()
