"""tflite-runtime-2.14: the last release of tflite-runtime."""

from edgefkp.export.targets import TARGETS, Target

TFLITE_RUNTIME_2_14 = TARGETS.add(
    Target(
        "tflite-runtime-2.14",
        "the last release of tflite-runtime",
        order=1,
        tables=("tflite-runtime-2.14",),
        runtimes={"tflite-runtime": "2.14"},
        per_tensor_dense=True,
    )
)
