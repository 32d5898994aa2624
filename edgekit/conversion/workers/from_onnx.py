"""An ONNX file -> its nodes, shapes and constants as JSON and arrays, and how it answers.

ONNX Runtime folds what is constant (shapes that models compute, batch norm after convolutions)
and runs the model once, so that each tensor's shape is known and not inferred. The model's answers
to random inputs are taken from the model as it was given, before any folding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import external_data_helper

from .refusal import Refused

_SAMPLES = 4
_STANDARD = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
_EXPORT = "export the model again with fixed shapes and float32 inputs of batch size 1"
_INLINED = "_inlfunc_"  # before the names of what ONNX Runtime made of a compound operator
_SCOPES = "pkg.torch.onnx.name_scopes"  # in nodes that PyTorch exported


def convert(source: str, destination: str, name: str, given: str | None = None) -> dict[str, Any]:
    """Write DESTINATION.json and DESTINATION.npz; see `edgekit.conversion.onnx_graph`.

    Args:
        source: a path of an ONNX file.
        destination: path of both files, without suffix.
        name: what messages call the model.
        given: an .npz with samples and answers of the framework that the model comes from, to be
            kept instead of ONNX Runtime's.
    """
    model = _loaded(source, name)
    _check_domains(model, name)
    _check_inputs(model, name)
    layers = _layers(model)
    directory = Path(destination).parent
    fixed = directory / "fixed.onnx"
    onnx.save(model, fixed, save_as_external_data=_is_large(model))
    samples = _samples(model)
    examples = _examples(model, samples, _run(fixed, name, samples))
    if given is not None:
        with np.load(given) as arrays:
            examples = dict(arrays)
    folded = _folded(fixed, directory / "folded.onnx", name)
    shapes = _shapes(folded, directory / "observed.onnx", name, samples)
    _write(folded, shapes, layers, Path(destination), examples)
    return {"producer": f"{model.producer_name} {model.producer_version}".strip()}


def _loaded(source: str, name: str) -> onnx.ModelProto:
    damaged = "fetch or export the model again"
    try:
        model = onnx.load(source, load_external_data=False)
    except Exception as error:  # protobuf raises what its version pleases
        raise Refused(f"{name} is damaged: {_line(error)}", hint=damaged) from error
    known = onnx.defs.onnx_opset_version()
    opset = max((o.version for o in model.opset_import if o.domain in _STANDARD[:2]), default=0)
    if opset > known:
        raise Refused(
            f"{name} uses ONNX opset {opset}, and opsets up to {known} can be read",
            hint="export it with opset_version=18",
        )
    if not model.graph.node or not model.graph.output:
        raise Refused(f"{name} has no operators or no outputs", hint=damaged)
    _load_weights(model, Path(source).parent, name)
    return model


def _load_weights(model: onnx.ModelProto, directory: Path, name: str) -> None:
    """Those that lie in other files."""
    files = {
        entry.value
        for tensor in model.graph.initializer
        if external_data_helper.uses_external_data(tensor)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    missing = sorted(file for file in files if not (directory / file).is_file())
    if missing:
        raise Refused(
            f"{name} keeps its weights in {', '.join(missing)}, which is not beside it",
            hint="copy that file too, or save the model in one file (external_data=False)",
        )
    try:
        external_data_helper.load_external_data_for_model(model, str(directory))
    except Exception as error:
        raise Refused(
            f"{name} has weights in {', '.join(sorted(files))} that cannot be read: {_line(error)}",
            hint="copy that file again, or save the model in one file (external_data=False)",
        ) from error


def _line(error: Exception) -> str:
    """What an exception says, without ONNX Runtime's codes and our scratch files."""
    said = " ".join(str(error).split())
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", said)
    return re.sub(r"^Load model from \S+ failed: ?", "", said)[:300]


def _nodes(graph: onnx.GraphProto) -> Iterable[onnx.NodeProto]:
    """Those of the graph, and of the graphs inside If and Loop."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _nodes(attribute.g)


def _label(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {(node.name or node.output[0])!r}"


def _check_domains(model: onnx.ModelProto, name: str) -> None:
    functions = {(function.domain, function.name) for function in model.functions}
    strange = [
        node
        for node in _nodes(model.graph)
        if node.domain not in _STANDARD and (node.domain, node.op_type) not in functions
    ]
    if strange:
        found = ", ".join(f"{_label(node)} (domain {node.domain})" for node in strange)
        raise Refused(
            f"{name} has custom operators, of which nobody but their author knows what they "
            f"compute: {found}",
            hint="replace them by operators of ONNX itself, and export the model again",
        )


def _given_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Older files list their weights among the inputs, too."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def _check_inputs(model: onnx.ModelProto, name: str) -> None:
    """Refuse what has no fixed float32 shape; make the batch 1."""
    for value in _given_inputs(model):
        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type") or tensor.elem_type != onnx.TensorProto.FLOAT:
            kind = "no tensor"
            if value.type.HasField("tensor_type"):
                kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
            raise Refused(f"{name}: input {value.name!r} is {kind}, not float32", hint=_EXPORT)
        _fix_shape(value, name)
    if not _given_inputs(model):
        raise Refused(f"{name} has no inputs: there is nothing to run", hint=_EXPORT)
    del model.graph.value_info[:]  # shapes with the old batch
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")


def _fix_shape(value: onnx.ValueInfoProto, name: str) -> None:
    tensor = value.type.tensor_type
    label = f"{name}: input {value.name!r}"
    if not tensor.HasField("shape") or not tensor.shape.dim:
        raise Refused(f"{label} has no shape", hint=_EXPORT)
    batch, *others = tensor.shape.dim
    dynamic = [
        f"{i} ({d.dim_param})" if d.dim_param else str(i)
        for i, d in enumerate(others, 1)
        if d.dim_value < 1
    ]
    if dynamic:
        what = "dimension" if len(dynamic) == 1 else "dimensions"
        raise Refused(f"{label} has the dynamic {what} {', '.join(dynamic)}", hint=_EXPORT)
    if batch.dim_value > 1:
        sizes = [d.dim_value for d in tensor.shape.dim]
        raise Refused(
            f"{label} is {sizes}: its batch size is {batch.dim_value}, not 1", hint=_EXPORT
        )
    batch.dim_value = 1


def _is_large(model: onnx.ModelProto) -> bool:
    """Protobuf's limit is 2 GiB; such a model fits no microcontroller, but its refusal is ours."""
    return bool(model.ByteSize() > 2**30)


def _layers(model: onnx.ModelProto) -> dict[str, str]:
    """The layer of each node by the node's name, and by the names of its outputs.

    PyTorch's export tells the module of a node; the module of a weight says it best, since
    exporters merge batch norms into convolutions under the batch norm's name.
    """
    layers = {}
    for node in model.graph.node:
        layer = _layer(node)
        layers.update({key: layer for key in (node.name, *node.output) if key})
    return layers


def _layer(node: onnx.NodeProto) -> str:
    for read in node.input[1:2]:
        if read.endswith(".weight"):
            return str(read.removesuffix(".weight"))
    scopes = next((p.value for p in node.metadata_props if p.key == _SCOPES), "")
    modules = [scope for scope in re.findall(r"'([^']*)'", scopes)[:-1] if scope]
    return modules[-1] if modules else str(node.name or node.output[0])


def _samples(model: onnx.ModelProto) -> list[dict[str, Any]]:
    """Random inputs: half of them normal, half in 0..1 as pixels often are."""
    rng = np.random.default_rng(20261124)
    samples = []
    for i in range(_SAMPLES):
        draw = rng.standard_normal if i % 2 == 0 else rng.random
        samples.append({v.name: draw(_sizes(v), np.float32) for v in _given_inputs(model)})
    return samples


def _sizes(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(int(d.dim_value) for d in value.type.tensor_type.shape.dim)


def _session(path: Path, name: str, *, folded: Path | None = None) -> onnxruntime.InferenceSession:
    """The model in ONNX Runtime; with `folded`, simplified and written there."""
    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        levels.ORT_DISABLE_ALL if folded is None else levels.ORT_ENABLE_BASIC
    )
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if folded is not None:
        options.optimized_model_filepath = str(folded)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base but this
        raise Refused(
            f"{name} cannot be run by ONNX Runtime {onnxruntime.__version__}: {_line(error)}",
            hint="the model is damaged or newer than that: export it again, with an older opset",
        ) from error


def _run(path: Path, name: str, samples: list[dict[str, Any]]) -> list[list[Any]]:
    """The outputs for each sample."""
    session = _session(path, name)
    try:
        return [session.run(None, sample) for sample in samples]
    except Exception as error:
        raise Refused(
            f"{name} does not run with batch size 1: {_line(error)}", hint=_EXPORT
        ) from error


def _examples(
    model: onnx.ModelProto, samples: list[dict[str, Any]], answers: list[list[Any]]
) -> dict[str, Any]:
    """sample0, … [N, *shape[1:]] and answer0, … [N, *shape]."""
    arrays = {}
    for i, value in enumerate(_given_inputs(model)):
        arrays[f"sample{i}"] = np.concatenate([sample[value.name] for sample in samples])
    for i in range(len(model.graph.output)):
        arrays[f"answer{i}"] = np.stack([np.asarray(answer[i]) for answer in answers])
    return arrays


def _folded(source: Path, destination: Path, name: str) -> onnx.ModelProto:
    _session(source, name, folded=destination)
    return onnx.load(destination)


def _shapes(
    model: onnx.ModelProto, path: Path, name: str, samples: list[dict[str, Any]]
) -> dict[str, tuple[list[int], str]]:
    """Shape and type of each computed tensor, as one run gives them."""
    computed = [output for node in model.graph.node for output in node.output if output]
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    del observed.graph.output[:], observed.graph.value_info[:]
    observed.graph.output.extend(onnx.ValueInfoProto(name=output) for output in computed)
    onnx.save(observed, path, save_as_external_data=_is_large(observed))
    values = _run(path, name, samples[:1])[0]
    values = [*values, *samples[0].values()]
    names = [*computed, *samples[0]]
    return {
        n: (list(np.shape(v)), str(getattr(v, "dtype", type(v).__name__)))
        for n, v in zip(names, values, strict=True)
    }


def _attribute(attribute: onnx.AttributeProto) -> Any:
    """A value for JSON; of tensors and graphs only that there is one."""
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple) or hasattr(value, "__len__"):
        return [v.decode(errors="replace") if isinstance(v, bytes) else v for v in value]
    return None


def _node(node: onnx.NodeProto, layers: Mapping[str, str]) -> dict[str, Any]:
    known = (layers[key] for key in (node.name, *node.output) if key in layers)
    by_weight = _layer(node)
    simple = {
        onnx.AttributeProto.INT,
        onnx.AttributeProto.INTS,
        onnx.AttributeProto.FLOAT,
        onnx.AttributeProto.FLOATS,
        onnx.AttributeProto.STRING,
        onnx.AttributeProto.STRINGS,
    }
    return {
        "name": (node.name or node.output[0]).removeprefix(_INLINED),
        "type": node.op_type if node.domain in _STANDARD[:2] else f"{node.domain}.{node.op_type}",
        "layer": next(known, by_weight),
        "inputs": list(node.input),
        "outputs": list(node.output),
        "attributes": {a.name: _attribute(a) for a in node.attribute if a.type in simple},
    }


def _write(
    model: onnx.ModelProto,
    shapes: Mapping[str, tuple[list[int], str]],
    layers: Mapping[str, str],
    destination: Path,
    examples: Mapping[str, Any],
) -> None:
    arrays, constants = dict(examples), {}
    for i, tensor in enumerate(model.graph.initializer):
        constants[tensor.name] = f"constant{i}"
        arrays[f"constant{i}"] = onnx.numpy_helper.to_array(tensor)
    described = {
        "opset": next(o.version for o in model.opset_import if o.domain in _STANDARD[:2]),
        "inputs": [value.name for value in _given_inputs(model)],
        "outputs": [value.name for value in model.graph.output],
        "nodes": [_node(node, layers) for node in model.graph.node],
        "tensors": {key: {"shape": s, "type": t} for key, (s, t) in shapes.items()},
        "constants": constants,
    }
    np.savez(f"{destination}.npz", **arrays)
    Path(f"{destination}.json").write_text(json.dumps(described), encoding="utf-8")
