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

    def is_key(self, tracks: Sequence[str], at: Ints, unit_ns: int = 1) -> Mask:
        """Tell which boxes are keyframes; times may have been rounded down to `unit_ns`."""
        known = {t: {ns // unit_ns for ns in times} for t, times in self.keyframes.items()}
        none: set[int] = set()
        pairs = zip(tracks, (at // unit_ns).tolist(), strict=True)
        return np.array([ns in known.get(t, none) for t, ns in pairs], dtype=np.bool_)


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
