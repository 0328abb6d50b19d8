"""`minigrok train`: what it writes and says, that it goes on to the bit, and what it refuses."""

import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minigrok import MLP, SGD, Cosine, History, StepDecay, TrainingRun, Warmup, cli, tasks, train
from minigrok.checkpoint import load_checkpoint
from minigrok.cli import train_seeds, train_words
from minigrok.plots import new_figure, training_figure
from minigrok.runs import train_setup
from minigrok.study import grokking, grokking_settings

ROOT = Path(__file__).parent.parent
TINY = ["moons", "--n", "40", "--epochs", "6"]
ONE = {"settings.json", "checkpoint.npz", "history.npz", "history.csv", "net.npz", "figure.png", "figure.pdf"}
DIVERGES = [*TINY, "--activation", "quadratic", "--loss", "squared_error"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Call the command in an empty folder; its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        try:
            status = cli.main(["train", *map(str, words)])
        except SystemExit as stop:                       # argparse
            status = stop.code
        return status, *capsys.readouterr()

    return call


@pytest.fixture(autouse=True)
def draw(monkeypatch):
    """Draw figures with a function; until one is given they are empty, for a full one takes a second."""
    def with_function(function):
        for place in ("minigrok.plots.training_figure", "minigrok.cli.train_seeds.training_figure"):
            monkeypatch.setattr(place, function)

    with_function(lambda *words: new_figure(1, 1))
    return with_function


def strict(text):
    """JSON without the names NaN and Infinity, which are none."""
    def refuse(name):
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def same_files(first, second, *names):
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_a_run_is_what_the_library_makes_of_the_same_settings(run, tmp_path):
    status, out, err = run(*TINY, "--seed", 3, "--conventions", "trace,centered")
    assert status == 0, err
    assert err == "results go to minigrok-train-1\n"
    folder = tmp_path / "minigrok-train-1"
    assert {path.name for path in folder.iterdir()} == ONE
    net, task = MLP([2, 6, 2], seed=3), tasks.moons(n=40, seed=3)
    history = train(net, task, SGD(0.1), 6, batch_size=32, seed=3, conventions=("trace", "centered"))
    kept = History.load(folder / "history.npz")
    assert kept.columns.keys() == history.columns.keys()
    for name in history.columns:
        np.testing.assert_array_equal(kept[name], history[name])
    np.testing.assert_array_equal(MLP.load(folder / "net.npz").theta, net.theta)
    assert "moons: 20 training and 20 test inputs, 2 features, 2 classes" in out
    assert "seed 3: 6 epochs; 7 records" in out
    for name, words in {"test_loss": "test loss", "train_accuracy": "train accuracy", "entropy": "S (nats)",
                        "purity_centered": "P, centered", "weight_norm": "weight norm"}.items():
        first, last = history[name][[0, -1]]
        assert f"{words:24}{first:12.4f}{last:12.4f}{last - first:+12.4f}" in out
    run(*TINY)
    assert (tmp_path / "minigrok-train-2" / "settings.json").exists()


def test_modular_defaults_are_the_nets_of_the_studys_first_base(run, tmp_path):
    setting = grokking_settings.BASES[0]
    options = train_setup.with_defaults({"task": "modular"})
    made, (net, task) = train_setup.run_of(options, 2), grokking.build(setting, 2)
    assert made.net.configuration == net.configuration
    assert made.task.description == task.description
    assert made.optimizer.configuration == grokking.optimizer_of(setting, net).configuration
    assert train_setup.loop_of(options)["batch_size"] is None
    status, out, err = run("modular", "--modulus", 5, "--hidden", 20, "--epochs", 60)
    assert status == 0, err
    assert "a + b mod 5: 14 training and 11 test inputs, 10 features, 5 classes" in out
    epoch = grokking.milestones(History.load(tmp_path / "minigrok-train-1" / "history.npz"), 5).memorised
    assert f"memorised {f'epoch {epoch}':>14}   train accuracy 99 %" in out


def test_a_products_onset_is_above_what_pairs_with_a_zero_give_away(run, tmp_path):
    """(2 p - 1) / p^2 of the pairs have the product 0, 36 % for p = 5: to know these is no beginning."""
    status, out, err = run("modular", "--modulus", 5, "--op", "multiply", "--hidden", 20, "--epochs", 60, "--json")
    assert status == 0, err
    history = History.load(tmp_path / "minigrok-train-1" / "history.npz")
    told = json.loads(out)["runs"][0]["milestones"]
    assert told == grokking.milestones(history, 5, "multiply")._asdict()
    assert told != grokking.milestones(history, 5)._asdict()


def test_every_option_reaches_the_library():
    given = {
        "task": "blobs", "n": 50, "noise": 0.5, "noise_dimensions": 1, "dimension": 3, "separation": 2.0,
        "test_fraction": 0.2, "task_seed": 7, "hidden": [4, 3], "activation": "tanh", "loss": "squared_error",
        "init": "normal", "init_scale": 0.3, "bias": False, "dtype": "float32", "optimizer": "adamw", "lr": 0.02,
        "betas": [0.8, 0.9], "eps": 1e-6, "weight_decay": 0.1, "batch_size": "all", "clip_norm": 2.0,
        "schedule": "step", "schedule_every": 5, "schedule_factor": 0.5, "warmup": 2, "record_every": 3, "layer": 0,
        "inputs": "all", "conventions": ["rows"]}
    options = train_setup.with_defaults(given)
    assert options.items() >= given.items()
    made = train_setup.run_of(options, 11)
    assert isinstance(made, TrainingRun)
    assert made.seed == 11
    assert made.task.description == tasks.blobs(
        n=50, noise=0.5, noise_dimensions=1, dimension=3, separation=2.0, test_fraction=0.2, seed=7).description
    assert made.net.configuration == MLP(
        [4, 4, 3, 2], "tanh", "squared_error", "normal", False, "float32", 11, init_scale=0.3).configuration
    assert made.optimizer.configuration == {
        "optimizer": "AdamW", "lr": 0.02, "betas": [0.8, 0.9], "eps": 1e-6, "weight_decay": 0.1}
    assert train_setup.loop_of(options) == {
        "batch_size": None, "record_every": 3, "layer": 0, "inputs": "all", "conventions": ("rows",),
        "schedule": Warmup(2, StepDecay(5, 0.5)), "clip_norm": 2.0}
    sgd = train_setup.with_defaults({"task": "xor", "momentum": 0.9, "nesterov": True, "schedule": "cosine"})
    assert train_setup.optimizer_of(sgd) == SGD(0.1, momentum=0.9, nesterov=True)
    assert train_setup.schedule_of(sgd) == Cosine()


def test_your_own_arrays_are_learned_with_or_without_test_arrays(run, tmp_path):
    X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 3
    np.savez(tmp_path / "a.npz", X=X, y=y, ignored=y)
    np.savez(tmp_path / "b.npz", X=X[:20], y=y[:20], X_test=X[20:], y_test=y[20:])
    out = run("a.npz", "--test-fraction", 0.3, "--epochs", 2, "--out", "a")[1]
    assert "a.npz: 21 training and 9 test inputs, 3 features, 3 classes" in out
    out = run("b.npz", "--epochs", 2, "--out", "b")[1]
    assert "b.npz: 20 training and 10 test inputs, 3 features, 3 classes" in out
    assert run("--resume", "b", "b.npz")[1] == out
    np.savez(tmp_path / "b.npz", X=X[:20] + 1, y=y[:20], X_test=X[20:], y_test=y[20:])
    status, _, err = run("--resume", "b")
    assert status == 2
    assert "b.npz is not what it was when b was begun: begin a new run" in err


@pytest.mark.parametrize("more", [["--conventions", "all"], ["--init", "normal", "--init-scale", "0"]])
def test_json_holds_every_number_that_is_printed(run, more):
    out = run(*TINY, *more, "--out", "a")[1]
    told = strict(run("--resume", "a", "--json", "--quiet")[1])
    table = out.splitlines()[out.splitlines().index("") + 3 :]
    columns = train_words._columns(told["settings"])
    assert len(table) == len(columns)
    for line, (name, words) in zip(table, columns.items(), strict=True):
        numbers = [told["runs"][0][kind][name] for kind in ("first", "last", "change")]
        printed = [math.nan if word == "none" else float(word) for word in line.removeprefix(f"{words:24}").split()]
        expected = [math.nan if number is None else number for number in numbers]
        assert printed == pytest.approx(expected, abs=6e-5, nan_ok=True)
    assert told["runs"][0]["epochs"] == 6
    assert told["net"]["parameters"] == 32
    assert told["settings"]["n"] == told["data"]["n"] == 40


def test_json_of_many_seeds_has_medians_and_ranges(run, tmp_path):
    status, out, err = run(*TINY, "--seeds", 3, "--seed", 4, "--out", "a")
    assert status == 0, err
    told = strict(run("--resume", "a", "--json", "--quiet")[1])
    histories = [History.load(tmp_path / "a" / f"seed-{seed}" / "history.npz") for seed in (4, 5, 6)]
    S, change = (sorted(values) for values in zip(*[(h.entropy[-1], h.entropy[-1] - h.entropy[0]) for h in histories],
                                                  strict=True))
    spread = told["spread"]["entropy"]
    assert spread["last"] == {"runs": 3, "lowest": S[0], "median": S[1], "highest": S[2]}
    assert spread["change"] == {"runs": 3, "lowest": change[0], "median": change[1], "highest": change[2]}
    assert f"S (nats)                {S[1]:10.4f}  ({S[0]:.4f} .. {S[2]:.4f})" in out
    assert f"{change[1]:+10.4f}  ({change[0]:+.4f} .. {change[2]:+.4f})" in out
    assert [told_run["seed"] for told_run in told["runs"]] == [4, 5, 6]


def test_each_seed_has_its_own_data_unless_the_task_has_a_seed():
    own = train_setup.with_defaults({"task": "moons", "n": 20})
    fixed = train_setup.with_defaults({"task": "moons", "n": 20, "task_seed": 1})
    first, second = (train_setup.run_of(own, seed) for seed in (1, 2))
    assert (first.task.X_train != second.task.X_train).all()
    third = train_setup.run_of(fixed, 2)
    np.testing.assert_array_equal(third.task.X_train, first.task.X_train)
    np.testing.assert_array_equal(third.net.theta, second.net.theta)


def test_many_seeds_are_the_single_runs_for_any_number_of_workers(run, tmp_path):
    files = ("history.npz", "history.csv", "net.npz")
    outs = [run(*TINY, "--seeds", 5, "--workers", workers, "--out", f"w{workers}")[1] for workers in (1, 2)]
    assert outs[0] == outs[1]
    for seed in range(5):
        run(*TINY, "--seed", seed, "--out", f"s{seed}", "--quiet")
        for workers in (1, 2):
            assert same_files(tmp_path / f"w{workers}" / f"seed-{seed}", tmp_path / f"s{seed}", *files)
    assert {path.name for path in (tmp_path / "w1" / "seed-0").iterdir()} == {*files, "done.npz"}
    run(*TINY, "--seeds", 3, "--out", "few")
    assert run("--resume", "few", "--seeds", 5)[1] == outs[0]


SLOW = """
import sys, time
from contextlib import contextmanager
from minigrok import training
training.CHECKPOINT_SECONDS = 0.1
from minigrok.cli import main, train, train_seeds
@contextmanager
def slow(*words):
    yield lambda *words: time.sleep(0.05)
train.progress_bar = train_seeds.progress_bar = slow
sys.exit(main(sys.argv[1:]))
"""


def interrupted(words, folder, sign):
    """Run in a process of its own, Ctrl-C as soon as the file `sign` is there; its exit status and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "train", *map(str, words)], stderr=subprocess.PIPE, text=True, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + 60
    while not sign.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    return process.returncode, err


def test_a_run_that_is_interrupted_goes_on_to_the_bit(run, tmp_path):
    words = ["moons", "--n", 40, "--epochs", 200, "--optimizer", "adamw", "--batch-size", 8]
    out = run(*words, "--out", "whole")[1]
    status, err = interrupted([*words, "--out", "cut in two"], tmp_path, tmp_path / "cut in two" / "checkpoint.npz")
    assert status == 130, err
    assert "interrupted; go on with: minigrok train --resume 'cut in two'" in err
    assert "Traceback" not in err
    assert {path.name for path in (tmp_path / "cut in two").iterdir()} == {"settings.json", "checkpoint.npz"}
    assert 0 < load_checkpoint(tmp_path / "cut in two" / "checkpoint.npz", "training")[0]["epoch"] < 200
    assert run("--resume", "cut in two", "--quiet") == (0, out, "")
    assert same_files(tmp_path / "whole", tmp_path / "cut in two", *ONE - {"figure.png", "figure.pdf"})
    assert run("--resume", "whole")[1] == out            # a run that is over says again what came out


def test_seeds_that_were_finished_before_an_interrupt_are_kept(run, tmp_path, monkeypatch):
    words = ["moons", "--n", 40, "--epochs", 20, "--seeds", 60, "--workers", 1]
    out = run(*words, "--out", "whole")[1]
    status, err = interrupted([*words, "--out", "cut"], tmp_path, tmp_path / "cut" / "seed-0" / "done.npz")
    assert status == 130, err
    assert "interrupted; go on with: minigrok train --resume cut" in err
    done = {path.name for path in (tmp_path / "cut").glob("seed-*") if (path / "done.npz").exists()}
    assert 0 < len(done) < 60
    trained = []
    many = train_seeds.train_many
    monkeypatch.setattr(train_seeds, "train_many", lambda runs, *words, **settings: (
        trained.extend(f"seed-{made.seed}" for made in runs), many(runs, *words, **settings))[1])
    assert run("--resume", "cut", "--quiet") == (0, out, "")
    assert set(trained) == {f"seed-{seed}" for seed in range(60)} - done
    for seed in range(60):
        assert same_files(*(tmp_path / name / f"seed-{seed}" for name in ("whole", "cut")), "history.npz", "net.npz")


def test_an_early_interrupt_leaves_a_folder_from_which_the_run_begins_anew(run, tmp_path, monkeypatch):
    def stop(*words, **settings):
        raise KeyboardInterrupt

    out = run(*TINY, "--out", "whole")[1]
    with monkeypatch.context() as patch:
        patch.setattr(train_words, "live_words", stop)
        assert run(*TINY, "--out", "a")[0] == 130
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"settings.json"}
    assert run("--resume", "a")[:2] == (0, out)


def test_more_epochs_go_on_where_a_run_ended(run, tmp_path):
    run(*TINY, "--out", "a")
    status, out, err = run("--resume", "a", "--epochs", 9)
    assert status == 0, err
    assert run(*TINY, "--epochs", 9, "--out", "b")[1] == out
    assert same_files(tmp_path / "a", tmp_path / "b", "settings.json", "history.npz", "net.npz")
    run(*TINY, "--schedule", "cosine", "--out", "c")
    status, _, err = run("--resume", "c", "--epochs", 9)
    assert status == 2
    assert "--epochs cannot grow, since the schedule of c is laid out over 6" in err


def test_a_criterion_ends_the_run_and_is_named(run, tmp_path):
    words = [*TINY, "--epochs", 100, "--stop-above", "train_loss=0", "--stop-held", 3, "--patience", "test_loss=50"]
    out = run(*words, "--out", "a")[1]
    assert "seed 0: 2 epochs, stopped by --stop-above train_loss=0; 3 records" in out
    assert run("--resume", "a")[1] == out
    told = strict(run(*words, "--json", "--quiet")[1])
    assert told["runs"][0]["stopped_by"] == ["--stop-above train_loss=0"]
    out = run(*TINY, "--epochs", 400, "--patience", "test_accuracy=4", "--seeds", 2, "--out", "b")[1]
    assert ": 400 epochs, 2 seeds stopped early; median" in out
    accuracy = History.load(tmp_path / "b" / "seed-0" / "history.npz").test_accuracy
    assert accuracy[-4:].max() <= accuracy[:-4].max()
    assert run(*TINY, "--stop-below", "purity=2")[1].count("stopped by --stop-below purity=2") == 1


def test_a_run_that_diverges_exits_1_and_leaves_what_it_recorded(run, tmp_path):
    status, out, err = run(*DIVERGES, "--lr", 0.9, "--epochs", 50, "--out", "a")
    assert (status, out) == (1, "")
    history = History.load(tmp_path / "a" / "history.npz")
    assert f"diverged by epoch {len(history)}" in err or f"diverged in epoch {len(history)}" in err
    assert "layer 0's" in err or "layer 1's" in err
    assert f"what was recorded until then ({len(history)} records) is in a/history.npz" in err
    assert len(history) > 1
    assert "Warning" not in err
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"settings.json", "history.npz", "history.csv"}
    status, _, err = run(*TINY, "--init", "normal", "--init-scale", 1e200, "--out", "b")
    assert status == 1
    assert "diverged by epoch 0" in err
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("damage", [
    lambda other, mine: shutil.copytree(other / "seed-1", mine / "seed-1", dirs_exist_ok=True),
    lambda other, mine: shutil.copy(other / "seed-1" / "history.npz", mine / "seed-1"),
    lambda other, mine: shutil.copytree(mine / "seed-0", mine / "seed-1", dirs_exist_ok=True),
    lambda other, mine: (mine / "seed-1" / "net.npz").write_bytes(b"PK"),
    lambda other, mine: (mine / "seed-1" / "history.npz").unlink()], ids=[
        "another run's seed", "another run's history", "another seed", "cut", "gone"])
def test_a_seed_whose_files_are_not_its_own_is_trained_again(damage, run, tmp_path):
    out = run(*TINY, "--seeds", 2, "--out", "mine")[1]
    run(*TINY, "--seeds", 2, "--lr", 0.5, "--out", "other")
    before = {path.name: path.read_bytes() for path in (tmp_path / "mine" / "seed-1").iterdir()}
    damage(tmp_path / "other", tmp_path / "mine")
    assert run("--resume", "mine")[1] == out
    assert {path.name: path.read_bytes() for path in (tmp_path / "mine" / "seed-1").iterdir()} == before


def test_what_a_kill_has_left_is_removed_when_the_run_goes_on(run, tmp_path):
    run(*TINY, "--out", "a")
    left = tmp_path / "a" / ".checkpoint.npz.0123abcd"
    left.write_bytes(b"half")
    (tmp_path / "a" / ".mine").write_bytes(b"")
    run("--resume", "a")
    assert not left.exists()
    assert (tmp_path / "a" / ".mine").exists()


def test_seeds_that_diverge_are_told_and_the_others_kept(run, tmp_path):
    rates = ["--lr", 0.35, "--epochs", 50]
    status, out, err = run(*DIVERGES, *rates, "--seeds", 8, "--workers", 8, "--json", "--out", "a")
    assert status == 1
    told = strict(out)
    bad, good = ([each["seed"] for each in told[kind]] for kind in ("diverged", "runs"))
    assert sorted(bad + good) == list(range(8))
    assert bad
    assert good
    for seed in range(8):
        names = {path.name for path in (tmp_path / "a" / f"seed-{seed}").iterdir()}
        assert names == {"history.npz", "history.csv"} | ({"net.npz", "done.npz"} if seed in good else set())
        assert (f"seed {seed}: training diverged" in err) == (seed in bad)
    run(*DIVERGES, *rates, "--seed", good[0], "--out", "b")
    assert same_files(tmp_path / "a" / f"seed-{good[0]}", tmp_path / "b", "history.npz", "net.npz")
    assert f"{len(bad)} others diverged" in run("--resume", "a")[1]
    status, out, err = run(*DIVERGES, "--lr", 1e9, "--seeds", 2)
    assert (status, out) == (1, "")
    assert "seed 1: training diverged" in err


@pytest.fixture
def odd_files(run, tmp_path):
    """Files and folders that are no data, and no run."""
    X, y = np.ones((9, 2)), np.arange(9) % 2
    for name, arrays in {
            "d": {"X": X, "y": y}, "no_y": {"X": X, "label": y}, "half": {"X": X, "y": y + 0.5},
            "text": {"X": X, "y": y.astype(str)}, "nan": {"X": X * np.nan, "y": y}, "one": {"X": X, "y": 0 * y},
            "test": {"X": X, "y": y, "X_test": X}, "both": {"X": X, "y": y, "X_test": X, "y_test": y},
            "short": {"X": X, "y": y[1:]}}.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
    (tmp_path / "empty.npz").touch()
    (tmp_path / "d.csv").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "landscape").mkdir()
    (tmp_path / "landscape" / "settings.json").write_text('{"options": {}}')
    return run


@pytest.mark.usefixtures("odd_files")
@pytest.mark.parametrize(("words", "message"), [
    ("", "give a task, say minigrok train moons"), ("moon", "task 'moon' is not known; did you mean 'moons'"),
    ("none.npz", "none.npz is not there"), ("d.csv", "type of data file '.csv'"), ("empty.npz", "no whole .npz file"),
    ("no_y.npz", "holds X, label, but needs X (n, features) and y (n,)"), ("half.npz", "y[0] is 0.5, but labels"),
    ("text.npz", "y has dtype <U21"), ("nan.npz", "X[0, 0] is nan"), ("one.npz", "needs two classes"),
    ("test.npz", "only one of X_test and y_test"), ("short.npz", "9 rows, but y has 8 labels"),
    ("both.npz --test-fraction 0.5", "--test-fraction has nothing to split: leave it out"),
    ("d.npz --noise 1", "--noise is for circles"), ("moons --dimension 3", "is for xor, blobs, halfspace; moons"),
    ("modular --n 9", "--n is for circles"), ("moons --modulus 9", "--modulus is for modular; moons"),
    ("moons --n 1", "2 or more"), ("moons --n 2 --test-fraction 0.9", "leaves the training set empty"),
    ("moons --noise -1", "noise is -1.0"), ("halfspace --margin 0.6", "margin is 0.6"),
    ("xor --dimension 1", "2 or more"),
    ("modular --op plus", "op 'plus'"), ("modular --modulus 9 --op divide", "take a prime such as 11"),
    ("modular --train-fraction 2", "train_fraction is 2.0"), ("modular --corrupt-fraction x", "no number"),
    ("moons --hidden 6,0", "'0' is no whole number, 1 or more"), ("moons --activation Relu", "did you mean 'relu'"),
    ("moons --loss cross", "loss 'cross' is not known"), ("moons --init he", "choose one of: he_normal"),
    ("moons --init-scale 1", "--init-scale is for normal; he_normal"), ("moons --dtype float16", "dtype 'float16'"),
    ("moons --optimizer adam", "did you mean 'adamw'"), ("moons --betas 0.9,0.98", "--betas is for adamw; sgd"),
    ("modular --momentum 0.9", "--momentum is for sgd; adamw"), ("modular --betas 0.9", "betas is [0.9]"),
    ("moons --nesterov", "momentum is 0"), ("moons --lr -1", "lr is -1.0"), ("moons --lr nan", "lr is nan"),
    ("moons --batch-size some", "'some' is no whole number"), ("moons --clip-norm 0", "clip_norm is 0.0"),
    ("moons --schedule linear", "schedule 'linear'"), ("moons --schedule step", "needs --schedule-every"),
    ("moons --schedule-final 0.1", "--schedule-final is for cosine; constant"),
    ("moons --schedule cosine --schedule-final 2", "final is 2.0"), ("moons --epochs -1", "0 or more"),
    ("moons --record-every 0", "1 or more"), ("moons --layer 1", "layer is 1, but the hidden layers"),
    ("moons --inputs tests", "did you mean 'test'"), ("moons --conventions trace,row", "did you mean 'rows'"),
    ("moons --stop-above accuracy=1", "column 'accuracy' is not known"), ("moons --stop-above entropy", "COLUMN=VALUE"),
    ("moons --stop-below spectrum=1", "column 'spectrum'"), ("moons --stop-above entropy=nan", "above is nan"),
    ("moons --patience entropy=0", "1 or more"), ("moons --stop-held 2", "--stop-held is for --stop-above"),
    ("moons --seeds 0", "1 or more"), ("moons --seed -1", "0 or more"), ("moons --workers 0", "1 or more"),
    ("moons --out full", "full is there already and not empty"), ("moons --out full/file/deeper", "full/file"),
    ("--resume none", "none holds no settings.json"), ("--resume landscape", "is no run of minigrok train"),
])
def test_wrong_input_exits_2_with_the_reason_and_leaves_no_folder(words, message, run, tmp_path):
    before = set(tmp_path.iterdir())
    status, out, err = run(*words.split())
    assert (status, out) == (2, "")
    assert message in err.replace("\n", " ")
    assert "Traceback" not in err
    assert set(tmp_path.iterdir()) == before


def test_what_contradicts_a_begun_run_is_refused_by_name(run, tmp_path):
    run(*TINY, "--out", "a", "--no-bias", "--stop-above", "test_accuracy=0.9")
    run(*TINY, "--out", "b", "--seeds", 2)
    for words, message in {
            "a xor": "TASK is xor, but a was begun with moons: leave it out",
            "a --hidden 6,6": "--hidden is 6,6, but a was begun with 6: leave it out", "a --bias": "--bias is True",
            "a --epochs 5": "--epochs is 5, but a was begun with 6; it may only grow", "a --seeds 2": "--seeds is 2",
            "a --stop-above test_accuracy=0.8": "--stop-above is", "a --betas 0.9,0.9": "but a was begun without it",
            "a --out c": "no place for --out", "b --epochs 7": "--epochs is 7, but b was begun with 6: leave",
            "b --seeds 1": "it may only grow"}.items():
        status, out, err = run("--resume", *words.split())
        assert (status, out) == (2, "")
        assert message in err
    assert run("--resume", "a", "moons", "--hidden", 6, "--no-bias", "--convention", "trace", "--quiet")[::2] == (0, "")
    settings = tmp_path / "a" / "settings.json"
    text = settings.read_text()
    for damaged, message in {text[:-20]: "is damaged", "[]": "is damaged",
                             text.replace('"task": {', '"data": {'): "is damaged",
                             text.replace("hidden", "width"): "options that differ: hidden, width"}.items():
        settings.write_text(damaged)
        status, _, err = run("--resume", "a")
        assert status == 2
        assert message in err
    settings.write_text(text.replace('"lr": 0.1', '"lr": 0.2'))
    assert "changed by hand" in run("--resume", "a")[2]


def test_a_full_disk_exits_1_and_says_how_to_go_on(run, monkeypatch):
    def full(*words):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(History, "save", full)
        for more in ((), ("--seeds", 2)):
            status, out, err = run(*TINY, *more, "--out", f"a{len(more)}")
            assert (status, out) == (1, "")
            assert f"No space left on device; go on with: minigrok train --resume a{len(more)}" in err
    assert run("--resume", "a0")[0] == run("--resume", "a2")[0] == 0


def test_a_reader_that_leaves_is_no_failure_of_the_run(run, monkeypatch):
    class Left(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Left())
    status, _, err = run(*TINY, "--quiet", "--out", "a")
    sys.stdout.close()                                   # the null device, in its place
    assert (status, err) == (1, "")
    assert Path("a", "net.npz").exists()


def test_figures_are_drawn_and_come_out_the_same_again(run, draw, tmp_path):
    draw(training_figure)
    for name, words in {"one": TINY, "seeds": [*TINY, "--seeds", 2]}.items():
        assert run(*words, "--out", name)[0] == 0
        before = (tmp_path / name / "figure.png").read_bytes()
        assert len(before) > 20_000
        run("--resume", name)
        assert (tmp_path / name / "figure.png").read_bytes() == before


def test_help_of_the_command_imports_nothing_heavy(tmp_path):
    code = ("import sys; from minigrok.cli import main\ntry:\n    main(['train', '--help'])\nexcept SystemExit:\n"
            "    pass\nprint([m for m in ('numpy', 'scipy', 'numba', 'matplotlib', 'tqdm') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.stdout.splitlines()[-1] == "[]"
    text = " ".join(done.stdout.split())
    for default in ("(default: 6; modular 100)", "(default: 300; modular 2000)", "(default: sgd 0.1, adamw 0.01)",
                    "(default: 0; adamw on modular 1)", "(default: float64; modular float32)"):
        assert default in text


def test_the_defaults_of_data_are_those_that_the_help_names():
    noise = {"circles": 0.1, "moons": 0.1, "spirals": 0.1, "xor": 0.3, "blobs": 1.0, "halfspace": 0.0}
    for name in noise:
        options = train_setup.with_defaults({"task": name})
        assert (options["noise"], options["n"], options["test_fraction"]) == (noise[name], 400, 0.5)
        assert options["dimension"] == (2 if name in ("xor", "blobs", "halfspace") else None)
    modular = train_setup.with_defaults({"task": "modular"})
    assert [modular[name] for name in ("modulus", "op", "train_fraction", "corrupt_fraction", "n")] == [
        47, "add", 0.55, 0.0, None]
    assert train_setup.with_defaults({"task": "modular", "optimizer": "sgd"})["weight_decay"] == 0
    assert train_setup.with_defaults({"task": "moons", "optimizer": "adamw"})["betas"] == [0.9, 0.999]


def test_the_live_line_tells_loss_accuracies_S_and_P():
    row = {"train_loss": 0.01234, "train_accuracy": 0.995, "test_accuracy": 0.97, "entropy_rows": 1.2345,
           "purity_rows": 0.3456}
    words = train_words.live_words(row, {"conventions": ["rows", "trace"]})
    assert words == "loss 0.0123, acc. 99.5/97.0 %, S 1.234, P 0.346"


class Terminal(io.StringIO):
    """Takes what is written, and says that it is a terminal."""

    def isatty(self):
        return True


def test_the_live_line_moves_ten_times_a_second_and_ends_at_the_last_record(run, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    run("moons", "--n", 40, "--epochs", 200, "--conventions", "centered")
    told = sys.stderr.getvalue()
    history = History.load("minigrok-train-1/history.npz")
    assert "200/200" in told
    assert 2 < told.count("loss") < 100
    assert f"loss {history.train_loss[-1]:.3g}, acc." in told
    assert f"S {history.entropy_centered[-1]:.3f}, P {history.purity_centered[-1]:.3f}" in told
    monkeypatch.setattr(sys, "stderr", Terminal())
    run(*TINY, "--seeds", 3)
    assert "3/3" in sys.stderr.getvalue()
    monkeypatch.setattr(sys, "stderr", Terminal())
    run(*TINY, "--quiet")
    assert sys.stderr.getvalue() == ""
