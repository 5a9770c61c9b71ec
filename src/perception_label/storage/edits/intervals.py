"""Sets of instants as lists of closed intervals, ascending and apart."""

Interval = tuple[int, int]


def add(intervals: list[Interval], first: int, last: int) -> list[Interval]:
    """Return the instants of `intervals` and those from first to last."""
    kept = []
    for a, b in intervals:
        # Neighbours in whole nanoseconds are one interval.
        if b < first - 1 or a > last + 1:
            kept.append((a, b))
        else:
            first, last = min(a, first), max(b, last)
    return sorted([*kept, (first, last)])


def remove(intervals: list[Interval], first: int, last: int) -> list[Interval]:
    """Return the instants of `intervals` without those from first to last."""
    kept = []
    for a, b in intervals:
        if a < first:
            kept.append((a, min(b, first - 1)))
        if b > last:
            kept.append((max(a, last + 1), b))
    return kept
