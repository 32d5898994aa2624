"""Arguments and options that several commands share, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.errors import UserError

if TYPE_CHECKING:
    from edgekit.conversion.dataset import Preprocessing
    from edgekit.project import ProjectOptions

ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="An INT8 .tflite file.", show_default=False)
]
BoardOption = Annotated[
    str | None,
    typer.Option("--board", "-b", metavar="ID", help="A board: see `edgekit boards`."),
]
PortOption = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        metavar="PORT",
        help="Serial port (or pyserial URL) of a board that runs the model already.",
    ),
]
HostOption = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="USER@NAME",
        help="A Linux board, as ssh knows it; default: this computer, if it is one.",
    ),
]
LauncherOption = Annotated[
    str,
    typer.Option(
        "--launcher",
        metavar="COMMAND",
        help="What starts the program on a Linux board: 'taskset -c 3', or an emulator.",
        show_default=False,
    ),
]
BaudOption = Annotated[int, typer.Option("--baud", min=300, help="Speed of the serial port.")]
InputsOption = Annotated[
    str,
    typer.Option(
        "--inputs",
        "-i",
        metavar="N|FILE.npz",
        help="How many random inputs, or an .npz with inputs x and labels y.",
    ),
]
RunsOption = Annotated[
    int | None,
    typer.Option(
        "--runs",
        "-n",
        min=1,
        help="Timed invokes; default 3 where all count the same, else 50.",
    ),
]
WarmupOption = Annotated[
    int, typer.Option("--warmup", min=0, help="Invokes before the timed ones.")
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the measurement as JSON; - is stdout."),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", min=1, metavar="N", help="Runs at a time; default: one for each CPU."
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option("--limit", min=1, metavar="N", help="Use N samples, evenly spaced."),
]
PixelRangeOption = Annotated[
    str | None,
    typer.Option(
        "--pixel-range",
        metavar="LOW,HIGH",
        help="What black and white of images become; 0,1 unless given.",
    ),
]
QuantizedAsOption = Annotated[
    str | None,
    typer.Option(
        "--quantized-as",
        metavar="SCALE,ZERO|MODEL",
        help="Integer samples mean SCALE * (value - ZERO), or what MODEL's input says.",
    ),
]
FrameworkOption = Annotated[
    str | None,
    typer.Option("--framework", metavar="NAME", help="One of the board's, if it has several."),
]
BuilderOption = Annotated[
    str | None,
    typer.Option(
        "--builder", metavar="NAME", help="cmake or platformio; default: the board's own."
    ),
]
LinkOption = Annotated[
    str | None,
    typer.Option(
        "--link",
        metavar="uart|usb",
        help="A board's serial port: UART, or the chip's own USB; default: its file says.",
    ),
]
StackOption = Annotated[
    int | None,
    typer.Option(
        "--stack",
        min=2048,
        metavar="BYTES",
        help="Stack of the task that runs the model, on a framework; default: the board's file.",
    ),
]
EngineOption = Annotated[
    str, typer.Option("--engine", help="How the model runs: aot (compiled), tflm (interpreted).")
]
ThreadsOption = Annotated[
    int, typer.Option("--threads", min=1, metavar="N", help="Of engines litert and onnxruntime.")
]
PythonOption = Annotated[
    str | None,
    typer.Option(
        "--python",
        metavar="PATH",
        help="Of those engines: the board's Python that has their package; default: python3.",
        show_default=False,
    ),
]
RunEngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="How the model runs: aot (compiled), tflm (interpreted); on Linux boards and host "
        "also litert, and onnxruntime for an .onnx.",
    ),
]
TflmLibraryOption = Annotated[
    str | None,
    typer.Option(
        "--tflm-library",
        metavar="DIR",
        help="Where TensorFlow Lite Micro is, for engine tflm: see docs/tflm.md.",
        show_default=False,
    ),
]
ArenaOption = Annotated[
    str | None,
    typer.Option(
        "--arena",
        metavar="BYTES",
        help="Size of engine tflm's arena, e.g. 24k; an estimate that is enough unless given.",
        show_default=False,
    ),
]
WeightsInOption = Annotated[
    str,
    typer.Option(
        "--weights-in",
        metavar="flash|ram",
        help="Where the model's constants lie while it runs, on a board without a framework.",
    ),
]
KernelsInOption = Annotated[
    str,
    typer.Option(
        "--kernels-in",
        metavar="flash|ram",
        help="Where the model's code lies while it runs, on a board without a framework.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """The options --engine, --tflm-library, --arena, --weights-in and --kernels-in."""

    engine: str = "aot"
    tflm_library: str | None = None
    arena: str | None = None
    weights_in: str = "flash"
    kernels_in: str = "flash"

    @property
    def arena_bytes(self) -> int | None:
        """The arena that was asked for.

        Raises:
            UserError: it is no size.
        """
        from edgekit.measurement.budgets import parse_bytes

        return None if self.arena is None else parse_bytes(self.arena)

    def project_options(
        self, builder: str | None = None, link: str | None = None, stack: int | None = None
    ) -> ProjectOptions:
        """How the firmware is compiled, with the options --builder, --link and --stack.

        Raises:
            UserError: there is no such builder, link or place, or a library was named for an
                engine without one.
        """
        if self.tflm_library is not None and self.engine != "tflm":
            raise UserError(
                f"--tflm-library was given, but engine {self.engine} takes no library",
                hint="add --engine tflm, or leave it out",
            )
        return replace(
            project_options(builder, link, stack),
            tflm_library=self.tflm_library,
            weights_in=parse_place("--weights-in", self.weights_in),
            kernels_in=parse_place("--kernels-in", self.kernels_in),
        )


def parse_link(text: str | None) -> Literal["uart", "usb"] | None:
    """The --link option.

    Raises:
        UserError: there is no such link.
    """
    if text is None:
        return None
    if text not in ("uart", "usb"):
        raise UserError(f"there is no link {text!r}", hint="it is uart or usb")
    return "usb" if text == "usb" else "uart"


def parse_place(option: str, text: str) -> Literal["flash", "ram"]:
    """The --weights-in and --kernels-in options.

    Raises:
        UserError: there is no such place.
    """
    if text not in ("flash", "ram"):
        raise UserError(f"{option} {text}: there is no such place", hint="it is flash or ram")
    return "ram" if text == "ram" else "flash"


def project_options(
    builder: str | None, link: str | None = None, stack: int | None = None
) -> ProjectOptions:
    """The --builder, --link and --stack options.

    Raises:
        UserError: there is no such builder, or no such link.
    """
    from typing import get_args

    from edgekit.project import Builder, ProjectOptions

    if builder is not None and builder not in get_args(Builder):
        raise UserError(
            f"there is no builder {builder!r}", hint=f"builders: {', '.join(get_args(Builder))}"
        )
    return ProjectOptions(
        builder=builder,  # type: ignore[arg-type]  # one of them, as was seen
        link=parse_link(link),
        stack_bytes=stack,
    )


def parse_list(text: str) -> list[str]:
    """What stands between commas, without spaces and empty places."""
    return [word for part in text.split(",") if (word := part.strip())]


def parse_inputs(text: str) -> int | Path:
    """The --inputs option: a number of random inputs, else a file.

    Raises:
        UserError: it is neither.
    """
    if text.lstrip("+-").isdecimal():
        return int(text)
    path = Path(text)
    if not path.is_file():
        raise UserError(
            f"--inputs {text}: this is neither a number nor a file",
            hint="give how many random inputs, such as 16, or an .npz file",
        )
    return path


def parse_launcher(text: str) -> tuple[str, ...]:
    """The --launcher option: its words.

    Raises:
        UserError: it has quotes that do not end.
    """
    import shlex

    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UserError(
            f"--launcher {text}: {error}", hint="give a command as you would type it there"
        ) from error


def parse_preprocessing(
    pixel_range: str | None, quantized_as: str | None, sample_rate: int | None = None
) -> Preprocessing:
    """The --pixel-range, --quantized-as and --sample-rate options.

    Raises:
        UserError: one of them is malformed, or the model of --quantized-as cannot be read.
    """
    from edgekit.conversion import dataset

    return dataset.Preprocessing(
        pixel_range=None if pixel_range is None else dataset.parse_pixel_range(pixel_range),
        quantized_as=None if quantized_as is None else dataset.parse_quantized_as(quantized_as),
        sample_rate=sample_rate,
    )
