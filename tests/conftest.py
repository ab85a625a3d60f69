import contextlib
import importlib
import signal

from hypothesis import settings

from edgefkp.errors import EdgefkpError
from edgefkp.runtime import interpreters

# tflite-runtime 2.14 fails in a process where TensorFlow was imported before it, and works where it came first. The
# package runs them in separate processes; tests of both share one.
with contextlib.suppress(EdgefkpError):
    interpreters.choose("tflite-runtime")
    importlib.import_module("tflite_runtime.interpreter")

# A shell's background job ignores Ctrl-C, and one under nohup a lost terminal; so would the children that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A property does not fail because the machine is busy.
settings.register_profile("edgefkp", deadline=None)
settings.load_profile("edgefkp")
