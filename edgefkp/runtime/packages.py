"""The packages that run model files, by name. Importable in no time: --help lists them."""

from dataclasses import dataclass

from edgefkp.records import Registry

MOST_THREADS = 1024  # of an interpreter; beyond it a machine runs out of processes


@dataclass(frozen=True)
class Runtime:
    """A package that runs files of one form."""

    name: str  # a word, as in --runtime
    module: str  # top-level module: its presence is looked up without importing it
    interpreter: (
        str  # module that has to be imported; for .tflite files with Interpreter, load_delegate, OpResolverType
    )
    distributions: tuple[str, ...]  # names under which pip knows it
    # Seconds for import, load and one inference, after which a file hangs it. The largest network of the paper needs
    # 1 s on a slow board.
    probe_seconds: float = 30
    suffix: str = ".tflite"  # of the files that it runs


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
RUNTIMES.add(
    Runtime("onnxruntime", "onnxruntime", "onnxruntime", ("onnxruntime", "onnxruntime-gpu"), 120, suffix=".onnx")
)
