"""What each network of the registry costs, without building it: a test builds them and counts.

As in the registry, NASNetMobile at 224 pixels and the others at 96.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """parameters: all of them. macs: multiply-accumulates of the convolutions and dense layers for one image."""

    parameters: int
    macs: int


COSTS = {
    "baseline": Cost(1_890_366, 390_036_480),
    "manual": Cost(235_834, 208_797_240),
    "tuned_drop": Cost(306_750, 661_655_200),
    "tuned_ffill": Cost(246_478, 245_907_872),
    "tuned_knn": Cost(383_742, 1_044_486_432),
    "tuned_augment": Cost(364_318, 887_694_048),
    "mobilenetv2": Cost(2_296_414, 55_047_552),
    "mobilenetv2_frozen": Cost(2_296_414, 55_047_552),
    "nasnetmobile": Cost(4_301_426, 562_614_496),
    "nasnetmobile_frozen": Cost(4_301_426, 562_614_496),
    "nano": Cost(104_334, 16_849_056),
    "small": Cost(312_694, 24_537_120),
    "best": Cost(1_932_830, 140_455_968),
    "naimishnet": Cost(7_516_990, 65_270_128),
    "inception": Cost(1_605_598, 166_763_520),
    "residual": Cost(3_075_774, 312_367_104),
    "shi": Cost(8_051_502, 43_747_752),
    "gao": Cost(5_795_210, 474_417_816),
    "resnet50": Cost(23_649_182, 708_292_608),
}
