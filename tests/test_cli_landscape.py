"""`minigrok landscape`: what it writes and says, that it goes on to the bit, and what it refuses."""

import csv
import json
import math
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minigrok import DensityOfStates, cli, tasks, wanglandau
from minigrok.cli import landscape, landscape_report, landscape_system, landscape_words
from minigrok.cli.landscape import DEFAULTS
from minigrok.dos import WalkerResult, combine
from minigrok.jit import JIT_ENABLED
from minigrok.landscape_plots import atoms, direct_log_g, landscape_figure, peak
from minigrok.plots import new_figure, save_figure
from minigrok.systems import NetworkLandscape
from minigrok.systems.network import ATOM

compiled = pytest.mark.skipif(not JIT_ENABLED, reason="long")
ROOT = Path(__file__).parent.parent
TINY = ["--inputs", "20", "--hidden", "3", "--bins", "8", "--walkers", "2", "--steps", "60000"]
FILES = {"settings.json", "checkpoint.npz", "landscape.npz", "landscape.csv", "landscape.png", "landscape.pdf"}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Call the command in an empty folder; its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        try:
            status = cli.main(["landscape", *words])
        except SystemExit as stop:                       # argparse
            status = stop.code
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def no_figure(monkeypatch):
    """Figures are drawn in one test, which takes a second."""
    monkeypatch.setattr("minigrok.landscape_plots.landscape_figure", lambda *words: new_figure(1, 1))


def rows_of(folder):
    with (folder / "landscape.csv").open() as file:
        return list(csv.DictReader(file))


def interrupt_at(monkeypatch, call):
    """Ctrl-C while the walkers meet for the n-th time."""
    calls = iter(range(1, 1000))

    @contextmanager
    def bar(*words):
        def move(done, total, text):
            if next(calls) == call:
                raise KeyboardInterrupt
        yield move

    monkeypatch.setattr(landscape, "progress_bar", bar)


@compiled
def test_a_run_writes_its_folder_and_says_what_it_found(run, tmp_path):
    status, out, err = run(*TINY, "--seed", "3")
    assert status == 0, err
    assert "results go to minigrok-landscape-1" in err
    folder = tmp_path / "minigrok-landscape-1"
    assert {path.name for path in folder.iterdir()} == FILES
    states = DensityOfStates.load(folder / "landscape.npz")
    for words in (
            "moons, 20 inputs; 3 relu units", "8 equal bins", "and one for S = 0 alone", "60,000 by each of 2 walkers",
            "9 of 9", "bias check", "peak: S = ", "200,000 random networks", "the atom S = 0: 0.0",
            "2 walkers are too few for an interval", "the spread of 2 walkers is itself known to 71% only",
            f"largest error    {states.largest_error:.3g}", f"R-hat      {states.r_hat:.3f}",
            f"round trips      {states.round_trips.min()} at least"):
        assert words in out
    rows = rows_of(folder)
    assert [float(row["log_g"]) for row in rows] == states.log_g.tolist()
    assert [float(row["standard_error"]) for row in rows] == states.error.tolist()
    assert [float(row["readout_accuracy"]) for row in rows] == states.observables["readout_accuracy"].tolist()
    assert {row["low_95"] for row in rows} == {""}
    assert sum(int(row["visits"]) for row in rows) == 2 * 30_000


@compiled
@pytest.mark.usefixtures("no_figure")
def test_json_says_the_same_with_intervals_from_eight_walkers_on(run, tmp_path):
    words = [*TINY, "--walkers", "8", "--coordinate", "purity", "--prior", "sphere"]
    status, out, err = run(*words, "--json", "--out", "here")
    assert status == 0, err
    told, states = json.loads(out), DensityOfStates.load(tmp_path / "here" / "landscape.npz")
    assert told["settings"]["prior"] == "sphere"
    assert told["steps"] == 60_000
    assert told["data"]["training_inputs"] == told["data"]["test_inputs"] == 20
    i, peak = told["peak"]["bin"], told["peak"]
    assert peak["log_g"]["value"] == states.log_g[i] == states.log_g[~atoms(states.edges)].max()
    low, high = states.interval()
    assert (peak["log_g"]["low"], peak["log_g"]["high"]) == pytest.approx((low[i], high[i]))
    accuracy = peak["observables"]["folded_accuracy"]
    half = stats.t.ppf(0.975, 7) * states.observable_errors["folded_accuracy"][i]
    assert accuracy["high"] - accuracy["value"] == pytest.approx(half)
    rows = rows_of(tmp_path / "here")
    assert [float(row["low_95"]) for row in rows] == low.tolist()
    networks = told["direct"]["networks"]
    share = told["direct"]["atom"]["share"]
    assert told["direct"]["atom"]["error"] == pytest.approx(math.sqrt(share * (1 - share) / networks))
    assert told["agreement"]["agree"] >= told["agreement"]["bins"] - 1 > 4


@compiled
@pytest.mark.usefixtures("no_figure")
@pytest.mark.parametrize(("more", "call"), [([], 1), ([], 2), (["--coordinate", "loss"], 1)])
def test_an_interrupted_run_goes_on_to_the_bit(run, more, call, tmp_path, monkeypatch):
    assert run(*TINY, *more, "--out", "whole", "--workers", "1")[0] == 0
    with monkeypatch.context() as patch:
        interrupt_at(patch, call)
        status, out, err = run(*TINY, *more, "--out", "cut in two", "--workers", "2")
    assert (status, out) == (130, "")
    assert "go on with: minigrok landscape --resume 'cut in two'" in err
    assert {path.name for path in (tmp_path / "cut in two").iterdir()} == {"settings.json", "checkpoint.npz"}
    status, out, err = run("--resume", "cut in two", "--inputs", "20", "--workers", "1")
    assert status == 0, err
    for name in ("landscape.npz", "landscape.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut in two" / name).read_bytes()
    assert run("--resume", "whole")[1] == out            # a run that is over says again what it found


@compiled
@pytest.mark.usefixtures("no_figure")
def test_a_smaller_error_goes_on_where_a_larger_one_ended(run, tmp_path):
    few = ["--inputs", "20", "--hidden", "3", "--bins", "4", "--until-error"]
    assert run(*few, "9", "--out", "a")[0] == 0
    before = DensityOfStates.load(tmp_path / "a" / "landscape.npz")
    wanted = str(before.largest_error / 1.01)
    assert run("--resume", "a", "--until-error", wanted)[0] == 0
    after = DensityOfStates.load(tmp_path / "a" / "landscape.npz")
    assert after.steps == 2 * before.steps
    assert run(*few, wanted, "--out", "b")[0] == 0
    assert (tmp_path / "b" / "landscape.npz").read_bytes() == (tmp_path / "a" / "landscape.npz").read_bytes()
    status, _, err = run("--resume", "a", "--until-error", "9")
    assert status == 2
    assert f"--until-error is 9.0, but a was begun with {wanted}; it may only be made smaller" in err


@compiled
@pytest.mark.usefixtures("no_figure")
def test_your_own_data_are_split_and_a_changed_file_is_no_way_to_go_on(run, tmp_path):
    X, y = np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 3
    np.savetxt(tmp_path / "d.csv", np.column_stack([X, y]), delimiter=",")
    np.savez(tmp_path / "d.npz", X=X, y=y)
    tiny = [*TINY[2:], "--coordinate", "loss"]
    status, out, err = run("--data", "d.csv", *tiny, "--out", "csv")
    assert status == 0, err
    assert "25 training inputs of 3 features, 3 classes; 25 other rows are test inputs, split at random" in out
    assert run("--data", "d.npz", *tiny, "--out", "npz")[0] == 0
    assert (tmp_path / "csv" / "landscape.npz").read_bytes() == (tmp_path / "npz" / "landscape.npz").read_bytes()
    assert "accuracy, test inputs" in out
    assert run("--data", "d.npz", *tiny, "--inputs", "40", "--out", "forty")[1].count("40 training inputs") == 1
    np.savez(tmp_path / "d.npz", X=X + 1, y=y)
    status, _, err = run("--resume", "npz")
    assert status == 2
    assert "system.data is" in err


@pytest.fixture
def odd_files(run, tmp_path):
    """Files and folders that are no run, and no data."""
    np.savez(tmp_path / "one.npz", X=np.arange(10.0)[:, None], y=np.arange(10) % 2)
    np.savez(tmp_path / "no_y.npz", X=np.ones((3, 2)))
    np.savez(tmp_path / "nan.npz", X=np.full((9, 2), np.nan), y=np.arange(9) % 2)
    (tmp_path / "column.csv").write_text("1\n0\n")
    (tmp_path / "x.npy").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop.npz").symlink_to("loop.npz")
    return run


@pytest.mark.usefixtures("odd_files")
@pytest.mark.parametrize(("words", "message"), [
    ("--task moon", "task 'moon' is not known; did you mean 'moons'"),
    ("--activation Relu", "did you mean 'relu'"), ("--prior gaus", "did you mean 'gauss'"),
    ("--coordinate los", "did you mean 'loss'"), ("--scale 0", "scale is 0.0"), ("--scale nan", "scale is nan"),
    ("--scale x", "'x' is no number"), ("--hidden 0", "1 or more"), ("--bins 1", "2 or more"),
    ("--range 2 1", "--range 2 1: give two finite numbers, LOW below HIGH"), ("--range nan 1", "two finite numbers"),
    ("--range 0.1 inf", "two finite numbers"), ("--range 0.5", "expected 2 arguments"),
    ("--range 5 6", "the walk does not reach this range"), ("--range 0.1 0.2 --steps 100", "steps is 100"),
    ("--until-error 0", "until_error is 0.0"), ("--until-error 0.1 --walkers 7", "take 8 or more"),
    ("--hidden 1", "have no state but that of one mode"), ("--dimension 3", "--dimension is for xor and blobs; moons"),
    ("--task blobs --dimension 1 --no-bias --prior sphere", "a unit with one weight has no sphere"),
    ("--data one.npz --no-bias --prior sphere", "a unit with one weight has no sphere"),
    ("--data none.npz", "none.npz is not there"), ("--data loop.npz", "loop.npz is not there"),
    ("--data x.npy", "type of --data file '.npy'"),
    ("--data no_y.npz", "holds X, but needs X (n, features) and y (n,)"), ("--data column.csv", "has one column"),
    ("--data nan.npz", "X[0, 0] is nan"), ("--data one.npz --inputs 10", "leave none for the test"),
    ("--data one.npz --dimension 2", "leave it out"), ("--data one.npz --task moons", "not allowed with"),
    ("--out full", "full is there already and not empty"), ("--resume none", "none holds no settings.json"),
    ("--resume empty", "empty holds no settings.json"), ("--seed -1", "0 or more"), ("--walkers 0", "1 or more"),
])
def test_wrong_input_exits_2_with_the_reason_and_leaves_no_folder(words, message, run, tmp_path, monkeypatch):
    if "walk does not reach" in message and not JIT_ENABLED:
        pytest.skip("long")
    monkeypatch.setitem(landscape_system.DRAWS, landscape_system.RANGE, 1000)
    before = set(tmp_path.iterdir())
    status, out, err = run(*words.split())
    assert (status, out) == (2, "")
    assert message in err.replace("\n", " ")
    assert "Traceback" not in err
    assert set(tmp_path.iterdir()) == before


@compiled
@pytest.mark.usefixtures("no_figure")
def test_what_contradicts_a_begun_run_is_refused_by_name(run, tmp_path):
    run(*TINY, "--out", "a", "--no-bias")
    for words, message in {
            "--hidden 4": "--hidden is 4, but a was begun with 3: leave it out",
            "--task xor": "--task is xor, but a was begun with moons",
            "--range 0 1": "--range is [0.0, 1.0], but a was",
            "--steps 70000": "--steps is 70000, but a was begun with 60000", "--seed 1": "--seed is 1",
            "--until-error 0.1": "--until-error is 0.1, but a was begun with None: leave it out",
            "--out b": "no place for --out"}.items():
        status, out, err = run("--resume", "a", *words.split())
        assert (status, out) == (2, "")
        assert message in err
    assert run("--resume", "a", "--hidden", "3", "--no-bias", "--quiet")[::2] == (0, "")
    settings = tmp_path / "a" / "settings.json"
    text = settings.read_text()
    for damaged, message in {text[:-20]: "is damaged", "[]": "is damaged", text.replace("prior", "priors"): "priors",
                             text.replace('"hidden": 3', '"hidden": 4'): "changed by hand"}.items():
        settings.write_text(damaged)
        status, _, err = run("--resume", "a")
        assert status == 2
        assert message in err
    settings.write_text(text)
    (tmp_path / "a" / "checkpoint.npz").unlink()         # as after a kill before the first was written
    assert run("--resume", "a", "--quiet")[::2] == (0, "")
    settings.unlink()
    assert "holds no settings.json" in run("--resume", "a")[2]


@compiled
def test_a_full_disk_exits_1_and_an_early_interrupt_leaves_nothing(run, tmp_path, monkeypatch):
    def full(*words):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DensityOfStates, "save", full)
    status, _, err = run(*TINY, "--out", "a")
    assert status == 1
    assert "No space left on device; go on with: minigrok landscape --resume a" in err
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"settings.json", "checkpoint.npz"}
    monkeypatch.setattr(wanglandau, "save_checkpoint", full)
    status, _, err = run("--resume", "a")
    assert status == 1
    assert "the checkpoint before it is kept; go on with: minigrok landscape --resume a" in err
    status, _, err = run(*TINY)
    assert status == 1
    assert "go on with" not in err

    def interrupted(*words, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(wanglandau.WangLandau, "run", interrupted)
    status, _, err = run(*TINY)
    assert (status, err) == (130, "results go to minigrok-landscape-1\nminigrok: interrupted; nothing was begun\n")
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


def test_help_of_the_command_imports_nothing_heavy(tmp_path):
    code = ("import sys; from minigrok.cli import main\ntry:\n    main(['landscape', '--help'])\nexcept SystemExit:\n"
            "    pass\nprint([m for m in ('numpy', 'scipy', 'numba', 'matplotlib', 'tqdm') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.stdout.splitlines()[-1] == "[]"
    assert "about a minute" in " ".join(done.stdout.split())


def test_without_steps_and_error_a_run_ends_by_itself():
    def end(**given):
        return [landscape._with_defaults(given)[name] for name in ("steps", "until_error")]

    assert end() == [landscape.CAP, landscape.ERROR]
    assert end(walkers=2) == [landscape.CAP, None]
    assert end(steps=5000) == [5000, None]
    assert end(until_error=0.1) == [None, 0.1]


def test_the_live_line_tells_bins_error_and_speed():
    now = wanglandau.Progress(1, 2, 60, math.inf, 12_345.6)
    assert landscape._words(now) == "60 bins, no error yet, 12,346 steps/s"
    assert landscape._words(now._replace(error=0.12345, steps_per_second=0.0)) == "60 bins, error 0.123"


class Sampled(NetworkLandscape):
    """Networks whose random energies are given."""

    def __init__(self, energies, coordinate):
        super().__init__(tasks.moons(n=8), coordinate=coordinate)
        self.energies = np.array(energies)

    def direct_sample(self, n, seed=0):
        """The given ones."""
        return self.energies


def edges_for(energies, coordinate="entropy", **options):
    return landscape_system.edges_of(Sampled(energies, coordinate), DEFAULTS | {"bins": 4} | options)


def test_the_bins_span_what_random_networks_show_and_the_atom_has_its_own():
    nan = math.nan
    np.testing.assert_allclose(edges_for([0.4, 1.2, nan]), [0.4, 0.6, 0.8, 1.0, 1.2])
    np.testing.assert_allclose(edges_for([0.0, 0.1, 1.2]), [0, ATOM, 0.3, 0.6, 0.9, 1.2], atol=2 * ATOM)
    np.testing.assert_allclose(edges_for([0.0, 0.4, 1.2]), [0.4, 0.6, 0.8, 1.0, 1.2])          # too far away
    np.testing.assert_allclose(edges_for([0.0, 0.4, 1.2], range=[0.0, 1.0]), [0, 0, 0.25, 0.5, 0.75, 1], atol=ATOM)
    np.testing.assert_allclose(edges_for([0.4, 1.2], range=[0.0, 1.0]), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(edges_for([1.0, 0.9, 0.2], "purity"), [0.2, 0.4, 0.6, 0.8, 1, 1], atol=2 * ATOM)
    np.testing.assert_allclose(edges_for([1.0, 0.6, 0.2], "purity"), [0.2, 0.3, 0.4, 0.5, 0.6])
    np.testing.assert_allclose(edges_for([0.0, 0.1, 1.0], "loss"), [0, 0.25, 0.5, 0.75, 1])
    for energies, words in (([0.5, 0.5], "the entropy 0.5"), ([0.0, nan], "no state but that of one mode")):
        with pytest.raises(ValueError, match=words):
            edges_for(energies)
    assert edges_for([0.0, 0.1, 1.2])[:2].tolist() == [0, ATOM]


@compiled
def test_fewer_networks_are_drawn_where_each_takes_long():
    small, large = (NetworkLandscape(tasks.moons(n=2 * n), hidden=hidden) for n, hidden in ((20, 3), (2000, 50)))
    assert len(landscape_system.random_networks(small, 0, landscape_system.CHECK)) == 200_000
    assert len(landscape_system.random_networks(large, 0, landscape_system.CHECK)) == 1000
    other = landscape_system.random_networks(small, 0, landscape_system.RANGE)
    assert len(other) == 20_000
    assert not np.array_equal(other, small.direct_sample(20_000, 0), equal_nan=True)


def made_up(walkers_log_g, edges, error=0.1):
    """A density of states without a walk."""
    rng, bins = np.random.default_rng(0), len(edges) - 1
    sums = {"accuracy": np.array([[0.5] * bins, [1.0] * bins])}
    return combine(np.asarray(edges, float), [
        WalkerResult(np.array(log_g, float), np.isfinite(log_g), np.full(bins, 50), rng.normal(size=40), sums, {},
                     rng.normal(scale=error, size=bins), 20, 1e-5, 9)
        for log_g in walkers_log_g])


@given(st.floats(0.8, 3.2), st.floats(0.1, 5))
def test_the_vertex_of_a_parabola_is_found_whatever_the_atom(where, sharpness):
    edges = np.append(-ATOM, np.linspace(0, 4, 21))
    centres = (edges[1:] + edges[:-1]) / 2
    log_g = np.append(100, -sharpness * (centres[1:] - where) ** 2)
    assert peak(edges, log_g) == pytest.approx(where, abs=1e-6)
    assert peak(np.arange(5.0), np.arange(4.0)) == 3.5
    assert peak(np.arange(4.0), np.array([0, 5, -np.inf])) == 1.5


def test_agreement_counts_both_errors_over_the_bins_that_the_walk_saw():
    log_g = np.log([0.2, 0.3, 0.5])
    walkers = [[*(log_g + shift), -np.inf] for shift in np.random.default_rng(1).normal(scale=0.02, size=(8, 3))]
    states = made_up(walkers, range(5))
    energies = np.repeat([0.5, 1.5, 2.5, 3.5, 9, np.nan], [2000, 3000, 5000, 4000, 7, 7])
    direct = direct_log_g(states, energies)
    assert direct.counts.tolist() == [2000, 3000, 5000, 0]
    np.testing.assert_allclose(np.exp(direct.log_g), [0.2, 0.3, 0.5, 0])
    np.testing.assert_allclose(direct.error[:3] ** 2, [0.8 / 2000, 0.7 / 3000, 0.5 / 5000])
    told = landscape_report._agreement(states, direct)
    errors = np.hypot(states.error[:3], direct.error[:3])
    z = abs(states.log_g[:3] - log_g) / errors
    assert told == {"bins": 3, "agree": 3, "largest_z": pytest.approx(z.max()), "median_error": np.median(errors)}
    wrong = direct_log_g(states, np.repeat([0.5, 1.5, 2.5], [399, 4000, 5601]))
    told = landscape_report._agreement(states, wrong)
    assert (told["bins"], told["agree"]) == (2, 0)


def test_the_bias_check_is_one_times_the_t_distribution_without_bias():
    checks = [landscape_report._bias_check(made_up(np.zeros((8, 400)), range(401)))]
    assert checks[0]["without_bias"] == pytest.approx(stats.t(7).std())
    assert checks[0]["rms_z"] == pytest.approx(stats.t(7).std(), rel=0.15)
    assert math.isnan(landscape_report._bias_check(made_up(np.zeros((1, 4)), range(5)))["rms_z"])


def test_doubts_name_what_few_walkers_and_unseen_bins_do():
    one, some = made_up([[0, 0, 0]], range(4)), made_up([[0, 0, 0], [0, 0, -np.inf], [0, 0, 0]], range(4))
    assert landscape_report._doubts(one, ["a"]) == ["a", "a single walker has no error"]
    assert landscape_report._doubts(some, []) == [
        "the spread of 3 walkers is itself known to 50% only", "not every walker has been in bins 2"]


def test_numbers_are_told_with_as_many_digits_as_their_error_lets_count():
    nan = math.nan
    for number, words in {
            (1.23456, 0.0123, nan, nan): "1.235 +- 0.012", (0.5, 0.1, 0.2, 0.8): "0.50 +- 0.10  (0.20 .. 0.80)",
            (0.5, nan, nan, nan): "0.5000", (nan, nan, nan, nan): "not known: no walker was looked at"}.items():
        told = landscape_words._number(dict(zip(("value", "error", "low", "high"), number, strict=True)))
        assert told.startswith(words)
    for count, words in {0: "none, less than 0.003", 1000: "all but less than 0.003", 10: "0.01 +- 0.1"}.items():
        assert landscape_words._share({"count": count, "share": count / 1000, "error": 0.1}, 1000).startswith(words)


@pytest.mark.parametrize("walkers", [1, 2, 8])
@pytest.mark.parametrize("coordinate", ["entropy", "purity", "loss"])
def test_a_figure_says_which_error_it_draws(walkers, coordinate, tmp_path):
    edges = [0, ATOM, 1, 2, 3, 4]
    log_g = np.random.default_rng(0).normal(size=(walkers, 5))
    log_g[:, 3] = -np.inf
    states = made_up(log_g, edges)
    direct = direct_log_g(states, np.repeat([0, 0.5, 1.5], [30, 300, 10]))
    figure = landscape_figure(states, coordinate, direct, "a title")
    top, middle, bottom = figure.axes
    words = [text.get_text() for text in top.get_legend().get_texts()]
    assert words[0] == {1: "error: none, a single walker", 2: "error: one standard error",
                        8: "error: 95 % ($t$, 7 degrees of freedom)"}[walkers]
    assert "direct sampling, 340 networks, one standard error" in words
    assert "its value at the atom" in words
    assert "accuracy" in middle.get_ylabel()
    assert ("nats" in bottom.get_xlabel()) == (coordinate != "purity")
    save_figure(figure, tmp_path / "picture")
