"""The pictures by which int8 ranges are found: a seeded sample of the training persons."""

import numpy as np

from edgefkp.data.split import Split
from edgefkp.errors import EdgefkpError

COUNT = 256
SEED = 0


def calibration_images(parts: Split, count: int = COUNT, seed: int = SEED) -> np.ndarray:
    """(count or fewer, 96, 96) uint8 of training faces, one person after the other.

    Raises EdgefkpError where the sample has constant pictures only.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(parts.train))
    # Each person's first face, then each person's second: poses of as many persons as there are.
    _, person = np.unique(parts.train.groups[order], return_inverse=True)
    rank = np.zeros(len(order), int)
    seen: dict[int, int] = {}
    for position, who in enumerate(person.tolist()):
        rank[position] = seen[who] = seen.get(who, -1) + 1
    chosen = order[np.argsort(rank, kind="stable")[:count]]
    images = parts.train.images[np.sort(chosen)]
    if not len(images) or images.std((1, 2)).max() < 1:
        raise EdgefkpError("the calibration pictures are all of one gray", "give --data with faces")
    return images
