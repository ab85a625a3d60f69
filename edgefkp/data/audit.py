"""What is suspicious in a dataset: a list for a person to look at; nothing is ever changed.

Rows count from 1 within their part, as the parser's messages do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from edgefkp.data.duplicates import constant, near_duplicates
from edgefkp.data.faces import Dataset, Faces
from edgefkp.data.labels.findings import LabelFinding
from edgefkp.data.labels.fit import Fit
from edgefkp.data.outliers import outlier_scores
from edgefkp.errors import counted
from edgefkp.layout import REFERENCE_SIDE

# Of every kind that is looked for: what it means.
KINDS = {
    "copy": "the same pixels twice",
    "near-duplicate": "the same photograph or moment twice",
    "person in test": "a person in both training and test",
    "sides": "a left point where its right one should be (left is the subject's)",
    "outside": "a point outside of the image",
    "point": "a point far from where the face's other points put it",
    "placement": "a face of unusual place or size in its crop",
    "blank": "an image that shows nothing",
}
_OF_PAIRS = ("copy", "near-duplicate")
# Of the LFW stand-in's 19 training faces above this, about 11 have a wrong point to the eye; in the others the
# person is loud.
UNEXPECTED = 5.0  # standard deviations of the predicted place
MISPLACED = 5.0  # robust standard deviations
# Kaggle-like scatter: sets of near-equal crops do not make each small difference suspicious.
_LEAST_SPREAD = np.array([1.5, 1.5, 0.05])  # x and y in pixels of REFERENCE_SIDE, log of the side


@dataclass(frozen=True)
class Finding:
    kind: str  # one of KINDS
    part: str  # train or test
    row: int  # in its part, from 1
    id: str
    detail: str
    measure: float  # how strong the suspicion is, larger = stronger
    other: str = ""  # the id of the second face of a pair


@dataclass(frozen=True)
class Audit:
    name: str
    faces: int
    counts: dict[str, int]  # of every kind, also of those not found
    findings: tuple[Finding, ...]  # by kind, then strongest first
    # What was found in the labels as a whole when they were opened.
    labels: tuple[LabelFinding, ...] = ()
    schema: str = "edgefkp.data.audit"
    version: int = 1


def audit(source: Dataset, pairs: bool = True) -> Audit:
    """Look for every one of KINDS in the training and the test part, and between the two.

    pairs: also for copies and near-duplicates, which takes half a minute for thousands of faces.
    """
    parts = {"train": source.train} | ({"test": source.test} if source.test else {})
    findings = _pairs(parts) if pairs else []
    if source.test and source.persons_known:
        findings += _persons_in_both(source.train, source.test)
    for name, faces in parts.items():
        findings += _sides(name, faces) + _outside(name, faces) + _blank(name, faces)
        findings += _points(name, faces) + _placements(name, faces)
    kinds = list(KINDS)
    findings.sort(key=lambda finding: (kinds.index(finding.kind), -finding.measure, finding.part, finding.row))
    counts = Counter(finding.kind for finding in findings)
    total = sum(map(len, parts.values()))
    kept = {kind: counts[kind] for kind in kinds if pairs or kind not in _OF_PAIRS}
    return Audit(source.name, total, kept, tuple(findings), source.judgment.findings)


def audit_line(result: Audit) -> str:
    """The counts in one line."""
    found = [f"{kind} {count}" for kind, count in result.counts.items() if count]
    found += [f"doubtful labels: {', '.join(finding.kind for finding in result.labels)}"] if result.labels else []
    more = " (edgefkp data audit lists them)" if result.findings else ""
    return f"audit of {counted(result.faces, 'face')}: {', '.join(found) or 'nothing found'}{more}"


def _pairs(parts: dict[str, Faces]) -> list[Finding]:
    where = [(name, row) for name, faces in parts.items() for row in range(len(faces))]
    images = np.concatenate([faces.images for faces in parts.values()])
    pairs = near_duplicates(images)
    findings = []
    for a, b, likeness in zip(*(part.tolist() for part in pairs), strict=True):
        (first, first_row), (second, second_row) = where[a], where[b]
        same = (images[a] == images[b]).all()
        detail = ("same pixels as" if same else f"{likeness:.2f} alike:") + f" {first} row {first_row + 1}"
        if first != second:
            detail += ", so that test is not independent of train"
        elif parts[first].groups[first_row] != parts[second].groups[second_row]:
            detail += ", named as another person"
        kind = "copy" if same else "near-duplicate"
        findings.append(
            _finding(kind, second, parts[second], second_row, detail, likeness, str(parts[first].ids[first_row]))
        )
    return findings


def _persons_in_both(train: Faces, test: Faces) -> list[Finding]:
    findings = []
    for person in np.intersect1d(train.groups, test.groups):
        trained, rows = int((train.groups == person).sum()), np.flatnonzero(test.groups == person)
        detail = f"{person}: {counted(trained, 'face')} in train, {len(rows)} in test"
        findings.append(_finding("person in test", "test", test, int(rows[0]), detail, len(rows), str(person)))
    return findings


def _sides(part: str, faces: Faces) -> list[Finding]:
    findings = []
    names, across = faces.layout.points, faces.layout.mean_points()[:, 0]
    # The subject's left is on the right of the image.
    for left, right in enumerate(faces.layout.mirror):
        if across[left] <= across[right]:
            continue
        # Comparisons with NaN are False.
        gap = faces.keypoints[:, left, 0] - faces.keypoints[:, right, 0]
        for row in np.flatnonzero(gap <= 0).tolist():
            detail = f"{names[left]} is {-gap[row]:.1f} px on the wrong side of {names[right]}"
            findings.append(_finding("sides", part, faces, row, detail, -gap[row]))
    return findings


def _outside(part: str, faces: Faces) -> list[Finding]:
    # Half a pixel is still on the outermost pixel.
    beyond = np.maximum(-0.5 - faces.keypoints, faces.keypoints - (faces.input.side - 0.5)).max(-1)
    names = faces.layout.points
    return [
        _finding("outside", part, faces, row, f"{names[k]} is {beyond[row, k]:.1f} px outside", beyond[row, k])
        for row, k in np.argwhere(beyond > 0).tolist()
    ]


def _points(part: str, faces: Faces) -> list[Finding]:
    """One finding a face, for its most unexpected point: a wrong point makes its neighbors unexpected too."""
    distance, deviation = outlier_scores(faces.keypoints, faces.layout, faces.input.side)
    deviation = np.nan_to_num(deviation)
    findings = []
    for row in np.flatnonzero(deviation.max(1) > UNEXPECTED).tolist():
        k = int(deviation[row].argmax())
        detail = f"{faces.layout.points[k]} is {distance[row, k]:.1f} px from where the other points put it"
        findings.append(_finding("point", part, faces, row, detail, deviation[row, k]))
    return findings


def _placements(part: str, faces: Faces) -> list[Finding]:
    fit = Fit(faces.keypoints, faces.layout)
    rows = np.flatnonzero(fit.counts >= 2)
    if not len(rows):
        return []
    boxes = fit.boxes()[rows]
    boxes[:, 2] = np.log(np.maximum(boxes[:, 2], 1) / faces.input.side)
    middle = np.median(boxes, 0)
    pixels = faces.input.side / REFERENCE_SIDE
    spread = np.maximum(1.4826 * np.median(np.abs(boxes - middle), 0), _LEAST_SPREAD * (pixels, pixels, 1))
    unusual = np.abs(boxes - middle) / spread
    findings = []
    for k in np.flatnonzero(unusual.max(1) > MISPLACED).tolist():
        x, y, side = boxes[k] - middle
        detail = f"{x:+.0f} px in x, {y:+.0f} px in y, {np.exp(side):.2f} times as large as usual"
        findings.append(_finding("placement", part, faces, int(rows[k]), detail, unusual[k].max()))
    return findings


def _blank(part: str, faces: Faces) -> list[Finding]:
    rows = np.flatnonzero(constant(faces.images)).tolist()
    return [
        _finding("blank", part, faces, row, f"all pixels are near {int(np.median(faces.images[row]))}", 1.0)
        for row in rows
    ]


def _finding(kind: str, part: str, faces: Faces, row: int, detail: str, measure: float, other: str = "") -> Finding:
    return Finding(kind, part, row + 1, str(faces.ids[row]), detail, round(float(measure), 3), other)
