"""h5: the form of Keras 2, which Keras 3 still reads."""

from edgefkp.export.sources import SOURCES, Source, has_suffix
from edgefkp.export.sources.keras import INSTALL, write_keras

H5 = SOURCES.add(
    Source(
        "h5",
        "a .h5 or .hdf5 file of Keras",
        2,
        has_suffix(".h5", ".hdf5"),
        write_keras,
        packages=("tensorflow", "h5py"),
        install=INSTALL,
    )
)
