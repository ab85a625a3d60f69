"""What each shipped finder was taught by, for its card: sources, licenses, and whom to credit."""

from dataclasses import dataclass

from bench.free_faces import TERMS
from edgefkp.detect.finders.edge import EdgeFinder
from edgefkp.detect.finders.edge_free import EdgeFreeFinder

PORTRAITS = "Face Research Lab London set and its Canadian sister, training persons (CC BY 4.0, DeBruine & Jones 2017)"
OLD_PORTRAITS = "csuScrapShots of pyvision_toolkit 1.3.6, training persons (BSD-3-Clause)"


@dataclass(frozen=True)
class Sources:
    trained_on: tuple[str, ...]
    teacher: str
    terms: str  # "LICENSE: whom to credit; LICENSE: ..." of a free finder


SOURCES = {
    EdgeFinder.name: Sources(
        (
            "Labeled Faces in the Wild, original photos of training persons: published for research, without a license",
            PORTRAITS,
            OLD_PORTRAITS,
            "backgrounds: Debian's wallpaper packages (CC BY-SA and other free licenses, see each package) and "
            "scikit-image",
        ),
        "boxes and points: YuNet 2023mar (MIT, OpenCV's model zoo; trained on WIDER FACE)",
        "for research use, as its photos are",
    ),
    EdgeFreeFinder.name: Sources(
        (
            f"{PORTRAITS}, figshare 5047666 and 4220517",
            OLD_PORTRAITS,
            "backgrounds without persons, chosen by eye, those with the licenses below of Debian 12's packages "
            "lomiri-wallpapers-16.04 20.04.0, mypaint-data-extras 2.0.1 and sway-backgrounds 1.7",
            "backgrounds: scikit-image's brick, cell, chelsea, coffee, grass, gravel, horse and retina (CC0), "
            "clock_motion, hubble_deep_field and rocket (public domain)",
        ),
        "none: points that come with the portraits, placed by hand on 142 of their 409 photos and by MediaPipe's face "
        "mesh on the others",
        f"{TERMS}; "
        'CC BY 4.0: wallpapers by Aitzol Berasategi, Trevor "Freespace", Abhishek Mudgal and Jakub Mede; '
        "CC0: wallpaper by Clemens Engelhardt, textures by MrMamurk and Ramón Miranda, photos of scikit-image; "
        "public domain: photos of scikit-image, NASA and SpaceX; "
        "MIT: Sway's wallpapers, Drew DeVault",
    ),
}
