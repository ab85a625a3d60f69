"""What is wrong with labels: one finding a cause, with what cures it."""

from dataclasses import dataclass, replace
from typing import Any

from edgefkp.data.labels.options import AS_THEY_ARE, LabelOptions
from edgefkp.errors import EdgefkpError

# Of every cause that is looked for, in the order in which they are looked for: what it means.
LABEL_KINDS = {
    "missing": "a number such as -1 that stands for missing points",
    "unit": "points that are no pixels",
    "scale": "points placed on a larger or smaller copy of the image",
    "exif": "points of the image as it is stored, before its EXIF turn",
    "sides": "left and right as the viewer sees them",
    "axes": "x and y swapped",
    "upside down": "y counted from the lower edge, or faces upside down",
    "lying": "faces that lie on their side",
    "outside": "points outside of their image",
    "small": "faces of a few pixels",
    "one place": "all points of a face in one place",
    "no face": "points that form no face: another order of points, or those of two faces",
    "displaced": "a point that is elsewhere in nearly all faces: another meaning, or two points swapped",
    "copies": "the same points for several faces",
    "filled in": "missing points that were filled in",
    "images": "points of other rows than their image's",
    "beside": "points that are all off their faces by the same way",
    "persons": "persons that are none",
}
# No face can be cut out of a photo around such points: there is no use in trusting them.
_NOT_CUT = {"unit", "sides", "axes", "upside down", "lying", "small", "one place"}


@dataclass(frozen=True)
class LabelFinding:
    """One likely cause."""

    kind: str  # one of LABEL_KINDS
    refused: bool  # it cannot be meant; else it is doubtful
    what: str  # what was found, with its counts
    cure: str  # what to do, in words
    faces: int  # that it is about
    first: str  # the first of them: "row 2 (a.png)"
    options: str = ""  # what of the command cures it: "add --missing -1"


@dataclass(frozen=True)
class Judgment:
    """What was found in the labels of one dataset."""

    where: str  # the file or folder
    faces: int  # that were looked at
    findings: tuple[LabelFinding, ...] = ()  # in the order of LABEL_KINDS
    # How the points were read.
    options: LabelOptions = AS_THEY_ARE
    # How they would be read with all that cures.
    cured: LabelOptions = AS_THEY_ARE

    def require(self) -> None:
        """Raise EdgefkpError with all that cannot be meant, unless the labels are to be trusted."""
        refused = [finding for finding in self.findings if finding.refused]
        if not refused or self.options.trusted:
            return
        words = [finding.cure for finding in refused if not finding.options]
        hint = "; ".join([*filter(None, [self.cured.typed(self.options)]), *words])
        if not {finding.kind for finding in refused} & _NOT_CUT:
            hint += " (or --trust-labels, to use them as they are)"
        raise EdgefkpError(f"{self.where}: {'; '.join(finding.what for finding in refused)}", hint)

    def with_one_more(self, finding: LabelFinding | None) -> "Judgment":
        return replace(self, findings=(*self.findings, finding)) if finding else self

    @property
    def blamed(self) -> str:
        """What of the labels may be why a network learned nothing; "" if nothing was found."""
        return next((finding.what for finding in self.findings if finding.kind != "persons"), "")

    def facts(self) -> dict[str, Any]:
        """For records: how the points were read, and what was found."""
        return {"read": self.options.to_json(), "doubts": self.doubts}

    @property
    def doubts(self) -> list[str]:
        """A line for each finding; what is refused is among them where labels are to be trusted."""
        return [f"{finding.what}: {finding.cure}" for finding in self.findings]


NOT_JUDGED = Judgment("", 0)
