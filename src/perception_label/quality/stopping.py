"""When enough was checked: what a sample says of the rest, with honest bounds.

`Bound` and `stratum_bounds` say how many of a stratum's tracks may be wrong after some were
checked; `Gate` says whether a source may be shown at all. Bounds are exact: Clopper and Pearson
(Biometrika, 1934) for a stratum without end, the hypergeometric distribution for one of known
size, and Ville's inequality with a Beta(1/2, 1/2) mixture (Robbins, 1970) for checks that are
looked at after every answer.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perception_label.errors import SettingError

CONFIDENCE = 0.95
GATE_PRECISION = 0.85  # below, correcting costs more than labelling
GATE_CHECKS = 20  # fewer checked tracks do not close the gate


def error_bound(
    n_checked: int,
    n_wrong: int = 0,
    *,
    confidence: float = CONFIDENCE,
    n_total: int | None = None,
    looked_often: bool = False,
) -> float:
    """Return the error rate that is not exceeded, at a confidence.

    Parameters
    ----------
    n_checked, n_wrong : int
        Of a random sample: how many were checked, and how many of them were wrong.
    confidence : float
        One-sided.
    n_total : int, optional
        Size of the stratum, checked ones included; the bound is then the share of it that is
        wrong, which falls to n_wrong / n_total as all are checked. None: no end.
    looked_often : bool
        The check may stop at any answer that looks good, so the bound must hold at all of them
        at once; it is wider. Not with `n_total`. False: the size of the sample, or the rule
        "stop after n without a wrong one", was set before.

    Returns
    -------
    float
        1.0 where nothing was checked. Without wrong ones and without an end this is close to
        3 / n_checked at 95 %: the rule of three.

    Raises
    ------
    SettingError
        If the numbers do not fit together.
    """
    n, k = int(n_checked), int(n_wrong)
    if not 0 <= k <= n or not 0 < confidence < 1 or (n_total is not None and n_total < n):
        raise SettingError(
            f"error_bound: expected 0 <= wrong <= checked <= total and a confidence between 0 "
            f"and 1, got {n_wrong}, {n_checked}, {n_total}, {confidence}"
        )
    if looked_often and n_total is not None:
        raise SettingError("error_bound: expected either n_total or looked_often, got both")
    if n_total is not None:
        return _finite(n, k, confidence, n_total)
    if k == n:
        return 1.0
    if looked_often:
        return _anytime(n, k, confidence)
    from scipy.special import betaincinv

    return float(betaincinv(k + 1, n - k, confidence))


def interval(n: int, k: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the two-sided Clopper-Pearson interval of a share: k of n; (0, 1) for n = 0."""
    if not 0 <= k <= n:
        raise SettingError(f"interval: expected 0 <= k <= n, got {k} of {n}")
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return low, high


def checks_needed(rate: float, *, n_wrong: int = 0, confidence: float = CONFIDENCE) -> int:
    """Return how many must be checked, `n_wrong` of them wrong, to bound the error rate.

    >>> checks_needed(0.01)
    299
    """
    if not 0 < rate < 1:
        raise SettingError(f"rate: expected a share between 0 and 1, got {rate}")
    low, high = n_wrong + 1, n_wrong + 2
    while error_bound(high, n_wrong, confidence=confidence) > rate:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if error_bound(middle, n_wrong, confidence=confidence) <= rate:
            high = middle
        else:
            low = middle + 1
    return low


def sample_order(ids: Iterable[str], seed: int = 0) -> list[str]:
    """Return ids in a random order that does not depend on which others there are.

    A bound holds for a random sample; the queue's own order is worst first.
    """

    def key(name: str) -> bytes:
        return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()

    return sorted(ids, key=lambda name: (key(name), name))


@dataclass(frozen=True, slots=True)
class Bound:
    """What was checked of one stratum, and what that says of the rest.

    Attributes
    ----------
    stratum : str
        Source, class, band of scores.
    n_total, n_checked, n_wrong : int
        Tracks in it, tracks a person judged, and those of them that were wrong.
    error_rate : float
        Not exceeded by the share of the whole stratum that was wrong, at `confidence`.
    confidence : float
        One-sided.
    """

    stratum: str
    n_total: int
    n_checked: int
    n_wrong: int
    error_rate: float
    confidence: float

    def __str__(self) -> str:
        rate = np.ceil(self.error_rate * 1000) / 10
        return (
            f"{self.stratum}: error rate < {rate:g} % at {self.confidence:.0%} "
            f"({self.n_wrong} wrong of {self.n_checked} checked, {self.n_total} in all)"
        )


def stratum_bounds(
    strata: Sequence[str],
    is_right: Sequence[bool | None],
    *,
    confidence: float = CONFIDENCE,
) -> tuple[Bound, ...]:
    """Return the bound of each stratum, by name.

    Parameters
    ----------
    strata : T str
        The stratum of each track.
    is_right : T of True, False or None
        What a person found; None where nobody looked.
    confidence : float
        One-sided.
    """
    if len(strata) != len(is_right):
        raise SettingError(f"is_right: expected {len(strata)} answers, got {len(is_right)}")
    groups: dict[str, list[bool | None]] = {}
    for name, answer in zip(strata, is_right, strict=True):
        groups.setdefault(name, []).append(answer)
    found = []
    for name in sorted(groups):
        answers = [a for a in groups[name] if a is not None]
        n_wrong = sum(not a for a in answers)
        total = len(groups[name])
        rate = error_bound(len(answers), n_wrong, confidence=confidence, n_total=total)
        found.append(Bound(name, total, len(answers), n_wrong, rate, confidence))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a source is shown by default, from the tracks of it that people checked.

    Attributes
    ----------
    source : str
        Who makes the tracks.
    n_checked, n_right : int
        Tracks of it that a person judged, and those that were right.
    precision : float
        n_right / n_checked; NaN for none.
    low, high : float
        Its two-sided 95 % interval (Clopper-Pearson).
    is_shown : bool
        False if `precision` is under `GATE_PRECISION` on `GATE_CHECKS` tracks or more.
    is_proven : bool
        True if even `low` is not under it.
    """

    source: str
    n_checked: int
    n_right: int
    precision: float
    low: float
    high: float
    is_shown: bool
    is_proven: bool

    def __str__(self) -> str:
        word = "shown" if self.is_shown else "not shown"
        if self.n_checked < GATE_CHECKS:
            word += f", too few checked to tell (fewer than {GATE_CHECKS})"
        elif self.is_shown and not self.is_proven:
            word += ", not proven"
        if not self.n_checked:
            return f"{self.source}: {word}"
        return (
            f"{self.source}: {word}; {self.n_right} of {self.n_checked} checked tracks right, "
            f"precision {self.precision:.0%} ({self.low:.0%} to {self.high:.0%})"
        )


def gate(source: str, n_checked: int, n_right: int, *, least: float = GATE_PRECISION) -> Gate:
    """Return whether a source is shown by default; see `Gate`."""
    low, high = interval(n_checked, n_right)
    precision = n_right / n_checked if n_checked else float("nan")
    is_closed = n_checked >= GATE_CHECKS and precision < least
    return Gate(source, n_checked, n_right, precision, low, high, not is_closed, low >= least)


def gates(checked: Mapping[str, Sequence[bool]]) -> tuple[Gate, ...]:
    """Return the gate of each source, by name, from whether its checked tracks were right."""
    return tuple(gate(name, len(checked[name]), sum(checked[name])) for name in sorted(checked))


def _finite(n: int, k: int, confidence: float, total: int) -> float:
    """Return the largest share W / total with P(at most k wrong in n | W) > 1 - confidence."""
    from scipy.stats import hypergeom

    if total == 0:
        return 0.0
    low, high = k, total - (n - k)  # as many wrong as were seen; as few right
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeom.cdf(k, total, middle, n) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low / total


def _anytime(n: int, k: int, confidence: float) -> float:
    """Return the bound that holds after every answer at once, by bisection."""
    from scipy.special import betaln

    mixture = betaln(k + 0.5, n - k + 0.5) - betaln(0.5, 0.5)
    limit = -np.log(1 - confidence)
    low, high = max(k / n, 1e-12), 1 - 1e-12
    for _ in range(80):
        middle = (low + high) / 2
        if mixture - k * np.log(middle) - (n - k) * np.log1p(-middle) < limit:
            low = middle
        else:
            high = middle
    return float(high)
