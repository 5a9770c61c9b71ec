"""What our exports keep beside a dataset whose layout has no place for it: `side/<log>.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.arrays import Ints, Mask
from perception_label.readers.files import read_json, refuse

LARGEST_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class Side:
    """One log's classes and keyframes by track, and its attributes.

    `keyframes` has the times in ns of each track's keyframes; `facts` is the whole file.
    """

    class_names: Mapping[str, str] = field(default_factory=dict)
    keyframes: Mapping[str, frozenset[int]] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sweep_attributes: Mapping[str, Mapping[str, Mapping[int, Any]]] = field(default_factory=dict)
    timestamps_ns: tuple[int, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def exact(self, at: Ints, unit_ns: int) -> Ints:
        """Return times that the layout rounded down to `unit_ns` as they were; others stay."""
        known = {ns // unit_ns * unit_ns: ns for ns in self.timestamps_ns}
        return np.array([known.get(ns, ns) for ns in at.tolist()], dtype=np.int64)

    def is_key(self, tracks: Sequence[str], at: Ints) -> Mask:
        """Tell which boxes are keyframes."""
        none: frozenset[int] = frozenset()
        pairs = zip(tracks, at.tolist(), strict=True)
        found = [ns in self.keyframes.get(track, none) for track, ns in pairs]
        return np.array(found, dtype=np.bool_)


def read_side(root: Path, log_id: str) -> Side | None:
    """Return what lies beside an export of ours; None if others wrote the dataset.

    Raises
    ------
    SourceError
        If the export does not hold the log, or the file is broken.
    """
    folder = root / "side"
    if not folder.is_dir():
        return None
    path = folder / f"{log_id}.json"
    if not path.is_file():
        known = sorted(p.stem for p in folder.glob("*.json"))
        raise refuse(path, "this log in the export", ", ".join(known) or "none")
    facts: dict[str, Any] = read_json(path, dict)
    try:
        times = tuple(int(at) for at in facts["timestamps_ns"])
        if any(not 0 <= at < LARGEST_NS for at in times):
            raise refuse(path, "timestamps_ns", "others")
        keys = {
            str(track): frozenset(times[k] for k in sweeps)
            for track, sweeps in facts["keyframes"].items()
        }
        over_time = {
            str(track): {
                str(name): {int(at): value for at, value in values if 0 <= int(at) < LARGEST_NS}
                for name, values in told.items()
            }
            for track, told in facts["sweep_attributes"].items()
        }
        return Side(
            {str(k): str(v) for k, v in facts["tracks"].items()},
            keys,
            {str(k): dict(v) for k, v in facts["attributes"].items()},
            over_time,
            times,
            facts,
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError) as error:
        expected = "timestamps_ns, tracks, keyframes, attributes, sweep_attributes"
        raise refuse(path, expected, repr(error)) from None
