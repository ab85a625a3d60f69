"""Write a video with known keypoints in every frame: scikit-image's astronaut, translated, scaled and rotated.

    python -m bench.astronaut astronaut.mp4      write the video, and the true track to astronaut.npz

Needs scikit-image (extra `test`) for the image: NASA's portrait of Eileen Collins, in the public domain. The suffix
selects the container: .mp4 (MPEG-4), .avi (Motion JPEG), .mkv (lossless).
"""

from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from edgefkp.detect.recorder import CODECS
from edgefkp.geometry import box_of_keypoints, move_points
from edgefkp.layout import KAGGLE15

WIDTH, HEIGHT, FPS = 640, 480, 30
SECONDS = 10
# (15, 2) pixels of skimage.data.astronaut(): placed by hand on the image, enlarged eight times.
POINTS = np.array(
    [
        (246.8, 103.2), (203.0, 100.5), (236.0, 104.0), (257.0, 104.3), (213.2, 103.0),
        (193.0, 100.4), (237.0, 93.6), (264.3, 94.6), (213.5, 92.6), (188.3, 90.3),
        (222.4, 127.5), (245.4, 141.1), (201.5, 139.2), (222.0, 139.4), (221.5, 154.3),
    ],
    np.float32,
)  # fmt: skip
FACE_SIDE = 150.0  # pixels of the frame: the crop's side at scale 1


class Pose(NamedTuple):
    """Position of the face in a frame."""

    degrees: float  # counterclockwise on screen
    scale: float  # 1 = FACE_SIDE
    x: float  # center of the face, frame pixels
    y: float


def pose_at(seconds: float) -> Pose:
    """Rotate by up to +-20 degrees, scale by up to +-30 % and move around the frame, each with its own period."""
    turn = 2 * np.pi * seconds
    return Pose(
        degrees=20 * np.sin(turn / 4),
        scale=1 + 0.3 * np.sin(turn / 5),
        x=WIDTH / 2 + 110 * np.sin(turn / 6.5),
        y=HEIGHT / 2 + 55 * np.sin(turn / 3.5),
    )


def matrix_of(pose: Pose) -> np.ndarray:
    """Return the (2, 3) matrix from the astronaut's pixels to the frame's."""
    box = box_of_keypoints(POINTS, KAGGLE15)
    scale, angle = pose.scale * FACE_SIDE / box.side, np.deg2rad(pose.degrees)
    linear = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, (pose.x, pose.y) - linear @ (box.x, box.y)])


def astronaut() -> np.ndarray:
    """Return the image, (512, 512, 3) BGR."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[..., ::-1])


def frame_at(seconds: float, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (HEIGHT, WIDTH, 3) BGR frame and its true (15, 2) points."""
    import cv2

    matrix = matrix_of(pose_at(seconds))
    frame = cv2.warpAffine(
        image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(96, 84, 72)
    )
    return frame, move_points(matrix, POINTS)


def write_video(path: Path, seconds: float = SECONDS) -> np.ndarray:
    """Write the video and return the true track: (frames, 15, 2) float32, frame pixels."""
    import cv2

    image = astronaut()
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*CODECS[path.suffix]), FPS, (WIDTH, HEIGHT))
    track = []
    for number in range(round(seconds * FPS)):
        frame, points = frame_at(number / FPS, image)
        video.write(frame)
        track.append(points)
    video.release()
    return np.stack(track).astype(np.float32)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--seconds", default=float(SECONDS), show_default=True)
def main(path: Path, seconds: float) -> None:
    """Write the video PATH (.mp4, .avi or .mkv) and, next to it, the true track as .npz."""
    if path.suffix not in CODECS:
        raise click.UsageError(f"{path.name}: the suffix must be one of {', '.join(CODECS)}")
    track = write_video(path, seconds)
    np.savez_compressed(path.with_suffix(".npz"), keypoints=track, fps=FPS)
    click.echo(f"{path}: {len(track)} frames of {WIDTH}x{HEIGHT}")


if __name__ == "__main__":
    main()
