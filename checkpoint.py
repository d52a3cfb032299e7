"""A training run on disk: JSON, weights and training state, each written atomically and refused when unreadable."""

import io
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save


class CheckpointError(Exception):
    """A checkpoint is missing, damaged, or of something else; the message is one line for the user."""


def write_atomically(path, data):
    """Write the bytes to path so that a reader, or a kill at any moment, finds the old file or the new, never half."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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


def save_json(path, content):
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())


def load_json(path):
    """The content of a JSON file; CheckpointError if it is missing or damaged."""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except (ValueError, UnicodeDecodeError):
        raise CheckpointError(f"{path}: not readable as JSON (truncated?)") from None


def save_weights(path, module):
    write_atomically(path, save({name: tensor.contiguous() for name, tensor in module.state_dict().items()}))


def load_weights(path, module):
    """Fill the module with the weights in a safetensors file; CheckpointError if they are missing or do not fit."""
    try:
        module.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except (SafetensorError, OSError):
        raise CheckpointError(f"{path}: not readable as safetensors (truncated?)") from None
    except RuntimeError:
        raise CheckpointError(f"{path}: weights of another network than its config.json describes") from None


def save_arrays(path, **arrays):
    """NumPy arrays by name, as .npz."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(path, buffer.getvalue())


def save_training(path, training):
    buffer = io.BytesIO()
    torch.save(training.state_dict(), buffer)
    write_atomically(path, buffer.getvalue())


def load_training(path, training):
    """Put a `utils.Training` back to where it was; CheckpointError if the file is damaged or does not fit."""
    try:
        training.load_state_dict(torch.load(path, weights_only=True))
    except Exception:  # a damaged pickle can raise anything
        raise CheckpointError(f"{path}: not readable as the training state of this run (truncated?)") from None
