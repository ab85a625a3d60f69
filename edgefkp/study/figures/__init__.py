"""The study's figures: the paper's twelve. Each file of this folder registers its own; one new file adds one."""

from dataclasses import dataclass

from edgefkp.report.figures import Figures
from edgefkp.study.evidence import Evidence
from edgefkp.study.shown import Shown

BROAD = 9.0  # inches
MARGIN = 1.15  # of the highest bar or curve that has to be seen

FIGURES = Figures("figure of the study", "edgefkp.study.figures", order=lambda figure: figure.name)


@dataclass(frozen=True)
class Material:
    """What the figures are drawn from."""

    evidence: Evidence
    shown: Shown
