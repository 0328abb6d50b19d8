"""One state from many machines: the activations of a large network lie in shards, each is summed up where it is.

The sum over all rows is the sum over shards of the sums over their rows (see `minigrok.accumulator`), so a shard sends
back one matrix (d, d), however many rows it has. A worker reads its shard block by block, and the matrices are added in
the order of the shards, whichever comes first: the bytes are the same for any number of workers, and the state is the
same within 1e-12 for any other split into shards.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import closing
from os import PathLike, cpu_count
from os.path import realpath
from pathlib import Path
from typing import Any

from minigrok.accumulator import DensityAccumulator
from minigrok.checks import InexactArray
from minigrok.runs.jobs import Ended, Job, ended_jobs
from minigrok.runs.pools import Pool, processes
from minigrok.states.measure import StateMetrics, measure_state
from minigrok.states.readers import as_matrix, read_arrays

Blocks = Callable[[Any], Iterable[InexactArray]]
Progress = Callable[[int, int], None]                    # (shards done, of how many)
Accumulators = dict[str, DensityAccumulator]             # by convention
PART_BYTES = 64 * 2**20        # of a mapped file at a time


def measure_together(
    shards: Sequence[str | PathLike[str]], conventions: Sequence[str] = ("trace",), neuron_axis: int = 1,
    pool: Pool = processes, workers: int | None = None, progress: Progress | None = None,
) -> dict[str, StateMetrics]:
    """All numbers of the one state whose activations lie in several files.

    Parameters
    ----------
    shards : sequence of paths
        Each with one array (inputs, neurons): .npy, which is mapped into memory and may be larger than it; .npz, .csv
        and .safetensors, which are read whole. The paths are those that the workers see.
    conventions : sequence of str
        Of "trace", "rows", "centered"; all from one reading of the files.
    neuron_axis : int
        Of arrays with more than two axes, see `minigrok.states.readers.as_matrix`; not the first.
    pool, workers, progress
        As for `accumulate_together`.

    Returns
    -------
    dict
        The numbers by convention.

    Raises
    ------
    ValueError
        As `accumulate_together`; for a shard that is given twice, a single row in all, a state that there is not.
    FileNotFoundError, RuntimeError
        As `accumulate_together`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> paths = [Path(tempfile.mkdtemp()) / f"{name}.npy" for name in ("first", "second")]
    >>> for path, row in zip(paths, ([3.0, 0.0], [0.0, 1.0])):
    ...     np.save(path, [row])
    >>> m = measure_together(paths, workers=1)["trace"]
    >>> m.inputs, m.spectrum, round(m.purity, 6)             # as measure([[3.0, 0.0], [0.0, 1.0]])
    (2, array([0.1, 0.9]), 0.82)
    """
    paths = [realpath(shard) for shard in shards]     # a worker may have another working folder
    for path, times in Counter(paths).items():
        if times > 1:
            raise ValueError(f"{path} is given {times} times, and its rows would count as often: give it once")
    found = accumulate_together(paths, conventions, BlocksOfFile(neuron_axis), pool, workers, progress)
    numbers = {}
    for convention, accumulator in found.items():
        if accumulator.n == 1:
            raise ValueError("there is a single row in all shards, whose state is pure whatever the network does: give "
                             "two rows or more")
        state = measure_state(accumulator.density_matrix())
        numbers[convention] = state._replace(convention=convention, inputs=accumulator.n)
    return numbers


def accumulate_together(
    shards: Sequence[Hashable], conventions: Sequence[str], blocks: Blocks, pool: Pool = processes,
    workers: int | None = None, progress: Progress | None = None,
) -> Accumulators:
    """Sum up shards side by side, in a fixed order.

    Parameters
    ----------
    shards : sequence
        What `blocks` takes: paths, say, or numbers.
    conventions : sequence of str
        Of "trace", "rows", "centered".
    blocks : function of a shard
        Yields its rows as matrices (n, d); it is called by the workers, so that they must find it in a module.
    pool : function
        Opens the workers, see `minigrok.runs.pools` and `minigrok.runs.cluster`.
    workers : int, optional
        As many as there are cores, if left out.
    progress : function of (shards done, of how many), optional

    Returns
    -------
    dict
        One accumulator for each convention.

    Raises
    ------
    ValueError
        For no shard, a convention that cannot be streamed, a shard without rows, with NaN, of another width than the
        first, or that cannot be read. Like all errors that a shard makes it names the shard.
    FileNotFoundError
    RuntimeError
        For any other error in a shard, or if its worker dies again and again.
    """
    if not shards:
        raise ValueError("there is no shard: give one file at least")
    sums = {convention: DensityAccumulator(convention) for convention in conventions}
    if not sums:
        raise ValueError("there is no convention: name one at least, say trace")
    jobs = [(i, Job("shard", str(shard), 0, _sums_of_shard, (blocks, shard, tuple(sums))))
            for i, shard in enumerate(shards)]
    waiting: dict[int, Accumulators] = {}                # those that ended before one that stands before them
    following = 0
    with closing(ended_jobs(jobs, workers or cpu_count() or 1, pool)) as running:
        for done, ended in enumerate(running, 1):
            waiting[ended[0]] = _result_of(ended)
            while following in waiting:
                _merge(sums, waiting.pop(following), shards[following], shards[0])
                following += 1
            if progress is not None:
                progress(done, len(shards))
    return sums


class BlocksOfFile:
    """The rows of a file, in matrices (n, d) of some 64 MB; what `accumulate_together` calls with a path.

    Parameters
    ----------
    neuron_axis : int
    """

    def __init__(self, neuron_axis: int = 1) -> None:
        self.neuron_axis = neuron_axis

    def __call__(self, path: str) -> Iterable[InexactArray]:
        """Yield them."""
        array = _only_array(path)
        if array.size == 0:
            raise ValueError(f"{path} has shape {array.shape} and so no entry: leave it out")
        mapped = Path(path).suffix.lower() == ".npy"
        if array.ndim > 0 and self.neuron_axis in (0, -array.ndim):
            raise ValueError(f"neuron_axis is {self.neuron_axis}, the first of {array.shape}, along which a shard is "
                             "read: put the inputs first")
        n = array.shape[0] if array.ndim else 1
        step = max(1, PART_BYTES * n // max(1, array.nbytes))
        for start in range(0, max(1, n), step):
            if mapped and start:                         # pages that were read count as the process's own memory as
                array = _only_array(path)                # long as the mapping lasts: begin a new one
            yield as_matrix(array[start : start + step] if array.ndim else array, self.neuron_axis)


def _only_array(path: str) -> InexactArray:
    arrays = read_arrays(path)
    if len(arrays) != 1:
        raise ValueError(f"{path} holds {len(arrays)} arrays ({', '.join(arrays) or 'nothing'}), but a shard is one "
                         "layer's: save that layer alone, best with np.save")
    return next(iter(arrays.values()))


def _sums_of_shard(setting: tuple[Blocks, Any, tuple[str, ...]], seed: int) -> Accumulators:
    """What a worker does."""
    blocks, shard, conventions = setting
    sums = {convention: DensityAccumulator(convention) for convention in conventions}
    first_row = 0
    for rows in blocks(shard):
        try:
            for accumulator in sums.values():
                accumulator.update(rows)
        except ValueError as problem:                    # which counts rows from the first of this block
            raise ValueError(f"from row {first_row} on, {problem}" if first_row else str(problem)) from problem
        first_row += len(rows)
    return sums


def _result_of(ended: Ended) -> Accumulators:
    """What a worker found; its error, with the shard's name, else."""
    _, (job, result, error), _ = ended
    if error is None:
        found: Accumulators = result
        return found
    shard = job.specification
    words = str(error) if shard in str(error) else f"{shard}: {error}"
    if isinstance(error, FileNotFoundError):
        raise FileNotFoundError(words) from error
    if isinstance(error, ValueError):
        raise ValueError(words) from error
    raise RuntimeError(words if isinstance(error, RuntimeError) else f"{words} ({type(error).__name__})") from error


def _merge(sums: Accumulators, more: Accumulators, shard: Hashable, first: Hashable) -> None:
    """Add one shard's."""
    for convention, accumulator in more.items():
        if not accumulator.n:
            raise ValueError(f"{shard} has no rows: leave it out")
        width, before = len(accumulator.mean), len(sums[convention].mean)
        if sums[convention].n and width != before:
            raise ValueError(f"{shard} has {width} neurons, but {first} has {before}: all shards of a state are of one "
                             "layer")
        sums[convention].merge(accumulator)
