"""What holds for all tests."""

import os
import signal

from edgekit.toolchain import rp2040js

# A shell starts background jobs with Ctrl-C ignored, and children inherit that: tests that send
# SIGINT would then wait for ever. A handler, unlike being ignored, is not inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)

# `make setup` has put it into the user's cache; most tests have a cache of their own.
if (found := rp2040js.found()) is not None:
    os.environ[rp2040js.ENVIRONMENT] = str(found)
