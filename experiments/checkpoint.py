"""A training run on disk: JSON, weights and training state, each written atomically and refused when unreadable."""

import hashlib
import io
import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save


class CheckpointError(Exception):
    """A checkpoint is missing, damaged, or of something else; the message is one line for the user."""


def write_atomically(path, data):
    """Write the bytes to path so that a reader, or a kill at any moment, finds the old file or the new, never half."""
    path = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # name the file that the user knows of
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def finite(content):
    """The content with null for each number that is not finite, which JSON cannot say."""
    if isinstance(content, dict):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def save_json(path, content):
    write_atomically(path, (json.dumps(finite(content), indent=2, allow_nan=False) + "\n").encode())


def load_json(path):
    """The content of a JSON file; CheckpointError if it is missing or damaged."""
    try:
        return json.loads(Path(path).read_text())
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise CheckpointError(f"{path}: not readable as JSON (truncated?)") from None


def check_config(path, saved, asked):
    """CheckpointError that names the first setting in which two configs (dicts) differ.

    A setting that the saved one does not know is newer than it, and is not compared.
    """
    for name, value in asked.items():
        if name in saved and saved[name] != value:
            raise CheckpointError(f"{path} was trained with {name} = {saved[name]}, not {value}")


def save_weights(path, module, config):
    """The module's state as safetensors, with the config (a dict) that it was trained with."""
    tensors = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
    write_atomically(path, save(tensors, metadata={"config": json.dumps(config)}))


def load_weights(path, module, config):
    """Fill the module from a safetensors file; CheckpointError if it is missing, damaged, or of another config."""
    try:
        with safe_open(path, framework="pt") as file:
            saved = json.loads(file.metadata()["config"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except (SafetensorError, OSError, TypeError, KeyError, ValueError):
        raise CheckpointError(f"{path}: not readable as the weights of a run (truncated?)") from None
    check_config(path, saved, config)
    try:
        module.load_state_dict(tensors)
    except RuntimeError:
        raise CheckpointError(f"{path}: weights of another network") from None


def fingerprint(*folders):
    """16 hex digits that change with the weights in the folders: whether something was made from these weights."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(Path(folder).glob("*.safetensors")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def save_arrays(path, **arrays):
    """NumPy arrays by name, as .npz."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(path, buffer.getvalue())


def save_training(path, training, config):
    """All that a `utils.Training` needs to go on, with the config (a dict) of its run."""
    buffer = io.BytesIO()
    torch.save({"training": training.state_dict(), "config": config}, buffer)
    write_atomically(path, buffer.getvalue())


def load_training(path, training, config):
    """Put a `utils.Training` back to where it was; CheckpointError if the file is damaged or of another config."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        check_config(path, state["config"], config)
        training.load_state_dict(state["training"])
    except CheckpointError:
        raise
    except Exception:  # a damaged pickle can raise anything
        raise CheckpointError(f"{path}: not readable as the training state of this run (truncated?)") from None
