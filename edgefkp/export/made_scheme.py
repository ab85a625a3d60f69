"""What the converter made, against the scheme that was asked for."""

from edgefkp.errors import EdgefkpError
from edgefkp.export.convert import ConversionSettings
from edgefkp.export.inspect import Inspection
from edgefkp.export.schemes import DEFAULT_SCHEMES, FLOAT


def require_scheme(inspection: Inspection, settings: ConversionSettings, name: str) -> None:
    """Raise EdgefkpError for another scheme than was asked for, or float layers that were not."""
    scheme = settings.values
    islands = inspection.float_islands if scheme.static and not settings.keep_float else ()
    if (inspection.scheme, inspection.u8) == (scheme.name, settings.u8) and not islands:
        return
    if scheme.integer and not scheme.static and inspection.scheme == FLOAT:
        raise EdgefkpError(
            f"{name} was not written: no layer has the 1,024 weights from which on the converter makes it "
            f"{scheme.name}",
            f"take {' or '.join(DEFAULT_SCHEMES)} for this network",
        )
    listed = "; ".join(", ".join(island) for island in inspection.float_islands)
    made = "graph that is integer only in part" if islands else f"{inspection.scheme} graph"
    raise EdgefkpError(
        f"{name} was not written: the converter made a {made} of it"
        + (f" (in float: {listed[:200]})" if listed else ""),
        "choose another scheme for this network, or name what may stay float: --keep-float LAYER",
    )
