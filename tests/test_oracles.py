"""Answers of other people's tools, where they are installed: mpmath with 40 digits, QuTiP, quimb, toqito."""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from minigrok import von_neumann_entropy

sys.path.append(str(Path(__file__).parent.parent / "bench"))
import oracles

FEW = {2: 2, 3: 2, 6: 2, 12: 1, 64: 1}
# How far a peer may be off by its own roundings: roots of eigenvalues that should be 0 are 1e-8 and many
OWN_ROUNDINGS = {("qutip", "root fidelity"): 1e-6, ("quimb", "root fidelity"): 1e-3, ("toqito", "root fidelity"): 1e-4,
                 ("qutip", "trace distance"): 1e-5, ("qutip", "relative entropy"): 1e-4,
                 ("mpmath", "root fidelity"): 1e-7}


def test_entropy_and_purity_are_those_of_forty_digits():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        found = oracles.deviations("mpmath", FEW)
    assert found["S"][2] == found["P"][2] == 14 * sum(FEW.values())
    for quantity, (deviation, where, _) in found.items():
        assert deviation < OWN_ROUNDINGS.get(("mpmath", quantity), 1e-12), f"{quantity}: {where}"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")    # of the peers
@pytest.mark.parametrize("peer", ["qutip", "quimb", "toqito"])
def test_numbers_and_distances_are_those_of_the_peers(peer):
    pytest.importorskip(peer)
    for quantity, (deviation, where, _) in oracles.deviations(peer, FEW).items():
        assert deviation < OWN_ROUNDINGS.get((peer, quantity), 1e-12), f"{quantity}: {where}"


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
