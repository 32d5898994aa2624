"""What a caller may ask of the quantiser."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal, get_args

from edgekit.errors import UserError

#: Ways to choose the range of an activation, in the order in which they are tried.
METHODS = ("min-max", "percentile-99.99", "percentile-99.9", "mse")

InterfaceType = Literal["int8", "int16", "float32"]


class Precision(enum.Enum):
    """What an operator computes with."""

    INT8 = "int8"  # activations and weights
    INT16X8 = "16x8"  # int16 activations, int8 weights
    FLOAT = "float"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much worse than the float model the quantised one may be on the calibration samples.

    The first that can be measured counts: accuracy if there are labels, agreement if the model
    ends in a softmax, else the signal-to-quantisation-noise ratio.
    """

    accuracy_drop: float = 0.005  # of 1: half a point
    agreement: float = 0.995  # share of samples with the float model's class
    sqnr_db: float = 20.0  # of the outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationOptions:
    """How to quantise.

    `protect` keeps operators in `protect_as`: those that are named, or with "auto" as few as the
    budget needs. A name is that of an output tensor, of a layer of the source, of a TFLite
    operator ("SOFTMAX": all of them), or "#3", the operator's index in the float .tflite.
    """

    precision: Precision = Precision.INT8  # of all operators that are not protected
    method: str | None = None  # one of METHODS; None: whichever measures best
    protect: Literal["auto"] | tuple[str, ...] = ()
    protect_as: Precision = Precision.INT16X8
    budget: Budget = Budget()
    io: InterfaceType | None = None  # of inputs and outputs; None: as `precision` computes
    quantized_as: tuple[float, int] | None = None  # scale and zero point that the input must have

    def __post_init__(self) -> None:
        if self.precision is Precision.FLOAT:
            raise UserError("a model cannot be quantised to float", hint="choose int8 or 16x8")
        if self.protect_as is Precision.INT8:
            raise UserError(
                "operators cannot be protected as int8", hint="protect them as 16x8 or float"
            )
        if self.method is not None and self.method not in METHODS:
            raise UserError(
                f"there is no calibration method {self.method!r}",
                hint=f"known methods: {', '.join(METHODS)}",
            )
        self._check_interface()

    def _check_interface(self) -> None:
        if self.interface not in get_args(InterfaceType):
            raise UserError(
                f"inputs and outputs cannot be {self.interface}",
                hint=f"known types: {', '.join(get_args(InterfaceType))}",
            )
        if self.quantized_as is None:
            return
        scale, zero_point = self.quantized_as
        if not 0 < scale < float("inf") or not -128 <= zero_point <= 127:
            raise UserError(
                f"scale {scale:g} and zero point {zero_point} are no int8 quantisation",
                hint="the scale is positive, the zero point lies in -128..127",
            )
        if self.interface != "int8":
            raise UserError(
                f"an input that is {self.interface} cannot have the quantisation of an int8 one",
                hint="ask for int8 inputs and outputs, or for no quantisation of the input",
            )

    @property
    def interface(self) -> InterfaceType:
        """The type of the model's inputs and outputs."""
        if self.io is not None:
            return self.io
        return "int16" if self.precision is Precision.INT16X8 else "int8"
