"""How far minigrok's numbers of states are from those of mpmath (40 digits), QuTiP, quimb and toqito, where installed.

Hundreds of states are drawn: generic, rank-deficient, degenerate, nearly pure, graded and pure ones, real and complex.
The table gives the largest deviation per quantity and tool. mpmath takes the float64 matrix as it is, so that
its answer is the exact one. Roots of eigenvalues near the roundings (1e-15 and below) are badly conditioned for
everybody; where a peer is off by more than we are, tutorials/pages/peers.md says why. The relative entropy is off by
about d eps over the smallest eigenvalue of sigma, so it is compared where that is above 1e-4; where it is infinite, the
peers differ, and a test decides by how the states were drawn.

    python bench/oracles.py
"""

import math
from collections import defaultdict
from importlib.util import find_spec

import numpy as np

import minigrok as mg

KINDS = ("generic", "rank-deficient", "degenerate", "nearly pure", "graded", "pure", "two alike")
DRAWS = {2: 12, 3: 12, 6: 12, 12: 4, 32: 1, 64: 1}       # states of each kind and of each field, real and complex
MOST_FOR_MPMATH_PAIRS = 6
SMALLEST_OF_SIGMA = 1e-4


def spectrum_of(kind, d, rng):
    """Eigenvalues of one kind of state, in no order."""
    p = {"generic": rng.dirichlet(np.ones(d)),
         "rank-deficient": np.r_[rng.dirichlet(np.ones(max(1, d // 2))), np.zeros(d - max(1, d // 2))],
         "degenerate": np.repeat(rng.dirichlet(np.ones((d + 1) // 2)), 2)[:d],
         "nearly pure": np.r_[1.0, np.full(d - 1, 10.0 ** -rng.uniform(8, 15))],
         "graded": 10.0 ** -rng.uniform(0, 14, d),
         "pure": np.eye(d)[0],
         "two alike": np.r_[0.5, 0.5, np.zeros(d - 2)]}[kind]
    return p / p.sum()


def states(d, count, complex_):
    """`count` states of each kind, turned at random."""
    rng = np.random.default_rng([d, complex_])
    for _ in range(count):
        for kind in KINDS:
            M = rng.normal(size=(d, d)) + 1j * complex_ * rng.normal(size=(d, d))
            Q = np.linalg.qr(M if complex_ else M.real)[0]
            rho = (Q * spectrum_of(kind, d, rng)) @ Q.conj().T
            rho = (rho + rho.conj().T) / 2
            yield kind, rho / np.trace(rho).real


def mpmath_spectrum(rho):
    import mpmath

    exact = mpmath.matrix(rho.tolist())
    solve = mpmath.eighe if np.iscomplexobj(rho) else mpmath.eigsy
    p = list(solve(exact, eigvals_only=True))
    return [x / sum(p) for x in p]


def mpmath_numbers(rho):
    import mpmath

    p = mpmath_spectrum(rho)
    return {"S": -sum(x * mpmath.log(x) for x in p if x > 0), "P": sum(x**2 for x in p)}


def mpmath_pair(rho, sigma):
    """Root fidelity, trace distance and, where it is well conditioned, relative entropy, for real states."""
    import mpmath

    p, V = mpmath.eigsy(mpmath.matrix(rho.tolist()))
    root = V * mpmath.diag([mpmath.sqrt(max(x, 0)) for x in p]) * V.T
    inner = mpmath.eigsy(root * mpmath.matrix(sigma.tolist()) * root, eigvals_only=True)
    difference = mpmath.eigsy(mpmath.matrix((rho - sigma).tolist()), eigvals_only=True)
    answers = {"root fidelity": sum(mpmath.sqrt(max(x, 0)) for x in inner),
               "trace distance": sum(abs(x) for x in difference) / 2}
    q, K = mpmath.eigsy(mpmath.matrix(sigma.tolist()))
    if min(q) > SMALLEST_OF_SIGMA:
        r = K.T * mpmath.matrix(rho.tolist()) * K
        answers["relative entropy"] = (sum(x * mpmath.log(x) for x in p if x > 0)
                                       - sum(r[k, k] * mpmath.log(q[k]) for k in range(len(q))))
    return answers


def qutip_numbers(rho):
    import qutip

    return {"S": qutip.entropy_vn(qutip.Qobj(rho)), "P": qutip.Qobj(rho).purity()}


def qutip_pair(rho, sigma):
    import qutip

    one, two = qutip.Qobj(rho), qutip.Qobj(sigma)
    answers = {"root fidelity": qutip.fidelity(one, two), "trace distance": qutip.tracedist(one, two),
               "Hilbert-Schmidt distance": math.sqrt(max(qutip.hilbert_dist(one, two), 0))}
    if np.linalg.eigvalsh(sigma)[0] > SMALLEST_OF_SIGMA:
        answers["relative entropy"] = qutip.entropy_relative(one, two)
    return answers


def quimb_numbers(rho):
    import quimb

    return {"S": quimb.entropy(rho) * math.log(2), "P": quimb.tr(rho @ rho).real}


def quimb_pair(rho, sigma):
    import quimb

    return {"root fidelity": quimb.fidelity(rho, sigma), "trace distance": quimb.trace_distance(rho, sigma)}


def toqito_numbers(rho):
    from toqito.state_props import l1_norm_coherence, purity, renyi_entropy, von_neumann_entropy

    return {"S": von_neumann_entropy(rho) * math.log(2), "P": purity(rho), "l1 coherence": l1_norm_coherence(rho),
            "Renyi 2": renyi_entropy(rho, 2) * math.log(2)}


def toqito_pair(rho, sigma):
    from toqito.state_metrics import fidelity  # its trace distance and Bures angle are wrong in 1.1.8: not asked

    return {"root fidelity": fidelity(rho, sigma)}


OURS = {"S": mg.von_neumann_entropy, "P": mg.purity, "l1 coherence": mg.l1_coherence,
        "Renyi 2": lambda rho: mg.renyi_entropy(rho, 2), "root fidelity": mg.root_fidelity,
        "trace distance": mg.trace_distance, "Hilbert-Schmidt distance": mg.hilbert_schmidt_distance,
        "relative entropy": mg.relative_entropy}
PEERS = {"mpmath": (mpmath_numbers, mpmath_pair), "qutip": (qutip_numbers, qutip_pair),
         "quimb": (quimb_numbers, quimb_pair), "toqito": (toqito_numbers, toqito_pair)}


def deviations(peer, draws):
    """Largest |ours - theirs| per quantity, the kind of state where it is, and how many were compared."""
    largest, where, count = defaultdict(float), {}, defaultdict(int)
    of_one, of_two = PEERS[peer]

    def compare(answers, kind, *given):
        for quantity, theirs in answers.items():
            count[quantity] += 1
            deviation = abs(float(OURS[quantity](*given)) - float(theirs.real))
            deviation = math.inf if math.isnan(deviation) else deviation
            if deviation >= largest[quantity]:
                largest[quantity], where[quantity] = deviation, kind

    for d, number in draws.items():
        for complex_ in (False, True):
            before = None
            for kind, rho in states(d, number, complex_):
                compare(of_one(rho), f"{kind}, d = {d}", rho)
                if before is not None and (peer != "mpmath" or (d <= MOST_FOR_MPMATH_PAIRS and not complex_)):
                    compare(of_two(before, rho), f"next to {kind}, d = {d}", before, rho)
                before = rho
    return {quantity: (largest[quantity], where[quantity], count[quantity]) for quantity in count}


if __name__ == "__main__":
    import mpmath

    mpmath.mp.dps = 40
    print(f"{'tool':8} {'quantity':26} {'compared':>8}  largest deviation")
    for peer in PEERS:
        if find_spec(peer) is None:
            print(f"{peer:8} not installed")
            continue
        for quantity, (deviation, kind, count) in deviations(peer, DRAWS).items():
            print(f"{peer:8} {quantity:26} {count:8}  {deviation:.1e}   ({kind})")
