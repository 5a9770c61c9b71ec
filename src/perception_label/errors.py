"""Everything this package raises on purpose, sorted by what the user touched.

LabelError
    ShapeError         an array has the wrong shape, dtype or layout
    SchemaError        a table does not match its declared schema
    SourceError        a recording from outside cannot be read
    WorkspaceError     a workspace cannot be opened, read or written
    SettingError       a setting, method or name is unknown or out of range
    EditError          an edit says what cannot be, or is about what is not there
    MissingPosesError  the world frame was asked for and the log has no ego poses
    PluginError        a model the user brought is not there, fails, or gives what cannot be
    MissingExtraError  an optional dependency is not installed

Each message is one line: where, what was expected, what was found.
"""


class LabelError(Exception):
    """Base of every error raised on purpose."""


class ShapeError(LabelError, ValueError):
    """An array has the wrong shape, dtype or memory layout."""


class SchemaError(LabelError, ValueError):
    """A table does not match its declared schema."""


class SourceError(LabelError, ValueError):
    """A recording or label file from outside cannot be read."""


class WorkspaceError(LabelError, OSError):
    """A workspace cannot be opened, read or written."""


class SettingError(LabelError, ValueError):
    """A setting, method or name is unknown or out of range."""


class EditError(LabelError, ValueError):
    """An edit says what cannot be, or is about a track or sweep that is not there."""


class MissingPosesError(LabelError, ValueError):
    """The world frame was asked for and the log has no ego poses."""


class PluginError(LabelError, RuntimeError):
    """A model the user brought is not there, fails, or gives what cannot be."""


class MissingExtraError(LabelError, ImportError):
    """An optional dependency is not installed; the message names the extra."""
