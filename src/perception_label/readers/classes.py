"""Our own class names, and other datasets' names for the same things."""

from collections.abc import Iterable, Mapping

OWN = (
    "car",
    "truck",
    "bus",
    "trailer",
    "motorcycle",
    "bicycle",
    "cyclist",
    "pedestrian",
    "construction_vehicle",
    "other",
)


def own_names(names: Iterable[str], table: Mapping[str, str]) -> list[str]:
    """Return our class for each source name; `table` is in lower case, the unknown are other."""
    return [table.get(" ".join(name.split()).lower(), "other") for name in names]
