"""Exercise 31: one state from many arrays (lesson 8, about 10 minutes).

A large network's activations come in shards: several arrays, of different lengths, too large to be put together. The
state of all rows can still be had, if of each shard you keep the right thing. Its density matrix is not the right
thing: it has forgotten how many rows there were, and how strongly they fired.
"""

import numpy as np


def state_of_shards(shards):
    """Return rho = A^T A / tr(A^T A), shape (d, d), of the matrix A of all rows of all shards.

    `shards` is a list of arrays of shapes (n_i, d): the lengths differ, the number d of neurons does not. See each
    shard once, and do not stack them: no array need be larger than a shard or than (d, d). (The marker cannot tell, for
    a stack has the same state. A layer that is larger than your memory can.) A shard may be silent (all zeros) or empty
    (n_i = 0); it then adds nothing. One shard at least has an activation that is not 0.
    """
    raise NotImplementedError  # TODO: replace this line
