"""any: every runtime that is still in use on boards."""

from edgefkp.export.targets import TARGETS, Target
from edgefkp.export.targets.litert_2 import LITERT_2
from edgefkp.export.targets.tflite_runtime_2_14 import TFLITE_RUNTIME_2_14

ANY = TARGETS.add(
    Target(
        "any",
        "both runtimes",
        order=0,
        tables=(*TFLITE_RUNTIME_2_14.tables, *LITERT_2.tables),
        runtimes=TFLITE_RUNTIME_2_14.runtimes | LITERT_2.runtimes,
        per_tensor_dense=True,
    )
)
