"""Data sets from each of their sources, and damaged or missing files refused in one line. No network is used."""

import gzip
import struct
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from experiments import data
from experiments.data import IDX_FILES, DataError, digits, glyphs, mnist, sprites


@pytest.fixture(scope="module")
def arrays():
    """Random bytes in MNIST's shapes, every label there: what is tested is the reading, not the digits."""
    random = np.random.default_rng(0)
    made = {key: random.integers(0, 256, shape, np.uint8) for key, shape in data.MNIST_SHAPES.items()}
    return made | {key: (np.arange(len(made[key])) % 10).astype(np.uint8) for key in ("y_train", "y_test")}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty data folder, and no network."""
    monkeypatch.setenv("DIFFUSION_DATA", str(tmp_path))
    monkeypatch.setattr("sklearn.datasets.fetch_openml", offline)
    return tmp_path


def offline(*_, **__):
    raise OSError("no network")


def write_idx(path, array):
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), compresslevel=1))


def assert_is(pair, arrays):
    for part, key in zip(pair, ("train", "test"), strict=True):
        assert torch.equal((part.images[:, 0] * 255).round().to(torch.uint8), torch.from_numpy(arrays[f"x_{key}"]))
        assert torch.equal(part.labels, torch.from_numpy(arrays[f"y_{key}"]).long())
        assert part.images.dtype == torch.float32
        assert part.images.max() <= 1


def test_mnist_from_npz(folder, arrays):
    np.savez(folder / "mnist.npz", **arrays)
    assert_is(mnist(), arrays)


def test_mnist_from_idx_files(folder, arrays):
    for key, name in IDX_FILES.items():
        write_idx(folder / name, arrays[key])
    assert_is(mnist(), arrays)


def test_mnist_from_openml_is_kept_for_the_next_time(folder, arrays, monkeypatch):
    """fetch_openml returns 70,000 rows of 784 numbers and labels as strings, the training set first."""
    pixels = np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(-1, 784)
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    bunch = SimpleNamespace(data=pixels.astype(np.int64), target=labels.astype(str).astype(object))
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *_, **__: bunch)
    assert_is(mnist(), arrays)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", offline)
    assert_is(mnist(), arrays)


def test_offline_and_absent_says_where_to_put_which_file(folder):
    with pytest.raises(DataError, match=r"mnist\.npz .* train-images-idx3-ubyte\.gz.* DIFFUSION_DATA") as error:
        mnist()
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage"])
@pytest.mark.parametrize("name", ["mnist.npz", IDX_FILES["x_test"]])
def test_damaged_files_are_refused(name, damage, folder, arrays):
    if name == "mnist.npz":
        np.savez(folder / name, **{key: array[:100] for key, array in arrays.items()})
    else:
        for key, file in IDX_FILES.items():
            write_idx(folder / file, arrays[key][:100])
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "garbage": b"\x80garbage"}[damage])
    with pytest.raises(DataError, match=name) as error:
        mnist()
    assert "\n" not in str(error.value)


def test_short_files_and_wrong_labels_are_refused(folder, arrays):
    np.savez(folder / "mnist.npz", **(arrays | {"x_test": arrays["x_test"][:9999]}))
    with pytest.raises(DataError, match=r"x_test has shape \(9999, 28, 28\)"):
        mnist()
    np.savez(folder / "mnist.npz", **(arrays | {"y_train": arrays["y_train"] + 1}))
    with pytest.raises(DataError, match="labels 0 to 9"):
        mnist()


def test_real_mnist_has_its_known_statistics(real_mnist):
    """Mean 0.1307 and standard deviation 0.3081 of the training pixels, 5923 zeros, first label 5."""
    train, test = real_mnist
    assert float(train.images.mean()) == pytest.approx(0.1307, abs=5e-5)
    assert float(train.images.std()) == pytest.approx(0.3081, abs=5e-5)
    assert int((train.labels == 0).sum()) == 5923
    assert (int(train.labels[0]), int(test.labels[0])) == (5, 7)


def test_digits_are_split_without_overlap_or_loss():
    train, test = digits()
    everything = torch.cat([train.images, test.images])
    assert torch.equal(everything[:, 0] * 16, torch.tensor(load_digits().images, dtype=torch.float32))
    assert everything.shape == (1797, 1, 8, 8)
    assert set(train.labels.tolist()) == set(test.labels.tolist()) == set(range(10))
    assert everything.min() == 0
    assert everything.max() == 1


# --- glyphs and sprites ---------------------------------------------------------------------------------------------


def test_glyphs_are_the_characters_of_the_font_with_their_structure():
    """A character everyone can check by eye: 十, a cross; and those whose structure is plain: 明, 日 beside 月; 昌."""
    arrays = data.read_asset("glyphs.npz")
    place = {chr(code): i for i, code in enumerate(arrays["codes"])}
    images = np.unpackbits(arrays["bits"], axis=1).reshape(-1, 16, 16)
    cross = images[place["十"]]
    assert (cross.sum(1) > 10).sum() == 1  # one long horizontal stroke
    assert (cross.sum(0) > 10).sum() == 1  # one long vertical stroke
    assert [int(arrays["structure"][place[c]]) for c in "明林昌森十"] == [0, 0, 1, 1, 2]
    assert np.bincount(arrays["structure"]).tolist() == [14639, 4451, 1902]


def test_glyphs_and_sprites_are_split_alike_each_time_and_lose_none():
    for load, n, tests, channels in ((glyphs, 20992, 2000, 1), (sprites, 1798, 300, 3)):
        (train, test), (again, _) = load(), load()
        assert torch.equal(train.images, again.images)
        assert (len(train), len(test)) == (n - tests, tests)
        assert train.images.shape[1:] == (channels, 16, 16)
        both = torch.cat([train.images, test.images]).flatten(1)
        assert 0 <= both.min() < both.max() <= 1
        assert len(both.unique(dim=0)) > 0.99 * n  # Unifont has some characters that look the same
        assert train.labels.max() < train.num_classes


def test_sprites_have_the_variance_that_the_readme_states():
    train, test = sprites()
    images = torch.cat([train.images, test.images]).double()
    assert float((images - images.mean(0)).square().mean()) == pytest.approx(0.02935, abs=5e-6)


@pytest.mark.parametrize("content", [None, b"", b"PK half"])
def test_missing_and_damaged_assets_are_refused(tmp_path, monkeypatch, content):
    monkeypatch.setattr(data, "ASSETS", tmp_path)
    if content is not None:
        (tmp_path / "glyphs.npz").write_bytes(content)
    with pytest.raises(DataError, match="git checkout experiments/assets"):
        glyphs()
