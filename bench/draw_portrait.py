"""The picture of README.md: python -m bench.draw_portrait docs/portrait.jpg

Needs scikit-image (extra `test`) for the photo: NASA's portrait of Eileen Collins, in the public domain.
"""

from pathlib import Path

import click

from bench import run
from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.overlay import draw_faces
from edgefkp.errors import EdgefkpError
from edgefkp.files import replacing

_SHOWN = (slice(10, 230), slice(60, 390))  # rows and columns of the photo
_ENLARGED = 3


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def main(out: Path) -> None:
    """Draw the points that the shipped model finds on a part of the portrait, and write it to OUT."""
    import cv2
    from skimage.data import astronaut

    photo = astronaut()[_SHOWN][..., ::-1]
    image = cv2.resize(photo, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    faces = KeypointDetector()(image)
    if not faces:
        raise EdgefkpError("no face was found in the portrait", "look at the finder")
    draw_faces(image, faces)
    with replacing(out) as temporary:
        cv2.imwrite(str(temporary), image, [cv2.IMWRITE_JPEG_QUALITY, 88])
    click.echo(out)


if __name__ == "__main__":
    run(main)
