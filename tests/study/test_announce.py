import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_up_runs import MEMORISED, made_up_run, made_up_runs, noisy_columns, setting
from scipy.stats import binom, mannwhitneyu, spearmanr

from minigrok.history import History
from minigrok.study import announce, ranking
from minigrok.study.announce import NAMES, gap_readings, leader_board, look, setups
from minigrok.study.claims import load_claims

levels = st.integers(0, 3).map(float)                    # few, so that ties are common
counts = st.integers(0, 3)


def row(board, name):
    return next(found for found in board if found.name == name)


@given(arrays(float, (4, 2), elements=levels), arrays(float, (3, 2), elements=levels),
       arrays(int, 4, elements=counts), arrays(int, 3, elements=counts))
def test_the_auc_is_mann_and_whitneys_statistic_of_the_runs_as_often_as_they_count(positive, negative, m, n):
    found = ranking.auc(positive, negative, m[None].astype(float), n[None].astype(float))[0]
    if not m.sum() or not n.sum():
        assert np.isnan(found).all()
        return
    U = mannwhitneyu(positive.repeat(m, axis=0), negative.repeat(n, axis=0)).statistic
    assert found == pytest.approx(U / (m.sum() * n.sum()))


@given(arrays(float, 6, elements=levels), arrays(float, 6, elements=levels), arrays(int, 6, elements=counts))
def test_spearmans_correlation_is_that_of_the_runs_as_often_as_they_count(x, y, n):
    found = ranking.spearman(x[:, None], y, n[None].astype(float))[0, 0]
    drawn = np.repeat(x, n), np.repeat(y, n)
    if len(drawn[0]) < 2 or np.ptp(drawn[0]) == 0 or np.ptp(drawn[1]) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(*drawn).statistic)


@given(st.floats(0, 1), st.integers(2, 30), st.integers(2, 30))
def test_newcombes_interval_holds_the_auc_and_has_a_width_where_the_bootstrap_has_none(value, m, n):
    low, high = ranking.newcombe(value, [np.array([m, n])])
    assert low - 1e-3 <= value <= high + 1e-3
    assert high - low > 0.05
    more = ranking.newcombe(value, [np.array([4 * m, 4 * n])])
    assert more[1] - more[0] < high - low


def test_a_perfect_ranking_has_a_finite_z_below_the_next_ones():
    perfect, swapped = ranking.fisher_z(np.array([1.0, 1 - 12 / (5 * 24)]), 5)
    assert swapped < perfect < np.inf


@pytest.mark.parametrize("delay", announce.DELAYS)
def test_a_look_knows_nothing_of_what_comes_later(delay):
    run = made_up_run(setting("a"), 0, 900.0, noisy_columns(np.random.default_rng(0)))
    seen = look(run, delay)
    assert MEMORISED <= run.history.epoch[seen.row] <= MEMORISED + delay
    later = run.history.epoch > MEMORISED + delay
    kept = ("epoch", "train_accuracy", "test_accuracy")
    changed = {name: column if name in kept else np.where(later, np.nan, column)
               for name, column in run.history.columns.items()}
    assert (look(run._replace(history=History(changed)), delay).values == seen.values).all()
    assert seen.left == 900 - run.history.epoch[seen.row]


def test_no_look_at_runs_that_have_begun_to_generalise_or_not_memorised_or_ended():
    noise = noisy_columns(np.random.default_rng(0))
    assert look(made_up_run(setting("soon"), 0, 260.0, noise), 200) is None
    assert look(made_up_run(setting("short"), 0, None, noise, epochs=200), 200) is None
    never = made_up_run(setting("never"), 0, None, noise)
    assert look(never, 200).never
    assert look(never, 200).left == np.inf
    columns = never.history.columns | {"train_accuracy": np.zeros(len(never.history))}
    assert look(never._replace(history=History(columns)), 200) is None


def test_a_base_stands_with_its_controls_and_any_other_setting_alone():
    runs = made_up_runs(np.random.default_rng(0), bases=2, multiverse=1)
    runs["longer"] = [made_up_run(setting("longer", "past the end", "base 0"), 0, 500.0,
                                  noisy_columns(np.random.default_rng(1)))]
    assert {name: len(members) for name, members in setups(runs).items()} == {
        "base 0": 25, "base 1": 25, "multiverse 0": 5}       # the longer runs are those of the base over again


@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_announcement_leads_the_board_in_either_direction(sign):
    runs = made_up_runs(np.random.default_rng(0), ("holevo",))
    for results in runs.values():
        for i, run in enumerate(results):
            columns = run.history.columns | {"holevo": sign * run.history.holevo}
            results[i] = run._replace(history=History(columns))
    board = leader_board(runs, resamples=200)
    best = board[0]
    assert (best.name, best.auc, best.auc_setups) == ("Holevo information", 1.0, 3)
    assert 0.8 < best.auc_interval[0] < best.auc_interval[1] == 1
    assert best.failures_auc == 1
    assert sign * best.interval[1] < -0.7 if sign > 0 else best.interval[0] > 0.7
    assert all(abs(other.auc - 0.5) < 0.3 for other in board[1:] if other.name != "change of Holevo information")


def test_a_quantity_whose_direction_differs_between_set_ups_announces_nothing():
    """Two set-ups in which high values announce opposite things: each is ranked the wrong way round by the other."""
    runs = made_up_runs(np.random.default_rng(0), ("holevo",), bases=2)
    for name in [name for name in runs if name.startswith("base 1")]:
        runs[name] = [run._replace(history=History(run.history.columns | {"holevo": -run.history.holevo}))
                      for run in runs[name]]
    assert row(leader_board(runs, resamples=100), "Holevo information").auc == 0


def test_in_pure_noise_intervals_miss_what_says_nothing_no_more_often_than_they_say():
    """24 quantities, in 200 repetitions. Levels vary between runs only, as bad as can be: delays repeat each other."""
    missed = np.zeros(3)
    for repetition in range(200):
        board = leader_board(made_up_runs(np.random.default_rng(repetition)), resamples=200)
        for found in board:
            missed += [not low <= nothing <= high for (low, high), nothing in (
                (found.auc_interval, 0.5), (found.failures_interval, 0.5), (found.interval, 0.0))]
    assert (missed / (200 * len(NAMES)) < 0.07).all()


def test_a_run_that_never_generalised_ranks_as_latest():
    """The gap ranks those that did in order; those that did not have the largest."""
    runs = {"a": [
        made_up_run(setting("a", "multiverse"), seed, end, lambda epoch, end, seed=seed: {
            **noisy_columns(np.random.default_rng(seed))(epoch, end), "purity": np.full(len(epoch), float(seed))})
        for seed, end in enumerate([500.0, 600.0, 700.0, 800.0, None, None])]}
    found = row(leader_board(runs, resamples=50), "P")
    assert found.rank_correlation > 0.9
    assert (found.auc, found.setups, found.runs) == (None, 1, 6)
    assert found.failures_auc is None                    # no other set-up to learn the direction on


def test_the_same_seed_gives_the_same_board_and_no_runs_an_empty_one():
    runs = made_up_runs(np.random.default_rng(0), seeds=4)
    assert leader_board(runs, seed=3, resamples=50) == leader_board(runs, seed=3, resamples=50)
    assert leader_board(runs, seed=3, resamples=50) != leader_board(runs, seed=4, resamples=50)
    nothing = leader_board({})
    assert all((found.auc, found.rank_correlation, found.runs) == (None, None, 0) for found in nothing)
    assert announce.sketches({}) == []


def test_the_board_as_table_and_picture():
    board = leader_board(made_up_runs(np.random.default_rng(0), ("answer_share",)), resamples=50)
    table = announce.rows(board)
    assert list(table[0])[:5] == ["name", "auc", "auc_interval_low", "auc_interval_high", "auc_setups"]
    assert (table[0]["name"], table[0]["auc"]) == ("answer share", 1.0)
    assert len(table) == len(NAMES)
    stem, caption, figure = announce.sketch(board)
    assert stem == "announce"
    assert "47 tests" in caption                          # the planted share does not change
    assert "told from controls best by answer share (1.00" in caption
    assert [len(ax.get_yticks()) for ax in figure.axes] == [24, 23]


def test_r2b_reads_a_planted_gap_on_two_halves_of_the_seeds():
    def columns(seed):
        noise = noisy_columns(np.random.default_rng(seed))
        return lambda epoch, end: noise(epoch, end) | {"entropy_centered": np.full(len(epoch), end / 1000)}

    runs = {name: [made_up_run(setting(name, role), seed, 500.0 + 60 * seed, columns(seed)) for seed in range(count)]
            for name, role, count in (("many", "base", 8), ("some", "multiverse", 5), ("few", "multiverse", 3),
                                      ("control", "shuffled labels", 8))}
    readings = gap_readings(runs)
    assert [(reading.group, reading.values) for reading in readings[::3]] == [
        ("many", pytest.approx((1.0, 1.0))), ("some", pytest.approx((1.0,)))]
    judgement, = announce.judge(load_claims(), runs)
    assert judgement.id == "R2b"
    assert judgement.assessment.share == pytest.approx(1)
    assert "9 rank correlations in 2 set-ups" in judgement.note


def test_r2b_is_met_by_half_of_the_set_ups_in_noise():
    rng = np.random.default_rng(0)
    values = [value for _ in range(60) for reading in gap_readings(made_up_runs(rng, multiverse=2, seeds=6))
              if "50 epochs" in reading.axes["delay"] for value in reading.values if value is not None]
    untied = [value > 0 for value in values if value]    # a correlation of 0 is on neither side
    low, high = binom.interval(0.999, len(untied), 0.5)
    assert low < sum(untied) < high
