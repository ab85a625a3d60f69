"""What LiteRT's quantizer is asked for: a scheme as its rules."""

import re
from collections.abc import Sequence
from typing import Any

from edgefkp.export.schemes import Scheme

LEAST_WEIGHTS = 1024  # of a layer that is stored as integers in a dynamic file, as TensorFlow's converter has it


def recipe(scheme: Scheme, kept: Sequence[str], per_tensor_dense: bool, wide: Sequence[str] = ()) -> Any:
    """What the quantizer is asked for: a list of records, one for each rule. wide: outputs of operators that compute in
    16 bits."""
    from litert_quantizer.qtyping import (
        ComputePrecision,
        OpQuantizationConfig,
        QuantGranularity,
        TensorQuantizationConfig,
        TFLOperationName,
    )
    from litert_quantizer.recipe_manager import AlgorithmName, RecipeManager

    rules = RecipeManager()
    everything = TFLOperationName.ALL_SUPPORTED
    if scheme.static:
        rules.add_static_config(".*", everything, scheme.activation_bits, 8)
        ends = () if scheme.integer_ends else (TFLOperationName.INPUT, TFLOperationName.OUTPUT)
        for end in ends:
            rules.add_quantization_config(".*", end, algorithm_key=AlgorithmName.NO_QUANTIZE)
    else:

        def weights(granularity: Any) -> Any:
            return OpQuantizationConfig(
                weight_tensor_config=TensorQuantizationConfig(num_bits=8, symmetric=True, granularity=granularity),
                compute_precision=ComputePrecision.INTEGER,
                min_weight_elements=LEAST_WEIGHTS,
            )

        rules.add_quantization_config(".*", everything, weights(QuantGranularity.CHANNELWISE))
        if per_tensor_dense:
            rules.add_quantization_config(".*", TFLOperationName.FULLY_CONNECTED, weights(QuantGranularity.TENSORWISE))
    for name in wide:
        rules.add_static_config(f"^{re.escape(name)};?$", everything, 16, 8)
    for name in kept:
        rules.add_quantization_config(f"^{re.escape(name)};?$", everything, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return rules.get_quantization_recipe()
