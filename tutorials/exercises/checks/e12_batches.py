"""The marker's side of e12_batches."""

import numpy as np

from minigrok.course.laws import agrees, holds

LESSON, MINUTES = 3, 5
HINTS = (
    "At which places of `order` does a batch begin?",
    "They begin at 0, batch_size, 2 * batch_size, ..., as long as that is below n: range(0, n, batch_size).",
    "A batch that begins at `start` is order[start:start + batch_size]; a slice that ends beyond n is cut at n.",
)


def batches(order, batch_size):
    return [order[start:start + batch_size] for start in range(0, len(order), batch_size)]


def check(batches, rng):
    orders = [(np.array([1, 0]), 1), (np.array([2, 0, 1]), 2), (np.array([3, 1, 0, 2]), 2)]
    orders += [(np.array([3, 1, 0, 2]), 3), (np.array([1, 0]), 5)]
    orders += [(rng.permutation(n), size) for n, size in ((5, 3), (6, 6), (7, 2), (11, 4), (12, 4), (40, 16))]
    orders += [(rng.choice(30, 9, replace=False), 4)]    # inputs held out elsewhere: indices are no places
    for order, batch_size in orders:
        n = len(order)
        holds(batches, "an epoch passes every input exactly once",
              lambda parts, order=order: sorted(np.concatenate(parts)) == sorted(order), order, batch_size)
        holds(batches, f"no batch is empty, and none holds more than batch_size inputs, here {batch_size}",
              lambda parts, most=batch_size: all(1 <= len(part) <= most for part in parts), order, batch_size)
        holds(batches, "joined end to end, the batches are the order that came in",
              lambda parts, order=order: np.array_equal(np.concatenate(parts), order), order, batch_size)
        holds(batches, "the batches are indices: whole numbers, not floats",
              lambda parts: all(np.asarray(part).dtype.kind in "iu" for part in parts), order, batch_size)
        agrees(batches, _solution, order, batch_size,
               sentence=f"every batch but the last holds batch_size inputs, here {batch_size} of {n}")


_solution = batches


def _while_any_is_left(order, batch_size):
    parts, rest = [], order
    while len(rest):
        parts.append(rest[:batch_size].copy())
        rest = rest[batch_size:]
    return parts


def _one_by_one(order, batch_size):
    parts = []
    for place, index in enumerate(order):
        if place % batch_size == 0:
            parts.append([])
        parts[-1].append(int(index))
    return [np.array(part) for part in parts]


def _of_number(order, batch_size):
    number = np.arange(len(order)) // batch_size
    return tuple(order[number == k] for k in range(number[-1] + 1))


RIGHT = (
    _while_any_is_left,
    _one_by_one,
    _of_number,
    lambda order, batch_size: np.split(order, range(batch_size, len(order), batch_size)),
)


def _number_of_batches(order, batch_size):
    return -(-len(order) // batch_size)


def _filled_up(order, batch_size):
    count = _number_of_batches(order, batch_size)
    return list(np.resize(order, count * batch_size).reshape(count, batch_size))


WRONG = {
    "drops the last batch where it is smaller: its inputs are not learnt from in this epoch":
        lambda order, batch_size: [
            order[i:i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)],
    "adds an empty batch at the end where batch_size divides n: range(0, n + 1, ...) goes one too far":
        lambda order, batch_size: [order[i:i + batch_size] for i in range(0, len(order) + 1, batch_size)],
    "makes all batches about equal in size, as np.array_split does":
        lambda order, batch_size: np.array_split(order, _number_of_batches(order, batch_size)),
    "takes batch_size for the number of batches": lambda order, batch_size: np.array_split(order, batch_size),
    "returns places 0, 1, 2, ... instead of the entries of order: the shuffle is lost":
        lambda order, batch_size: _solution(np.arange(len(order)), batch_size),
    "sorts the order: the batches are the same in every epoch":
        lambda order, batch_size: _solution(np.sort(order), batch_size),
    "moves on by one input from batch to batch, so that they overlap":
        lambda order, batch_size: [
            order[i:i + batch_size] for i in range(max(1, len(order) - batch_size + 1))],
    "ends each slice one too early: the end of a slice is left out already":
        lambda order, batch_size: [order[i:i + batch_size - 1] for i in range(0, len(order), batch_size)],
    "deals the inputs out like cards, order[k::number]: a batch does not hold neighbours":
        lambda order, batch_size: [
            order[k::_number_of_batches(order, batch_size)] for k in range(_number_of_batches(order, batch_size))],
    "fills the last batch up with inputs that were passed before": _filled_up,
    "takes the last batch_size inputs as the last batch: some of them were passed before":
        lambda order, batch_size: [
            order[max(0, min(i, len(order) - batch_size)):][:batch_size] for i in range(0, len(order), batch_size)],
    "makes floats of the indices: an array cannot be indexed with 3.0":
        lambda order, batch_size: [1.0 * part for part in _solution(order, batch_size)],
    "returns the first batch only: a return inside the loop ends the function":
        lambda order, batch_size: [order[:batch_size]],
}
