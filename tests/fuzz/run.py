"""Fuzz readers: `python -m fuzz.run [--inputs N] [--seconds S] [NAME …]`, from `tests/`.

Each input is a whole source of which one file is broken. What may happen: it is read, or one of
our errors in one line. A crash, a hang, another exception, a warning, or much memory is a
finding; it is printed with the number of its input, and `--only NUMBER` runs that one alone. Each
target runs in a process of its own, which a crash ends and the next input starts again.
"""

import argparse
import faulthandler
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

from fuzz.mutate import mutated
from fuzz.targets import TARGETS, Target
from perception_label.errors import LabelError

HANG_S = 20
LARGEST_MB = 300  # more memory than this for a source of a few kilobytes is a finding
CEILING_BYTES = 6 << 30
TOLD = 5  # findings per target that are printed
MEMORY = re.compile(r"MemoryError|alloc of size (\d+)")
NOWHERE_BYTES = 1 << 36


@dataclass
class Result:
    """What became of a target's inputs."""

    name: str
    n_inputs: int = 0
    n_refused: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)


class HangError(Exception):
    """An input took too long."""


def run(name: str, *, inputs: int, seconds: float, only: int | None = None) -> Result:
    """Fuzz one target until its inputs or its time are used up."""
    result, started = Result(name), time.monotonic()
    first = only or 0
    last = first + 1 if only is not None else inputs
    context = multiprocessing.get_context("fork")
    while first < last and len(result.findings) < TOLD:
        left = seconds - (time.monotonic() - started)
        if left <= 0:
            break
        queue = context.Queue()
        at = context.Value("q", first)
        worker = context.Process(target=_work, args=(name, first, last, left, at, queue))
        worker.start()
        first = _collect(worker, queue, at, result)
    result.seconds = time.monotonic() - started
    return result


def _collect(worker, queue, at, result: Result) -> int:
    """Take in what a worker says; return the input with which to go on."""
    seen, since = at.value, time.monotonic()
    while True:
        try:
            kind, *values = queue.get(timeout=0.5)
        except Empty:
            if at.value != seen:
                seen, since = at.value, time.monotonic()
            is_stuck = time.monotonic() - since > HANG_S + 10
            if is_stuck:
                worker.kill()
            if is_stuck or not worker.is_alive():
                worker.join()
                told = "hang in compiled code" if is_stuck else f"crash, exit {worker.exitcode}"
                result.findings.append(f"{result.name} input {at.value}: {told}")
                result.n_inputs += 1
                return at.value + 1
            continue
        if kind == "finding":
            result.findings.append(f"{result.name} input {values[0]}: {values[1]}")
            if len(result.findings) >= TOLD:
                worker.kill()
                worker.join()
                return 1 << 62
        elif kind == "done":
            result.n_inputs += values[0]
            result.n_refused += values[1]
            worker.join()
            return values[2]


def _work(name: str, first: int, last: int, seconds: float, at, queue) -> None:
    faulthandler.disable()
    signal.signal(signal.SIGALRM, _hang)
    resource.setrlimit(resource.RLIMIT_AS, (CEILING_BYTES, CEILING_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    target, ends = TARGETS[name], time.monotonic() + seconds
    place = "/dev/shm" if os.path.isdir("/dev/shm") else None
    n_inputs = n_refused = 0
    with tempfile.TemporaryDirectory(dir=place) as folder:
        path = target.build(Path(folder))
        parts = files_of(path, target)
        target.read(path)  # whole, it must be read
        number = first
        while number < last and time.monotonic() < ends:
            at.value = number
            finding, refused = one_input(name, target, path, parts, number)
            if finding:
                queue.put(("finding", number, finding))
            n_inputs, n_refused, number = n_inputs + 1, n_refused + refused, number + 1
    is_over = number >= last or time.monotonic() >= ends
    queue.put(("done", n_inputs, n_refused, 1 << 62 if is_over else number))


def files_of(path: Path, target: Target) -> list[Path]:
    """Return the files of a source that are to be broken."""
    found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return [p for p in found if p.suffix not in target.skip]


def one_input(
    name: str, target: Target, path: Path, parts: list[Path], number: int
) -> tuple[str, bool]:
    """Break one file, read all, mend it; return a finding, or none, and if it was refused."""
    rng = random.Random(f"{name}/{number}")
    part = rng.choice(parts)
    before = part.read_bytes()
    part.write_bytes(mutated(before, rng))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.alarm(HANG_S)
    finding, refused = "", False
    try:
        target.read(path)
    except LabelError as error:
        refused, finding = True, _judge(str(error))
    except HangError:
        finding = f"longer than {HANG_S} s"
    except BaseException as error:  # noqa: BLE001 - whatever else is what is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        finding = f"{type(error).__name__}: {error} at {where.filename}:{where.lineno}"
    finally:
        signal.alarm(0)
        part.write_bytes(before)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    if grown_mb > LARGEST_MB:
        finding = f"{grown_mb:.0f} MB of memory; {finding}"
    return (f"{part.name}: {finding}" if finding else ""), refused


def _judge(text: str) -> str:
    if "\n" in text:
        return f"an error of several lines: {text!r}"
    asked = MEMORY.search(text)
    # More than any machine has is refused by every machine, untouched.
    if asked and ("Memory" in asked[0] or int(asked[1]) < NOWHERE_BYTES):
        return f"asked for much memory: {text}"
    return ""


def _hang(_number, _stack) -> None:
    raise HangError


def main() -> int:
    """Fuzz the named targets, or all, and return how many have findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(TARGETS)}; none: all")
    parser.add_argument("--inputs", type=int, default=100_000, help="per target")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="per target, at most")
    parser.add_argument("--only", type=int, help="the number of one input")
    asked = parser.parse_args()
    n_bad = 0
    for name in asked.names or TARGETS:
        result = run(name, inputs=asked.inputs, seconds=asked.seconds, only=asked.only)
        n_bad += bool(result.findings)
        print(
            f"{name}: {result.n_inputs} inputs, {result.n_refused} refused, "
            f"{len(result.findings)} findings, {result.seconds:.0f} s",
            flush=True,
        )
        for text in result.findings:
            print(f"  {text}", flush=True)
    return min(n_bad, 100)


if __name__ == "__main__":
    sys.exit(main())
