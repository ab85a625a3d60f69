"""edgefkp: from labelled faces to a keypoint network measured on the board it will run on."""

__version__ = "0.1.0"
