"""litert-2: LiteRT, the runtime that follows tflite-runtime."""

from edgefkp.export.targets import TARGETS, Target

LITERT_2 = TARGETS.add(
    Target(
        "litert-2",
        "LiteRT, which follows tflite-runtime",
        order=2,
        tables=("litert-2",),
        runtimes={"litert": "2."},
    )
)
