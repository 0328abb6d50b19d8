"""The marker's side of e01_gram_matrix."""

import numpy as np

from minigrok.course.laws import Failure, activations, agrees, holds, law

LESSON, MINUTES = 1, 3
HINTS = (
    "The answer has one row and one column for each neuron, not for each input.",
    "A sum over i of A[i, j] A[i, k] is a product of two matrices. Which of the two has i as its second index?",
    "The transpose of A has the element (j, i) equal to A[i, j]. NumPy writes it A.T, and the product of matrices @.",
)


def gram_matrix(A):
    return A.T @ A             # (d, n) times (n, d): the sum runs over the n inputs


def check(gram_matrix, rng):
    small = (np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([[1.0, -1.0], [2.0, 0.0], [1.0, 1.0]]))
    for A in (*small, *activations(rng)):
        law(gram_matrix, "the order of the inputs does not matter, for every element is a sum over inputs", A, A[::-1])
        _grows(gram_matrix, A)
        holds(gram_matrix, "the diagonal holds the sum of the squares of each neuron's activations",
              lambda G, A=A: np.allclose(np.diag(G), (A**2).sum(axis=0)), A)
        agrees(gram_matrix, _solution, A, sentence="element (j, k) is the sum over inputs i of A[i, j] A[i, k]")


def _grows(gram_matrix, A):
    twice = np.concatenate([A, A])
    once, both = gram_matrix(A), gram_matrix(twice)
    if not np.allclose(both, 2 * once):
        raise Failure("if every input is shown twice, every sum over inputs doubles", (A,),
                      {"twice yours before": 2 * once, "yours after": both}, changed=(twice,))


def _by_loops(A):
    n, d = A.shape
    G = np.zeros((d, d))
    for i in range(n):
        for j in range(d):
            for k in range(d):
                G[j, k] += A[i, j] * A[i, k]
    return G


def _cosines(A):
    length = np.sqrt((A**2).sum(axis=0))
    length[length == 0] = 1.0
    return (A / length).T @ (A / length)


def _first_row(A):
    G = np.zeros((A.shape[1], A.shape[1]))
    G[0] = A[:, 0] @ A
    return G


def _first_product(A):
    G = np.zeros((A.shape[1], A.shape[1]))
    G[0, 0] = A[0, 0] ** 2
    return G


_solution = gram_matrix
RIGHT = (
    _by_loops,
    lambda A: sum(np.outer(a, a) for a in A),
    lambda A: np.einsum("ij,ik->jk", A, A),
    lambda A: (A[:, :, None] * A[:, None, :]).sum(axis=0),
    lambda A: np.tensordot(A, A, axes=(0, 0)),
    lambda A: np.array([[a @ b for b in A.T] for a in A.T]),
)
WRONG = {
    "takes A A^T: that compares inputs with inputs, not neurons with neurons": lambda A: A @ A.T,
    "forgets the transpose: A A exists only for as many inputs as neurons": lambda A: A @ A,
    "multiplies element by element, with * where @ belongs": lambda A: A.T * A,
    "squares each activation, with A ** 2, and sums over no inputs": lambda A: A**2,
    "divides by the number of inputs: the mean of the products, not their sum": lambda A: A.T @ A / len(A),
    "divides by the trace already: that is the density matrix of the next exercise":
        lambda A: A.T @ A / np.trace(A.T @ A),
    "takes each neuron's mean off first: that is a covariance": lambda A: (A - A.mean(axis=0)).T @ (A - A.mean(axis=0)),
    "keeps the diagonal only: who fires, but not who fires together": lambda A: np.diag((A**2).sum(axis=0)),
    "multiplies the neurons' sums, where it should sum their products":
        lambda A: np.outer(A.sum(axis=0), A.sum(axis=0)),
    "divides each neuron by its length first: that gives cosines, with 1 on the diagonal": _cosines,
    "returns from inside the loop over the inputs: the first of them alone counts": lambda A: np.outer(A[0], A[0]),
    "returns from inside the loop over the neurons: only the first row is ever filled": _first_row,
    "returns from inside the innermost loop: a single product, and zeros elsewhere": _first_product,
    "forgets the last input: range(n) ends at n - 1 by itself": lambda A: A[:-1].T @ A[:-1],
    "fills the upper triangle only: neuron k fires with j as j does with k": lambda A: np.triu(A.T @ A),
    "fills the lower triangle only: neuron j fires with k as k does with j": lambda A: np.tril(A.T @ A),
    "takes absolute values: neurons that fire against each other count as firing together": lambda A: abs(A.T @ A),
}
