# %% [markdown]
# # Lesson 8: a network of your own
#
# **Time:** about 70 minutes, exercises included.
#
# **Question.** You have a network that minigrok knows nothing about, and the activations of a layer in a file. How many
# modes does the layer use? And how many inputs must you feed it before that number can be believed?
#
# **Predict first.** A layer has 100 neurons. You feed it 50 inputs and measure S. Write down: on average over many such
# samples, is S too low, too high or right? Then shuffle the labels, so that they mean nothing. What will the Holevo
# information chi, "how much of S speaks of the labels", be for those 50 inputs: 0, or what?

# %%
import subprocess
import sys
from pathlib import Path

import numpy as np

from minigrok import (
    CONVENTIONS,
    MLP,
    DensityAccumulator,
    class_states,
    density_matrix,
    holevo_information,
    measure,
    measure_state,
    plots,
    sampling_error,
    show,
    tasks,
    trace_distance,
)

folder = Path("lesson_8_files")                 # beside the folder of the pictures; delete it when you are done
folder.mkdir(exist_ok=True)

# %% [markdown]
# ## Data in a file
#
# Three kinds of sound waves: sine, square and sawtooth, each at 16 moments, with an unknown phase and with noise. They
# go into a CSV file, the label in the last column. Put your own file in its place: all that is needed is numbers, and
# whole numbers 0, 1, 2 as labels.


# %%
def waves(n, rng):
    """n waves at 16 moments, shape (n, 16), and their kinds (n,)."""
    kind = rng.integers(0, 3, n)
    phase = (2 * np.arange(16) / 16 + rng.uniform(0, 1, (n, 1))) % 1               # two periods
    shapes = np.stack([np.sin(2 * np.pi * phase), np.sign(0.5 - phase), 2 * phase - 1])
    return shapes[kind, np.arange(n)] + rng.normal(0, 0.3, (n, 16)), kind


X, kind = waves(1200, np.random.default_rng(8))
np.savetxt(folder / "waves.csv", np.column_stack([X, kind]), fmt="%.4f", delimiter=",")
table = np.loadtxt(folder / "waves.csv", delimiter=",")                     # a header line? skiprows=1
task = tasks.from_arrays(table[:, :-1], table[:, -1].astype(int), test_fraction=0.5, seed=0)
print("training inputs", task.X_train.shape, " test inputs", task.X_test.shape, " classes", task.n_classes)

# %% [markdown]
# ## A network, and its activations in files
#
# minigrok's own `MLP` stands in for your network, with layers of 100 and 12 ReLU neurons and a training loop of two
# lines. It might as well be PyTorch, JAX or MATLAB: all that `measure` asks for is **one matrix a layer, a row for each
# input, a column for each neuron**. So at some epochs we keep the second layer's activations on the *test* inputs.

# %%
SIZES, EPOCHS, KEPT = [16, 100, 12, 3], 30, (0, 1, 2, 5, 10, 30)


def learn(seed, look=lambda epoch, net: None):
    """Train a network from one seed; `look` is called at every epoch. MLP(SIZES, seed=seed) is how it began."""
    net, rng = MLP(SIZES, seed=seed), np.random.default_rng(seed)
    look(0, net)
    for epoch in range(1, EPOCHS + 1):
        for batch in np.array_split(rng.permutation(len(task.X_train)), 20):
            net.theta -= 0.2 * net.loss_and_gradient(task.X_train[batch], task.y_train[batch])[1]
        look(epoch, net)
    return net


def keep(epoch, net):
    """One file an epoch; a layer is an array in it."""
    if epoch in KEPT:
        np.savez(checkpoints / f"epoch_{epoch}.npz", second=net.hidden(task.X_test))


checkpoints = folder / "checkpoints"
checkpoints.mkdir(exist_ok=True)
for file in checkpoints.glob("*.npz"):          # of an earlier run of this lesson
    file.unlink()
trained, untrained = learn(0, keep), MLP(SIZES, seed=0)
for name, net in (("before", untrained), ("after", trained)):
    print(f"test accuracy {name} training {(net.predict(task.X_test) == task.y_test).mean():.3f}")

# %% [markdown]
# ## Measure it, in all conventions, with labels
#
# "trace" takes activations as they are; "rows" makes all inputs count alike; "centered" takes the mean off first;
# "centered_rows" does both. With labels comes the Holevo information: S of the whole, minus the mean S within a class.

# %%
curve = {name: [] for name in CONVENTIONS}
print("S in nats, and chi in the convention trace:")
print("epoch" + "".join(f"{name:>15}" for name in CONVENTIONS) + "      chi")
for epoch in KEPT:
    with np.load(checkpoints / f"epoch_{epoch}.npz") as file:
        numbers = measure(file["second"], task.y_test, conventions="all")
    for name in CONVENTIONS:
        curve[name].append(numbers[name].entropy)
    print(f"{epoch:5}" + "".join(f"{m.entropy:15.3f}" for m in numbers.values())
          + f"{numbers['trace'].holevo_information:9.3f}")

# %% [markdown]
# ## One network is one network
#
# Did training raise S of the second layer? Before you answer for seed 0, ask eight networks. They share the data, and
# differ in the first weights and in the order of the batches.

# %%
rise, rise_of_chi = np.zeros((2, 8, 4))
for seed in range(8):
    ends = (MLP(SIZES, seed=seed), learn(seed))
    before, after = (measure(net.hidden(task.X_test), task.y_test, conventions="all") for net in ends)
    for i, name in enumerate(CONVENTIONS):
        rise[seed, i] = after[name].entropy - before[name].entropy
        rise_of_chi[seed, i] = after[name].holevo_information - before[name].holevo_information
for name, up, chi_up in zip(CONVENTIONS, rise.T, rise_of_chi.T, strict=True):
    print(f"{name:14} S goes up in {(up > 0).sum()} of 8 ({up.min():+.2f} .. {up.max():+.2f} nats), "
          f"chi in {(chi_up > 0).sum()} of 8")
assert (rise_of_chi > 0).all()
assert (rise.min(axis=0) < 0).all()
assert (rise.max(axis=0) > 0).all()
error = sampling_error(trained.hidden(task.X_test), resamples=0)["entropy"]
print(f"seed 0, trace: S = {error.value:.3f}, 95 % interval {error.low:.3f} .. {error.high:.3f}")

figure = plots.new_figure(10, 4)
left, right = figure.subplots(1, 2)
for i, name in enumerate(CONVENTIONS):
    line = {"color": plots.COLOURS[i], "marker": plots.MARKERS[i], "markersize": 4, "label": name}
    left.plot(KEPT, curve[name], linestyle=plots.STYLES[i], **line)
    right.plot(np.arange(8) + 0.12 * (i - 1.5), rise[:, i], linestyle="none", **line)
left.set(title="second layer, seed 0", xlabel="epoch", ylabel="entropy $S$ (nats)")
left.legend(fontsize=8)
right.axhline(0, color="grey", linewidth=1)
right.set(title="second layer, eight networks", xlabel="seed", ylabel="change of $S$ by training (nats)")
print("picture:", show(figure, "lesson_8_seeds"))

# %% [markdown]
# In every convention S goes up in some networks and down in others, and for seed 0 the conventions do not agree. The
# interval says how S would look on other *inputs*; it knows nothing of other seeds, which matter more here. What all
# eight share, in all four conventions, is that chi goes up: the modes come to speak of the kind of wave.
#
# ## How many inputs are enough?
#
# Here we know where the waves come from. So we can do what a file never allows: take 20,000 waves as the whole
# population, draw small samples, and see how far off they are. First layer, 100 neurons, after training.

# %%
rng = np.random.default_rng(80)
X_all, y_all = waves(20_000, rng)
all_first, all_second = trained.hidden(X_all, layer=0), trained.hidden(X_all)
truth = measure(all_first, y_all)
COUNTS, DRAWS = (10, 25, 50, 100, 250, 1000), 12
S, chi, chi_shuffled = np.zeros((3, len(COUNTS), DRAWS))
for i, n in enumerate(COUNTS):
    for draw in range(DRAWS):
        some = rng.choice(20_000, n, replace=False)
        sample = class_states(all_first[some], y_all[some])
        S[i, draw], chi[i, draw] = sample.entropy, sample.holevo_information
        chi_shuffled[i, draw] = holevo_information(all_first[some], rng.permutation(y_all[some]))
print(f"population: S = {truth.entropy:.3f}, chi = {truth.holevo_information:.3f}")
print("inputs  mean S    bias  -(d-1)/2n  mean chi  with shuffled labels")
for i, n in enumerate(COUNTS):
    bias = S[i].mean() - truth.entropy
    print(f"{n:6}{S[i].mean():8.3f}{bias:8.3f}{-99 / 2 / n:11.3f}{chi[i].mean():10.3f}{chi_shuffled[i].mean():22.3f}")
assert (np.diff(S.mean(axis=1)) > 0).all()
assert (np.diff(chi_shuffled.mean(axis=1)) < 0).all()

figure = plots.new_figure(10, 4)
left, right = figure.subplots(1, 2)
curves = ((left, S, "sample", 0), (right, chi, "true labels", 0), (right, chi_shuffled, "shuffled labels", 1))
for ax, values, label, i in curves:
    ax.errorbar(COUNTS, values.mean(axis=1), values.std(axis=1), color=plots.COLOURS[i], linestyle=plots.STYLES[i],
                marker=plots.MARKERS[i], markersize=4, capsize=3, label=f"{label}, mean and spread of 12")
left.set(title="entropy of the first layer, d = 100", ylabel="entropy $S$ (nats)")
right.set(title="Holevo information of the first layer", ylabel=r"$\chi$ (nats)")
for ax, value in ((left, truth.entropy), (right, truth.holevo_information)):
    ax.axhline(value, color="grey", linestyle=":", label="population")
    ax.set(xscale="log", xlabel="inputs in the sample")
    ax.legend(fontsize=8)
print("picture:", show(figure, "lesson_8_how_many_inputs"))

# %% [markdown]
# S of a sample is too **low**, chi too **high**. A sample of n inputs spans n directions at most, so S <= ln n; and a
# class with few inputs looks purer than it is, so labels that mean nothing seem to mean something. The rule
# -(d - 1) / (2 n) holds for a flat spectrum and many inputs. Here few modes carry most weight: it overstates the bias.
#
# ## The tempting wrong way: 50 inputs for 100 neurons
#
# "To save time I looked at the early checkpoint with 50 inputs, and at the last one with all 600."

# %%
before, after = (net.hidden(task.X_test, layer=0) for net in (untrained, trained))
honest = measure(after).entropy - measure(before).entropy
tempting = measure(after).entropy - measure(before[:50]).entropy
print(f"training raises S of the first layer by {honest:.3f} nats; with 50 inputs before,\nit seems {tempting:.3f}")
assert tempting > 1.5 * honest

# %% [markdown]
# Compare states of the *same* inputs, several times as many as neurons. And let `sampling_error` estimate the bias from
# the sample itself: it leaves out one input at a time, and sees how S changes (the jackknife; exercise 32 is its error
# bar). It warns below 5 inputs a neuron. How good is it there? Forty samples of 60 inputs, second layer, 12 neurons:

# %%
samples = (all_second[rng.choice(20_000, 60, replace=False)] for _ in range(40))
errors = [sampling_error(sample, resamples=0)["entropy"] for sample in samples]
goal, raw, mended = (np.mean(S) for S in (
    measure(all_second).entropy, [error.value for error in errors], [error.corrected for error in errors]))
covered = sum(error.low <= goal <= error.high for error in errors)
print(f"mean S of 60 inputs {raw:.3f}, corrected {mended:.3f}, population {goal:.3f};\n"
      f"95 % intervals that cover it: {covered} of 40")
assert abs(mended - goal) < abs(raw - goal) / 2
assert covered >= 34

# %% [markdown]
# ## Layers of different width
#
# S falls from the first layer to the second. Does the network compress? Not so fast: S <= ln d, and d is 12, not 100.

# %%
for when, net in (("before training", untrained), ("after training", trained)):
    first, second = (measure(net.hidden(task.X_test, layer=layer)) for layer in (0, 1))
    print(f"{when:15}: S {first.entropy:.3f} -> {second.entropy:.3f}, "
          f"S/ln d {first.normalised_entropy:.3f} -> {second.normalised_entropy:.3f}")
    assert first.entropy > second.entropy
    assert first.normalised_entropy < second.normalised_entropy
doubled = measure(np.hstack([after, after]))
print(f"first layer, after, every neuron twice: S {doubled.entropy:.3f}, S/ln d {doubled.normalised_entropy:.3f}")
assert np.isclose(doubled.entropy, measure(after).entropy)

# %% [markdown]
# S falls already in the *untrained* network, so learning is not the reason; and S / ln d rises. No contradiction: exp S
# counts modes, S / ln d says how much of the width they use. To double every neuron adds no mode, but lowers S / ln d.
# Say which of the two you ask about *before* you look.
#
# ## Convolutions: what is a neuron, and what is an input?
#
# A convolution's activations have shape (n, channels, h, w). Its neurons are the channels, for the same filter looks at
# every place. So each place of each picture is an input, and the state is channels by channels. A small layer by hand:
# pictures of a bar, four filters for edges and one for brightness.


# %%
def convolution(n, rng):
    """The activations of 5 filters on n pictures of a bar, shape (n, 5, 10, 12)."""
    y, x = np.mgrid[:12, :14]
    angle, top, left = (rng.uniform(low, high, (n, 1, 1)) for low, high in ((0, np.pi), (3, 9), (3, 11)))
    bars = abs(np.cos(angle) * (x - left) + np.sin(angle) * (y - top)) < 1.2
    pictures = rng.uniform(0.5, 1.5, (n, 1, 1)) * bars + rng.normal(0, 0.1, (n, 12, 14))
    edge = np.array([[1, 1, 1], [0, 0, 0], [-1, -1, -1]]) / 3
    filters = np.array([edge, -edge, edge.T, -edge.T, np.full((3, 3), 1 / 9)])
    patches = np.lib.stride_tricks.sliding_window_view(pictures, (3, 3), axis=(1, 2))      # (n, 10, 12, 3, 3)
    return np.maximum(np.einsum("nhwij,cij->nchw", patches, filters), 0)


def channel_state(A):
    """The sum of |a><a| over all pictures and places, straight from A (n, channels, h, w), over its trace."""
    gram = np.einsum("nahw,nbhw->ab", A, A)
    return gram / np.trace(gram)


def reshaped_state(A):
    """Tempting, and wrong."""
    return density_matrix(A.reshape(-1, A.shape[1]))


A = convolution(300, np.random.default_rng(88))
n, channels, h, w = A.shape
places = np.random.default_rng(0).permutation(h * w)
shuffled = A.reshape(n, channels, -1)[:, :, places].reshape(A.shape)           # the same for all channels
for state in (channel_state, reshaped_state):
    S_before, S_after = (measure_state(state(B)).entropy for B in (A, shuffled))
    print(f"{state.__name__:14}: S = {S_before:.3f}, with all places shuffled {S_after:.3f}")
assert np.allclose(channel_state(A), channel_state(shuffled))
assert trace_distance(reshaped_state(A), reshaped_state(shuffled)) > 0.1
figure = plots.new_figure(9, 4)
plots.state_panels(figure, {"right: channels": channel_state(A), "wrong: A.reshape(-1, 5)": reshaped_state(A)})
for ax in figure.axes[:2]:
    ax.set(xlabel="column of the matrix", ylabel="column of the matrix")
print("picture:", show(figure, "lesson_8_convolution"))

# %% [markdown]
# Left: two opposite edges never fire at the same place, 0.00. Right: **the second tempting wrong way**.
# `A.reshape(-1, 5)` has the right shape and raises no error, but its rows are five neighbouring places of *one*
# channel: what you see is how activity fades with the distance. And it changes when the places are shuffled, which a
# sum over places cannot notice. (To flatten to (n, channels h w) is no way out: that is the state of d = 600 neurons,
# another question, and 300 inputs are far too few for it.)
#
# ## Places of one picture are not independent
#
# 300 pictures make 36,000 rows, but one bar lights up many of them. The error bar must leave out *pictures*, not rows.
# Who is right shows when we make 60 new sets of 300 pictures.

# %%
rows = np.concatenate([A[:, :, i, j] for i in range(h) for j in range(w)])         # place by place: any order will do
picture_of_row = np.tile(np.arange(n), h * w)
by_row = sampling_error(rows, resamples=0)["entropy"].standard_error
by_picture = sampling_error(rows, groups=picture_of_row, resamples=0)["entropy"].standard_error
rng = np.random.default_rng(888)
seen = np.std([measure_state(channel_state(convolution(n, rng))).entropy for _ in range(60)])
print(f"standard error of S: by rows {by_row:.4f}, by pictures {by_picture:.4f}, seen {seen:.4f}")
assert by_row < 0.7 * seen < by_picture < 1.4 * seen

# %% [markdown]
# ## Activations in several files
#
# It is tempting to average the states of the files. But a state has forgotten how many rows it had, and how strongly
# they fired. `DensityAccumulator` sees each file once, and never stacks them. (Exercise 31: write what it does.)

# %%
order = np.argsort(task.y_test, kind="stable")                                     # one kind of wave after the other
shards = np.split(trained.hidden(task.X_test)[order], [20, 240, 250])              # 20, 220, 10 and 350 rows
accumulator = DensityAccumulator()
for shard in shards:
    accumulator.update(shard)
assert np.allclose(accumulator.density_matrix(), density_matrix(np.concatenate(shards)))
away = trace_distance(np.mean([density_matrix(shard) for shard in shards], axis=0), accumulator.density_matrix())
print(f"the average of the shards' states is {away:.3f} away (trace distance)")
assert away > 0.05

# %% [markdown]
# ## From the command line
#
# `minigrok measure` reads .npy, .npz, .csv and .safetensors, and a folder of checkpoints in the order of the numbers in
# their names; and it leaves out pictures, not rows. The interval is about the corrected value of S. `--resamples 0`
# takes the jackknife alone, which is quicker.
#
# Try the two commands yourself: the files are in the folder `lesson_8_files`, which this lesson has made where you ran
# it, so `cd lesson_8_files` first. The whole table is some 130 characters wide; here a part of it is left out.

# %%
np.save(folder / "conv.npy", A)
np.save(folder / "kinds.npy", task.y_test)
for words in (["checkpoints", "--labels", "kinds.npy"], ["conv.npy", "--neuron-axis", "1"]):
    words += ["--resamples", "0"]
    print("$ minigrok measure", *words)
    command = [sys.executable, "-m", "minigrok", "measure", *words]
    answer = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    convention, neurons, bias, rest = map(answer.index, ("convention", " neurons", "    bias", "S/ln d"))
    for line in answer.splitlines():
        print(line[:convention] + line[neurons:bias] + line[rest - 2 :])
assert f"{measure_state(channel_state(A)).entropy:.4f}" in answer

# %% [markdown]
# ## Your prediction
#
# With 50 inputs for 100 neurons S is too low in every single sample. And shuffled labels have a chi far from 0, larger
# than that of the true labels in the population. Without the chi of shuffled labels beside it, chi says nothing.

# %%
i = COUNTS.index(50)
print(f"50 inputs: S between {S[i].min():.3f} and {S[i].max():.3f}; population {truth.entropy:.3f}")
print(f"chi of shuffled labels {chi_shuffled[i].mean():.3f}; of true labels, population {truth.holevo_information:.3f}")
assert S[i].max() < truth.entropy
assert chi_shuffled[i].mean() > truth.holevo_information

# %% [markdown]
# ## Exercises
#
# - `e30_places_as_rows`: a convolution's activations as a matrix, each place a row.
# - `e31_merge_shards`: the state of activations that lie in several arrays, each seen once.
# - `e32_jackknife`: an error bar for the purity, from the sample alone.
#
# Mark them with `minigrok course check e30_places_as_rows` and so on, in the folder that `minigrok course start` made.
#
# Open questions:
#
# 1. Put a CSV of your own in place of the waves. In which conventions does S move in the same direction for all seeds?
#    Does chi still go up for all of them?
# 2. Give the waves three times the noise. How many inputs does it take now until the chi of the true labels stands
#    clear of that of shuffled ones?
# 3. Repeat "How many inputs are enough?" in the convention "centered" (the third argument of `class_states` and of
#    `holevo_information`). Is the bias larger or smaller? Look at how much weight the largest mode has in both.
