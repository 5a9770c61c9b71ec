"""A finding: what a check found wrong with a log, and why it says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that looks wrong.

    Attributes
    ----------
    kind : str
        What was found, one word for programs.
    severity : str
        `error`: labels made on this will be wrong; `warning`: some may be; `info`: good to know.
    where : str
        Which part of the log, for people.
    evidence : dict of numbers
        What was measured; units end the names.
    suggestion : str
        What to do about it.
    """

    kind: str
    severity: Severity
    where: str
    evidence: Mapping[str, float]
    suggestion: str
