"""The likely cause of labels that cannot be meant, before anything is cut or trained.

Each check looks at the points as the options so far have them, and may propose another option; the next one looks at
the points with that option too, so that several faults of one table are all named. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgefkp.data.labels.findings import Judgment, LabelFinding
from edgefkp.data.labels.options import LabelOptions
from edgefkp.data.labels.rows import copies, displaced, filled_in, no_face, outside, persons, small
from edgefkp.data.labels.seen import Found, RawLabels, Seen
from edgefkp.data.labels.units import missing, scale, unit
from edgefkp.data.labels.ways import exif, ways

# In this order: each needs what the earlier ones make of the points.
CHECKS: tuple[Callable[[Seen], Found], ...] = (
    missing, unit, exif, scale, ways, outside, small, no_face, displaced, copies, filled_in, persons,
)  # fmt: skip


def judge(raw: RawLabels, options: LabelOptions, where: str) -> Judgment:
    """Look for every one of LABEL_KINDS in labels that are read with these options."""
    findings: list[LabelFinding] = []
    seen = Seen(raw, options)
    with np.errstate(all="ignore"):
        for one in CHECKS if len(raw.points) else ():
            found, seen = one(seen)
            findings += found
    if any(finding.kind == "unit" and not finding.options for finding in findings):
        findings = [finding for finding in findings if finding.kind != "small"]
    return Judgment(where, len(raw.points), tuple(findings), options, seen.options)
