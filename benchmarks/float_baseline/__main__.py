"""Instructions of a model in INT8 beside those of the same model in float.

    python -m benchmarks.float_baseline FLOAT.tflite INT8.tflite [--board ID]

The float model becomes C that calls the straightforward loops of float_kernels.h, one operator
after the other, and is built and counted exactly as `edgekit run` builds and counts: same
compiler, same flags, same emulator, from entering to leaving the invoke function. Its outputs are
compared with LiteRT's before its count is believed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

import edgekit
from edgekit import emulators, link, measurement, memory, ops, toolchain
from edgekit.codegen import GeneratedSources
from edgekit.codegen.sources import library_files
from edgekit.conversion import litert
from edgekit.frontends import tflite
from edgekit.ir import Array, DType, Graph, Operator, Tensor
from edgekit.ops.fixed_point import Activation
from edgekit.ops.reduction import reduced_axes
from edgekit.ops.windows import axes
from edgekit.project import ProjectOptions

HERE = Path(__file__).resolve().parent
_TOLERANCE = 1e-4
_HYBRID_TOLERANCE = 0.02  # where weights are 8-bit, LiteRT rounds what they meet to 8 bits too
_LIMITS = {
    Activation.NONE: ("-FLT_MAX", "FLT_MAX"),
    Activation.RELU: ("0.0f", "FLT_MAX"),
    Activation.RELU6: ("0.0f", "6.0f"),
    Activation.RELU_N1_TO_1: ("-1.0f", "1.0f"),
}


@dataclass(frozen=True)
class Call:
    """One operator as a call of a function of float_kernels.h."""

    function: str
    arguments: tuple[str, ...]
    window: tuple[Any, ...] = ()


class Writer:
    """Operators -> calls and constants."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.plan = memory.plan(graph, [0] * len(graph.operators))
        self.constants: dict[str, Array] = {}

    def files(self) -> dict[str, str]:
        """The model library."""
        graph, symbol = self.graph, f"ek_{self.graph.name}"
        calls = [self.call(operator) for operator in graph.operators]
        context = {
            "name": graph.name,
            "symbol": symbol,
            "macro": symbol.upper(),
            "arena_bytes": self.plan.arena_bytes,
            "source": self._place(graph.inputs[0]),
            "sink": self._place(graph.outputs[0]),
            "constants": {name: list(_rows(value)) for name, value in self.constants.items()},
            "calls": calls,
        }
        loader = jinja2.FileSystemLoader(HERE)
        environment = jinja2.Environment(
            loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        return {
            "float_kernels.h": (HERE / "float_kernels.h").read_text(),
            f"{symbol}.h": environment.get_template("model.h.j2").render(context),
            f"{symbol}.c": environment.get_template("model.c.j2").render(context),
            **library_files((), ("ek_model.h",)),
        }

    def call(self, operator: Operator) -> Call:
        makers: dict[str, Callable[[Operator], Call]] = {
            "conv_2d": self._convolution,
            "depthwise_conv_2d": self._convolution,
            "fully_connected": self._dense,
            "average_pool_2d": self._pool,
            "max_pool_2d": self._pool,
            "mean": self._mean,
            "add": self._add,
            "relu": self._relu,
            "relu6": self._relu,
            "softmax": self._softmax,
            "reshape": self._copy,
            "squeeze": self._copy,
            "expand_dims": self._copy,
        }
        if operator.kind not in makers:
            raise SystemExit(f"#{operator.index} {operator.kind.upper()}: no float kernel here")
        return makers[operator.kind](operator)

    def _convolution(self, operator: Operator) -> Call:
        weights = operator.input(1)
        filters = (weights.shape[1], weights.shape[2])
        channels = operator.output.shape[3]
        return Call(
            operator.kind,
            (
                self._read(operator.input(0)),
                self._read(weights),
                self._bias(operator, channels),
                "&p",
                self._write(operator.output),
            ),
            self._window(operator, filters, channels),
        )

    def _pool(self, operator: Operator) -> Call:
        filters = (operator.attributes.filter_height, operator.attributes.filter_width)
        average = str(int(operator.kind == "average_pool_2d"))
        arguments = self._read(operator.input(0)), "&p", average, self._write(operator.output)
        window = self._window(operator, filters, operator.output.shape[3])
        return Call("pool_2d", arguments, window)

    def _window(
        self, operator: Operator, filters: tuple[int, int], channels: int
    ) -> tuple[Any, ...]:
        source = operator.input(0)
        y, x = axes(operator.attributes, source, filters)
        sizes = (*source.shape[1:], y.outputs, x.outputs, channels, y.filter, x.filter)
        steps = (y.stride, x.stride, y.dilation, x.dilation, y.before, x.before)
        return (*sizes, *steps, *_LIMITS[operator.attributes.activation])

    def _dense(self, operator: Operator) -> Call:
        outputs, inputs = operator.input(1).shape
        rows = operator.input(0).elements // inputs
        limits = _LIMITS[operator.attributes.activation]
        arguments = (
            self._read(operator.input(0)),
            self._read(operator.input(1)),
            self._bias(operator, outputs),
            *(str(n) for n in (rows, inputs, outputs)),
            *limits,
            self._write(operator.output),
        )
        return Call("fully_connected", arguments)

    def _mean(self, operator: Operator) -> Call:
        source = operator.input(0)
        if reduced_axes(operator) != (1, 2):
            raise SystemExit(f"#{operator.index} MEAN: only over height and width here")
        pixels, channels = source.shape[1] * source.shape[2], source.shape[3]
        places = self._read(source), str(pixels), str(channels), self._write(operator.output)
        return Call("mean", places)

    def _add(self, operator: Operator) -> Call:
        first, second = operator.input(0), operator.input(1)
        if first.shape != second.shape:
            raise SystemExit(f"#{operator.index} ADD: no broadcasting here")
        limits = _LIMITS[operator.attributes.activation]
        size = str(operator.output.elements)
        places = self._read(first), self._read(second)
        return Call("add", (*places, size, *limits, self._write(operator.output)))

    def _relu(self, operator: Operator) -> Call:
        limits = _LIMITS[Activation.RELU if operator.kind == "relu" else Activation.RELU6]
        size = str(operator.output.elements)
        return Call(
            "limit",
            (self._read(operator.input(0)), size, *limits, self._write(operator.output)),
        )

    def _softmax(self, operator: Operator) -> Call:
        classes = operator.output.shape[-1]
        rows = operator.output.elements // classes
        beta = f"{operator.attributes.beta!r}f"
        places = self._read(operator.input(0)), str(rows), str(classes), beta
        return Call("softmax", (*places, self._write(operator.output)))

    def _copy(self, operator: Operator) -> Call:
        size = str(operator.output.size_bytes)
        return Call("memmove", (self._write(operator.output), self._read(operator.input(0)), size))

    def _bias(self, operator: Operator, channels: int) -> str:
        bias = operator.optional_input(2)
        if bias is not None:
            return self._read(bias)
        self.constants[f"no_bias_{channels}"] = np.zeros(channels, np.float32)
        return f"no_bias_{channels}"

    def _read(self, tensor: Tensor) -> str:
        if tensor.constant is None:
            return self._write(tensor)
        name = f"constant_{tensor.id}"
        self.constants[name] = _real(tensor)
        return name

    def _write(self, tensor: Tensor) -> str:
        return f"(float *)(void *)(arena + {self.plan.offset_of(tensor)})"

    def _place(self, tensor: Tensor) -> dict[str, int]:
        return {"offset": self.plan.offset_of(tensor), "size_bytes": tensor.size_bytes}


def _real(tensor: Tensor) -> Array:
    """A constant as float32; some float models keep their weights as int8."""
    assert tensor.constant is not None
    if tensor.quantization is None:
        return tensor.constant
    scales = np.array(tensor.quantization.scales, np.float32)
    shape = [1] * len(tensor.shape)
    shape[tensor.quantization.axis if len(scales) > 1 else 0] = len(scales)
    return np.asarray(tensor.constant * scales.reshape(shape), np.float32)


def _rows(values: Array) -> list[str]:
    """C's literals of float32 values, exact, eight a line."""
    words = [f"{float(value).hex()}f" for value in values.reshape(-1)]
    return [", ".join(words[i : i + 8]) + "," for i in range(0, len(words), 8)]


@dataclass(frozen=True)
class FloatCount:
    """What a model costs in float on a board."""

    instructions: int  # of one invoke
    macs: int
    weights_bytes: int
    arena_bytes: int


def count_float(path: Path, board: str) -> FloatCount:
    """Build the float model, compare its outputs with LiteRT's, and count one invoke."""
    graph = tflite.read(path)
    writer = Writer(graph)
    target = edgekit.board(board)
    sources = GeneratedSources(
        model_name=graph.name,
        engine="aot",
        files=writer.files(),
        arena_bytes=writer.plan.arena_bytes,
        input_bytes=graph.inputs[0].size_bytes,
        constant_bytes=sum(t.size_bytes for t in graph.tensors if t.constant is not None),
    )
    image = toolchain.build(sources, target, options=ProjectOptions())
    values = np.random.default_rng(0).standard_normal(graph.inputs[0].shape).astype(np.float32)
    with (
        emulators.start(target, image) as running,
        link.Device(link.SerialTransport(running.serial_port)) as device,
    ):
        device.write_input(0, values.tobytes())
        ticks, ticks_hz = device.invoke(), device.hello.ticks_hz
        answer = np.frombuffer(device.read_output(0), np.float32)
    (expected,) = litert.outputs(path.read_bytes(), (values,))
    worst = float(np.abs(answer - expected.reshape(-1)).max())
    hybrid = any(t.constant is not None and t.dtype is DType.INT8 for t in graph.tensors)
    if not worst <= (_HYBRID_TOLERANCE if hybrid else _TOLERANCE):
        raise SystemExit(f"{path.name}: outputs differ from LiteRT's by {worst:.3g}")
    latency = measurement.summarise(ticks, board=target, ticks_hz=ticks_hz, warmup=0)
    return FloatCount(
        instructions=int(latency.median),
        macs=ops.macs(graph),
        weights_bytes=sum(4 * value.size for value in writer.constants.values()),
        arena_bytes=writer.plan.arena_bytes,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("float_model", type=Path)
    parser.add_argument("int8_model", type=Path)
    parser.add_argument("--board", default="qemu-cortex-m4")
    asked = parser.parse_args()
    in_float = count_float(asked.float_model, asked.board).instructions
    measured = edgekit.run(asked.int8_model, asked.board, inputs=1, runs=1, warmup=0)
    macs, in_int8 = measured.model.macs, int(measured.invoke.median)
    for what, count in (("float32", in_float), ("INT8", in_int8)):
        print(f"{what:8} {count:>12,} instructions, {count / macs:.2f} per MAC")
    print(f"float32 needs {in_float / in_int8:.2f} times as many, on {asked.board}")


if __name__ == "__main__":
    main()
