"""What a run of the study leaves on the disk: the ledger as text, every reading, histories, figures, the report."""

import gzip
import json
from pathlib import Path
from typing import Any

from minigrok.checkpoint import replace_file
from minigrok.study import animation, landscape, loss_landscape, prior_map
from minigrok.study.figures import draw_figures
from minigrok.study.ledger import Ledger, readings_csv
from minigrok.study.report import write_report

Runs = dict[str, dict[str, list[Any]]]


def write_results(folder: Path, ledger: Ledger, runs: Runs, seconds: float, workers: int) -> None:
    """Figures, tables, histories and the report."""
    texts = {
        "results.json": ledger.to_json(), "results.csv": ledger.to_csv(),
        "priors.csv": prior_map.table(prior_map.results(runs.get(prior_map.EXPERIMENT, {}))),
        "times.json": json.dumps({"seconds": round(seconds, 1)}) + "\n"}
    for name, text in texts.items():
        with replace_file(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    write_readings(folder / "readings", ledger)
    write_histories(folder / "histories", ledger.settings["seeds"][0], runs)
    (folder / "figures").mkdir(exist_ok=True)
    figures = draw_figures(folder / "figures", runs, ledger.judgements, workers)
    films = [film for found in runs.get(animation.EXPERIMENT, {}).values() for film in found]
    film = animation.draw_film(films[0], folder / "figures") if films else None
    write_report(folder / "report.html", ledger, figures, film)


def write_readings(folder: Path, ledger: Ledger) -> None:
    """One compressed table a row of the ledger, without a time in it: the same readings are the same bytes."""
    folder.mkdir(exist_ok=True)
    for judgement in ledger.judgements:
        if judgement.readings:
            with replace_file(folder / f"{judgement.id}.csv.gz") as temporary:
                temporary.write_bytes(gzip.compress(readings_csv(judgement.readings).encode(), mtime=0))


def write_histories(folder: Path, first: int, runs: Runs) -> None:
    """The histories of the base runs, and the densities of states."""
    folder.mkdir(exist_ok=True)
    for experiment in ("classifier", "grokking"):
        for name, results in runs.get(experiment, {}).items():
            if getattr(results[0].setting, "role", "base") == "base":
                for offset, result in enumerate(results):
                    result.history.save(folder / f"{_file_name(f'{experiment} {name} seed{first + offset}')}.npz")
    found = {f"landscape {name}": landscape.density_of_states(walkers)
             for name, walkers in runs.get("landscape", {}).items()}
    found |= {f"loss {name}": loss_landscape.density_of_states(name, walkers)
              for name, walkers in runs.get(loss_landscape.EXPERIMENT, {}).items()}
    for name, states in found.items():
        states.save(folder / f"{_file_name(name)}.npz")


def _file_name(words: str) -> str:
    return words.replace(",", "").replace(" ", "-")
