"""The density matrix of a stream: activations that come in batches, or are larger than memory.

Only sums are kept: of |a><a| in the convention "trace", of |a><a| / <a|a> in "rows", and in "centered" the
mean m of n rows with M = sum |a - m><a - m|, which two parts join by

    n = n_1 + n_2,    delta = m_2 - m_1,    m = m_1 + delta n_2 / n,    M = M_1 + M_2 + |delta><delta| n_1 n_2 / n

without the cancellation of sum |a><a| - n |m><m|. Everything is summed in float64, so any split into
batches gives the same state within 1e-12. "centered_rows" needs the mean before it can
take a direction, hence all rows at once.

References
----------
.. [1] T. F. Chan, G. H. Golub and R. J. LeVeque, The American Statistician 37, 242 (1983), eq. 1.5.
"""

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import InexactArray, as_double, number_array, one_of, require_finite, short
from minigrok.grams import SAFE_SMALLEST, hermitian_part, mean_row, prepared_rows, rows_of_a_block

STREAMED = ("trace", "rows", "centered")


class DensityAccumulator:
    """Accumulate the density matrix of a layer, batch by batch, on one machine or several.

    Parameters
    ----------
    convention : {"trace", "rows", "centered"}

    Examples
    --------
    >>> accumulator = DensityAccumulator()
    >>> accumulator.update([[1.0, 0.0]]).update([[0.0, 1.0], [1.0, 1.0]]).density_matrix()
    array([[0.5 , 0.25],
           [0.25, 0.5 ]])
    """

    def __init__(self, convention: str = "trace") -> None:
        if isinstance(convention, str) and convention == "centered_rows":
            raise ValueError("convention 'centered_rows' needs the mean before the first row can be normalised: "
                             "give density_matrix all rows at once")
        self.convention = one_of("convention", convention, STREAMED)
        self.n = 0                                       # rows seen
        self.gram: InexactArray = np.zeros((0, 0))       # (d, d) the sum, about the mean if centred
        self.mean: InexactArray = np.zeros(0)            # (d,)

    def update(self, batch: ArrayLike) -> "DensityAccumulator":
        """Add a batch of rows (n, d), read block by block; returns the accumulator.

        Raises
        ------
        ValueError
            For no matrix, one without rows or columns, NaN or infinity (naming its place), another width than before,
            or squares that overflow. Blocks before the one that was refused have been added.
        """
        rows = number_array("batch", batch)
        if rows.ndim != 2:
            raise ValueError(f"a batch has shape {rows.shape}, but must be a matrix (inputs, neurons)")
        step = rows_of_a_block(rows)
        for start in range(0, len(rows), step):
            block = as_double(rows[start : start + step])
            require_finite("batch", block, start)
            self._join(*_sums(block, self.convention))
        return self

    def merge(self, other: "DensityAccumulator") -> "DensityAccumulator":
        """Add what another accumulator of the same convention has seen; returns this one, the other is left alone.

        Raises
        ------
        ValueError
            For another convention or width.
        """
        theirs = getattr(other, "convention", None)
        if theirs != self.convention:
            raise ValueError(
                f"the other accumulator's convention is {short(theirs)}, this one's {self.convention!r}: "
                "states of different conventions do not add up")
        if other.n:
            self._join(other.n, other.gram, other.mean)
        return self

    def density_matrix(self) -> InexactArray:
        """The state of all rows so far, shape (d, d).

        Raises
        ------
        ValueError
            If nothing was seen, or there is no state: all activations zero or so small (below 1e-100) that
            their squares vanish, or (centred) all rows alike.
        """
        trace = float(np.trace(self.gram).real) if self.n else 0.0
        rounding = SAFE_SMALLEST**2                      # below that squares vanish
        if self.convention == "centered":                # left of rows that are all alike: 3 eps in a block, 3 between
            rounding += self.n * (5 * np.finfo(np.float64).eps) ** 2 * float((abs(self.mean) ** 2).sum())
        if trace < rounding:
            why = "no row was seen" if not self.n else "all activations are zero, below 1e-100, or (centred) all alike"
            raise ValueError(f"there is no state in the convention {self.convention!r}: {why}")
        return hermitian_part(self.gram) / trace

    @np.errstate(over="ignore", invalid="ignore")        # found below, in words
    def _join(self, n: int, gram: InexactArray, mean: InexactArray) -> None:
        total = self.n + n
        if self.n:
            if gram.shape != self.gram.shape:
                raise ValueError(
                    f"a batch has {len(gram)} neurons, but those before had {len(self.gram)}: one layer a state")
            delta = mean - self.mean
            gram = self.gram + gram
            if self.convention == "centered":
                gram = gram + np.outer(delta, delta.conj()) * (self.n * n / total)
            mean = self.mean + delta * (n / total)
        if not np.isfinite(gram).all():
            raise ValueError("the squares of all rows together overflow: divide all activations by one large number, "
                             "which changes nothing")
        self.n, self.gram, self.mean = total, gram, mean


@np.errstate(over="ignore", invalid="ignore")            # a mean of rows whose squares overflow
def _sums(rows: InexactArray, convention: str) -> tuple[int, InexactArray, InexactArray]:
    """n, sum |a><a| (about the mean if centred) and the mean of one block of rows."""
    mean = mean_row(rows)[0]
    if convention == "centered":
        rows = rows - mean
    elif convention == "rows":
        rows = prepared_rows(rows, "rows") if rows.any() else rows
    return len(rows), rows.T @ rows.conj(), mean
