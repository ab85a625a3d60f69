"""The calibration samples of a Keras network that are left out of 8-bit ranges."""

from typing import Any

from edgefkp.export.bias_correction import measured_with, names_of, outputs_of
from edgefkp.export.calibration import CalibrationSet
from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.export.network_inputs import in_order_of
from edgefkp.export.range_outliers import left_out, without
from edgefkp.export.schemes import FLOAT
from edgefkp.export.tensor_ranges import extremes_of
from edgefkp.files import captured_fds
from edgefkp.networks.deviation import points_only


def outliers(model: Any, settings: ConversionSettings, calibration: CalibrationSet) -> tuple[int, ...]:
    """Rows of the samples; they are compared in a file by `settings`."""
    import tensorflow as tf

    model, samples = points_only(model), calibration.samples
    names, content = names_of(model), convert(model, ConversionSettings(FLOAT))
    with captured_fds():
        interpreter = tf.lite.Interpreter(
            model_content=content,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
        order = in_order_of(interpreter.get_input_details(), names)
        extremes = extremes_of(interpreter, content, [samples[which] for which in order])
    measured = measured_with(settings)
    return left_out(
        extremes,
        lambda rows: outputs_of(convert(model, measured, without(samples, rows)), samples, names),
        lambda: outputs_of(content, samples, names),
        calibration.always,
    )
