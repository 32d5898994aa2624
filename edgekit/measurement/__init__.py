"""Device -> Measurement: agreement first, then latency, per operator, memory, accuracy."""

from edgekit.measurement.agreement import Agreement, accuracy, compare, first_difference
from edgekit.measurement.facts import build_facts, memory_facts
from edgekit.measurement.latency import operators, summarise, timed
from edgekit.measurement.records import (
    Accuracy,
    Build,
    Latency,
    Measurement,
    Memory,
    Model,
    OperatorLatency,
    System,
    Verification,
)
from edgekit.measurement.samples import (
    Inputs,
    Samples,
    from_arrays,
    random_samples,
    read_samples,
    samples_for,
)
from edgekit.measurement.sweeps import Failure, Sweep
from edgekit.measurement.system import SystemWatch

__all__ = [
    "Accuracy",
    "Agreement",
    "Build",
    "Failure",
    "Inputs",
    "Latency",
    "Measurement",
    "Memory",
    "Model",
    "OperatorLatency",
    "Samples",
    "Sweep",
    "System",
    "SystemWatch",
    "Verification",
    "accuracy",
    "build_facts",
    "compare",
    "first_difference",
    "from_arrays",
    "memory_facts",
    "operators",
    "random_samples",
    "read_samples",
    "samples_for",
    "summarise",
    "timed",
]
