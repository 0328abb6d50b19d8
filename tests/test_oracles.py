"""Answers of other people's tools, where they are installed: mpmath with 40 digits, QuTiP, quimb, toqito."""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from minigrok import relative_entropy, von_neumann_entropy

sys.path.append(str(Path(__file__).parent.parent / "bench"))
import oracles

FEW = {2: 2, 3: 2, 6: 2, 12: 1, 64: 1}
# Ours: roots of eigenvalues near the roundings, sqrt(d eps) = 4e-8; and d eps / (smallest of sigma) = 1.3e-11
BADLY_CONDITIONED = {"root fidelity": 1e-7, "relative entropy": 2e-11}
# The peers' own: roots of eigenvalues that should be 0 are 1e-8 each, and many; trace distance by a root
PEERS_ROUNDINGS = {("qutip", "root fidelity"): 1e-6, ("quimb", "root fidelity"): 1e-3,
                   ("toqito", "root fidelity"): 1e-4, ("qutip", "trace distance"): 1e-5,
                   ("qutip", "relative entropy"): 2e-11}


def test_entropy_and_purity_are_those_of_forty_digits():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        found = oracles.deviations("mpmath", FEW)
    assert found["S"][2] == found["P"][2] == 14 * sum(FEW.values())
    for quantity, (deviation, where, _) in found.items():
        assert deviation < BADLY_CONDITIONED.get(quantity, 1e-12), f"{quantity}: {where}"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")    # of the peers
@pytest.mark.parametrize("peer", ["qutip", "quimb", "toqito"])
def test_numbers_and_distances_are_those_of_the_peers(peer):
    pytest.importorskip(peer)
    for quantity, (deviation, where, _) in oracles.deviations(peer, FEW).items():
        assert deviation < PEERS_ROUNDINGS.get((peer, quantity), 1e-12), f"{quantity}: {where}"


@pytest.mark.parametrize("d", [3, 6, 12])
@pytest.mark.parametrize("complex_", [False, True])
def test_relative_entropy_is_infinite_just_where_the_support_was_drawn_smaller(d, complex_):
    """The peers do not agree here, so what decides is how the states were made."""
    drawn = list(oracles.states(d, 8, complex_))
    generic = [rho for kind, rho in drawn if kind == "generic"]
    for kind, sigma in drawn:
        smaller = kind in ("rank-deficient", "pure", "two alike")
        full = np.linalg.eigvalsh(sigma).min() > 4 * d * np.finfo(float).eps
        for rho in generic:
            if smaller or full:                          # else it is a rounding that nobody can tell from 0
                assert np.isinf(relative_entropy(rho, sigma)) == smaller, kind


@pytest.mark.parametrize("kind", oracles.KINDS)
@pytest.mark.parametrize("d", [2, 3, 6, 64])
def test_the_states_that_are_drawn_are_what_they_are_called(kind, d):
    p = oracles.spectrum_of(kind, d, np.random.default_rng(0))
    assert p.shape == (d,)
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1)


def test_where_qutip_gives_a_number_for_no_state_we_refuse():
    qutip = pytest.importorskip("qutip")
    if version("qutip").startswith("5."):
        assert qutip.entropy_vn(qutip.Qobj(np.diag([1.3, -0.3]))) < 0
    with pytest.raises(ValueError, match=r"eigenvalue -0\.3"):
        von_neumann_entropy(np.diag([1.3, -0.3]))
