"""The labels of a video drawn to look at: a result video, or a contact sheet."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from perception_label.arrays import Ints
from perception_label.errors import SettingError
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.masks import decompress
from perception_label.geometry.shapes import Shape
from perception_label.storage.whole import write_whole
from perception_label.video.images import ImageSource, Picture

VIDEOS = (".mp4", ".mkv", ".avi", ".mov")
SHEETS = (".png", ".jpg", ".jpeg")
N_SHEET, N_COLUMNS, CELL_PX = 12, 3, 560
# Colours that stay apart for colour-blind eyes too (Okabe and Ito).
COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66),
    (0, 114, 178), (213, 94, 0), (204, 121, 167), (255, 255, 255),
)  # fmt: skip


def check_picture(path: Path) -> None:
    """Raise SettingError unless the suffix says a kind of picture that can be drawn."""
    if path.suffix.lower() not in (*VIDEOS, *SHEETS):
        known = ", ".join((*VIDEOS, *SHEETS))
        raise SettingError(f"{path}: expected a picture's suffix of {known}, got {path.suffix!r}")


def draw(path: Path, images: ImageSource, labels: ImageLabels, span: tuple[int, int]) -> None:
    """Draw labels on the images of a span; keyframes are thick, propagated ones thin.

    Hidden ones are dashed. The file is there whole or not at all.
    """
    check_picture(path)
    rows = _by_image(labels)
    colours = {name: k for k, name in enumerate(sorted(set(labels.track_ids.tolist())))}

    def drawn(i: int) -> Picture:
        return draw_labels(images.image(i), labels, rows.get(i, np.empty(0, np.int64)), colours, i)

    if path.suffix.lower() in VIDEOS:
        from perception_label.video.write import write_video

        numbers = range(span[0], span[1] + 1)
        times = images.timestamps_ns[span[0] : span[1] + 1]
        pictures = (drawn(i) for i in numbers)
        write_whole(path, lambda part: write_video(part, pictures, times, path.suffix))
    else:
        sheet = _sheet(drawn, span)
        write_whole(path, lambda part: sheet.save(part, format=_format(path)))


def draw_labels(
    image: Picture, labels: ImageLabels, rows: Ints, colours: dict[str, int], number: int
) -> Picture:
    """Return an RGB image with its labels and its number drawn on it."""
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas, "RGBA")
    for row in rows.tolist():
        name = str(labels.track_ids[row])
        colour = COLOURS[colours[name] % len(COLOURS)]
        width = 4 if labels.is_key[row] else 2
        shape = labels.shapes[row]
        if shape is not None:
            _draw_shape(canvas, pen, shape, colour, width)
        if np.isfinite(labels.boxes_px[row]).all():
            _draw_box(pen, labels, row, colour, width)
    pen.text((6, 4), str(number), fill=(255, 255, 255, 255), stroke_width=2, stroke_fill=(0, 0, 0))
    return np.asarray(canvas)


def _draw_box(
    pen: ImageDraw.ImageDraw, labels: ImageLabels, row: int, colour: tuple[int, ...], width: int
) -> None:
    # Edges at whole pixels: the drawn line is of the first and last pixel inside.
    x0, y0, x1, y1 = labels.boxes_px[row].tolist()
    box = (x0, y0, max(x1 - 1, x0), max(y1 - 1, y0))
    if labels.shapes[row] is None:
        if labels.visible[row]:
            pen.rectangle(box, outline=colour, width=width)
        else:
            _dashed(pen, box, colour)
    pen.text((x0 + 2, y0 - 11), str(labels.track_ids[row]), fill=colour, stroke_width=1,
             stroke_fill=(0, 0, 0))  # fmt: skip


def _dashed(
    pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: tuple[int, ...]
) -> None:
    x0, y0, x1, y1 = box
    for x in np.arange(x0, x1, 8).tolist():
        for y in (y0, y1):
            pen.line((x, y, min(x + 4, x1), y), fill=colour)
    for y in np.arange(y0, y1, 8).tolist():
        for x in (x0, x1):
            pen.line((x, y, x, min(y + 4, y1)), fill=colour)


def _draw_shape(
    canvas: Image.Image,
    pen: ImageDraw.ImageDraw,
    shape: Shape,
    colour: tuple[int, ...],
    width: int,
) -> None:
    if shape.kind == "mask":
        height, across = shape.size_px
        runs = decompress(shape.counts)
        inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(across, height).T
        veil = Image.fromarray((inside * np.uint8(110)).astype(np.uint8))
        canvas.paste(colour, (0, 0), veil)
        return
    for part in shape.parts_px:
        points = [(float(x), float(y)) for x, y in part]
        if shape.kind == "polygon":
            pen.polygon(points, fill=(*colour, 70), outline=colour, width=width)
        elif shape.kind == "polyline":
            pen.line(points, fill=colour, width=width + 1)
        else:
            for (x, y), seen in zip(points, shape.visibility, strict=True):
                if seen:
                    pen.ellipse((x - 3, y - 3, x + 3, y + 3), outline=colour, width=width)


def _sheet(drawn: Callable[[int], Picture], span: tuple[int, int]) -> Image.Image:
    """Return some images of a span, evenly apart, in rows."""
    numbers = np.unique(np.linspace(span[0], span[1], N_SHEET).round().astype(int)).tolist()
    cells = []
    for i in numbers:
        cell = Image.fromarray(drawn(i))
        height = max(1, round(cell.height * CELL_PX / cell.width))
        cells.append(cell.resize((CELL_PX, height), Image.Resampling.LANCZOS))
    columns = min(N_COLUMNS, len(cells))
    n_rows = -(-len(cells) // columns)
    height = cells[0].height
    sheet = Image.new("RGB", (columns * CELL_PX, n_rows * height))
    for k, cell in enumerate(cells):
        sheet.paste(cell, ((k % columns) * CELL_PX, (k // columns) * height))
    return sheet


def _format(path: Path) -> str:
    return "PNG" if path.suffix.lower() == ".png" else "JPEG"


def _by_image(labels: ImageLabels) -> dict[int, Ints]:
    order = np.argsort(labels.images, kind="stable")
    cuts = np.flatnonzero(np.diff(labels.images[order])) + 1
    groups = np.split(order, cuts) if len(order) else []
    return {int(labels.images[rows[0]]): rows for rows in groups}
