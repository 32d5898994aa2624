"""Graph + Selection + MemoryPlan -> C. One module for each engine."""

from edgekit.codegen.render import render
from edgekit.codegen.sources import GeneratedSources

__all__ = ["GeneratedSources", "render"]
