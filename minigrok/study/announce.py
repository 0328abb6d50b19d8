"""Which quantity announces generalisation, on the plateau and without hindsight about where the plateau ends?

A *look* is taken a fixed delay after a run memorised, at the last record until then, and only of runs whose test
accuracy has not begun to rise. A quantity is read there as its value and as its change since memorisation.

(a) Does it tell runs that will generalise (95 %, held) from controls that never do (never above 50 %)?

    AUC = P(x > x') + P(x = x') / 2       of x of a run that will, x' of a control: the statistic of Mann and Whitney
                                          (1947) over all pairs, 1/2 for a quantity that says nothing

    within a set-up: its generalising runs against its own controls. Whether high or low values announce is learnt on
    the other set-ups only, so an AUC below 1/2 means that set-ups contradict each other. (The scale of x would not
    matter: an AUC depends on ranks alone.) Runs of the same setting that never generalised are listed separately.

(b) Does it rank the times left? Spearman's correlation within each set-up, never pooled over set-ups, averaged over
    them by Fisher's z = artanh r with weights n - 3. A run that had not generalised at its last epoch ranks as latest:
    its time is only known to be longer, and to leave it out would select the runs by what is to be predicted.

Both are averaged over the delays; `minigrok.study.ranking` has the formulas and the intervals.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from minigrok import plots
from minigrok.checks import BoolArray, FloatArray
from minigrok.study.claims import Claim, Judgement
from minigrok.study.evidence import Reading, read
from minigrok.study.grokking import HIDDEN, GrokkingRun, Milestones
from minigrok.study.grokking_claims import THRESHOLD
from minigrok.study.grokking_measures import CANNOT, LEARNERS, Runs, marks_of
from minigrok.study.ranking import FEWEST, Found, auc, mean_auc, mean_rank_correlation, spearman, times_drawn

Sketch = tuple[str, str, Figure]                       # stem of the file name, caption, figure
DELAYS = (50, 100, 200)        # epochs after memorisation
MAY_LEARN = (*LEARNERS, "family")                      # roles of settings in which a net may generalise
QUANTITIES = {
    "S": "entropy", "P": "purity", "centred S": "entropy_centered", "centred P": "purity_centered",
    "weight norm": "weight_norm", "weight entropy, own range": "weight_entropy",
    "weight entropy, fixed bins": "weight_entropy_fixed", "weight entropy, Freedman-Diaconis": "weight_entropy_fd",
    "Holevo information": "holevo", "test loss": "test_loss", "Fourier concentration": "fourier_concentration",
    "answer share": "answer_share",
}
NAMES = (*QUANTITIES, *(f"change of {name}" for name in QUANTITIES))
RESAMPLES = 1000
HALVED_FROM = 8                # generalising runs of a set-up, from which on R2b reads two halves of its seeds


class Look(NamedTuple):
    """One run, looked at a delay after it memorised."""

    run: GrokkingRun
    memorised: int             # row of its history
    row: int                   # where it is looked at
    marks: Milestones

    @property
    def left(self) -> float:
        """Epochs until it generalises, infinite where it never did."""
        if self.marks.generalised is None:
            return np.inf
        return float(self.marks.generalised - self.run.history.epoch[self.row])

    @property
    def never(self) -> bool:
        """Whether its test accuracy never came to 50 %."""
        return self.marks.generalised is None and self.marks.halfway is None

    @property
    def values(self) -> FloatArray:
        """All NAMES: the quantities, then their changes since memorisation."""
        both = np.array([self.run.history[column][[self.row, self.memorised]] for column in QUANTITIES.values()], float)
        return np.concatenate([both[:, 0], both[:, 0] - both[:, 1]])


class Announcement(NamedTuple):
    """What one quantity announces; None where there were no runs to tell."""

    name: str
    auc: float | None                              # against the set-up's own controls
    auc_interval: tuple[float, float] | None
    auc_setups: int
    failures_auc: float | None                     # against runs of the same setting that never generalised
    failures_interval: tuple[float, float] | None
    failures_setups: int
    rank_correlation: float | None                 # with the time left
    interval: tuple[float, float] | None
    setups: int                                    # with a rank correlation
    runs: int                                      # looked at


class Seen(NamedTuple):
    """All looks at the runs of one set-up."""

    values: FloatArray         # (delays, runs, names), NaN where there was no look
    left: FloatArray           # (delays, runs) epochs left, infinite for never, NaN where there was no look
    never: BoolArray           # (runs,)
    control: BoolArray         # (runs,)


def look(run: GrokkingRun, delay: int) -> Look | None:
    """The run `delay` epochs after it memorised; None if it did not, has ended, or its test accuracy rises by then."""
    epoch, marks = run.history.epoch, marks_of(run)
    if marks.memorised is None or epoch[-1] < marks.memorised + delay:
        return None
    if marks.onset is not None and marks.onset <= marks.memorised + delay:
        return None
    memorised, row = np.searchsorted(epoch, [marks.memorised, marks.memorised + delay], side="right") - 1
    return Look(run, int(memorised), int(row), marks)


def setups(runs: Runs) -> dict[str, list[GrokkingRun]]:
    """All runs that may be looked at by set-up: a base with its controls; any other setting by itself."""
    grouped: dict[str, list[GrokkingRun]] = {}
    for results in runs.values():
        setting = results[0].setting
        if setting.role in CANNOT or setting.role in MAY_LEARN:
            grouped.setdefault(setting.base if setting.role in CANNOT else setting.name, []).extend(results)
    return grouped


def leader_board(
    runs: Runs, delays: Sequence[int] = DELAYS, seed: int = 0, resamples: int = RESAMPLES
) -> list[Announcement]:
    """One row for each of NAMES, the best AUC against controls first."""
    rng = np.random.default_rng(seed)
    seen = [_see(members, delays) for members in setups(runs).values()]
    drawn = [times_drawn(one.control, resamples, rng) for one in seen]
    controls = _separation(seen, drawn, [one.control & one.never for one in seen])
    failures = _separation(seen, drawn, [~one.control & one.never for one in seen])
    ranks = _time_left(seen, drawn)
    looked = sum(int((~np.isnan(one.left)).any(axis=0).sum()) for one in seen)
    board = [
        Announcement(name, *_of(controls, i), *_of(failures, i), *_of(ranks, i), looked)
        for i, name in enumerate(NAMES)]
    return sorted(board, key=lambda row: -1 if row.auc is None else row.auc, reverse=True)


def rows(board: Sequence[Announcement]) -> tuple[dict[str, Any], ...]:
    """The board as plain rows, intervals in two columns; None where there were no runs to tell."""
    table = []
    for row in board:
        cells: dict[str, Any] = {}
        for name, value in row._asdict().items():
            if name.endswith("interval"):
                cells[f"{name}_low"], cells[f"{name}_high"] = value or (None, None)
            else:
                cells[name] = value
        table.append(cells)
    return tuple(table)


def sketches(runs: Runs) -> list[Sketch]:
    """The leader board as a picture, where there is anything on it."""
    board = leader_board(runs)
    return [sketch(board)] if any(row.auc is not None or row.rank_correlation is not None for row in board) else []


def sketch(board: Sequence[Announcement]) -> Sketch:
    """Both answers with their intervals, the best quantity on top."""
    figure = plots.new_figure(11, 7)
    left, right = figure.subplots(1, 2)
    separated = [(row.name, row.auc, *row.auc_interval) for row in board if row.auc is not None and row.auc_interval]
    ranked = [(row.name, *_in_size(row.rank_correlation, row.interval))
              for row in board if row.rank_correlation is not None and row.interval]
    _whiskers(left, separated, 0.5, "AUC against the set-up's own controls")
    _whiskers(right, ranked, 0.0, "size of the rank correlation\nwith the time left")
    tests = len(separated) + len(ranked)
    words = [f"What announces generalisation: {len(board)} quantities, {tests} tests, so that about {0.05 * tests:.0f} "
             "intervals would miss the dotted line by chance."]
    for what, rows in (("Runs that will generalise are told from controls best by", separated),
                       ("The time left is ranked best by", ranked)):
        if rows:
            _, value, low, high = max(rows, key=lambda row: row[1])
            names = " and ".join(name for name, other, *_ in rows if other == value)
            words.append(f"{what} {names} ({value:.2f}, 95 % {low:.2f} to {high:.2f}).")
    return "announce", " ".join(words), figure


def _in_size(value: float, interval: tuple[float, float]) -> tuple[float, float, float]:
    low, high = interval
    return (value, low, high) if value >= 0 else (-value, -high, -low)


def _whiskers(ax: Axes, rows: Sequence[tuple[str, float, float, float]], nothing: float, label: str) -> None:
    ordered = sorted(rows, key=lambda row: row[1])
    for place, (_, value, low, high) in enumerate(ordered):
        ax.plot([low, high], [place, place], color=plots.COLOURS[0], linewidth=1.5)
        ax.plot(value, place, color=plots.COLOURS[0], marker=plots.MARKERS[0], markersize=5)
    ax.axvline(nothing, color="grey", linestyle=":")
    ax.set_yticks(range(len(ordered)), [row[0] for row in ordered], fontsize=8)
    ax.set(xlabel=f"{label}\n(95 % interval)")


def judge(claims: Mapping[str, Claim], runs: Runs) -> list[Judgement]:
    """R2b: whether the gap between the centred S / ln d and 0.61 ranks the times left."""
    readings = gap_readings(runs)
    tests = sum(value is not None for reading in readings for value in reading.values)
    above = sum(value is not None and value > 0 for reading in readings for value in reading.values)
    note = (f"{tests} rank correlations in {len({reading.group for reading in readings})} set-ups at delays of "
            f"{', '.join(map(str, DELAYS))} epochs after memorisation, {above} of them above 0; without any relation "
            "half of them would be")
    return [Judgement(claims["R2b"], readings, note=note)]


def gap_readings(runs: Runs) -> tuple[Reading, ...]:
    """Spearman's correlation of gap and time left: a set-up and delay a reading, from 8 runs on two halves of seeds."""
    readings = []
    for name, results in runs.items():
        setting = results[0].setting
        learnt = [run for run in results if marks_of(run).generalised is not None]
        if setting.role not in MAY_LEARN or len(learnt) < FEWEST:
            continue
        parts = [learnt[::2], learnt[1::2]] if len(learnt) >= HALVED_FROM else [learnt]
        for delay in DELAYS:
            axes = {**setting.axes, "delay": f"{delay} epochs after memorisation"}
            readings.append(read(axes, [_gap_correlation(part, delay) for part in parts], lambda r: r > 0, name,
                                 setting.width == HIDDEN))
    return tuple(readings)


def _gap_correlation(runs: Sequence[GrokkingRun], delay: int) -> float | None:
    looks = [at for at in (look(run, delay) for run in runs) if at is not None]
    gap = [at.run.history.entropy_centered[at.row] / np.log(at.run.setting.width) - THRESHOLD for at in looks]
    left = [at.left for at in looks]
    if len(looks) < FEWEST or np.ptp(gap) == 0 or np.ptp(left) == 0:
        return None
    return float(spearmanr(gap, left).statistic)


def _see(runs: Sequence[GrokkingRun], delays: Sequence[int]) -> Seen:
    values = np.full((len(delays), len(runs), len(NAMES)), np.nan)
    left = np.full((len(delays), len(runs)), np.nan)
    never = np.zeros(len(runs), bool)
    for i, delay in enumerate(delays):
        for j, run in enumerate(runs):
            at = look(run, delay)
            if at is not None:
                values[i, j], left[i, j], never[j] = at.values, at.left, at.never
    return Seen(values, left, never, np.array([run.setting.role in CANNOT for run in runs]))


def _separation(
    seen: Sequence[Seen], drawn: Sequence[FloatArray], negative: Sequence[BoolArray]
) -> Found | None:
    """The AUC of generalising runs over the negative ones."""
    cells, sizes = [], []
    for one, times, never in zip(seen, drawn, negative, strict=True):
        known, will = ~np.isnan(one.left), np.isfinite(one.left) & ~one.control
        counts = [(int(plus.sum()), int(minus.sum())) for plus, minus in zip(will, known & never, strict=True)]
        if any(min(pair) for pair in counts):
            cells.append([
                auc(values[plus], values[minus], times[:, plus], times[:, minus])
                for values, plus, minus in zip(one.values, will, known & never, strict=True)])
            sizes.append(np.mean([pair for pair in counts if min(pair)], axis=0))
    return mean_auc(cells, sizes)


def _time_left(seen: Sequence[Seen], drawn: Sequence[FloatArray]) -> Found | None:
    cells = []
    for one, times in zip(seen, drawn, strict=True):
        of_setup = []
        for values, left in zip(one.values, one.left, strict=True):
            here = ~np.isnan(left) & ~one.control
            if here.sum() >= FEWEST and len(set(left[here].tolist())) > 1:
                of_setup.append((int(here.sum()), spearman(values[here], left[here], times[:, here])))
        if of_setup:
            cells.append(of_setup)
    return mean_rank_correlation(cells)


def _of(found: Found | None, i: int) -> tuple[float | None, tuple[float, float] | None, int]:
    if found is None or np.isnan(found.value[i]):
        return None, None, 0
    return float(found.value[i]), (float(found.low[i]), float(found.high[i])), found.setups
