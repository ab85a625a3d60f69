"""The terms of known face collections, for the cards of the models that are trained on them."""

from __future__ import annotations

import numpy as np

NOT_STATED = "not stated: ask whoever gave you the faces"
KAGGLE = "Kaggle facial-keypoints-detection: see the competition's rules"
# Terms that begin with a license's name and name whom to credit can make a model free (edgefkp.detect.free).
RENDERED = "MIT: ICT Face Model Light, Copyright (c) 2020 USC Institute for Creative Technologies, drawn by edgefkp"
LFW = "Labeled Faces in the Wild and YouTube Faces: published for research, without a license"


def license_of(persons: np.ndarray | None, otherwise: str) -> str:
    """The terms by the way the collection names its persons ("lfwname:Ada_Lovelace", "rendered:17")."""
    for prefix, terms in (("lfwname:", LFW), ("rendered:", RENDERED)):
        if persons is not None and len(persons) and np.char.startswith(persons, prefix).all():
            return terms
    return otherwise
