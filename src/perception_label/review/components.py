"""Our own Dash components.

Their TypeScript is in `review/viewer/`, what it is built to in `review/assets/`.
"""

from typing import Any, ClassVar

from dash.development.base_component import Component

import perception_label

# Dash looks for a component's scripts on the top-level package of its class.
_BUNDLES = ("three.js", "perception_label.js")
perception_label._js_dist = [
    {"relative_package_path": f"review/assets/{name}", "namespace": "perception_label"}
    for name in _BUNDLES
]

perception_label._css_dist = [
    {"relative_package_path": "review/assets/shell.css", "namespace": "perception_label"}
]


class _Ours(Component):  # type: ignore[misc]
    """A component of the bundle; `names` are its properties."""

    names: ClassVar[tuple[str, ...]] = ()
    _children_props: ClassVar[list[str]] = []
    _base_nodes: ClassVar[list[str]] = ["children"]
    _namespace = "perception_label"
    _type = ""

    def __init__(self, **props: Any) -> None:
        self._prop_names = list(self.names)
        self.available_properties = list(self.names)
        self._valid_wildcard_attributes: list[str] = []
        self.available_wildcard_properties: list[str] = []
        super().__init__(**props)


class Viewer(_Ours):
    """The points and boxes of one sweep, to look at and to correct.

    `log` is shown; `prefix` is what the server's routes begin with; `style` and `className` are
    the container's. Read-only: `selected`, the track; `sweep`; `timings` of the last sweep.
    """

    names = ("id", "log", "prefix", "style", "className", "selected", "sweep", "timings")
    _type = "Viewer"


class Panes(_Ours):
    """Three orthographic views of the selected box, to correct it in; see `Viewer`."""

    names = ("id", "log", "prefix", "style", "className")
    _type = "Panes"


class Keyboard(_Ours):
    """The keys of the page; `command` is the last one that the page itself has to carry out.

    `keymap` replaces shipped keys: action to its keys.
    """

    names = ("id", "log", "prefix", "keymap", "command")
    _type = "Keyboard"


class Timeline(_Ours):
    """Tracks over time; the selected track's keyframes and lifespan are changed here."""

    names = ("id", "log", "prefix", "style", "className")
    _type = "Timeline"


class Cameras(_Ours):
    """The cameras' pictures with the boxes on them; hidden where a log has no cameras."""

    names = ("id", "log", "prefix", "style", "className")
    _type = "Cameras"


class Queue(_Ours):
    """The review queue, walked with the keyboard or by clicks."""

    names = ("id", "log", "prefix")
    _type = "Queue"


class Details(_Ours):
    """Class, attributes, numbers, lifespan, comments and history of the selected track."""

    names = ("id", "log", "prefix")
    _type = "Details"


class Status(_Ours):
    """Which sweep is shown, what is not saved yet, messages; keeps the page's address."""

    names = ("id", "log", "prefix")
    _type = "Status"


class Jobs(_Ours):
    """Long work of the server: started, watched, stopped."""

    names = ("id", "log", "prefix")
    _type = "Jobs"


class Rows(_Ours):
    """The tracks as `rows` for tables, and the `selected` one; draws nothing."""

    names = ("id", "log", "prefix", "rows", "selected")
    _type = "Rows"


class Grids(_Ours):
    """The grids that `B` and `Shift+B` open: a track over many sweeps, or many like tracks."""

    names = ("id", "log", "prefix")
    _type = "Grids"


class Images2d(_Ours):
    """All images of a camera over the page, to label on them; opened by its key, see `Keyboard`.

    `keymap` replaces shipped keys, those whose names begin with `image:`.
    """

    names = ("id", "log", "prefix", "keymap", "style", "className")
    _type = "Images2d"
