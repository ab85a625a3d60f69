"""micro: microcontrollers, by TensorFlow Lite Micro."""

from dataclasses import replace

from edgefkp.export.schemes import MICRO
from edgefkp.export.targets import TARGETS
from edgefkp.export.targets.any import ANY

MICROCONTROLLER = TARGETS.add(
    replace(
        ANY,
        name="micro",
        description="microcontrollers: also a C array, run in TensorFlow Lite Micro",
        order=3,
        files_as=ANY.name,
        schemes=(MICRO,),
        micro=True,
    )
)
