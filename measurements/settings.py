"""How the defaults were chosen: predictions, losses, clipping and spaces compared over seeds, each against the oracle.

    python -m measurements.settings

trains every setting by train.py into runs/settings/ (skipping what is there already, so that it can be interrupted),
then prints the table and writes measurements/settings.json. About 50 minutes on a quiet machine.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from evaluation.two_pixel import score
from experiments import two_pixel
from experiments.checkpoint import save_json

RUNS = Path("runs/settings")
RESULT = Path(__file__).parent / "settings.json"

# name: (arguments of train.py, seeds)
SETTINGS = {f"v, T = {T}": (["--T", f"{T}"], 5) for T in (5, 10, 25, 50)}
SETTINGS |= {f"eps, T = {T}": (["--T", f"{T}", "--prediction", "eps"], 3) for T in (5, 10, 25, 50)}
SETTINGS |= {"x0, T = 50": (["--prediction", "x0"], 3)}
SETTINGS |= {
    f"{prediction}, {loss}": (["--prediction", prediction, "--loss", loss], 3)
    for prediction in ("v", "eps")
    for loss in ("l1", "huber")
}
SETTINGS |= {
    f"{prediction}, {space} space": (["--prediction", prediction, "--space", space], 3)
    for prediction in ("v", "eps")
    for space in ("pixel", "symmetric")
}
# Sampling alone is different here, so the trained weights of another setting are scored again: (setting, config).
RESAMPLED = {
    "v, no clipping": ("v, T = 50", {"clip": False}),
    "eps, no clipping": ("eps, T = 50", {"clip": False}),
    "x0, no clipping": ("x0, T = 50", {"clip": False}),
    "v, variance beta, T = 50": ("v, T = 50", {"variance": "beta"}),
    "v, variance beta, T = 5": ("v, T = 5", {"variance": "beta"}),
}


def folder(name, seed):
    return RUNS / f"{name.replace(' = ', '').replace(', ', '-').replace(' ', '-')}-seed{seed}"


def trained_card(name, arguments, seed):
    """The score card of a setting, trained now unless it was before."""
    out = folder(name, seed)
    if not (out / "scorecard.json").exists():
        resume = ["--resume"] if (out / "config.json").exists() else []
        command = [sys.executable, "train.py", *arguments, "--seed", f"{seed}", "--out", f"{out}", *resume]
        subprocess.run(command, check=True, capture_output=True)
    return json.loads((out / "scorecard.json").read_text())


def resampled_card(name, changes, seed):
    """The score card of a trained run with another way of sampling."""
    experiment = two_pixel.load(folder(name, seed))
    experiment.config = replace(experiment.config, **changes)
    card, _ = score(experiment)
    return card


def summary(cards):
    """Mean over the seeds, and the largest excess loss among them."""

    def mean(key):
        return float(np.mean([card[key] for card in cards]))

    return {
        "seeds": len(cards),
        "excess_loss": mean("excess_loss"),
        "excess_loss_labelled": mean("excess_loss_labelled"),
        "excess_loss_largest": max(max(card["excess_loss"], card["excess_loss_labelled"]) for card in cards),
        "energy_distance": mean("energy_distance"),
        "energy_distance_oracle": mean("energy_distance_oracle"),
        "energy_distance_floor": mean("energy_distance_floor"),
        "mode_weight": float(np.mean([card["mode_weights"][0] for card in cards])),
        "farthest": max(card["farthest"] for card in cards),
        "nll": mean("nll"),
    }


def as_text(table):
    """The table for the terminal and the README (Markdown)."""
    lines = [
        "| setting | seeds | excess % | with label % | energy distance × 10⁴ | oracle's | mode weight | farthest σ |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in table.items():
        excess = [f"{100 * row[key]:.3f}" for key in ("excess_loss", "excess_loss_labelled")]
        energy = [f"{1e4 * row[key]:.2f}" for key in ("energy_distance", "energy_distance_oracle")]
        weight, farthest = f"{row['mode_weight']:.3f}", f"{row['farthest']:.1f}"
        lines.append("| " + " | ".join([name, f"{row['seeds']}", *excess, *energy, weight, farthest]) + " |")
    return "\n".join(lines)


def main():
    torch.set_num_threads(1)
    table = {}
    for name, (arguments, seeds) in tqdm(SETTINGS.items(), desc="settings"):
        table[name] = summary([trained_card(name, arguments, seed) for seed in range(seeds)])
    for name, (trained, changes) in tqdm(RESAMPLED.items(), desc="resampled"):
        table[name] = summary([resampled_card(trained, changes, seed) for seed in range(3)])
    print(as_text(table))
    save_json(RESULT, table)


if __name__ == "__main__":
    main()
