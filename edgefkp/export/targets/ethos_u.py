"""ethos-u55-32 ... ethos-u85-2048: Arm's NPUs for microcontrollers, by their multiply-accumulates in a cycle."""

from dataclasses import replace

from edgefkp.export.schemes import MICRO, QUANTIZE
from edgefkp.export.targets import TARGETS, Npu
from edgefkp.export.targets.litert_2 import LITERT_2

# Generation -> sizes, and the system that Vela's own defaults have for it: clock, memories, what lies where.
_GENERATIONS = {
    "u55": ((32, 64, 128, 256), "Ethos_U55_High_End_Embedded", "Shared_Sram"),
    "u65": ((256, 512), "Ethos_U65_High_End", "Dedicated_Sram"),
    "u85": ((128, 256, 512, 1024, 2048), "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram_384KB"),
}

for _place, (_generation, (_sizes, _system, _memory)) in enumerate(_GENERATIONS.items()):
    for _macs in _sizes:
        _name = f"ethos-{_generation}-{_macs}"
        TARGETS.add(
            replace(
                LITERT_2,
                name=_name,
                description=f"Arm Ethos-{_generation.upper()}, {_macs} MACs a cycle: estimated by its compiler",
                order=10_000 * (_place + 1) + _macs,
                files_as=LITERT_2.name,
                schemes=(MICRO,),
                widen=QUANTIZE,
                npu=Npu(_name, _system, _memory),
            )
        )
