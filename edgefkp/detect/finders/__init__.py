"""The face finders, one file each: a new file that registers a `Finder` adds one."""

from edgefkp.detect.finders.base import FINDERS, FaceFinder, Finder, find_in_still, least_side

__all__ = [
    "DEFAULT",
    "FINDERS",
    "FaceFinder",
    "Finder",
    "find_in_still",
    "finder_kind",
    "least_side",
    "open_finder",
    "usages",
]

DEFAULT = "edge"  # its file comes with edgefkp


def finder_kind(spec: str) -> Finder:
    """The entry of FINDERS for a spec: "NAME" or "NAME:ARGUMENT". Raises UsageError for an unknown name."""
    return FINDERS[spec.partition(":")[0]]


def open_finder(spec: str) -> FaceFinder:
    """Open the finder of a spec: "NAME" or "NAME:ARGUMENT".

    Raises UsageError for an unknown name, EdgefkpError or EnvironmentProblem for a file or package that is missing.
    """
    return finder_kind(spec).open(spec.partition(":")[2])


def usages() -> str:
    """All finders as they are typed, for help texts."""
    return ", ".join(finder.usage for finder in FINDERS.values())
