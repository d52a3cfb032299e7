"""Image data sets: MNIST, scikit-learn's digits, glyphs and sprites, as images (n, C, h, w) in [0, 1] with labels."""

import gzip
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments.checkpoint import save_arrays


class DataError(Exception):
    """A data set is missing or damaged; the message is one line for the user that says what to do."""


@dataclass(frozen=True)
class Images:
    """images (n, C, h, w) float32 in [0, 1], labels (n,) int64 in 0 … num_classes - 1."""

    images: torch.Tensor
    labels: torch.Tensor
    num_classes: int = 10

    def __len__(self):
        return len(self.images)


def from_bytes(pixels, labels, brightest=255):
    """Images (n, h, w) of whole numbers up to `brightest`, as an `Images`."""
    images = torch.tensor(np.asarray(pixels), dtype=torch.float32).unsqueeze(1) / brightest
    return Images(images, torch.tensor(np.asarray(labels).astype(np.int64)))


# --- scikit-learn's digits: embedded, so always there -----------------------------------------------------------------


def digits(test_share=0.2):
    """(train, test) of scikit-learn's 1797 digits of 8 × 8 pixels; the last fifth is the test set."""
    from sklearn.datasets import load_digits  # here, for scikit-learn takes as long to load as torch

    bunch = load_digits()
    first_test = round(len(bunch.images) * (1 - test_share))
    train, test = slice(first_test), slice(first_test, None)
    return tuple(from_bytes(bunch.images[part], bunch.target[part], brightest=16) for part in (train, test))


# --- MNIST ------------------------------------------------------------------------------------------------------------

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
MNIST_SHAPES = {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}


def data_folder():
    """Where data sets are kept: $DIFFUSION_DATA, or ./data."""
    return Path(os.environ.get("DIFFUSION_DATA", "data"))


def mnist():
    """(train, test) of MNIST (LeCun et al. 1998), 60,000 and 10,000 images of 28 × 28 pixels.

    Read from mnist.npz or the four IDX files in the data folder; else downloaded from OpenML and kept there as
    mnist.npz. Raises DataError if a file is damaged, or if there is none and no network.
    """
    folder = data_folder()
    if (folder / "mnist.npz").exists():
        arrays = read_npz(folder / "mnist.npz")
    elif all((folder / name).exists() for name in IDX_FILES.values()):
        arrays = {key: read_idx(folder / name) for key, name in IDX_FILES.items()}
    else:
        arrays = download_mnist(folder)
    check_mnist(arrays, folder)
    return from_bytes(arrays["x_train"], arrays["y_train"]), from_bytes(arrays["x_test"], arrays["y_test"])


def read_npz(path):
    """The four arrays of Keras's mnist.npz."""
    try:
        with open(path, "rb") as file, np.load(file) as archive:
            return {key: archive[key] for key in MNIST_SHAPES}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        raise DataError(f"{path}: not a readable mnist.npz (truncated?)") from None


def read_idx(path):
    """A gzipped IDX file of bytes: two zeros, type 8, the number of dimensions, their sizes, the data."""
    try:
        content = gzip.decompress(path.read_bytes())
        zeros, kind, ndim = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{ndim}I", content, 4)
        if (zeros, kind) != (0, 8):
            raise ValueError
        return np.frombuffer(content, np.uint8, offset=4 + 4 * ndim).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error, zlib.error):
        raise DataError(f"{path}: not a readable IDX file (truncated?)") from None


def download_mnist(folder):
    """MNIST from OpenML, whose first 60,000 images are the training set; kept in the folder for the next time."""
    from sklearn.datasets import fetch_openml  # here, for scikit-learn takes as long to load as torch

    try:
        bunch = fetch_openml("mnist_784", version=1, as_frame=False, parser="liac-arff")
    except (OSError, ValueError):  # ValueError: OpenML answered, but not with the data
        raise DataError(
            f"MNIST is not in {folder}/ and could not be downloaded: put mnist.npz (Keras's file) or the four files "
            f"{', '.join(IDX_FILES.values())} there, or set DIFFUSION_DATA to their folder"
        ) from None
    pixels, labels = bunch.data.reshape(-1, 28, 28).astype(np.uint8), bunch.target.astype(np.uint8)
    arrays = {"x_train": pixels[:60_000], "y_train": labels[:60_000]}
    arrays |= {"x_test": pixels[60_000:], "y_test": labels[60_000:]}
    check_mnist(arrays, "the download")
    folder.mkdir(parents=True, exist_ok=True)
    save_arrays(folder / "mnist.npz", **arrays)
    return arrays


def check_mnist(arrays, source):
    """Raises DataError unless the arrays have MNIST's shapes and labels."""
    for key, shape in MNIST_SHAPES.items():
        if arrays[key].shape != shape:
            raise DataError(f"MNIST in {source}: {key} has shape {arrays[key].shape}, not {shape}")
    for key in ("y_train", "y_test"):
        if set(np.unique(arrays[key]).tolist()) != set(range(10)):
            raise DataError(f"MNIST in {source}: {key} does not hold the labels 0 to 9")


# --- glyphs and sprites: small files in assets/, whose README.md names their sources and licences --------------------

ASSETS = Path(__file__).parent / "assets"
STRUCTURES = ("left-right", "top-bottom", "other")  # the labels of glyphs


def read_asset(name):
    """The arrays of an .npz file in assets/, as a dict; DataError if it is missing or damaged."""
    path = ASSETS / name
    try:
        with open(path, "rb") as file, np.load(file) as archive:
            return dict(archive)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; git checkout experiments/assets brings it back") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        raise DataError(f"{path}: not readable (truncated?); git checkout experiments/assets brings it back") from None


def split(images, labels, num_classes, tests):
    """(train, test) as `Images`, the test set being `tests` images that are always the same random ones."""
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(images)))
    parts = order[:-tests], order[-tests:]
    return tuple(Images(images[part], labels[part], num_classes) for part in parts)


def glyphs(tests=2000):
    """(train, test) of 20,992 Chinese characters (n, 1, 16, 16), ink 1, paper 0, labelled by their structure."""
    arrays = read_asset("glyphs.npz")
    images = torch.from_numpy(np.unpackbits(arrays["bits"], axis=1)).float().view(-1, 1, 16, 16)
    return split(images, torch.from_numpy(arrays["structure"].astype(np.int64)), len(STRUCTURES), tests)


def sprites(tests=300):
    """(train, test) of 1798 sprites (n, 3, 16, 16), red, green and blue; they carry no labels, so all are class 0."""
    pixels = torch.from_numpy(read_asset("sprites.npz")["sprites"])
    images = pixels.permute(0, 3, 1, 2).float() / 255
    return split(images, torch.zeros(len(images), dtype=torch.int64), 1, tests)


SETS = {"mnist": mnist, "digits": digits, "glyphs": glyphs, "sprites": sprites}
COLOUR = {"sprites"}  # sets with three channels
