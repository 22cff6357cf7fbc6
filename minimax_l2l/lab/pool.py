"""The one way to play many runs: on this machine's cores, or wherever joblib is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TypeVar

from minimax_l2l.errors import require_count

Job = TypeVar("Job")
Result = TypeVar("Result")
EVERY_CORE = -1


def play_all(
    jobs: Sequence[Job], play: Callable[[Job], Result], *, workers: int = EVERY_CORE
) -> Iterator[tuple[Job, Result]]:
    """Play jobs side by side, each on one thread of a process of its own.

    Around another backend of joblib's, `with joblib.parallel_config("dask"):` for instance, they are played there
    instead; its workers need this library and the same files, and how many threads they have is set there. After
    Ctrl-C, pressed here or met by a worker, nothing new begins.

    Args:
        jobs: what is to be played; each worker gets copies.
        play: called with each of them; a function that a worker can import, or a `functools.partial` of one.
        workers: how many play at a time: -1 is one per core, 1 plays in this process.

    Yields:
        Each job and what came of it, as they are done.

    Raises:
        TypeError: if `workers` is no whole number.
        ValueError: if it is neither -1 nor at least 1.
        KeyboardInterrupt: after Ctrl-C.
    """
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    require_workers("workers", workers)
    backend, _ = get_active_backend()
    if backend.supports_inner_max_num_threads and backend.inner_max_num_threads is None:
        backend.inner_max_num_threads = 1  # networks this small run best so, and cores are shared out by job
    # One job at a time for each worker: none lies before it that it could still begin after Ctrl-C.
    parallel = Parallel(
        n_jobs=workers, backend=backend, return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1
    )
    numbered = (delayed(_play)(number, job, play) for number, job in enumerate(jobs))
    with closing(parallel(numbered)) as results:  # closed early, what has not begun never will
        for number, result in results:
            yield jobs[number], result


def require_workers(name: str, workers: int) -> int:
    """How many play at a time: -1, one per core, or at least 1."""
    if workers == EVERY_CORE or require_count(name, workers, least=-1) >= 1:
        return workers
    raise ValueError(f"{name} must be at least 1, or -1 for one per core, got {workers}; somebody has to play.")


def _play(number: int, job: Job, play: Callable[[Job], Result]) -> tuple[int, Result]:
    return number, play(job)
