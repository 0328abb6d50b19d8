"""The marker's side of e24_gram_update."""

import numpy as np

from minigrok.course.laws import agrees, fails, law

LESSON, MINUTES = 6, 25
HINTS = (
    "Begin with copies of both arrays. Write the new column into the copy of A first: after that the old activations "
    "of neuron j are not needed any more.",
    "With the new A, all overlaps of neuron j at once are one product of a matrix and a vector, shape (d,). It belongs "
    "into row j and, since a Gram matrix is symmetric, into column j.",
    "new_A = A.copy(); new_A[:, j] = column; overlaps = new_A.T @ column; then new_gram[j, :] = overlaps and "
    "new_gram[:, j] = overlaps in a copy of gram.",
)


def gram_update(gram, A, j, column):
    new_A, new_gram = A.copy(), gram.copy()
    new_A[:, j] = column                                 # first of all: element [j, j] is of the new with the new
    overlaps = new_A.T @ column                          # (d,)   sum_i A_ik column_i, n d products
    new_gram[j, :] = overlaps
    new_gram[:, j] = overlaps                            # G is symmetric
    return new_gram, new_A


def check(gram_update, rng):
    for A, j, column in _moves(rng):
        arguments = (A.T @ A, A, j, column)
        new_gram, new_A = gram_update(*arguments)
        if not (np.delete(new_A, j, 1) == np.delete(A, j, 1)).all():
            fails(f"neuron {j} moves, the columns of the others in A stay as they are", arguments, (new_gram, new_A))
        if not (new_A[:, j] == column).all():
            fails(f"column {j} of the new A is `column`", arguments, (new_gram, new_A))
        if not np.allclose(new_gram, new_gram.T):        # the two products may round differently
            fails("a Gram matrix is symmetric: the overlap of j with k is that of k with j",
                  arguments, (new_gram, new_A))
        agrees(gram_update, _solution, *arguments, sentence=(
            f"the elements [{j}, k] and [k, {j}] are the sum over inputs of column times column k of the new A, also "
            f"for k = {j}"))
        law(gram_update, "a neuron that gets the activations it has changes nothing, and to say so twice neither",
            (A.T @ A, A, j, A[:, j]), (*gram_update(A.T @ A, A, j, A[:, j]), j, A[:, j]))
    _walk(gram_update, rng)
    A = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
    agrees(gram_update, _solution, A.T @ A + np.diag([0.0, 3.0, 4.0]), A, 0, np.array([2.0, 1.0]), sentence=(
        "only row j and column j are computed, n d products and not n d^2; all other elements are handed on, so "
        "the 3 and the 4 that were added to two of them here are still there"))


def _walk(gram_update, rng):
    """A walk that now and then visits large activations must leave no trace of them."""
    A = np.array([[0.3, 0.1], [0.2, 0.7]])
    far = gram_update(A.T @ A, A, 0, np.array([1e9, 1e9]))
    arguments = (*far, 0, A[:, 0])
    _no_drift(gram_update(*arguments), A, arguments,
              "a move to activations of 1e9, and the move back, lead to where the walk began")
    A = abs(rng.normal(size=(7, 4)))
    gram, true_A = A.T @ A, A
    for step in range(12):
        column = abs(rng.normal(size=7)) * 10.0 ** (8 if step % 3 == 0 else -rng.integers(0, 3))
        arguments = (gram, A, step % 4, column)
        gram, A = gram_update(*arguments)
        true_A = _with_new(true_A, step % 4, column)
        _no_drift((gram, A), true_A, arguments, "after every move G is A^T A to 12 digits, however large the "
                  "activations were that the walk has left behind")


def _no_drift(answer, A, arguments, sentence):
    exact = A.T @ A
    lengths = np.sqrt(np.diag(exact))
    if not (abs(answer[0] - exact) <= 1e-12 * np.outer(lengths, lengths)).all():
        fails(sentence, arguments, answer, (exact, A))


def _moves(rng):
    yield np.array([[1.0, 0.0], [0.0, 1.0]]), 0, np.array([1.0, 1.0])
    yield np.array([[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]]), 1, np.array([1.0, -2.0, 2.0])
    yield np.array([[2.0]]), 0, np.array([-3.0])
    for n, d in ((2, 3), (4, 4), (6, 3)):
        yield rng.integers(-3, 4, (n, d)).astype(float), int(rng.integers(d)), rng.integers(1, 4, n) - 0.5
    yield rng.normal(size=(9, 5)), 3, rng.normal(size=9)
    yield rng.normal(size=(9, 5)), 2, np.zeros(9)        # neuron 2 dies


_solution = gram_update


def _by_loops(gram, A, j, column):
    n, d = A.shape
    A = np.array([[column[i] if k == j else A[i, k] for k in range(d)] for i in range(n)])
    G = np.array([[gram[a, b] for b in range(d)] for a in range(d)], dtype=float)
    for k in range(d):
        overlap = 0.0
        for i in range(n):
            overlap += A[i, j] * A[i, k]
        G[j, k] = G[k, j] = overlap
    return G, A


def _by_mask(gram, A, j, column):
    mine = np.arange(A.shape[1]) == j
    new_A = np.where(mine, column[:, None], A)
    overlaps = np.einsum("i,ik->k", column, new_A)
    return np.where(mine[:, None], overlaps, np.where(mine, overlaps[:, None], gram)), new_A


def _diagonal_apart(gram, A, j, column):
    G, B = np.array(gram, dtype=float), np.array(A, dtype=float)
    for k in range(len(G)):
        if k != j:
            G[j, k] = G[k, j] = np.dot(A[:, k], column)
    G[j, j] = (column**2).sum()
    B[:, j] = column
    return [G, B]


def _two_products(gram, A, j, column):                   # which may round differently
    B = np.hstack([A[:, :j], column[:, None], A[:, j + 1 :]])
    G = gram + 0.0
    G[j], G[:, j] = column @ B, B.T @ column
    return G, B


def _with_new(A, j, column):
    B = A.copy()
    B[:, j] = column
    return B


def _changed(change):
    """A wrong update: `change` gets a copy of gram, old A, new A, j and column, and returns the new gram."""
    def wrong(gram, A, j, column):
        B = _with_new(A, j, column)
        return change(gram.copy(), A, B, j, column), B
    return wrong


def _put(G, j, row=None, column=None, diagonal=None):
    if row is not None:
        G[j, :] = row
    if column is not None:
        G[:, j] = column
    if diagonal is not None:
        G[j, j] = diagonal
    return G


def _by_differences(G, A, B, j, column):
    change = A.T @ (column - A[:, j])
    diagonal = G[j, j] + column @ column - A[:, j] @ A[:, j]
    row = G[j] + change
    return _put(G, j, row, row, diagonal)


def _by_differences_but_one(G, A, B, j, column):
    row = G[j] + A.T @ (column - A[:, j])
    return _put(G, j, row, row, column @ column)


def _row_of_A(gram, A, j, column):
    B = A.copy()
    B[j] = column                                        # raises where n differs from d, or j is no input
    return _put(gram.copy(), j, B.T @ column, B.T @ column), B


def _added_twice(G, A, B, j, column):
    G[j, :] = G[:, j] = 0
    G[j, :] += B.T @ column
    G[:, j] += B.T @ column
    return G


def _added_to_the_old(G, A, B, j, column):
    row = G[j] + B.T @ column
    return _put(G, j, row, row)


def _old_A(gram, A, j, column):
    B = _with_new(A, j, column)
    return _put(gram.copy(), j, B.T @ column, B.T @ column), A.copy()


def _exchanged(gram, A, j, column):
    return _solution(gram, A, j, column)[::-1]


RIGHT = (_by_loops, _by_mask, _diagonal_apart, _two_products)
WRONG = {
    "adds the difference, new minus old, to the old elements: what is rounded away never comes back":
        _changed(_by_differences),
    "computes element [j, j] anew, but adds differences to the others: there what is rounded away never comes back":
        _changed(_by_differences_but_one),
    "changes row j alone and forgets column j": _changed(lambda G, A, B, j, column: _put(G, j, row=B.T @ column)),
    "changes column j alone and forgets row j": _changed(lambda G, A, B, j, column: _put(G, j, column=B.T @ column)),
    "takes the overlap of the new activations with the old ones on the diagonal: put the column into A first":
        _changed(lambda G, A, B, j, column: _put(G, j, A.T @ column, A.T @ column)),
    "leaves the diagonal element [j, j] as it was": _changed(
        lambda G, A, B, j, column: _put(G, j, B.T @ column, B.T @ column, G[j, j])),
    "computes the overlaps from the old A, so that nothing changes": _changed(
        lambda G, A, B, j, column: _put(G, j, A.T @ A[:, j], A.T @ A[:, j])),
    "returns the old A beside the new gram": _old_A,
    "writes the activations into row j of A, as if j were an input": _row_of_A,
    "computes all of A^T A anew, n d^2 products: the walk would be slower by a factor d": _changed(
        lambda G, A, B, j, column: B.T @ B),
    "adds the row and the column one after the other, so that the diagonal counts twice": _changed(_added_twice),
    "adds the new overlaps to the old ones in place of replacing them": _changed(_added_to_the_old),
    "divides by the trace: that is the density matrix, not the Gram matrix": _changed(
        lambda G, A, B, j, column: (lambda new: new / max(np.trace(new), 1e-300))(
            _put(G, j, B.T @ column, B.T @ column))),
    "divides the overlaps by the number of inputs: a mean, where a sum belongs": _changed(
        lambda G, A, B, j, column: _put(G, j, B.T @ column / len(A), B.T @ column / len(A))),
    "returns the two the other way round: first the gram, then A": _exchanged,
}
