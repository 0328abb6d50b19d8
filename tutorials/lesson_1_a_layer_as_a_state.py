# %% [markdown]
# # Lesson 1: a layer as a quantum state
#
# **Question.** A layer has two neurons. How many of them does it *use*?
#
# **What is quantum here, and what is not.** We shall build a matrix from the layer's activations that has
# all the properties of a density matrix, and take its von Neumann entropy. That is a manner of speaking:
# it is the classical linear algebra of a second moment. Nothing is in superposition, and nothing is
# entangled.
#
# **Predict first.** Write down: if both neurons always fire together, with the same strength, is the
# number of modes that the layer uses 1 or 2? And if exactly one of the two fires for each input?

# %%
import numpy as np

from minigrok import MLP, density_matrix, effective_rank, purity, spectrum, tasks, von_neumann_entropy

# %% [markdown]
# ## The density matrix, by hand
#
# Three inputs, two neurons: A has shape (3, 2). Read each row as a vector |a>. The state is the sum of all
# |a><a|, that is A^T A, divided by its trace.

# %%
A = np.array([[1.0, 0.0],
              [0.0, 1.0],
              [1.0, 1.0]])
gram = A.T @ A                                  # [[2, 1], [1, 2]]: how strongly neurons fire, and fire together
rho = gram / np.trace(gram)
print("by hand:\n", rho)
assert np.allclose(rho, density_matrix(A))

# %% [markdown]
# ## Its spectrum, its entropy, its purity
#
# The eigenvalues of [[1/2, 1/4], [1/4, 1/2]] are 1/2 - 1/4 and 1/2 + 1/4, for the modes (1, -1) and (1,
# 1): the neurons against each other, and together. They add up to 1, a probability distribution. Its
# Shannon entropy is the state's von Neumann entropy, the sum of its squares the purity.

# %%
p = spectrum(rho)
S = -(p * np.log(p)).sum()
P = (p**2).sum()
print("spectrum", p, " S", S, "nats  P", P)
assert np.isclose(S, von_neumann_entropy(rho))
assert np.isclose(P, purity(rho))

# %% [markdown]
# ## Your prediction
#
# Together: one mode, S = 0. One at a time: two modes, S = ln 2. exp(S) counts them.

# %%
together = density_matrix([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
one_at_a_time = density_matrix([[1.0, 0.0], [0.0, 1.0]])
for name, state in (("together", together), ("one at a time", one_at_a_time)):
    S, modes = von_neumann_entropy(state), effective_rank(state)
    print(f"{name:14} S = {S:.4f}  exp S = {modes:.4f}  P = {purity(state):.4f}")
assert np.isclose(effective_rank(together), 1.0)
assert np.isclose(effective_rank(one_at_a_time), 2.0)

# %% [markdown]
# ## The tempting wrong way
#
# It is tempting to look at each neuron by itself: the diagonal of rho says how strongly each one fires, so
# why not take the entropy of the diagonal? Because it cannot see that two neurons say the same thing. For
# the pair that fires together the diagonal is (1/2, 1/2), and its entropy ln 2 would claim two modes where
# there is one. What it misses are the off-diagonal elements.

# %%
diagonal = np.diag(together)
wrong = -(diagonal * np.log(diagonal)).sum()
print("entropy of the diagonal:", wrong, "nats; of the state:", von_neumann_entropy(together))
assert wrong > von_neumann_entropy(together) + 0.6

# %% [markdown]
# ## What a rotation does
#
# Mixing the neurons by a rotation changes the diagonal, and leaves spectrum, entropy and purity alone:
# they belong to the layer, not to the names of its neurons.

# %%
angle = 0.7
Q = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
turned = density_matrix(A @ Q)
print("diagonal", np.diag(rho), "->", np.diag(turned))
print("S", von_neumann_entropy(rho), "->", von_neumann_entropy(turned))
assert np.isclose(von_neumann_entropy(rho), von_neumann_entropy(turned))

# %% [markdown]
# ## A real layer
#
# Six hidden neurons that have learnt nothing yet, on 200 points of two circles. How many modes do they
# use? At most six: S is at most ln 6 = 1.79. The inputs have only two coordinates, so you may expect
# fewer.

# %%
task = tasks.circles(n=400, seed=0)
net = MLP([2, 6, 2], seed=0)
state = density_matrix(net.hidden(task.X_train))
S, modes = von_neumann_entropy(state), effective_rank(state)
print(f"S = {S:.3f} of at most {np.log(6):.3f} nats, exp S = {modes:.2f} of 6 modes")

# %% [markdown]
# ## Exercises
#
# 1. Show that the purity is the sum of the squares of *all* elements of rho. (Write out tr(rho^2) and use rho = rho^T.)
# 2. Three neurons fire one at a time, with strengths 1, 1 and 2. What are the spectrum and exp S? Check with
#    `density_matrix`.
# 3. Multiply A by 1000. What changes? Add 1000 to A instead: what happens to S, and why? (Then try
#    `convention="centered"`.)
