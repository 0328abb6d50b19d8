# %% [markdown]
# # Lesson 6: the landscape of all networks
#
# **Time:** about 80 minutes, exercises included.
#
# **Question.** Of all networks with 2 inputs, 6 hidden neurons and 2 outputs, how many have a hidden layer of
# entropy S? And where among them does a trained one lie?
#
# "How many" needs a measure: a *prior*, a rule by which weights are drawn at random. Ours is the box: each weight
# and each bias is uniform in [-1, 1]. The share of networks in each bin of S is the *density of states* g(S), as in
# lesson 5, with S in the place of the energy. The study that we check says (its claim C4): the most numerous networks
# have S = 1.42, and an accuracy of 62 %. It names neither the data nor the prior.
#
# **Predict first.** S lies between 0 and ln 6 = 1.79. Write down: (1) Around which S do most random networks lie?
# (2) There are two classes, and no network is trained. What is the mean accuracy of the networks at the peak
# of g(S)? And of the rare ones with the highest S? (3) We train 40 networks. Will their S be frequent or rare
# among random networks?

# %%
import os

import numpy as np
from scipy.special import entr

from minigrok import MLP, SGD, NetworkLandscape, TrainingRun, WangLandau, plots, show, tasks, train_many

task = tasks.circles(n=200, seed=0)             # 100 inputs to train on, 100 to test
X = np.hstack([task.X_train, np.ones((100, 1))])           # (100, 3), the last column meets the bias

# %% [markdown]
# ## Direct sampling
#
# S depends on the first layer alone: 6 neurons with 3 numbers each, a point in a box of 18 dimensions. So draw
# many such points and look; NumPy does 2000 networks at once. A small trap: it is tempting to draw 200 networks, make
# a histogram, and read off its peak. We do that twenty times.

# %%
def relu(Z):
    return np.maximum(Z, 0)


def entropies(weights, X, phi=relu):
    """S (nats) of the hidden state of each network of weights (n, hidden, features); NaN where all is silent."""
    S = np.full(len(weights), np.nan)
    for first in range(0, len(weights), 2000):
        A = phi(X @ weights[first : first + 2000].transpose(0, 2, 1))       # (2000, inputs, hidden)
        gram = A.transpose(0, 2, 1) @ A                                     # (2000, hidden, hidden)
        trace = np.trace(gram, axis1=1, axis2=2)
        alive = trace > 0
        p = np.linalg.eigvalsh(gram[alive] / trace[alive, None, None])
        S[first : first + 2000][alive] = entr(np.maximum(p, 0)).sum(axis=1)  # rounding may leave -1e-17
    return S


DRAWS = 100_000
rng = np.random.default_rng(6)
weights = rng.uniform(-1, 1, (DRAWS, 6, 3))
drawn = entropies(weights, X)                   # S of each
print(f"{DRAWS:,} networks: {np.isnan(drawn).sum()} silent, mean S {np.nanmean(drawn):.3f}, "
      f"largest {np.nanmax(drawn):.3f}")

bins = np.linspace(0, 1.8, 61)
peaks = [bins[np.histogram(few, bins)[0].argmax()] + 0.015 for few in drawn[:4000].reshape(20, 200)]
peak = bins[np.histogram(drawn, bins)[0].argmax()] + 0.015
print(f"peaks of 200 draws: from {min(peaks):.2f} to {max(peaks):.2f}; of {DRAWS:,} draws: {peak:.2f}")
assert max(peaks) - min(peaks) > 0.2            # a peak read from few draws is mostly chance
assert 0.5 < peak < 0.8

# %% [markdown]
# ## The walk goes on
#
# A bin with c counts is known to about 1 / sqrt(c): 100 counts for 10 %. With 100,000 draws that is a share of
# 1e-3, and at 1e-5 direct sampling has ended. Ten times the draws buy one more factor of ten. The Wang-Landau walk of
# lesson 5 spends as much time in rare bins as in frequent ones. We let it begin at S = 0.71, since direct sampling
# knows all that is below, and take bins of 0.071, so that 1.42 is an edge. The walk yields g up to a constant, which
# is the share of the draws in its range.
#
# One move changes one weight of one neuron: only a column of A, and a row and a column of A^T A, need computing
# anew. That makes a step fast, and you will write it as an exercise. (The next cell runs about a minute the first time,
# for the walk is compiled before it begins; after that, a few seconds.)

# %%
compiled = os.environ.get("MINIGROK_NO_JIT", "0") in ("", "0")
steps = 120_000 if compiled else 30_000         # plain Python: too few steps, of which you will be warned
edges = 0.071 * np.arange(22)
walk = WangLandau(NetworkLandscape(task, hidden=6), edges[10:], walkers=8, seed=0).run(steps=steps)
print("round trips of the walkers", walk.round_trips, f" R-hat {walk.r_hat:.3f}")

counts = np.histogram(drawn, edges)[0]
in_range = counts[10:].sum() / DRAWS            # the constant
by_walk = np.exp(walk.log_g) * in_range
print("   S from   draws   share by them     by the walk   relative error of the walk")
for row in zip(edges[10:-1], counts[10:], counts[10:] / DRAWS, by_walk, walk.error):
    print("{:9.3f} {:7d} {:15.6f} {:15.7f} {:10.3f}".format(*row))
c = counts[10:-4]                               # where both know something they must agree
z = (np.log(c / DRAWS / by_walk[:-4])) / np.hypot(walk.error[:-4], c**-0.5)
print("draws less walk, in standard errors:", z.round(1))
assert np.abs(z).max() < 4

print(f"S from 1.42 to 1.49: one network in {1 / by_walk[-1]:,.0f}")
assert 1e-6 < by_walk[-1] < 5e-5                # the most numerous networks are elsewhere

figure = plots.new_figure(8, 4)
ax = figure.subplots()
ax.errorbar(edges[:-2] + 0.0355, counts[:-1] / DRAWS, np.sqrt(counts[:-1]) / DRAWS, color="black", marker="o",
            markersize=8, markerfacecolor="none", linestyle="none", capsize=4, label=f"{DRAWS:,} draws")
ax.errorbar(walk.centres, by_walk, by_walk * walk.error, color=plots.BLUE, marker="s", markersize=3, capsize=2,
            label=f"Wang-Landau, 8 walkers of {steps:,} steps; bars: one standard error")
ax.axvline(1.42, color=plots.RED, linestyle=":", label="the study, $S = 1.42$")
ax.set(xlabel="entropy $S$ (nats)", ylabel="share of networks in a bin of 0.071 nats", yscale="log")
ax.legend(fontsize=8, loc="lower left")
print("picture:", show(figure, "lesson_6_walk"))

# %% [markdown]
# ## The prior decides
#
# Under this prior S = 1.42 is no equilibrium: it is one network in more than a hundred thousand. Does that refute the
# study? No. It did not say which prior it took. Here are others, 20,000 draws each.

# %%
some, wide = weights[:20_000], rng.uniform(-1, 1, (20_000, 6, 11))
ten_inputs = np.hstack([tasks.blobs(n=200, dimension=10, seed=0).X_train, np.ones((100, 1))])
priors = {
    "ReLU, box": drawn[:20_000],
    "ReLU, box, scale 4": entropies(4 * some, X),
    "ReLU, normal": entropies(rng.normal(size=some.shape), X),
    "ReLU, box, no biases": entropies(some[:, :, :2], task.X_train),
    "tanh, box": entropies(some, X, np.tanh),
    "tanh, box, scale 4": entropies(4 * some, X, np.tanh),
    "ReLU, box, blobs with 10 inputs": entropies(wide, ten_inputs),
}
medians = {name: np.nanmedian(values) for name, values in priors.items()}
for name, values in priors.items():
    print(f"{name:32} median S {medians[name]:.2f}   share with S >= 1.42: {np.mean(values >= 1.42):.4f}")
assert np.nanmax(np.abs(priors.pop("ReLU, box, scale 4") - priors["ReLU, box"])) < 1e-9      # why? see below
assert medians["ReLU, box, no biases"] - medians["ReLU, box"] > 0.25
assert medians["ReLU, box, blobs with 10 inputs"] - medians["ReLU, box"] > 0.5

figure = plots.new_figure(8, 4)
ax = figure.subplots()
for i, (name, values) in enumerate(priors.items()):
    density = np.histogram(values, bins)[0] / np.isfinite(values).sum() / 0.03
    ax.plot(bins[:-1] + 0.015, density, color=plots.COLOURS[i], linestyle=plots.STYLES[i], label=name)
ax.axvline(1.42, color="grey", linewidth=1, label="the study, $S = 1.42$")
ax.set(xlabel="entropy $S$ (nats)", ylabel="density (per nat)")
ax.legend(fontsize=8, loc="upper left")
print("picture:", show(figure, "lesson_6_priors"))

# %% [markdown]
# The scale does not matter for ReLU: relu(4 z) = 4 relu(z), and a factor drops out of the state. It does matter for
# tanh. Leaving out the biases moves the median by more than 0.3 nats; another task with more inputs moves it farther
# still. "The equilibrium entropy of a 6-neuron network" is a number only once data, activation and prior are named.
#
# ## Sixty-two per cent
#
# Now the accuracy. Each network gets a random second layer, from the same prior. With two classes an answer is right
# if the label's output is the larger; a tie counts one half. Then swap the two rows of the second layer. The prior
# is the same, S is the same, and every right answer becomes a wrong one: accuracy a turns into 1 - a. So networks come
# in pairs whose mean is 1/2, in every bin of S.

# %%
def accuracies(weights, second):
    """Accuracy of each network on the training labels; second (n, 2, 7) has the bias last."""
    y, out = task.y_train, np.empty(len(weights))
    for first in range(0, len(weights), 2000):
        here = slice(first, first + 2000)
        A = relu(X @ weights[here].transpose(0, 2, 1))
        Z = A @ second[here, :, :6].transpose(0, 2, 1) + second[here, None, :, 6]         # (2000, inputs, 2)
        ahead = np.where(y == 0, Z[..., 0] - Z[..., 1], Z[..., 1] - Z[..., 0])            # of the label's output
        out[here] = (np.sign(ahead) + 1).mean(axis=1) / 2                                 # right 1, tie 1/2, wrong 0
    return out


second = rng.uniform(-1, 1, (DRAWS, 2, 7))
accuracy = accuracies(weights, second)
swapped = accuracies(some, second[:20_000, ::-1])
assert np.allclose(accuracy[:20_000] + swapped, 1)          # pair by pair, not only in the mean

print("draws, S from   mean accuracy   its distance from 1/2 in standard errors")
for low in edges[1:16:2]:                       # bins that hold hundreds of draws or more
    of_bin = accuracy[(drawn >= low) & (drawn < low + 0.071)]
    z = (of_bin.mean() - 0.5) / (of_bin.std() / np.sqrt(len(of_bin)))
    print(f"{low:13.2f} {of_bin.mean():15.3f} {z:12.1f}")
    assert abs(z) < 4
of_peak = accuracy[np.abs(drawn - peak) < 0.035]
folded = np.maximum(of_peak, 1 - of_peak)       # what you get if you may rename the classes afterwards
print(f"draws at the peak: mean {of_peak.mean():.3f}, mean of max(a, 1 - a) {folded.mean():.3f}")

seen = walk.observables                         # of the same walk, eight random second layers a look
for i in (0, 5, 10):
    print(f"walk, S {edges[10 + i]:.2f}: mean {seen['mean_accuracy'][i]:.3f}, of max(a, 1 - a) "
          f"{seen['folded_accuracy'][i]:.3f}, best linear readout {seen['readout_accuracy'][i]:.3f}")
assert max(np.abs(seen["mean_accuracy"] - 0.5).max(), folded.mean() - 0.56, seen["folded_accuracy"].max() - 0.56) < 0.02
assert seen["readout_accuracy"][-1] > seen["readout_accuracy"][0] + 0.02 > 0.82

# %% [markdown]
# So the study's 62 % cannot be the mean accuracy of random networks under any prior that treats both outputs alike. It
# may be another quantity: the mean of max(a, 1 - a), or the accuracy of the best linear readout of the hidden layer.
# Each is a fair question, but one has to say which. On these data none of the three is 62 % near the peak; other data
# may give it. One thing does grow with S: what the best readout can do. A layer of high S offers more independent
# features. To have them is not yet to use them.
#
# ## The tempting wrong way: rare, therefore special
#
# Train 40 networks with minigrok's default start, and ask how many random networks have an S so high.

# %%
def trained(init, data):
    """First layers (40, 6, 3) before and after training, and final training accuracies (40,)."""
    nets = [MLP([2, 6, 2], init=init, seed=seed) for seed in range(40)]
    layers = [np.array([np.vstack([net.layers[0].W, net.layers[0].b]).T for net in nets])]
    runs = [TrainingRun(net, data, SGD(0.1, momentum=0.9), seed) for seed, net in enumerate(nets)]
    histories = train_many(runs, epochs=200, batch_size=20, record_every=200)
    layers.append(np.array([np.vstack([net.layers[0].W, net.layers[0].b]).T for net in nets]))
    return *layers, np.array([history.train_accuracy[-1] for history in histories])


default_start, default_end, learnt_default = trained("he_normal", task)
median = np.median(entropies(default_end, X))
print(f"trained: accuracy {learnt_default.mean():.3f}, median S {median:.2f},\n"
      f"as high as that of {np.sum(drawn >= median)} random networks of {DRAWS:,}")
assert np.mean(drawn >= median) < 1e-3

# %% [markdown]
# Rare indeed! It is tempting to conclude: *trained networks are rare, so learning seeks out a rare entropy, and high S
# is what makes them work.* Three controls:
#
# 1. **The start.** minigrok's default begins with all biases at zero: that is another prior, whose S is high before
#    the first step. `init="fan_in_uniform"` draws weights and biases from one interval, here within 1/sqrt(2). The
#    scale drops out, so these starts are draws from *our* prior.
# 2. **Shuffled labels.** There is nothing to find in them, but the gradient moves the weights all the same.
# 3. **A random direction.** Move the weights as far as training did, blindly.
#
# The yardstick is the top 1 % of the random networks in S.

# %%
shuffled = tasks.shuffle_labels(task, seed=0)
prior_start, prior_end, learnt = trained("fan_in_uniform", task)
length = np.linalg.norm(prior_end - prior_start, axis=(1, 2), keepdims=True)          # of each net's way
direction = rng.normal(size=prior_start.shape)
direction *= length / np.linalg.norm(direction, axis=(1, 2), keepdims=True)
_, prior_shuffled, learnt_shuffled = trained("fan_in_uniform", shuffled)
groups = {
    "default start, untrained": default_start,
    "default start, trained": default_end,
    "default start, labels shuffled": trained("he_normal", shuffled)[1],
    "start from the prior, untrained": prior_start,
    "start from the prior, trained": prior_end,
    "start from the prior, labels shuffled": prior_shuffled,
    "start from the prior, random direction": prior_start + direction,
}
entropy = {name: entropies(layers, X) for name, layers in groups.items()}
top = np.nanquantile(drawn, 0.99)
in_top = {name: int(np.sum(values >= top)) for name, values in entropy.items()}
for name, values in entropy.items():
    print(f"{name:38} median S {np.nanmedian(values):.2f}   in the top 1 %: {in_top[name]:2d} of 40")
print(f"accuracy: started from the prior {learnt.mean():.3f}, on shuffled labels {learnt_shuffled.mean():.3f};\n"
      f"the best of {DRAWS:,} random networks {accuracy.max():.2f}")
assert 4 < in_top["default start, untrained"] < 20 < in_top["default start, trained"]     # by chance 0.4 of 40
assert in_top["default start, labels shuffled"] < 20
assert in_top["start from the prior, trained"] < 20               # most are in the common 99 %,
assert learnt.mean() > 0.95                                       # and work
assert in_top["start from the prior, random direction"] < 4 < in_top["start from the prior, labels shuffled"]
assert accuracy.max() < np.median(learnt)

figure = plots.new_figure(9, 4.2)
ax = figure.subplots()
for i, (name, words) in enumerate((("readout", "best linear readout"), ("folded", "max(a, 1 - a)"), ("mean", "mean"))):
    ax.plot(walk.centres, seen[f"{name}_accuracy"], color=plots.COLOURS[i], linestyle=plots.STYLES[i],
            label=f"random networks, {words}")
ax.axhline(0.62, color="grey", linestyle=":", label="the study, 62 %")
ends = {"default start, trained": learnt_default, "start from the prior, trained": learnt,
        "start from the prior, labels shuffled": learnt_shuffled}
spread = np.random.default_rng(1).permutation(np.linspace(-0.025, 0.025, 40))         # most are at 1.0: side by side
for name, values, marker, colour in zip(ends, ends.values(), "DPv", (plots.RED, plots.PINK, "black")):
    ax.plot(entropy[name], values + spread, marker, color=colour, markersize=4, markerfacecolor="none", label=name)
ax.axvline(top, color="grey", linewidth=1, label="top 1 % of random networks from here")
ax.set(xlabel="entropy $S$ (nats)", ylabel="training accuracy $a$", ylim=(0.45, 1.04),
       title="trained nets: each moved up or down a little, by up to 0.025")
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
print("picture:", show(figure, "lesson_6_trained"))

# %% [markdown]
# - *Rare?* It depends on the start. From the default start most trained nets end in the top 1 %, but 11 of 40 were
#   there before the first step. Of those that began in our prior most end in the common 99 %, and work all the same.
# - *Sought by learning?* From the prior, shuffled labels lead about as many nets into the top 1 % as true ones, and a
#   random direction no more than began there: the gradient raises S, whether or not there is anything to find. From
#   the default start true labels do lead higher than shuffled ones. So no rule holds for both starts.
# - *What makes them work?* Not S alone: random networks of the same S are right in 55 %, even if each may exchange the
#   names of the classes. (Their layers would let a good readout do far better. S is a matter of what could be read.)
#
# Any network is rare in *some* quantity. What is rare about trained networks is that they are right: of 100,000 random
# ones none was as accurate as the median trained one. (None of n: the share is below 3 / n, with 95 % confidence.)
#
# ## Your prediction
#
# (1) Around 0.6, far from 1.42; with another prior or other data it is elsewhere. (2) 1/2, in every bin, by
# symmetry: the mean knows nothing of S. (3) Rare from one start, mostly not from another; and where they are rare,
# nets with nothing to learn can be as rare. C4 cannot be judged before prior, data and kind of accuracy are named.
#
# ## Exercises
#
# - `e23_tied_accuracy`: the accuracy in which a tie among k outputs counts 1 / k, for any number of classes.
# - `e24_gram_update`: what one move of the walk changes in A^T A, without drift. One of the larger ones.
# - `e25_share_above`: the share of the mass above a level from ln g, without overflow.
#
# To mark one: `minigrok course check e23_tied_accuracy`, in the folder that `minigrok course start` made. To explore:
#
# 1. Put blobs with ten inputs in the place of the circles, in `entropies` and `accuracies`. Look at the mean of
#    max(a, 1 - a) at the peak: how near does it come to 62 %, and why is it farther from 1/2 than here?
# 2. Train for 20 epochs, and for 2000, instead of 200. Does the number of nets in the top 1 % settle?
