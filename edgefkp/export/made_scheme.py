"""What the converter made, against the scheme and the target that were asked for."""

from pathlib import Path

from edgefkp.errors import EdgefkpError
from edgefkp.export.convert import ConversionSettings
from edgefkp.export.inspect import Inspection
from edgefkp.export.schemes import DEFAULT_SCHEMES, FLOAT
from edgefkp.export.targets import Target, require_target

# Operators that have integer kernels and most of the work: none of them is in float unless it was asked for.
_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL")


def require_scheme(inspection: Inspection, settings: ConversionSettings, name: str) -> str:
    """Raise EdgefkpError for another scheme than was asked for, or float layers that were not.

    Returns what people should know of operators that are in float because the scheme has no integers for them; "" of
    other files.
    """
    scheme = settings.values
    listed = "; ".join(", ".join(island) for island in inspection.float_islands)
    islands = bool(inspection.float_islands) and scheme.static and not settings.keep_float
    if (inspection.scheme, inspection.u8) == (scheme.name, settings.u8):
        if not islands:
            return ""
        heavy = [step for island in inspection.float_islands for step in island if step.split()[0] in _WITH_WEIGHTS]
        if scheme.keeps_float and not heavy:
            return f"{name} computes in float what {scheme.name} lacks: {listed[:200]}"
    if scheme.integer and not scheme.static and inspection.scheme == FLOAT:
        raise EdgefkpError(
            f"{name} was not written: no layer has the 1,024 weights from which on the converter makes it "
            f"{scheme.name}",
            f"take {' or '.join(DEFAULT_SCHEMES)} for this network",
        )
    made = "graph that is integer only in part" if islands else f"{inspection.scheme} graph"
    raise EdgefkpError(
        f"{name} was not written: the converter made a {made} of it"
        + (f" (in float: {listed[:200]})" if listed else ""),
        "choose another scheme for this network, or name what may stay float: --keep-float LAYER",
    )


def require_runs(inspection: Inspection, target: Target, made: Path, source: str) -> None:
    """As `require_target`, of a file that was made a moment ago. source: what it was made from, for the hint."""
    try:
        require_target(inspection, target, made)
    except EdgefkpError as error:
        message = error.message.replace(str(made), made.name).removeprefix(f"{made.name} is damaged: ")
        hint = f"choose another scheme for this {source}, or another --target"
        hint = error.hint if "--target" in error.hint else hint
        raise EdgefkpError(f"{made.name} was not written: {message}", hint) from error
