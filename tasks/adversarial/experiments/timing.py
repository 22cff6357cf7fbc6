"""How long pieces of work take beside each other, and how much memory one takes at its peak."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

Work = Callable[[], object]


def seconds_of(work: Work, device: torch.device, repeats: int = 1) -> float:
    """Seconds per repeat: of the processor, whoever else is on it; or on CUDA, of the clock until all is done."""
    if device.type != "cuda":
        began = time.process_time()
        for _ in range(repeats):
            work()
        return (time.process_time() - began) / repeats
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    torch.cuda.synchronize(device)
    return (time.perf_counter() - began) / repeats


def in_turns(
    works: Mapping[str, Work], turns: int, device: torch.device, repeats: int = 1
) -> dict[str, list[float]]:
    """Seconds of each work in each turn, after one turn that is not timed.

    Turns are short and many: what slows a machine for a while slows all works of a turn. Each turn begins with
    another work, so that none always follows the same one.
    """
    names = list(works)
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(seconds_of(works[name], device, repeats))
    return seconds


def peak_bytes(work: Work, device: torch.device) -> int:
    """The largest number of bytes that torch has allocated at any time of a work, beyond those before it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before: int = torch.cuda.memory_allocated(device)
        work()
        most: int = torch.cuda.max_memory_allocated(device)
        return most - before
    with TemporaryDirectory() as folder:
        file = Path(folder) / "trace.json"
        with torch.profiler.profile(
            activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
        ) as profiler:
            work()
        profiler.export_chrome_trace(str(file))
        events = json.loads(file.read_text())["traceEvents"]
    taken: list[int] = [event["args"]["Bytes"] for event in events if event["name"] == "[memory]"]
    return max(accumulate(taken, initial=0))
