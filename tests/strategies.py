"""What Hypothesis draws: spectra first, since zeros and ties are where things break."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

dimensions = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


def rotation(d, seed, *, complex_=False):
    """A random orthogonal (or unitary) matrix."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(d, d)) + 1j * complex_ * rng.normal(size=(d, d))
    return np.linalg.qr(matrix if complex_ else matrix.real)[0]


@st.composite
def spectra(draw, dim=dimensions):
    """Probabilities, zeros and ties among them."""
    weights = draw(arrays(float, draw(dim), elements=st.floats(0, 1)))
    assume(weights.sum() > 1e-3)
    return weights / weights.sum()


@st.composite
def density_matrices(draw, dim=dimensions):
    """rho = Q diag(p) Q^dagger for a drawn spectrum p and a random rotation Q, real or complex."""
    p = draw(spectra(dim))
    Q = rotation(len(p), draw(seeds), complex_=draw(st.booleans()))
    rho = (Q * p) @ Q.conj().T
    return (rho + rho.conj().T) / 2


@st.composite
def activations(draw, min_rows=1, *, complex_=False):
    """A (n, d) of any rank, with dead neurons, silent inputs, and scales up to where squares vanish or overflow."""
    n, d, rank = draw(st.integers(min_rows, 8)), draw(st.integers(1, 6)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(seeds))
    A = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d))
    if complex_:
        A = A * np.exp(1j * rng.uniform(0, 2 * np.pi, size=(n, d)))
    A[:, draw(arrays(bool, d))] = 0
    A[draw(arrays(bool, n))] = 0
    assume(abs(A).max() > 1e-3)
    return A * 10.0 ** draw(st.integers(-60, 60) | st.sampled_from([-290, 290]))
