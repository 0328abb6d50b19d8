# %% [markdown]
# # Lesson 1: a layer as a quantum state
#
# **Time:** about 60 minutes, exercises included.
#
# **Question.** A layer has two neurons. How many of them does it *use*?
#
# **What is quantum here, and what is not.** We shall build a matrix from the layer's activations that has
# all the properties of a density matrix, and take its von Neumann entropy. That is a manner of speaking:
# it is the classical linear algebra of a second moment. Nothing is in superposition, and nothing is
# entangled.
#
# **Predict first.** How many modes (independent patterns of firing) do two neurons use? It need not be a whole
# number. Write down four guesses:
#
# 1. both always fire together, with the same strength;
# 2. exactly one of the two fires for each input, each of them as often and as strongly as the other;
# 3. each fires with a random strength between 0 and 1, *independently* of the other;
# 4. and, of a layer with six neurons that has learnt nothing yet, ReLU, on points in a plane: how many of six?

# %%
import numpy as np
from scipy.special import entr

from minigrok import (
    MLP,
    density_matrix,
    effective_rank,
    participation_ratio,
    plots,
    purity,
    show,
    spectrum,
    tasks,
    von_neumann_entropy,
)

# %% [markdown]
# ## The density matrix, by hand
#
# Three inputs, two neurons: A has shape (3, 2). Read each row as a vector |a>, a physicist's way to write a
# column; <a| is the same vector as a row, and |a><a| is what NumPy calls `np.outer(a, a)`. The state is the
# sum of |a><a| over all inputs, divided by its trace (the sum of its diagonal). One line of NumPy does the sum:
# it is A^T A.

# %%
A = np.array([[1.0, 0.0],
              [0.0, 1.0],
              [1.0, 1.0]])
gram = A.T @ A                                  # [[2, 1], [1, 2]]: how strongly neurons fire, and fire together
rho = gram / np.trace(gram)
print("by hand:\n", rho)
assert np.allclose(gram, sum(np.outer(a, a) for a in A))
assert np.allclose(rho, density_matrix(A))

# %% [markdown]
# The trace of A^T A is the sum of the squares of all activations. So rho does not depend on the scale of the
# layer, nor on the order of the inputs, nor on how often the whole set of inputs is repeated.

# %%
assert np.allclose(rho, density_matrix(1000 * A))
assert np.allclose(rho, density_matrix(np.concatenate([A[::-1], A])))

# %% [markdown]
# ## Its spectrum, its entropy, its purity
#
# The eigenvalues of [[1/2, 1/4], [1/4, 1/2]] are 1/2 - 1/4 and 1/2 + 1/4, for the modes (1, -1) and (1,
# 1): the neurons against each other, and together. They add up to 1, a probability distribution. Its
# Shannon entropy is the state's von Neumann entropy, the sum of its squares the purity.

# %%
p = spectrum(rho)
print("spectrum", p, " S", -(p * np.log(p)).sum(), "nats  P", (p**2).sum())
assert np.isclose(-(p * np.log(p)).sum(), von_neumann_entropy(rho))
assert np.isclose((p**2).sum(), purity(rho))

# %% [markdown]
# What is such an eigenvalue? Turn the axes so that they lie along the modes. Then p_k is the share of the layer's
# activity (of the sum of all squares) that lies along mode k.

# %%
modes = np.linalg.eigh(rho).eigenvectors                                 # columns: (1, -1) and (1, 1), of length 1
share = ((A @ modes) ** 2).sum(axis=0) / (A**2).sum()
print("share of the activity along each mode:", share)
assert np.allclose(share, p)

# %% [markdown]
# ## From entropy to a number of modes
#
# If k modes carry 1/k each, the entropy is ln k and the purity is 1/k. So exp S and 1/P both count modes, and both
# count k. Take your first two guesses: firing together is one mode, one at a time is two.

# %%
for k in (1, 2, 5):
    equal = np.diag([1 / k] * k)
    assert np.isclose(effective_rank(equal), k)
    assert np.isclose(participation_ratio(equal), k)

together = density_matrix([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
one_at_a_time = density_matrix([[1.0, 0.0], [0.0, 1.0]])
three_states = {"together": together, "the state by hand": rho, "one at a time": one_at_a_time}
for name, state in three_states.items():
    print(f"{name:18} S = {von_neumann_entropy(state):.4f}  exp S = {effective_rank(state):.4f}"
          f"  1/P = {participation_ratio(state):.4f}")
assert np.isclose(effective_rank(together), 1.0)
assert np.isclose(effective_rank(one_at_a_time), 2.0)

figure = plots.new_figure(10, 3.2)
plots.state_panels(figure, three_states)
print("picture:", show(figure, "lesson_1_three_states"))

# %% [markdown]
# Look at the three squares (white is zero). Their diagonals are *the same*. All that differs is how strongly the
# neurons fire together: the off-diagonal elements, which physicists call coherences.
#
# ## The tempting wrong way
#
# It is tempting to look at each neuron by itself: the diagonal of rho says how strongly each one fires, so
# why not take the entropy of the diagonal? Because it cannot see that two neurons say the same thing. For
# the pair that fires together the diagonal is (1/2, 1/2), and its entropy ln 2 would claim two modes where
# there is one.
#
# Counting the eigenvalues above zero, the rank, is tempting as well. It fails the other way: it cannot see that two
# neurons say *nearly* the same thing. Let two inputs have the rows (cos t, sin t) and (sin t, cos t). At t = 0 the
# neurons fire one at a time, at t = 45 degrees together. In between the state has 1/2 on its diagonal and
# sin(2t)/2 beside it, so that its eigenvalues are (1 - sin 2t)/2 and (1 + sin 2t)/2.

# %%
def diagonal_count(state):
    """exp of the entropy of the diagonal: the wrong count."""
    diagonal = np.diag(state)
    return np.exp(-(diagonal * np.log(diagonal)).sum())


angles = np.linspace(0, 45, 91)
pairs = [density_matrix([[np.cos(t), np.sin(t)], [np.sin(t), np.cos(t)]]) for t in np.radians(angles)]
overlap = np.sin(2 * np.radians(angles))
assert np.allclose([spectrum(pair)[0] for pair in pairs], (1 - overlap) / 2)

counts = {
    "entropy of the diagonal (wrong)": np.array([diagonal_count(pair) for pair in pairs]),
    "rank (wrong)": np.array([(spectrum(pair) > 1e-9).sum() for pair in pairs]),
    "exp S": np.array([effective_rank(pair) for pair in pairs]),
    "1/P": np.array([participation_ratio(pair) for pair in pairs]),
}
print("at 45 degrees:")
for name, count in counts.items():
    print(f"  {name:32} {count[-1]:.3f}")
assert np.allclose(counts["entropy of the diagonal (wrong)"], 2)         # blind to everything that happens here
assert (counts["rank (wrong)"][:-1] == 2).all()                          # sees nothing until the very end
assert (np.diff(counts["exp S"]) < 0).all()

figure = plots.new_figure(8, 4)
ax = figure.subplots()
for i, (name, count) in enumerate(counts.items()):
    ax.plot(angles, count + 0.02 * (i == 1), color=plots.COLOURS[i], linestyle=plots.STYLES[i], linewidth=2, label=name)
ax.set(xlabel="angle $t$ (degrees): 0 one at a time, 45 together", ylabel="number of modes",
       title="how many modes has a pair of neurons?", ylim=(0.9, 2.15))
ax.legend(loc="lower left", fontsize=9)
print("picture:", show(figure, "lesson_1_counting_modes"))

# %% [markdown]
# (The line of the rank is drawn a little too high, or it would hide the other.) exp S and 1/P agree at both ends.
# In between 1/P is lower, always: small eigenvalues hardly count in a sum of squares. So say which of the two you
# mean by "effective rank". The study that this project reproduces does not say. It gives S = 1.19 and P = 0.37
# for a trained layer, and an effective rank of 2.7 to 3.0.

# %%
print(f"exp S = {np.exp(1.19):.2f},  1/P = {1 / 0.37:.2f}")
assert (counts["1/P"] <= counts["exp S"] + 1e-12).all()
assert np.round(1 / 0.37, 1) == 2.7
assert np.exp(1.185) > 3.2                        # 1.185 is the least that is rounded to 1.19: exp S is out of range

# %% [markdown]
# Only 1/P lies in that range. In minigrok `effective_rank` is exp S, and 1/P is called `participation_ratio`.
#
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
assert not np.allclose(np.diag(rho), np.diag(turned))
assert np.isclose(von_neumann_entropy(rho), von_neumann_entropy(turned))

# %% [markdown]
# ## S and P say nearly the same
#
# With two neurons one number is free, the larger eigenvalue: S fixes P. With three neurons two are free, and
# yet the region of all possible pairs (S, P) is a narrow sickle, widest at S = ln 2. `plots.extremal_states` gives the
# spectra along its two borders. Inside it we draw 500 spectra at random, uniform among all. Nothing learns here, and
# nothing is a network.

# %%
drawn = np.random.default_rng(0).dirichlet(np.ones(3), size=500)
S_drawn, P_drawn = -(drawn * np.log(drawn)).sum(axis=1), (drawn**2).sum(axis=1)
correlation = np.corrcoef(S_drawn, P_drawn)[0, 1]
print(f"correlation of S and P over random states: {correlation:.3f}")
assert correlation < -0.95

S_grid, borders = np.linspace(0.01, np.log(3) - 0.01, 1000), []
for p_border in plots.extremal_states(3):
    S_border, P_border = entr(p_border).sum(axis=1), (p_border**2).sum(axis=1)          # entr(p) is -p ln p, and 0 at 0
    order = S_border.argsort()
    borders.append(np.interp(S_grid, S_border[order], P_border[order]))
widest = abs(borders[0] - borders[1]).argmax()
print(f"the sickle is widest at S = {S_grid[widest]:.2f}: there P runs from {min(b[widest] for b in borders):.2f} to "
      f"{max(b[widest] for b in borders):.2f}")
assert abs(S_grid[widest] - np.log(2)) < 0.02

figure = plots.new_figure(9, 4)
left, right = figure.subplots(1, 2)
some = pairs[::15]
plots.entropy_purity_plot(left, {"pairs of the last picture": (
    np.array([von_neumann_entropy(pair) for pair in some]), np.array([purity(pair) for pair in some]))},
    2, "two neurons: a line")
plots.entropy_purity_plot(right, {"500 random spectra": (S_drawn, P_drawn)}, 3, "three neurons: a sickle")
print("picture:", show(figure, "lesson_1_entropy_and_purity"))

# %% [markdown]
# Keep that in mind when somebody reports that S and P are "almost perfectly anticorrelated" while a network learns.
# Lesson 7 returns to it.
#
# ## A real layer
#
# Six hidden neurons that have learnt nothing yet, on 200 points of two circles. At most six modes: S is at most
# ln 6 = 1.79. The inputs have two coordinates, so without the ReLU, Z = X W has at most two modes. The ReLU bends
# that plane. One net is one throw of the dice, so we look at 20 seeds.

# %%
task = tasks.circles(n=400, seed=0)
layers = {}
for name, activation in (("ReLU", "relu"), ("no activation function", "identity")):
    nets = [MLP([2, 6, 2], activation=activation, seed=seed) for seed in range(20)]
    layers[name] = [density_matrix(net.hidden(task.X_train)) for net in nets]
    ranks = np.array([effective_rank(state) for state in layers[name]])
    above_zero = [int((spectrum(state) > 1e-9).sum()) for state in layers[name]]
    print(f"{name}:\n  exp S: median {np.median(ranks):.2f}, from {ranks.min():.2f} to {ranks.max():.2f};"
          f" eigenvalues above zero: {min(above_zero)} to {max(above_zero)}")
relu_ranks = np.array([effective_rank(state) for state in layers["ReLU"]])
assert max(effective_rank(state) for state in layers["no activation function"]) <= 2
assert (relu_ranks < 4).all()
assert np.median(relu_ranks) > 2

figure = plots.new_figure(10, 4)
left, right = figure.subplots(1, 2)
plots.density_heatmap(left, layers["ReLU"][0], "ReLU, seed 0")
plots.spectrum_plot(right, {name: spectrum(states[0]) for name, states in layers.items()}, "spectra, seed 0")
print("picture:", show(figure, "lesson_1_a_real_layer"))
two_largest = spectrum(layers["ReLU"][0])[-2:].sum()
print(f"ReLU, seed 0: the two largest of six eigenvalues carry {100 * two_largest:.0f} % of the activity")
assert two_largest > 0.8

# %% [markdown]
# ## Your prediction
#
# Together: one mode. One at a time: two. The third guess is the one that most people miss. *Independent* neurons
# sound like two modes, but strengths are positive: both neurons have a mean, and the pattern "both fire" takes most of
# the activity. For strengths uniform in [0, 1] the mean square is 1/3, the mean product 1/2 times 1/2, so that rho is
# [[1/2, 3/8], [3/8, 1/2]] with eigenvalues 7/8 and 1/8. Take off each neuron's mean first, the convention
# "centered", and there are two modes again. Both are right answers, to different questions.

# %%
independent = np.random.default_rng(0).uniform(size=(10_000, 2))
for convention in ("trace", "centered"):
    print(f"{convention:9} exp S = {effective_rank(density_matrix(independent, convention)):.3f}")
expected = effective_rank(np.diag([7 / 8, 1 / 8]))
print(f"by the formula     {expected:.3f}")
assert np.isclose(effective_rank(density_matrix(independent)), expected, atol=0.02)
assert effective_rank(density_matrix(independent, "centered")) > 1.99
assert expected < 1.5

# %% [markdown]
# And the six neurons? All six eigenvalues are above zero, and the layer still uses fewer than four modes in each of
# 20 nets. How many depends on the throw of the dice: read the two extremes above before you trust one net.
#
# ## Exercises
#
# - `e01_gram_matrix`: the matrix A^T A of a layer's activations.
# - `e02_density_matrix`: the same with unit trace, a state.
# - `e03_purity`: P = tr(rho^2).
# - `e04_entropy`: the von Neumann entropy, in nats, of pure states too.
# - `e05_effective_rank`: the number of modes, from a spectrum.
#
# Mark one with `minigrok course check e01_gram_matrix`, in the folder that `minigrok course start` made;
# `minigrok course hint e01_gram_matrix` helps if you are stuck.
#
# To explore, by changing the code above:
#
# 1. Three neurons fire one at a time, with strengths 1, 1 and 2. What are the spectrum and exp S? Do it on paper, then
#    check with `density_matrix`. Look for: which is larger, exp S or 1/P, and is either a whole number?
# 2. Multiply A by 1000. What changes? Add 1000 to A instead: what happens to S, and why? Then try
#    `convention="centered"`. Look for: the mode that swallows the state, and what is left without it.
# 3. Put "sigmoid" and "tanh" beside "relu" in the real layer. Look for: which of them has the lowest exp S before it
#    has learnt anything, and what your answer to the third guess has to do with it.
