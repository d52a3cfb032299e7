"""Settings of every test: passive OpenMP waiting (before torch is imported), one thread, fixed seeds."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # one for each of the workers that run the tests side by side

import pytest
import torch

from experiments.data import data_folder, mnist
from gmm import GaussianMixture


@pytest.fixture(autouse=True)
def one_thread_and_a_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def real_mnist():
    """(train, test) of MNIST where its file is, else the test is skipped: tests download nothing."""
    if not (data_folder() / "mnist.npz").exists():
        pytest.skip("the real MNIST is not in the data folder: set DIFFUSION_DATA to where mnist.npz is")
    return mnist()


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def mixture():
    """Three components in three dimensions, each with its own σ: nothing about it is special."""
    means = [[0.0, 1.0, -0.5], [1.5, -1.0, 0.3], [-1.0, -0.5, 1.0]]
    return GaussianMixture(means, torch.tensor([0.3, 0.8, 0.5]), [0.2, 0.5, 0.3])
