"""Every error edgekit raises on purpose.

EdgekitError                    exit code 1: something failed
├── UserError                   exit code 2: what was asked cannot be done as asked
│   ├── ModelError              the model file cannot be read or compiled
│   │   ├── CorruptModelError       it is not a whole, well-formed .tflite
│   │   ├── FloatModelError         it computes in float, not in int8
│   │   └── UnsupportedOperatorsError   some of its operators have no kernel here
│   ├── InputError              inputs or labels given do not match the model
│   │   └── CalibrationError        calibration data are unfit to choose ranges by
│   ├── RecipeError             a training recipe is malformed, or asks for what a model has not
│   ├── BoardError              a board is unknown, or its file malformed
│   ├── DoesNotFitError         the model needs more memory than the board has
│   ├── SerialPortError         a serial port is missing, busy or refused
│   ├── HostError               a host is unknown, has another key, or refuses the login
│   ├── ImageError              what is to be flashed is missing, damaged or incomplete
│   └── WrongBoardError         what was reached is not a board that the image is for
├── ToolMissingError            a compiler, an emulator or an optional package is not installed
├── ConversionError             a converter failed; its log is kept, and named
├── TrainingError               training diverged or cannot go on
├── BudgetExceededError         a model passed a limit that a gate was given
├── PassError                   a pass broke the graph (a bug of ours)
├── MemoryPlanError             no valid plan was found (a bug of ours)
├── BuildError                  the toolchain rejected the generated project
├── FlashError                  the image did not reach the board
├── EmulatorError               the emulated board died or went silent
├── RemoteError                 a machine cannot be reached, or a program failed there
├── OracleError                 the reference interpreter refused the model or died
├── LinkError                   the conversation with the board broke
│   ├── LinkTimeoutError            no whole reply in the time allowed
│   ├── FrameError                  bad COBS code, length or CRC
│   ├── ProtocolError               a well-formed frame that means nothing here
│   └── DeviceError                 the board answered with an error status
└── VerificationError           the device's bytes differ from the reference
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal


class EdgekitError(Exception):
    """Base of all deliberate errors: one sentence on what happened, and a hint on what to try."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UserError(EdgekitError):
    """What was asked cannot be done as it was asked."""

    exit_code = 2


class ModelError(UserError):
    """The model file cannot be read or compiled."""


class CorruptModelError(ModelError):
    """The file is not a whole, well-formed .tflite."""


class FloatModelError(ModelError):
    """The model computes in float; edgekit compiles int8 models."""


@dataclass(frozen=True, slots=True)
class UnsupportedOperator:
    """One operator that cannot be compiled, and why."""

    index: int  # in the .tflite
    name: str  # e.g. "TRANSPOSE_CONV"
    type: str  # element type of the first input that is computed, e.g. "int8"
    reason: str

    def __str__(self) -> str:
        return f"#{self.index} {self.name} ({self.type}): {self.reason}"


class UnsupportedOperatorsError(ModelError):
    """Some operators have no kernel in the engine asked for; all of them are listed at once."""

    def __init__(
        self,
        model: str,
        operators: Sequence[UnsupportedOperator],
        *,
        engine: Literal["aot", "tflm"] = "aot",
        hint: str | None = None,
    ) -> None:
        self.model, self.operators = model, tuple(operators)
        count = len(self.operators)
        what = "1 operator" if count == 1 else f"{count} operators"
        lines = "".join(f"\n  {operator}" for operator in self.operators)
        super().__init__(
            f"{model}: {what} cannot {_DONE_BY[engine]}:{lines}",
            hint=hint or _way_out({operator.type for operator in self.operators}, engine),
        )


_DONE_BY = {"aot": "be compiled ahead of time", "tflm": "be run by TensorFlow Lite Micro"}


def _way_out(types: Set[str], engine: Literal["aot", "tflm"]) -> str:
    """What to try, by the element types that the operators compute with."""
    if engine == "tflm":
        return "replace them in the model: docs/tflm.md lists the operators that there are"
    int8 = "convert the model with int8 activations: supported_ops = [TFLITE_BUILTINS_INT8]"
    if "int16" in types:
        return f"keep int16 for operators that have a kernel for it, or {int8}"
    if "uint8" in types:
        return int8
    replace = "replace them in the model: the README lists the operators that edgekit has"
    if "float32" in types:
        return f"converters leave in float32 what they have no int8 form of; {replace}"
    return replace


class InputError(UserError):
    """Inputs or labels that were given do not match the model."""


class CalibrationError(InputError):
    """Calibration data are unfit to choose ranges by."""


class RecipeError(UserError):
    """A training recipe is malformed, or asks for what a model does not have."""


class BoardError(UserError):
    """A board is unknown, or its file is malformed."""


class DoesNotFitError(UserError):
    """The model needs more memory than the board has."""

    def __init__(
        self,
        *,
        board: str,
        memory: str,
        needed_bytes: int,
        free_bytes: int,
        fits: Sequence[str] = (),
        instead: str = "",
    ) -> None:
        self.board, self.memory = board, memory
        self.needed_bytes, self.free_bytes, self.fits = needed_bytes, free_bytes, tuple(fits)
        where = f"it fits on: {', '.join(fits)}" if fits else "it fits on no board that edgekit has"
        where = f"{instead}; {where}" if instead else where
        super().__init__(
            f"the model needs {needed_bytes:,} bytes of {memory} but {board} has {free_bytes:,}: "
            f"{needed_bytes - free_bytes:,} too many",
            hint=where,
        )

    def with_fits(self, fits: Sequence[str], *, instead: str = "") -> DoesNotFitError:
        """The same error with other boards named, and what to try on the same one."""
        return DoesNotFitError(
            board=self.board,
            memory=self.memory,
            needed_bytes=self.needed_bytes,
            free_bytes=self.free_bytes,
            fits=fits,
            instead=instead,
        )


class SerialPortError(UserError):
    """A serial port is missing, busy or refused."""


class HostError(UserError):
    """A host is unknown, its key is not the known one, or it refuses the login."""


class ImageError(UserError):
    """What is to be flashed is missing, damaged or incomplete."""


class WrongBoardError(UserError):
    """What was reached, by a serial port or ssh, is not a board that the image is for."""


class ToolMissingError(EdgekitError):
    """A compiler, an emulator or an optional package is not installed."""


class ConversionError(EdgekitError):
    """A converter failed; the message names the file that holds its log."""


class TrainingError(EdgekitError):
    """Training diverged or cannot go on."""


class BudgetExceededError(EdgekitError):
    """A model passed a limit that a gate was given."""


class PassError(EdgekitError):
    """A pass broke the graph: a bug of edgekit, not of the model."""


class MemoryPlanError(EdgekitError):
    """No valid memory plan was found: a bug of edgekit, not of the model."""


class BuildError(EdgekitError):
    """The toolchain rejected the generated project."""


class FlashError(EdgekitError):
    """The image did not reach the board."""


class EmulatorError(EdgekitError):
    """The emulated board died or went silent."""


class RemoteError(EdgekitError):
    """A machine cannot be reached, or a program failed there."""


class OracleError(EdgekitError):
    """The reference interpreter refused the model or died."""


class LinkError(EdgekitError):
    """The conversation with the board broke."""


class LinkTimeoutError(LinkError):
    """No whole reply came in the time allowed."""


class FrameError(LinkError):
    """A frame's COBS code, length or CRC is wrong."""


class ProtocolError(LinkError):
    """A well-formed frame that means nothing here, such as another protocol version."""


class DeviceError(LinkError):
    """The board answered with an error status."""

    def __init__(self, message: str, *, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class VerificationError(EdgekitError):
    """The device's bytes differ from the reference."""
