"""The settings of an int8 file with the kinds of operators that its network needs in float."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgefkp.export.bias_correction import float_outputs, names_of, outputs_of
from edgefkp.export.convert import ConversionSettings, converter_of, debugger_of, kept_by, quantized
from edgefkp.export.islands import SAMPLES, needed_in_float
from edgefkp.files import captured_fds
from edgefkp.networks.deviation import points_only


def with_islands(model: Any, settings: ConversionSettings, samples: Sequence[np.ndarray]) -> ConversionSettings:
    """`settings` with those kinds added to what is kept in float; itself without gates in the network.

    samples: one (N, *input shape) array for each input, by which ranges are found; the first ones are compared on.
    """
    if not settings.gates:
        return settings
    floats = replace(settings, u8=False)  # the same integers, with floats at both ends
    with captured_fds():
        model = points_only(model)
        debugger = debugger_of(converter_of(model, floats, samples), [])
        kept, asked = kept_by(model, debugger, floats)
        few, names = [array[:SAMPLES] for array in samples], names_of(model)
        found = needed_in_float(
            lambda kinds: quantized(debugger, floats, kept, [*asked, *kinds]),
            lambda content: outputs_of(content, few, names),
            float_outputs(model, few),
        )
    return replace(settings, keep_float=(*settings.keep_float, *(kind for kind in found if kind not in asked)))
