"""What each shipped finder was taught by, for its card: sources, licenses, and whom to credit."""

from dataclasses import dataclass

from edgefkp.detect.finders.edge import EdgeFinder
from edgefkp.detect.finders.edge_free import EdgeFreeFinder

PORTRAITS = "Face Research Lab London set and its Canadian sister, training persons (CC BY 4.0, DeBruine & Jones 2017)"
OLD_PORTRAITS = "csuScrapShots of pyvision_toolkit 1.3.6, training persons (BSD-3-Clause)"


@dataclass(frozen=True)
class Sources:
    trained_on: tuple[str, ...]
    teacher: str
    terms: str
    credits: str = ""


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
            "backgrounds without persons, chosen by eye, of these packages of Debian 12 (each file's license is in the "
            "package's copyright file): desktop-base 12.0.6 (GPL-2+), gnome-backgrounds 43.1 (CC BY-SA 3.0, CC BY "
            "4.0), lomiri-wallpapers 20.04.0 (CC BY 4.0, CC BY-SA 3.0 and 4.0, CC0), lxqt-themes 1.2.0 (LGPL-2.1+, "
            "LGPL-3), mate-backgrounds 1.26.0 (GPL-2+, CC BY-SA 4.0), plasma-workspace-wallpapers 5.27.5 (LGPL-3, CC "
            "BY-SA 4.0), sway-backgrounds 1.7 (MIT), ukui-wallpapers 20.04.3 (CC BY-SA 3.0)",
            "backgrounds: scikit-image's cell, chelsea, chessboard, clock_motion, coffee, color, grass, gravel, horse, "
            "hubble_deep_field, ihc, logo, moon, phantom, retina and rocket (CC0, public domain or BSD-3-Clause)",
        ),
        "none: points that come with the portraits, placed by hand on 142 of their 409 photos and by MediaPipe's face "
        "mesh on the others",
        "free to use, in products, too, with the credits",
        "faces: Face Research Lab London set, Lisa DeBruine and Benedict Jones, CC BY 4.0; csuScrapShots, Colorado "
        "State University, BSD-3-Clause",
    ),
}
