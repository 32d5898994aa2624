"""Graph + Selection + MemoryPlan -> C. One module for each engine."""

from edgekit.codegen.render import render
from edgekit.codegen.sources import GeneratedSources, TflmNeeds, free_name

__all__ = ["GeneratedSources", "TflmNeeds", "free_name", "render"]
