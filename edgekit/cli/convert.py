"""`edgekit convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.options import PixelRangeOption, QuantizedAsOption, parse_preprocessing


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A .keras, .h5, SavedModel, float .tflite, .onnx or .pt2 (torch.export).",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="MODEL.tflite",
            help="Where the INT8 model goes.",
            show_default=False,
        ),
    ],
    calibration: Annotated[
        str,
        typer.Option(
            "--calibration",
            "-c",
            metavar="DATA",
            help="Data as in use: .npz, .npy, a folder of images or WAV, or FILE.py:FUNCTION.",
            show_default=False,
        ),
    ],
    evaluate: Annotated[
        str | None,
        typer.Option(
            "--evaluate",
            "-e",
            metavar="DATA",
            help="Data with labels to compare on; the calibration data unless given.",
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option("--precision", help="int8, or 16x8: int16 activations, int8 weights.")
    ] = "int8",
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            help="min-max, percentile-99.99, percentile-99.9 or mse; measured unless given.",
        ),
    ] = None,
    protect: Annotated[
        list[str] | None,
        typer.Option(
            "--protect",
            metavar="auto|NAME",
            help="Keep operators more precise: as few as the budget needs, or by name.",
        ),
    ] = None,
    protect_as: Annotated[
        str, typer.Option("--protect-as", help="What protected operators become: 16x8 or float.")
    ] = "16x8",
    max_drop: Annotated[
        float,
        typer.Option("--max-drop", metavar="POINTS", help="Accuracy that --protect auto may lose."),
    ] = 0.5,
    io: Annotated[
        str | None,
        typer.Option("--io", help="Type of inputs and outputs: int8, int16 or float32."),
    ] = None,
    samples: Annotated[
        int, typer.Option("--samples", min=1, metavar="N", help="Samples to calibrate with.")
    ] = 500,
    pixel_range: PixelRangeOption = None,
    quantized_as: QuantizedAsOption = None,
    sample_rate: Annotated[
        int | None, typer.Option("--sample-rate", metavar="HZ", help="That WAV files must have.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report; - is stdout.")
    ] = None,
) -> None:
    """Convert a trained model to INT8 and say what it cost.

    The data choose the ranges, by the method that measures best.

    The result has only operators of TensorFlow Lite Micro, and only integers.

    [bold]Examples[/bold]

        edgekit convert model.keras -o model.tflite -c train.npz -e test.npz

        edgekit convert model.onnx -o model.tflite -c images/

        edgekit convert f.tflite -o i.tflite -c x.npz --quantized-as old.tflite

        edgekit convert model.keras -o model.tflite -c x.npz --protect auto
    """
    from edgekit.conversion.quantization import Budget
    from edgekit.pipeline import conversion as pipeline
    from edgekit.report import conversion as report

    console.refuse_unwritable(output)
    console.refuse_unwritable(json)
    with console.progress() as progress:
        made = pipeline.convert(
            source,
            calibration,
            output=output,
            evaluation=evaluate,
            precision=precision,
            method=method,
            protect="auto" if protect == ["auto"] else tuple(protect or ()),
            protect_as=protect_as,
            budget=Budget(accuracy_drop=max_drop / 100),
            io=io,  # type: ignore[arg-type]  # the quantiser refuses any other
            preprocessing=parse_preprocessing(pixel_range, quantized_as, sample_rate),
            samples=samples,
            progress=progress,
        )
    if json is not None:
        console.write_file(json, report.to_json(made))
    if str(json) != "-":
        out = console.stdout()
        for part in report.tables(made):
            out.print(part)
        out.print(f"written to {output}")
