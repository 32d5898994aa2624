"""What holds for all tests."""

import signal

# A shell starts background jobs with Ctrl-C ignored, and children inherit that: tests that send
# SIGINT would then wait for ever. A handler, unlike being ignored, is not inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
