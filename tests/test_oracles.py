"""Answers of other people's tools, where they are installed: mpmath with 40 digits, and QuTiP."""

import numpy as np
import pytest
from strategies import rotation

from minigrok import density_matrix, fidelity, purity, relative_entropy, trace_distance, von_neumann_entropy


def states(d):
    """Generic, degenerate, nearly pure and rank-deficient states of d levels."""
    rng = np.random.default_rng(d)
    yield density_matrix(rng.normal(size=(3 * d, d)))
    yield density_matrix(rng.normal(size=(max(1, d // 2), d)))
    for p in (np.full(d, 1 / d), np.r_[1 - 1e-9, np.full(d - 1, 1e-9 / max(d - 1, 1))], 2.0 ** -np.arange(d)):
        p, Q = p / p.sum(), rotation(d, d)
        rho = (Q * p) @ Q.T
        yield (rho + rho.T) / 2


@pytest.mark.parametrize("d", [1, 2, 3, 6, 12])
def test_entropy_and_purity_are_those_of_forty_digits(d):
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        for rho in states(d):
            exact = mpmath.matrix(rho.tolist())
            p = [x / sum(mpmath.eigsy(exact, eigvals_only=True)) for x in mpmath.eigsy(exact, eigvals_only=True)]
            S = -sum(x * mpmath.log(x) for x in p if x > 0)
            assert abs(von_neumann_entropy(rho) - float(S)) < 1e-12
            assert abs(purity(rho) - float(sum(x**2 for x in p))) < 1e-12


@pytest.mark.parametrize("d", [2, 3, 6, 12])
def test_entropy_and_distances_are_those_of_qutip(d):
    qutip = pytest.importorskip("qutip")
    everything = list(states(d))
    for rho, sigma in zip(everything, everything[1:] + everything[:1], strict=True):
        one, two = qutip.Qobj(rho), qutip.Qobj(sigma)
        assert von_neumann_entropy(rho) == pytest.approx(qutip.entropy_vn(one), abs=1e-10)
        assert np.sqrt(fidelity(rho, sigma)) == pytest.approx(qutip.fidelity(one, two), abs=1e-6)
        assert trace_distance(rho, sigma) == pytest.approx(qutip.tracedist(one, two), abs=1e-7)
    full = [rho for rho in everything if np.linalg.eigvalsh(rho).min() > 1e-6]
    for rho, sigma in zip(full, full[1:] + full[:1], strict=True):
        theirs = qutip.entropy_relative(qutip.Qobj(rho), qutip.Qobj(sigma))
        assert relative_entropy(rho, sigma) == pytest.approx(theirs, abs=1e-9)


def test_where_qutip_gives_a_number_for_no_state_we_refuse():
    qutip = pytest.importorskip("qutip")
    assert qutip.entropy_vn(qutip.Qobj(np.diag([1.3, -0.3]))) < 0
    with pytest.raises(ValueError, match=r"eigenvalue -0\.3"):
        von_neumann_entropy(np.diag([1.3, -0.3]))
