# %% [markdown]
# # Lesson 5: random walks that learn a density of states
#
# **Time:** about 90 minutes, exercises included.
#
# **Question.** Something is so rare that nobody will ever meet it by chance. How do you find out *how* rare it is?
#
# Lesson 6 asks this of networks. Here we ask it of a small magnet, whose exact answer is known. Sixteen *spins* sit on
# a 4 x 4 grid that wraps around at its edges, so that each has four neighbours. A spin is +1 or -1: there are 2^16 =
# 65,536 configurations. The *energy* E adds up -1 for each pair of neighbours that agree and +1 for each pair that
# disagree. The number of configurations with energy E is called the *density of states* g(E).
#
# **Predict first.** Write down: (1) The lowest energy has all spins equal: 2 of the 65,536. Of 2,000 random
# configurations, how many have it? (2) On a 6 x 6 grid it is 2 of 2^36: how many of a million? (3) A random walk
# proposes a step, the step is refused, and the walk stays. Must that count as one more visit to where it stands?

# %%
import textwrap
import warnings

import numpy as np
from scipy.special import logsumexp

from minigrok import Ising2D, WangLandau, plots, show

# %% [markdown]
# ## The exact answer: count them all
#
# A configuration is a number from 0 to 65,535 whose bits are the spins, and `level_of` says on which energy level it
# lies. The walk below looks its level up there. It never sees `counts`.

# %%
SPINS, configurations = 16, np.arange(2**16)


def energies_of(spins):
    """E of configurations (..., L, L): each spin with its right and its lower neighbour, so each pair once."""
    return -(spins * (np.roll(spins, -1, axis=-1) + np.roll(spins, -1, axis=-2))).sum(axis=(-2, -1))


spins = 1 - 2 * (configurations[:, None] >> np.arange(SPINS) & 1)                            # (65536, 16) of +-1
levels, level_of, counts = np.unique(energies_of(spins.reshape(-1, 4, 4)), return_inverse=True, return_counts=True)
LEVELS, exact = len(levels), np.log(counts)                  # ln g: for larger grids g itself overflows
quick_level_of = level_of.tolist()                           # for one number at a time a list is faster
print("E", levels, "\ng", counts)
known = Ising2D(4).exact_log_g()                             # minigrok's formula; it lists two levels that are empty
assert np.allclose(exact, known[np.isfinite(known)])
rng = np.random.default_rng(0)
drawn = np.bincount(level_of[rng.integers(2**SPINS, size=2000)], minlength=LEVELS)
print(f"2,000 random ones: expected at the lowest level {2000 * counts[0] / 2**SPINS:.2f}; never met",
      levels[drawn == 0])
assert drawn[0] == 0

# %% [markdown]
# ## A walk that visits all levels alike
#
# Let a walk turn one random spin at a time. If it takes every step, it stays where most configurations are, and sees
# no more than random draws do. So refuse some steps. Go from E to E' with probability
#
#     min(1, g(E) / g(E'))
#
# Steps to rarer levels are always taken, others seldom. Why do all levels then get equal visits? Put a crowd of
# w(x) = 1 / g(E(x)) walkers on each configuration x. A spin is picked as often on the way there as on the way back, so
# the traffic from x to x' is w(x) min(1, w(x') / w(x)) = min(w(x), w(x')), the same both ways (*detailed balance*). So
# the crowds stay as they are. And the g(E) configurations of a level hold g(E) / g(E) = 1 in all.
#
# Below, u is drawn from [0, 1), and the step is taken where ln(1 - u) < ln g(E) - ln g(E'). (1 - u is never 0, so its
# logarithm is safe.) `log_f` and `count_refused` come into play later.


# %%
def walk(x, log_g, log_f, steps, rng, count_refused=True):
    """Go on from configuration x; each step adds log_f to log_g, and 1 to the visits, of the level where it ends."""
    here, log_g, visits = quick_level_of[x], list(log_g), [0] * LEVELS
    turns = (1 << rng.integers(SPINS, size=steps)).tolist()  # one bit each: which spin to turn
    log_uniforms = np.log1p(-rng.random(steps)).tolist()
    for turn, log_u in zip(turns, log_uniforms, strict=True):
        new = quick_level_of[x ^ turn]
        if log_u < log_g[here] - log_g[new]:
            x, here = x ^ turn, new
        elif not count_refused:                              # the tempting wrong way, see below
            continue
        log_g[here] += log_f
        visits[here] += 1
    return x, log_g, np.array(visits)


figure = plots.new_figure(9, 3.6)
left, *panels = figure.subplot_mosaic([["count", "plain"], ["count", "weighted"]]).values()
left.semilogy(levels, counts, color=plots.BLACK, marker="o", markersize=4, label="all 65,536, exact")
left.semilogy(levels[drawn > 0], drawn[drawn > 0] / 2000 * 2**SPINS, "s", color=plots.ORANGE, markersize=7,
              fillstyle="none", label="estimated from 2,000")
left.set(xlabel="energy $E$ (one pair = 1)", ylabel="configurations $g(E)$", ylim=(1, 3e5))
left.legend(fontsize=8)
for ax, name, log_g in zip(panels, ("every step taken", "min(1, g / g')"), (np.zeros(LEVELS), exact), strict=True):
    rng, x, path, visits = np.random.default_rng(1), 0, [], np.zeros(LEVELS)
    for _ in range(1000):
        x, _, new_visits = walk(x, log_g, 0.0, 30, rng)
        path.append(levels[level_of[x]])
        visits += new_visits
    ends = (visits[0] + visits[-1]) / visits.sum()
    print(f"{name:16} visits at the two outermost levels {ends:.4f}; if even: {2 / LEVELS:.4f}")
    ax.plot(np.arange(1, 1001) * 0.03, path, color=plots.BLUE, linewidth=0.7)
    ax.set(title=name, xlabel="steps (thousands)", ylabel="energy $E$", ylim=(-36, 36))
assert abs(ends - 2 / LEVELS) < 0.05
print("picture:", show(figure, "lesson_5_two_walks"))

# %% [markdown]
# ## Learning g on the way
#
# But g is what we want to know. Wang and Landau's idea (2001): begin with ln g = 0 everywhere, and let *each* step add
# a small ln f to the ln g of the level where the walk stands. Where it has often been, the estimate grows and drives
# it away. It piles up hills until the walk is even, and then the pile is ln g.
#
# With a large ln f the pile is rough, so ln f must shrink. How fast it does is the *schedule*. Every 1,000 steps we
# look at the histogram of visits since ln f last changed:
#
# - **flatness** (the classic one): halve ln f when the least visited level has 80 % of the mean visits.
# - **1/t**: halve ln f when all levels were visited 1 / sqrt(ln f) times, until it has come down to LEVELS / t, where
#   t counts steps. From then on ln f *is* that.


# %%
def learn(schedule, looks, seed, count_refused=True):
    """Error of ln g (looks, LEVELS), as its masses add up to 2^16, and ln f (looks,), after each look."""
    rng = np.random.default_rng(seed)
    x, log_g, log_f, one_over_t = int(rng.integers(2**SPINS)), np.zeros(LEVELS), 1.0, False
    histogram, errors, log_fs = np.zeros(LEVELS), [], []
    for t in range(1000, looks * 1000 + 1, 1000):
        x, log_g, visits = walk(x, log_g, log_f, 1000, rng, count_refused)
        histogram += visits
        enough = 0.8 * histogram.mean() if schedule == "flatness" else log_f**-0.5
        if not one_over_t and histogram.min() >= enough:
            log_f, histogram = log_f / 2, np.zeros(LEVELS)
        if one_over_t or (schedule == "1/t" and log_f <= LEVELS / t):
            log_f, one_over_t = LEVELS / t, True
        errors.append(log_g - logsumexp(log_g) + SPINS * np.log(2) - exact)
        log_fs.append(log_f)
    return np.array(errors), np.array(log_fs)


results, looks = {}, (20, 100, 300, 600)
print("rms error of ln g over levels and six walks, after so many thousand steps:")
print(" " * 8, *(f"{look:8}" for look in looks))
for schedule in ("flatness", "1/t"):
    errors, log_fs = zip(*(learn(schedule, 600, seed) for seed in range(1, 7)), strict=True)
    results[schedule] = np.sqrt(np.mean(np.square(errors), axis=(0, 2))), np.array(log_fs)   # (looks,), (walks, looks)
    print(f"{schedule:8}", *(f"{results[schedule][0][look - 1]:8.4f}" for look in looks))
print(f"configurations at the lowest level: {counts[0]}; learnt by each walk on 1/t:")
print(np.exp([error[-1, 0] + exact[0] for error in errors]).round(2))

figure = plots.new_figure(9, 3.6)
left, right = figure.subplots(1, 2)
steps = np.arange(1, 601) * 1000
for i, (schedule, (error, log_fs)) in enumerate(results.items()):
    left.loglog(steps, log_fs[0], color=plots.COLOURS[i], linestyle=plots.STYLES[i], label=schedule)
    right.loglog(steps, error, color=plots.COLOURS[i], linestyle=plots.STYLES[i], label=schedule)
right.loglog(steps[50:], 0.7 * error[50] * (steps[50] / steps[50:]) ** 0.5, "k:", label="slope of $t^{-1/2}$")
left.set(xlabel="steps $t$", ylabel="$\\ln f$, one walk", ylim=(1e-8, 3))
right.set(xlabel="steps $t$", ylabel="rms error of $\\ln g$, six walks")
for ax in (left, right):
    ax.legend(fontsize=8)
print("picture:", show(figure, "lesson_5_schedules"))

# %% [markdown]
# With flatness the error falls, then stays for ever. The ln f still to come add up like 1/2 + 1/4 + 1/8 + ..., to a
# finite and soon tiny amount: what is wrong by then cannot be put right. The terms of 1/t add up to infinity, so that
# any error can still be mended, and their squares add up to something finite, so that the noise dies out. (SGD
# comes to rest at a minimum on the same two conditions.) The gap is not large yet, but only one curve goes on falling.

# %%
(flat_error, flat_log_fs), (error, _) = results["flatness"], results["1/t"]
to_come = 1000 * flat_log_fs[:, 300:].sum(axis=1).mean() / LEVELS
print(f"flatness: error after 300k steps {flat_error[299]:.4f}; a level then still gets {to_come:.4f}")
assert abs(flat_error[-1] / flat_error[299] - 1) < 0.03
assert error[-1] < 0.8 * min(error[199], flat_error[-1])

# %% [markdown]
# ## The tempting wrong way: a refused step does not count
#
# "The walk did not move, so there is nothing to count." Test it where the truth is known: use the exact g, learn
# nothing, count visits. Counted properly they are even. Without refusals a level is counted only when the walk
# *arrives*, and it arrives where steps are readily accepted. The mean acceptance rate a(E), from all 65,536 x 16
# steps, predicts the wrong histogram.

# %%
after = np.stack([level_of[configurations ^ (1 << site)] for site in range(SPINS)])          # (16, 65536)
acceptance = np.minimum(1, np.exp(exact[level_of] - exact[after])).mean(axis=0)              # (65536,)
predicted = np.bincount(level_of, acceptance) / counts                                       # (LEVELS,) a(E)
predicted, frozen = predicted / predicted.mean(), {}
for count_refused in (True, False):
    _, _, visits = walk(0, exact, 0.0, 300_000, np.random.default_rng(2), count_refused)
    frozen[count_refused] = visits / visits.mean()
    print(f"refusals counted: {count_refused}; visits / mean:\n{frozen[count_refused].round(2)}")
assert abs(frozen[True] - 1).max() < 0.1
assert abs(frozen[False] - predicted).max() < 0.1

# %% [markdown]
# Does a walk that *learns* this way find g a(E) instead of g? It is worse: it finds nothing. Where ln g is a deep hole
# the walk is refused again and again. Each refusal must add ln f, until the hole is filled and lets it go. If refusals
# do not count, nothing is filled: the walk gets stuck, and ln f cannot even begin to shrink as it should.

# %%
figure = plots.new_figure(9, 3.6)
left, right = figure.subplots(1, 2)
for i, (count_refused, name) in enumerate({True: "every step counts", False: "accepted steps only"}.items()):
    look = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "markersize": 4}
    left.plot(levels, frozen[count_refused], label=name, **look)
    for seed in range(3):
        errors, log_fs = learn("1/t", 200, seed, count_refused)
        largest = abs(errors).max(axis=1)
        print(f"{name}: largest error of ln g after 200k steps {largest[-1]:.2f}, ln f {log_fs[-1]:.5f}")
        right.semilogy(np.arange(10, 201, 10), largest[9::10], label=name if seed == 0 else None, **look)
        assert largest[-1] < 0.5 if count_refused else largest[-1] > 5
left.plot(levels, predicted, "k:", linewidth=2, label="predicted from $a(E)$")
left.set(xlabel="energy $E$ (one pair = 1)", ylabel="visits / mean", title="exact $g$, nothing learnt", ylim=(0, 3))
right.set(xlabel="steps (thousands)", ylabel="largest error of $\\ln g$", title="learning, three seeds each")
for ax in (left, right):
    ax.legend(fontsize=8)
print("picture:", show(figure, "lesson_5_refused_steps"))

# %% [markdown]
# ## minigrok's sampler, and its error bars
#
# The 6 x 6 grid has 2^36 = 69 billion configurations, too many to list; minigrok counts them by a formula.
# `WangLandau` runs eight independent walks on the 1/t schedule, takes the error from their spread, and warns when it
# does not trust it. Its ln g is that of the *share* of all configurations. Then we look at random as often.

# %%
model = Ising2D(6)
truth = model.exact_log_g() - 36 * np.log(2)                 # ln of the share of all configurations
exists = np.isfinite(truth)                                  # two levels are empty
x, runs, inside = model.levels[exists], {}, {}
for steps in (50_000, 200_000):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        runs[steps] = states = WangLandau(model, model.edges, walkers=8, seed=0).run(steps=steps)
    low, high = states.interval()                            # 95 %, from the spread of the eight
    inside[steps] = ((low <= truth) & (truth <= high))[exists].sum()
    print(f"{steps:,} steps each: {inside[steps]} of {len(x)} intervals hold the truth; at the lowest level\n"
          f"  ln g = {states.log_g[0]:.2f} +- {states.error[0]:.2f}, exact {truth[0]:.2f}.{' It warns:' * bool(said)}")
    for one in said:
        print(textwrap.fill(str(one.message), 79, initial_indent="  ", subsequent_indent="  "))

rng, direct = np.random.default_rng(4), np.zeros(len(truth))
for _ in range(16):                                          # in 16 parts, to spare the memory
    looks = 2 * rng.integers(2, size=(100_000, 6, 6), dtype=np.int8) - 1
    direct += np.histogram(energies_of(looks), model.edges)[0]
met = direct > 0
print("1.6 million random looks: lowest energy met", model.levels[met][0], "of", model.levels[0])
assert direct[0] == 0

figure = plots.new_figure(9, 3.8)
left, right = figure.subplots(1, 2)
left.plot(x, truth[exists], color=plots.BLACK, linewidth=1, label="exact")
left.plot(x, runs[200_000].log_g[exists], "o", color=plots.BLUE, markersize=4, label="8 walks, 200,000 steps each")
left.plot(model.levels[met], np.log(direct[met] / direct.sum()), "s", color=plots.ORANGE, markersize=7,
          fillstyle="none", label="1.6 million random looks")
for steps, colour, marker in ((50_000, plots.RED, "D"), (200_000, plots.BLUE, "o")):
    log_g, high = runs[steps].log_g[exists], runs[steps].interval()[1][exists]
    right.errorbar(x, log_g - truth[exists], yerr=high - log_g, color=colour, marker=marker, markersize=3,
                   linewidth=0.8, label=f"{steps:,} steps each")
right.axhline(0, color="grey", linewidth=1)
left.set(xlabel="energy $E$ (one pair = 1)", ylabel="$\\ln$ (share of all configurations)", ylim=(-27, 7))
right.set(xlabel="energy $E$ (one pair = 1)", ylabel="$\\ln g$ - exact $\\ln g$, 95 % interval")
for ax in (left, right):
    ax.legend(fontsize=8)
print("picture:", show(figure, "lesson_5_six_by_six"))

# %% [markdown]
# After 50,000 steps the error bars are *too small*. All eight walks began in the crowd and had not yet learnt the
# ends, so at the lowest level all are wrong in the same direction. A spread shows only what the walks disagree about;
# here the warning is the more honest part. After 200,000 steps almost all intervals hold, though it still warns.
#
# ## Your prediction
#
# (1) 0.06 are expected: most likely you find none. (2) 0.00003: you would need 34,000 such millions to see one. The
# walks needed 1.6 million steps to give that share with an error of 13 %. (3) Yes.

# %%
short, long = runs[50_000], runs[200_000]
print(f"expected in a million: {1e6 * np.exp(truth[0]):.2e}; the walks say {1e6 * np.exp(long.log_g[0]):.2e}")
assert (short.walkers_log_g[:, 0] < truth[0]).all()
assert abs(short.log_g[0] - truth[0]) > 3 * short.error[0]
assert abs(long.log_g[0] - truth[0]) < 3 * long.error[0] < 0.5
assert inside[50_000] < 0.8 * len(x)
assert inside[200_000] > 0.9 * len(x)

# %% [markdown]
# ## Exercises
#
# - `e19_ising_energy`: the energy of a configuration.
# - `e20_energy_change`: what turning one spin does to it, from four neighbours alone.
# - `e21_wang_landau_step`: one step of the walk, with walls. One of the larger exercises.
# - `e22_log_f`: the 1/t schedule.
#
# Mark one with `minigrok course check e19_ising_energy`, in the folder that `minigrok course start` made. To explore,
# by changing the code above:
#
# 1. In `learn`, replace both LEVELS / t by 10 LEVELS / t, then by 0.1 LEVELS / t. Look at the slope of the error:
#    which of the two is only noisier, and which falls more slowly?
# 2. Begin with the exact ln g, let ln f be 0.001 all the time, and do not count refusals. Does the walk keep what it
#    knows? Look at the error after every 10,000 steps.
# 3. One g serves all temperatures T. Weigh the levels by g(E) exp(-E / T) and compute the mean energy for T from 1 to
#    5, from learnt and from exact ln g. At which temperatures do errors at the lowest levels show?
