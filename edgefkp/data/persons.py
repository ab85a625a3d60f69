"""Who is who, so that no person is in two parts: known persons, else near-duplicates with a warning."""

import sys

import numpy as np


def persons_or_duplicates(name: str, images: np.ndarray, persons: np.ndarray | None) -> np.ndarray:
    """(N,) str: `persons` where they are known, else a name for each set of near-duplicate images."""
    if persons is not None:
        return persons
    from edgefkp.data.duplicates import groups_of_duplicates

    groups = groups_of_duplicates(images)
    print(
        f"warning: {name} does not say who is on which picture, so near-duplicates count as one person "
        f"({len(np.unique(groups))} groups of {len(groups)} faces); scores may be too good where persons repeat",
        file=sys.stderr,
        flush=True,
    )
    return groups
