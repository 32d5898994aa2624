"""WAV files -> samples of the model's length."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgekit.conversion.dataset.preprocessing import Preprocessing
from edgekit.errors import InputError
from edgekit.ir import Array, Tensor

SUFFIXES = (".wav", ".wave")


def reader(tensor: Tensor, preprocessing: Preprocessing) -> Callable[[Path], Array]:
    """A function from a WAV file to float32 of the input's shape, values in [-1, 1).

    Channels are averaged. Of a file that is longer than the model's input the beginning is taken;
    a shorter one is followed by silence.

    Raises:
        InputError: the input is no waveform, or later: a file is damaged, no PCM, or of another
            sample rate than asked for or than the files before.
    """
    length = math.prod(tensor.shape)
    if length < 2 or max(tensor.shape) != length:
        raise InputError(
            f"the model takes {list(tensor.shape)} ({tensor.name!r}), which is no waveform such "
            "as [1, N] or [1, N, 1]",
            hint="if it takes features, give arrays (.npz) or a function: file.py:function",
        )
    expected = preprocessing.sample_rate

    def read(path: Path) -> Array:
        nonlocal expected
        rate, values = _decoded(path, length)
        if expected is not None and rate != expected:
            asked = preprocessing.sample_rate is not None
            raise InputError(
                f"{path} has {rate} samples a second, "
                + (f"not {expected}" if asked else f"the files before it {expected}"),
                hint="resample it, or leave it out",
            )
        expected = rate
        out = np.zeros(length, np.float32)
        out[: len(values)] = values
        return out.reshape(tensor.shape[1:])

    return read


def _decoded(path: Path, most: int) -> tuple[int, Array]:
    """The sample rate, and at most the first `most` samples in [-1, 1)."""
    try:
        with path.open("rb") as file, wave.open(file) as sound:
            rate, channels, width = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
            count = min(most, sound.getnframes())
            content = sound.readframes(count)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (wave.Error, EOFError, ValueError, struct.error, RuntimeError) as error:
        reason = str(error) or "it ends early"
        raise InputError(
            f"{path} cannot be read as WAV: {reason}", hint="save it as 16-bit PCM"
        ) from error
    if len(content) != count * channels * width or not count or width not in (1, 2, 3, 4):
        fault = "has no sound" if not count else "is damaged: it ends early"
        raise InputError(f"{path} {fault}", hint="repair the file, or remove it")
    return rate, _integers(content, width).reshape(count, channels).mean(axis=1)


def _integers(content: bytes, width: int) -> Array:
    """Little-endian PCM of `width` bytes as float64 in [-1, 1); single bytes are unsigned."""
    raw = np.frombuffer(content, np.uint8)
    if width == 1:
        return (raw.astype(np.float64) - 128) / 128
    padded = np.zeros((len(raw) // width, 4), np.uint8)
    padded[:, 4 - width :] = raw.reshape(-1, width)
    return padded.view("<i4").reshape(-1) / 2.0**31
