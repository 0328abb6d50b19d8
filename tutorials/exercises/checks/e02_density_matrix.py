"""The marker's side of e02_density_matrix."""

import numpy as np

import minigrok
from minigrok.course.laws import activations, agrees, fails, holds, law, rotation

LESSON, MINUTES = 1, 5
HINTS = (
    "Begin with the Gram matrix of exercise 1 and give it a name. It is used twice.",
    "The trace is the sum of the diagonal of the Gram matrix, not of A. NumPy has np.trace.",
    "G = A.T @ A, and then G divided by np.trace(G).",
)


def density_matrix(A):
    G = A.T @ A
    return G / np.trace(G)     # tr(A^T A) = (A**2).sum(), the sum of the squares of all activations


def check(density_matrix, rng):
    # the second's rows have unlike lengths, the elements of its Gram matrix add up to 0; the third is wide
    small = (np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[2.0, -2.0], [1.0, -1.0]]), np.array([[0.0, 1.0, 2.0]]))
    for A in (*small, *activations(rng)):
        law(density_matrix, "the order of the inputs does not matter", A, A[::-1])
        law(density_matrix, "the scale of the activations drops out", A, 10 * A)
        law(density_matrix, "the scale of the activations drops out, however small they are", A, 1e-12 * A)
        holds(density_matrix, "a density matrix has trace 1", lambda rho: abs(np.trace(rho) - 1) < 1e-9, A)
        law(density_matrix, "showing every input twice changes nothing", A, np.concatenate([A, A]))
        holds(density_matrix, "rho is symmetric: neuron j fires with k as k fires with j",
              lambda rho: np.allclose(rho, rho.T), A)
        agrees(density_matrix, minigrok.density_matrix, A)
        _turns(density_matrix, A, rotation(A.shape[1], rng))


def _turns(density_matrix, A, Q):
    before, after = density_matrix(A), density_matrix(A @ Q)
    if not np.allclose(after, Q.T @ before @ Q):
        fails("if the neurons are mixed by a rotation Q, the state turns along: Q^T rho Q", (A @ Q,), after,
              Q.T @ before @ Q)


def _of_equal_length(A):
    length = np.linalg.norm(A, axis=1, keepdims=True)
    rows = np.divide(A, length, out=np.zeros_like(A), where=length > 0)
    return rows.T @ rows / (length > 0).sum()


def _centred(A):
    B = A - A.mean(axis=0)
    with np.errstate(invalid="ignore"):
        return B.T @ B / np.trace(B.T @ B)


def _over(divisor):
    """A^T A over what a student takes for its trace, quietly where that is 0."""
    def wrong(A):
        G = A.T @ A
        with np.errstate(divide="ignore", invalid="ignore"):
            return G / divisor(A, G)

    return wrong


def _above(threshold):
    def wrong(A):
        G = A.T @ A
        return G / np.trace(G) if np.trace(G) >= threshold else np.eye(len(G)) / len(G)

    return wrong


def _outer_products(A):
    rho = np.zeros((A.shape[1], A.shape[1]))
    for a in A:
        rho += np.outer(a, a)
    return rho / (A**2).sum()


RIGHT = (
    _outer_products,
    lambda A: A.T @ A / np.linalg.norm(A) ** 2,
    lambda A: (A / np.linalg.norm(A)).T @ (A / np.linalg.norm(A)),
    lambda A: np.einsum("ij,ik->jk", A, A) / np.einsum("ij,ij->", A, A),
    lambda A: A.T @ A / np.linalg.eigvalsh(A.T @ A).sum(),
)
WRONG = {
    "does not divide: that is the Gram matrix": lambda A: A.T @ A,
    "takes A A^T: a state of the inputs, not of the neurons": lambda A: A @ A.T / np.trace(A @ A.T),
    "divides by the number of inputs, so that the scale of the layer stays in": _over(lambda A, G: len(A)),
    "divides by the sum of all elements of A^T A, not by the sum of its diagonal": _over(lambda A, G: G.sum()),
    "divides by the trace of A, where the trace of A^T A belongs": _over(lambda A, G: np.trace(A)),
    "divides by the largest element: then that is 1, and the trace is not": _over(lambda A, G: G.max()),
    "divides by the number of neurons": _over(lambda A, G: len(G)),
    "divides by the norm of A^T A: then the purity would be 1 for every layer": _over(lambda A, G: np.linalg.norm(G)),
    "divides by the norm of A, not by its square": _over(lambda A, G: np.linalg.norm(A)),
    "divides each row by its own sum: probabilities of jumps, no state": _over(lambda A, G: G.sum(axis=1)[:, None]),
    "takes each neuron's mean off first: that is the convention centered, another state": _centred,
    "gives every input the same length first: that is the convention rows, another state": _of_equal_length,
    "takes a layer of small activations for one that does not fire: only exact zeros have no state": _above(1e-6),
    "adds a small number to the trace, which small activations do not outweigh":
        _over(lambda A, G: np.trace(G) + 1e-12),
    "keeps the diagonal only: who fires, but not who fires together":
        lambda A: np.diag((A**2).sum(axis=0)) / (A**2).sum(),
}
