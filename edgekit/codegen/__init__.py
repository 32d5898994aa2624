"""Graph + Selection + MemoryPlan -> C. One module for each engine."""

from edgekit.codegen.render import render
from edgekit.codegen.sources import GeneratedSources, LibraryStep, TflmNeeds, free_name

__all__ = ["GeneratedSources", "LibraryStep", "TflmNeeds", "free_name", "render"]
