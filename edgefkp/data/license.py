"""The terms of known face collections, for the cards of the models that are trained on them."""

from __future__ import annotations

import numpy as np

NOT_STATED = "not stated: ask whoever gave you the faces"
KAGGLE = "Kaggle facial-keypoints-detection: see the competition's rules"
LFW = "Labeled Faces in the Wild and YouTube Faces: published for research, without a license"


def license_of(persons: np.ndarray | None, otherwise: str) -> str:
    """The terms by the way the collection names its persons ("lfwname:Ada_Lovelace")."""
    if persons is not None and len(persons) and np.char.startswith(persons, "lfwname:").all():
        return LFW
    return otherwise
