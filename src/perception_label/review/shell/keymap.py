"""A person's own keys: one file in the workspace."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from perception_label.errors import SettingError

FILE = "keymap.json"  # action to its keys, such as {"accept": ["a"]}

_FORM = TypeAdapter(dict[str, list[str]])


def read_keymap(workspace: Path) -> dict[str, list[str]]:
    """Return the keys that a workspace's `keymap.json` gives to actions; none without a file.

    Raises
    ------
    SettingError
        If the file is there and is something else.
    """
    path = workspace / FILE
    try:
        return _FORM.validate_python(json.loads(path.read_bytes()), strict=True)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, ValidationError):
        said = '{"action": ["key", ...], ...}'
        raise SettingError(f"{path}: expected {said}, got something else") from None
