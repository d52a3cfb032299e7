"""`python -m web.export`: the committed networks as ONNX, and the tables that the page reads, in web/public/data."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS
from evaluation.digit_classifier import load_classifier
from experiments import images, two_pixel
from experiments.checkpoint import write_atomically
from small_systems.barebones import BareBones
from small_systems.command_line import load as load_small
from small_systems.naive import Naive
from web.tables import IMAGES, TWO_PIXEL, pictures, tables

DATA = Path(__file__).parent / "public" / "data"
HALF_FROM = 1024  # numbers in a weight from which on it is stored as float16


class Probability(nn.Module):
    """A network whose output is a logit, as the probability that it means."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, level):
        return self.network(x, level).sigmoid()


def denoiser_of(run):
    """(network, example inputs by name) of a committed run of the main system; t is one step for all images."""
    load = two_pixel.load if run in TWO_PIXEL else images.load
    experiment = load(CHECKPOINTS / IMAGES.get(run, run))
    x = experiment.noise(2, experiment.generator(0))
    return experiment.network, {"x": x, "t": torch.tensor([3]), "y": torch.tensor([0, 1])}


def barebones():
    system = load_small(CHECKPOINTS / "barebones-long", BareBones)
    return system.network, {"x": torch.rand(2, 3, 16, 16), "level": torch.tensor([0.5, 0.7])}


def naive():
    system = load_small(CHECKPOINTS / "naive-renoise", Naive)
    return Probability(system.network), {"x": torch.rand(2, 1, 16, 16), "level": torch.tensor([0.5, 0.7])}


def judge():
    return load_classifier(CHECKPOINTS / "mnist-classifier"), {"x": torch.rand(2, 1, 28, 28)}


MODELS = {run: lambda run=run: denoiser_of(run) for run in (*TWO_PIXEL, *IMAGES)}
MODELS |= {"barebones": barebones, "naive": naive, "judge": judge}


def as_onnx(module, inputs):
    """The module as an ONNX model whose batch may have any size."""
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} if len(value) > 1 else None for value in inputs.values())
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        program = torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["output"],
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    return program.model_proto


def halved(model):
    """The same model with its large weights stored as float16, which a Cast turns back when it is loaded."""
    graph = model.graph
    large = [w for w in graph.initializer if w.data_type == TensorProto.FLOAT and np.prod(w.dims) >= HALF_FROM]
    for weight in large:
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{weight.name}_half")
        graph.initializer.remove(weight)
        graph.initializer.append(half)
        graph.node.insert(0, helper.make_node("Cast", [half.name], [weight.name], to=TensorProto.FLOAT))
    onnx.checker.check_model(model)
    return model


def main():
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    DATA.mkdir(parents=True, exist_ok=True)
    write_atomically(DATA / "tables.json", json.dumps(tables()).encode())
    for name, content in pictures():
        write_atomically(DATA / f"{name}.bin", content)
    for name, load in tqdm(MODELS.items(), desc="networks to ONNX", unit="network"):
        model = as_onnx(*load())
        model = model if name in TWO_PIXEL else halved(model)
        write_atomically(DATA / f"{name}.onnx", model.SerializeToString())
    return 0


if __name__ == "__main__":
    sys.exit(main())
