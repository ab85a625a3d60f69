"""The packages that run .tflite files, by name. Importable in no time: --help lists them."""

from dataclasses import dataclass

from edgefkp.records import Registry

MOST_THREADS = 1024  # of an interpreter; beyond it a machine runs out of processes


@dataclass(frozen=True)
class Runtime:
    """A package that runs .tflite files."""

    name: str  # a word, as in --runtime
    module: str  # top-level module: its presence is looked up without importing it
    interpreter: str  # module with Interpreter, load_delegate and OpResolverType
    distributions: tuple[str, ...]  # names under which pip knows it
    # Seconds for import, load and one inference, after which a file hangs it. The largest network of the paper needs
    # 1 s on a slow board.
    probe_seconds: float = 30


# In the order of the default choice.
RUNTIMES: Registry[Runtime] = Registry("runtime")
RUNTIMES.add(
    Runtime("litert", "ai_edge_litert", "ai_edge_litert.interpreter", ("ai-edge-litert", "ai-edge-litert-nightly"))
)
RUNTIMES.add(Runtime("tflite-runtime", "tflite_runtime", "tflite_runtime.interpreter", ("tflite-runtime",)))
RUNTIMES.add(
    Runtime(
        "tensorflow",
        "tensorflow",
        "tensorflow.lite.python.interpreter",
        ("tensorflow", "tensorflow-cpu", "tf-nightly", "tensorflow-aarch64"),
        probe_seconds=120,
    )
)
