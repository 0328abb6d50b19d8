"""What `minigrok train` says of its runs: one summary, fit for JSON, and its sentences.

All numbers come from the histories: the first record, the last, their difference; of many seeds median and range.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrok.cli.train_folder import Work
from minigrok.history import History, Moment, column_name
from minigrok.runs.train_data import Options
from minigrok.runs.train_setup import criteria_of
from minigrok.study.grokking import HELD, milestones

Summary = dict[str, Any]
SMALL, WIDE = 1e-3, 1e5
STATE = {"entropy": "S (nats)", "purity": "P", "effective_rank": "exp S", "participation_ratio": "1/P"}
BEFORE = {"train_loss": "train loss", "test_loss": "test loss", "train_accuracy": "train accuracy",
          "test_accuracy": "test accuracy"}
AFTER = {"weight_entropy": "weight entropy (nats)", "weight_norm": "weight norm"}


def summary_of(work: Work, histories: Mapping[int, History], diverged: Mapping[int, str] | None = None) -> Summary:
    """All that is told: settings, data, net, every run, and of many seeds the spread of each number."""
    options, (net, task, _, _) = work.options, work.first
    runs = [_run(seed, history, work) for seed, history in histories.items()]
    summary: Summary = {
        "folder": str(work.folder), "settings": options,
        "data": task.description | {"training_inputs": len(task.y_train), "test_inputs": len(task.y_test),
                                    "features": net.sizes[0], "classes": task.n_classes},
        "net": {"sizes": list(net.sizes), "parameters": net.theta.size}, "runs": runs}
    if options["seeds"] == 1:
        return summary
    names = ("first", "last", "change")
    summary["spread"] = {
        column: {name: _spread([run[name][column] for run in runs]) for name in names} for column in _columns(options)}
    if "milestones" in runs[0]:
        summary["milestones"] = {
            name: _spread([run["milestones"][name] for run in runs]) for name in runs[0]["milestones"]}
    summary["diverged"] = [{"seed": seed, "message": message} for seed, message in (diverged or {}).items()]
    return summary


def _columns(options: Options) -> dict[str, str]:
    """The columns that are told, with what they are called."""
    state = {column_name(name, convention): words if convention == "trace" else f"{words}, {convention}"
             for convention in options["conventions"] for name, words in STATE.items()}
    return BEFORE | state | AFTER


def _run(seed: int, history: History, work: Work) -> Summary:
    """One run: how long it was, why it ended early, and its numbers."""
    options, columns = work.options, _columns(work.options)
    rows = [{name: column[i] for name, column in history.columns.items()} for i in range(len(history))]
    end = Moment(int(history.epoch[-1]), options["epochs"], work.first.net, work.first.task, rows[-1], rows)
    told = {
        "seed": seed, "epochs": end.epoch, "records": len(history),
        "stopped_by": [words for words, met in criteria_of(options).items() if end.epoch < end.epochs and met(end)],
        "first": {name: float(history[name][0]) for name in columns},
        "last": {name: float(history[name][-1]) for name in columns},
        "change": {name: float(history[name][-1]) - float(history[name][0]) for name in columns}}
    if options["task"] == "modular":
        told["milestones"] = milestones(history, options["modulus"], options["op"])._asdict()
    return told


def _spread(values: Iterable[float | None]) -> Summary:
    """Of how many runs there is a number, and their median and range."""
    known = np.array([value for value in values if value is not None and np.isfinite(value)], float)
    if len(known) == 0:
        return {"runs": 0, "median": None, "lowest": None, "highest": None}
    return {"runs": len(known), "median": float(np.median(known)), "lowest": float(known.min()),
            "highest": float(known.max())}


def live_words(row: Mapping[str, Any], options: Options) -> str:
    """One line for a record."""
    S, P = (row[column_name(name, options["conventions"][0])] for name in ("entropy", "purity"))
    return (f"loss {row['train_loss']:.3g}, acc. {100 * row['train_accuracy']:.1f}/{100 * row['test_accuracy']:.1f} %, "
            f"S {S:.3f}, P {P:.3f}")


def title_of(summary: Summary, options: Options) -> str:
    """One line above the figure."""
    seeds = len(summary["runs"])
    return (f"{_task(options)}, net {_net(summary)}, {options['activation']}, {options['optimizer']} "
            f"with lr {options['lr']:g}, " + (f"seed {options['seed']}" if options["seeds"] == 1 else f"{seeds} seeds"))


def words_of(summary: Summary, options: Options) -> str:
    """The report: what was trained, and a table."""
    body = _table_of_one(summary, options) if options["seeds"] == 1 else _table_of_many(summary, options)
    return "\n".join([*_head(summary, options), "", *body])


def _task(options: Options) -> str:
    if options["task"] != "modular":
        return Path(options["task"]).name
    sign = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}[options["op"]]
    return f"a {sign} b mod {options['modulus']}"


def _net(summary: Summary) -> str:
    return "-".join(map(str, summary["net"]["sizes"]))


def _head(summary: Summary, options: Options) -> Iterator[str]:
    data = summary["data"]
    yield (f"{_task(options)}: {data['training_inputs']} training and {data['test_inputs']} test inputs, "
           f"{data['features']} features, {data['classes']} classes")
    biases = "biases" if options["bias"] else "no biases"
    yield (f"net {_net(summary)}: {options['activation']}, {options['loss']}, {options['init']}, {biases}, "
           f"{options['dtype']}; {summary['net']['parameters']} parameters")
    names = ("lr", "momentum", "nesterov", "betas", "weight_decay", "clip_norm", "warmup")
    set_ones = [f"{name.replace('_', ' ')} {_word(options[name])}" for name in names if options[name]]
    schedule = [f"{options['schedule']} schedule"] if options["schedule"] != "constant" else []
    batches = "full batch" if options["batch_size"] == "all" else f"batches of {options['batch_size']}"
    yield f"{options['optimizer']}: {', '.join([*set_ones, *schedule])}; {batches}"
    yield f"state: hidden layer {options['layer']} over the {options['inputs']} inputs"


def _word(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_word, value))
    return "on" if value is True else f"{value:g}"


def _table_of_one(summary: Summary, options: Options) -> Iterator[str]:
    run = summary["runs"][0]
    ended = f", stopped by {' and '.join(run['stopped_by'])}" if run["stopped_by"] else ""
    yield f"seed {run['seed']}: {run['epochs']} epochs{ended}; {run['records']} records"
    yield f"{'':24}{'epoch 0':>12}{'epoch ' + str(run['epochs']):>12}{'change':>12}"
    for name, words in _columns(options).items():
        first, last = (_number(run[when][name], name) for when in ("first", "last"))
        yield f"{words:24}{first:>12}{last:>12}{_number(run['change'][name], name, '+'):>12}"
    for name, meaning in _meanings(options).items():
        epoch = run["milestones"][name]
        yield f"{name:12}{'never' if epoch is None else f'epoch {epoch}':>12}   {meaning}"


def _table_of_many(summary: Summary, options: Options) -> Iterator[str]:
    runs = summary["runs"]
    early = sum(run["epochs"] < options["epochs"] for run in runs)
    diverged = f", {len(summary['diverged'])} others diverged" if summary["diverged"] else ""
    yield (f"{len(runs)} seeds from {runs[0]['seed']} to {runs[-1]['seed']}{diverged}: {options['epochs']} epochs"
           + (f", {early} seeds stopped early" if early else "") + "; median (lowest .. highest)")
    yield f"{'':24}{'at the end':38}change"
    for name, words in _columns(options).items():
        spread = summary["spread"][name]
        without = len(runs) - spread["last"]["runs"]
        note = f"  ({without} dead: no state)" if without else ""
        yield f"{words:24}{_range(spread['last'], name):38}{_range(spread['change'], name, '+')}{note}"
    for name, meaning in _meanings(options).items():
        spread = summary["milestones"][name]
        epochs = "" if spread["runs"] == 0 else (
            f" epoch {spread['median']:g} ({spread['lowest']:g} .. {spread['highest']:g})")
        yield f"{name:12}{spread['runs']:>4} of {len(runs)} seeds{epochs}   {meaning}"


def _meanings(options: Options) -> dict[str, str]:
    """What the milestones of a modular run are; see minigrok.study.grokking."""
    if options["task"] != "modular":
        return {}
    onset = max(0.1, 2.5 / options["modulus"])
    return {"memorised": "train accuracy 99 %", "onset": f"test accuracy above {100 * onset:.2g} %",
            "halfway": "test accuracy 50 %", "generalised": f"test accuracy 95 %, at the {HELD} next records too"}


def _range(spread: Mapping[str, Any], column: str, sign: str = "") -> str:
    if spread["runs"] == 0:
        return f"{'none':>10}"
    median, low, high = (_number(spread[name], column, sign) for name in ("median", "lowest", "highest"))
    return f"{median:>10}  ({low} .. {high})"


def _number(value: float, column: str, sign: str = "") -> str:
    """With four decimals; a loss that they would hide, and what is too wide for its place, with a power of ten."""
    if np.isnan(value):
        return "none"
    hidden = column.endswith("loss") and 0 < abs(value) < SMALL
    return f"{value:{sign}.2e}" if hidden or abs(value) >= WIDE else f"{value:{sign}.4f}"
