"""A dataset for Hugging Face: `datasets.load_dataset(folder, "boxes")`, offline too.

Parquet shards of three configurations, with their features in the files' own metadata:

- `boxes`, one row per cuboid, world frame; those between sweeps have sweep -1;
- `sweeps`, one row per LiDAR sweep: its points, and its cuboids in the LiDAR's frame;
- `images`, one row per picture of each camera: the picture, its calibration, its 2-D labels.

Without points only `boxes` is written. `README.md` is the dataset's card, `croissant.json`
describes the same files for other tools.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from perception_label.export.by_sweep import BySweep, path_of
from perception_label.export.croissant import METADATA, describe_files
from perception_label.export.data_dictionary import as_markdown
from perception_label.export.flat_boxes import BOXES, fill_boxes
from perception_label.export.huggingface_rows import (
    IMAGES,
    SWEEPS,
    fill_images,
    fill_sweeps,
)
from perception_label.export.labelled import Labelled, Plan, json_file

SWEEPS_PER_FILE = 256  # about 500 MB of points, as the Hub asks for
IMAGES_PER_FILE = 1024
CONFIGS = {"boxes": BOXES, "sweeps": SWEEPS, "images": IMAGES}


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan the dataset of all logs.

    Raises
    ------
    MissingPosesError
        If sweeps are to be written, and a log has no ego poses.
    """
    shards: dict[str, list[Callable[[Path, pa.Schema], None]]] = {"boxes": []}
    for labelled in logs:
        shards["boxes"].append(partial(_boxes, labelled))
        if labelled.points is not False:
            shards.setdefault("sweeps", []).extend(_sweeps(labelled))
            shards.setdefault("images", []).extend(_images(labelled))
    shards = {name: fills for name, fills in shards.items() if fills}
    files: dict[str, Callable[[Path], None]] = {
        "README.md": partial(_fill_card, tuple(shards)),
        "conventions.json": json_file({one.log_id: one.facts("huggingface") for one in logs}),
    }
    tables = {}
    for name, fills in shards.items():
        target = with_features(CONFIGS[name])
        for k, fill in enumerate(fills):
            file = f"data/{name}/train-{k:05d}-of-{len(fills):05d}.parquet"
            files[file] = partial(_fill, fill, target)
            tables[file] = target
    said = f"Labels of {len(logs)} logs: {', '.join(one.log_id for one in logs)}"
    files[METADATA] = describe_files("labels", said, tables)
    return Plan(files)


def with_features(given: pa.Schema) -> pa.Schema:
    """Return a schema with its features as `datasets` keeps them: metadata key `huggingface`."""
    # All may be null there, and nothing else can be compared with what `datasets` expects.
    fields = [pa.field(field.name, field.type) for field in given]
    said = {"info": {"features": {field.name: _feature(field.type) for field in given}}}
    return pa.schema(fields, metadata={"huggingface": json.dumps(said)})


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        if {field.name for field in kind} == {"bytes", "path"}:
            return {"_type": "Image"}
        return {field.name: _feature(field.type) for field in kind}
    if pa.types.is_fixed_size_list(kind):
        return {"feature": _feature(kind.value_type), "length": kind.list_size, "_type": "List"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    name = {"double": "float64", "float": "float32"}.get(str(kind), str(kind))
    return {"dtype": name, "_type": "Value"}


def _boxes(labelled: Labelled, path: Path, target: pa.Schema) -> None:
    fill_boxes([labelled], path, target)


def _sweeps(labelled: Labelled) -> Iterator[Callable[[Path, pa.Schema], None]]:
    path_of(labelled)
    n = len(labelled.timestamps_ns)
    boxes_of = cache(partial(BySweep.of, labelled))
    for first in range(0, n, SWEEPS_PER_FILE):
        yield partial(fill_sweeps, boxes_of, range(first, min(first + SWEEPS_PER_FILE, n)))


def _images(labelled: Labelled) -> Iterator[Callable[[Path, pa.Schema], None]]:
    # Shards of one camera follow each other: what its cuboids look like is worked out once.
    labels_of = lru_cache(maxsize=1)(labelled.image_labels)
    for camera, images in labelled.images.items():
        n = len(images.timestamps_ns)
        for first in range(0, n, IMAGES_PER_FILE):
            some = range(first, min(first + IMAGES_PER_FILE, n))
            yield partial(fill_images, labelled, labels_of, camera, some)


def _fill(fill: Callable[[Path, pa.Schema], None], target: pa.Schema, path: Path) -> None:
    fill(path, target)


def _fill_card(configs: Sequence[str], path: Path) -> None:
    lines = ["---", "configs:"]
    for name in configs:
        lines += [f"- config_name: {name}", *(["  default: true"] if name == "boxes" else [])]
        lines += ["  data_files:", "  - split: train", f"    path: data/{name}/train-*.parquet"]
    lines += ["---", "", "# Labels", "", "Where zero is, and which way angles turn:"]
    lines += ["`conventions.json`. Keyframes, which people set, have `is_key`; all other boxes"]
    lines += ["were worked out, and `source` says by whom."]
    for name in configs:
        lines += ["", f"## {name}", "", as_markdown(CONFIGS[name]).rstrip("\n")]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
