"""Draw the faces that come with the package, to time networks on.

python -m bench.make_drawn_faces      writes edgefkp/data/drawn_faces.npz again
"""

import numpy as np

from bench import words_of
from edgefkp.data.synthetic import SHIPPED, draw_all
from edgefkp.files import replacing


def main() -> None:
    words_of(__doc__)
    images, points = draw_all()
    with replacing(SHIPPED) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, images=images, keypoints=points)
    print(f"{SHIPPED}: {len(images)} faces, {SHIPPED.stat().st_size} bytes")


if __name__ == "__main__":
    main()
