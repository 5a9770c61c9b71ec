"""Render docs/clients.md: `python docs/render_clients.py [--results out/acceptance.json]`.

The formats are those of the registries; what each client checked is what `make acceptance` found
last, kept in docs/acceptance.json. With `--results` the checks of that run take the place of
older ones of the same clients.
"""

import argparse
import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from perception_label.export import FORMATS as OUT
from perception_label.export import is_dataset
from perception_label.readers import FORMATS as LOGS
from perception_label.readers.labels import FORMATS as IN

HERE = Path(__file__).parent
RESULTS = HERE / "acceptance.json"
HEAD = """# Formats and the clients that checked them

This page is rendered by `python docs/render_clients.py` from the package's registries and from
what `make acceptance` found (docs/acceptance.json); a test compares them. The log that is checked
has a moving ego on hills, a LiDAR that is turned and off-centre, boxes of unequal sizes at yaw 0,
±π/2 and π, Unicode and spaces in names; truth is worked out outside the exporters, by plain
formulas. [formats.md](formats.md) says what lies in each export, [conventions.md](conventions.md)
what its numbers mean. "Round trip": random logs are written and read back by
tests/export/test_round_trips.py, equal to 1e-4 m and rad, with ids, classes and times.

| format | out | in | client | checked |
|---|---|---|---|---|
"""
COMMANDS = """
## As typed

Out, all logs of the workspace or `--log ID`; `--source truth` or another machine result;
`--points` or `--no-points`:

```sh
"""
IN_TEXT = """```

In, as one more source of the log (`--as source`) or as tracks and keyframes of it (`--as edits`);
`--classes FILE.yaml` says which of our classes each of theirs is, `--camera NAME` whose images 2-D
labels are on, `--name` what the source is called:

```sh
"""
LOGS_TEXT = """```

Logs, told by content, or as `--format` says:

```sh
"""
# What a user has in hand: a file, or the folder that the format is.
FILES = {
    "parquet": "boxes.parquet",
    "csv": "boxes.csv",
    "jsonl": "boxes.jsonl",
    "kitti-tracking": "label_02/0003.txt",
    "kitti-object": "training/",
    "kitti-raw": "2011_09_26_drive_0001_sync/",
    "openlabel": "labels.openlabel.json",
    "coco": "instances.json",
    "cvat": "annotations.xml",
    "mot": "gt.txt",
    "datumaro": "annotations.json",
    "label-studio": "export.json",
    "supervisely": "project/",
    "sustech": "scene/",
    "xtreme1": "export/",
    "argoverse2": "annotations.feather",
    "nuscenes": "results.json",
    "waymo": "lidar_box.parquet",
}
FLAT = ("coco", "cvat", "mot", "label-studio")
SOURCES = {"bag": "drive.mcap", "e57": "scan.e57"}


def render(results: dict[str, Any]) -> str:
    """Return the page."""
    clients: dict[str, list[dict[str, Any]]] = {}
    for said in results.values():
        for name in said["formats"]:
            clients.setdefault(name, []).append(said)
    names = [*OUT, *(name for name in IN if name not in OUT)]
    parts = [HEAD, *("".join(_rows(name, clients.get(name, []))) for name in names), COMMANDS]
    parts += [f"perception-label export WORKSPACE --format {name} --out DIR\n" for name in OUT]
    parts.append(IN_TEXT)
    for name in IN:
        more = " --camera front" if name in FLAT else ""
        file = FILES.get(name, "FILE")
        parts.append(f"perception-label import {file} WORKSPACE --format {name}{more}\n")
    parts.append(LOGS_TEXT)
    for name in LOGS:
        source = SOURCES.get(name, "SOURCE")
        parts.append(f"perception-label ingest {source} WORKSPACE --format {name}\n")
    parts.append("```\n")
    return "".join(parts)


def _rows(name: str, clients: list[dict[str, Any]]) -> list[str]:
    out = "" if name not in OUT else "all logs in one set" if is_dataset(name) else "yes"
    back = "" if name not in IN else "yes, round trip" if name in round_trips() else "yes"
    lines = []
    for said in clients or [None]:
        client = checked = ""
        if said is not None:
            client = f"{said['package']} {said['version']}"
            checked = "; ".join(_of_format(name, said))
        place = f"`{name}` | {out} | {back}" if not lines else " | | "
        lines.append(f"| {place} | {client} | {checked} |\n")
    return lines


def _of_format(name: str, said: dict[str, Any]) -> list[str]:
    """Return the checks that are of a format; a client of several says which each is of."""
    others = tuple(f"{other}: " for other in said["formats"] if other != name)
    mine = [c for c in said["checks"] if not c.startswith(others or "\0")]
    plain = [re.sub(r"^sweep \d+: ", "", c.removeprefix(f"{name}: ")) for c in mine]
    return list(dict.fromkeys(plain))


@cache
def round_trips() -> frozenset[str]:
    """Return the formats that tests/export/test_round_trips.py writes and reads at random."""
    text = (HERE.parent / "tests/export/test_round_trips.py").read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "LABELS":
            return frozenset(ast.literal_eval(node.value))
    raise SystemExit("tests/export/test_round_trips.py: expected LABELS, got none")


def kept(results: dict[str, Any]) -> dict[str, Any]:
    """Return what of a run is worth keeping: who checked what, without the figures of the day."""
    found = {}
    for script, said in sorted(results.items()):
        failed = [check["what"] for check in said["checks"] if not check["ok"]]
        if failed or "version" not in said:
            raise SystemExit(f"{script}: expected every check to hold, got: {', '.join(failed)}")
        checks = list(dict.fromkeys(check["what"] for check in said["checks"]))
        found[script] = {**said, "checks": checks}
    return found


def main() -> None:
    """Write the page, and keep the results of a run if one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, help="out/acceptance.json of a run")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if options.results:
        results |= kept(json.loads(options.results.read_text(encoding="utf-8")))
        text = json.dumps(dict(sorted(results.items())), indent=1, ensure_ascii=False)
        RESULTS.write_text(text + "\n", encoding="utf-8")
    (HERE / "clients.md").write_text(render(results), encoding="utf-8")


if __name__ == "__main__":
    main()
