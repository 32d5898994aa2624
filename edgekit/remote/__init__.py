"""Linux machines that run models: this one, and those behind ssh."""

from __future__ import annotations

from edgekit.remote.machine import LocalProgram, Machine, RunningProgram, ThisMachine
from edgekit.remote.ssh import SshMachine, connect

__all__ = ["LocalProgram", "Machine", "RunningProgram", "SshMachine", "ThisMachine", "connect"]
