"""Draw the report's figures from the committed checkpoints: `python -m figures`, or `python -m figures NAME …`."""

import importlib
import os
import sys

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import torch
from tqdm import tqdm

import plots
from evaluation.committed import weights_behind
from experiments.command_line import Parser, names
from experiments.data import DataError
from figures.common import HERE

FIGURES = [
    "noise_to_images",
    "two_pixel_images",
    "forward_process",
    "training_loss",
    "problem2_trajectory",
    "problem3_timesteps",
    "problem4_guidance",
    "samplers_quality",
    "bugs_samples",
    "errors_ledger",
    "errors_kernel",
    "errors_map",
    "guidance_tilted",
    "information_area",
    "likelihood_chain",
    "likelihood_bound",
    "likelihood_samplers",
    "memorising_size",
    "memorising_way",
    "memorising_digits",
    "flow_weights",
    "flow_calls",
    "flow_digits",
    "problem5_grid",
    "problem5_trajectory",
    "problem5_diversity",
    "problem5_guidance",
    "problem5_part_by_part",
    "pixel_space_gaussian",
    "pixel_space_map",
    "pixel_space_noise",
    "pixel_space_glyphs",
    "pixel_space_chains",
    "naive_leftover",
    "naive_steps",
    "naive_cold",
    "barebones_loss",
    "barebones_steps",
    "barebones_chain",
]


def main(arguments):
    parser = Parser(prog="python -m figures", description=__doc__.split(":")[0])
    chosen = names(parser, "figure", FIGURES, arguments)
    torch.set_num_threads(1)  # the same sums in the same order on every machine, and faster for small networks
    for name in tqdm(chosen, desc="figures"):
        try:
            drawn = importlib.import_module(f"figures.{name}").draw()
            if isinstance(drawn, list):
                plots.save_animation(drawn, HERE / f"{name}.gif", weights_behind(name))
            else:
                plots.save(drawn, HERE / f"{name}.png", weights_behind(name))
        except DataError as error:  # the other figures need no data
            tqdm.write(f"figures: {name} is left as it is: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
