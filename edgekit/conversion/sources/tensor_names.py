"""Which layer of the source made each tensor of a .tflite, from the tensors' names.

TensorFlow names a tensor after the nodes that were fused into it, joined by ";", and a node after
the scopes that it is in: "model/block/conv/Relu;model/block/conv/convolution". Constants that two
layers have in common bring a name of the other layer in, so the parts vote.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from edgekit.conversion.sources import editing

_TOKEN = re.compile(r"^(EdgekitLayer\d+x)(?:_\d+)?$")
_NUMBER = re.compile(r"(_?\d+)*$")
_INSIDE_TEXT = """
BiasAdd ReadVariableOp resource convolution batchnorm depthwise Conv1D Conv2D Tensordot Einsum
einsum moments Squeeze ExpandDims MaxPool1d AvgPool1d Gelu while body cond Cast Reshape
FusedBatchNormV3 StatefulPartitionedCall PartitionedCall
"""

#: Scopes that layers open inside themselves, and those that stand for nobody.
_INSIDE = frozenset(_INSIDE_TEXT.split())
#: Nodes that an operator is named after, where the two have different words.
_SPELLINGS = {
    "CONV_2D": ("conv", "convolution"),
    "DEPTHWISE_CONV_2D": ("depthwise",),
    "TRANSPOSE_CONV": ("convdbackpropinput", "convtranspose"),
    "FULLY_CONNECTED": ("matmul", "tensordot", "einsum"),
    "BATCH_MATMUL": ("matmul", "einsum"),
    "AVERAGE_POOL_2D": ("avgpool",),
    "LOGISTIC": ("sigmoid", "logistic"),
    "MAX_POOL_2D": ("maxpool",),
    "HARD_SWISH": ("mul", "hardswish"),
    "CONCATENATION": ("concat",),
    "RESHAPE": ("reshape", "flatten", "expanddims", "squeeze"),
}


def restored(
    content: bytes, tokens: Mapping[str, str], outputs: Sequence[str]
) -> tuple[bytes, dict[str, str]]:
    """(the .tflite with layers' names in place of tokens, output tensor -> layer).

    Args:
        content: a .tflite.
        tokens: what stands for layers in its tensors' names, and what for.
        outputs: the layer that makes each output, "" where unknown; may be shorter.
    """
    model = editing.parse(content)
    for graph in model.subgraphs if tokens else ():
        taken: Counter[str] = Counter()
        last = dict(zip(editing.indices(graph.outputs), outputs, strict=False))
        for i, tensor in enumerate(graph.tensors):
            name = _without_tokens(editing.text(tensor.name), tokens)
            if last.get(i) and name.split("/")[0] not in tokens.values():
                name = f"{last[i]}/output"
            taken[name] += 1
            tensor.name = name if taken[name] == 1 else f"{name}:{taken[name]}"
        content = editing.pack(model)
    return content, layers(model, set(tokens.values()))


def _without_tokens(name: str, tokens: Mapping[str, str]) -> str:
    return ";".join(_path(part, tokens) for part in name.split(";") if part)


def _path(part: str, tokens: Mapping[str, str]) -> str:
    """One node's name with its layers' names, and without the scopes outside of them."""
    words = []
    for word in part.split("/"):
        found = _TOKEN.match(word)
        if found is None or found[1] not in tokens:
            words.append(word)
        elif words and words[-1] == tokens[found[1]]:
            pass  # a layer that opens its scope twice
        else:
            words = [w for w in words if w in tokens.values()] + [tokens[found[1]]]
    return "/".join(words)


def layers(model: Any, known: Collection[str] = ()) -> dict[str, str]:
    """Output tensor -> the layer that made it, of each operator of which that can be told.

    Args:
        model: a ModelT.
        known: names of layers; without them, a node's innermost scope is taken for one.
    """
    found: dict[str, str] = {}
    for graph in model.subgraphs:
        names = [editing.text(tensor.name) for tensor in graph.tensors]
        nodes = {part for name in names for part in name.split(";")}
        outer = set() if known else _outer_scopes(nodes)
        for operator in graph.operators or []:
            outputs = [names[i] for i in editing.indices(operator.outputs)]
            constants = [
                names[i]
                for i in editing.indices(operator.inputs)[1:]
                if i >= 0 and editing.constant_bytes(model, graph.tensors[i]) is not None
            ]
            parts = [part for name in (*outputs, *constants) for part in name.split(";")]
            votes = [(layer_of(part, known, outer, nodes), part) for part in parts]
            layer = _voted(votes, editing.kind(model, operator))
            found.update(dict.fromkeys(outputs, layer) if layer else {})
    return found


def _voted(votes: Sequence[tuple[str | None, str]], kind: str) -> str | None:
    """The layer that most parts speak for, those of the operator's own kind before all others."""
    spellings = _SPELLINGS.get(kind, (_word(kind),))
    count: Counter[str] = Counter()
    for layer, part in votes:
        if layer is not None:
            own = _word(part.rpartition("/")[2]).startswith(spellings)
            count[layer] += len(votes) + 1 if own else 1
    return max(count, key=count.__getitem__) if count else None


def layer_of(
    part: str,
    known: Collection[str] = (),
    outer: Collection[str] = (),
    nodes: Collection[str] = (),
) -> str | None:
    """The layer that a node's name tells of.

    Args:
        part: the name, such as "model/block/conv/BiasAdd/ReadVariableOp".
        known: names of layers, if they are known.
        outer: scopes that are no layers because layers are in them.
        nodes: all names; one that is also a scope is no layer, but has its constants in it.
    """
    words = part.split("/")
    if known:
        path: list[str] = []
        for word in words:
            if word not in known or word in path[-1:]:
                break
            path.append(word)
        return "/".join(path) or None
    scopes = _scopes(words, nodes)
    return scopes[-1] if scopes and scopes[-1] not in outer else None


def _scopes(words: list[str], nodes: Collection[str]) -> list[str]:
    """The scopes of a node without those that a layer opens inside itself."""
    return [
        word
        for i, word in enumerate(words[:-1])
        if word and _NUMBER.sub("", word) not in _INSIDE and "/".join(words[: i + 1]) not in nodes
    ]


def _outer_scopes(nodes: Collection[str]) -> set[str]:
    return {scope for part in nodes for scope in _scopes(part.split("/"), nodes)[:-1]}


def _word(name: str) -> str:
    """What kind of node a name stands for: letters only, such as "convd" for "Conv2D_1"."""
    return re.sub(r"[^a-z]", "", _NUMBER.sub("", name).lower())
