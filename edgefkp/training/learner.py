"""A network while it learns: the training copy, its averaged float32 twin, and the optimizer."""

from collections.abc import Callable
from typing import Any

import numpy as np

from edgefkp.layout import InputSpec, ModelSpec
from edgefkp.training.kernels import fuse_batchnorm, use_matmul_filter_gradients
from edgefkp.training.loss import labeled_weight, masked_sum
from edgefkp.training.recipe import Recipe
from edgefkp.training.step_plan import MATMUL, Plan

PREDICT_BATCH = 128
START_SCALE = 0.05  # of the last kernel where training starts at the mean shape


class Learner:
    """make: builds the network anew, for `spec`. steps: of the whole run, for the learning rate's schedule.

    `averaged` is the network that is scored and saved: the exponential moving average of the weights, in float32
    whatever the precision of training.
    """

    def __init__(self, make: Callable[[], Any], recipe: Recipe, steps: int, plan: Plan, spec: ModelSpec) -> None:
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(recipe.seed)
        self.averaged = make()
        self.model = _twin(make, plan.precision)
        self.model.set_weights(self.averaged.get_weights())
        fuse_batchnorm(self.model, recipe.batchnorm_momentum)
        if plan.filter_gradients == MATMUL:
            use_matmul_filter_gradients(self.model)
        self.optimizer = _optimizer(recipe, steps)
        self.optimizer.build(self.model.trainable_variables)
        self._recipe, self._shards, self._spec = recipe, plan.shards, spec
        self._average = [
            (mean, live)
            for mean, live in zip(self.averaged.weights, self.model.weights, strict=True)
            if mean is not live and "float" in str(mean.dtype)
        ]
        self._step = tf.function(self._step_graph)
        self._forward = tf.function(lambda images: self.averaged(to_network(images, spec.input), training=False))

    def start_at(self, shape: np.ndarray) -> None:
        """Predict (K, 2) pixels at first, by a last dense layer that is nearly silent; another last layer stays as is.

        From a random start the first steps only bring the outputs to the mean shape, and switch off ReLU units on the
        way that never come back: of the 48 in front of the tuned networks' outputs, one was left.
        """
        import keras

        centered = np.nan_to_num(self._spec.encode(shape))  # the image's middle where no face has the point
        for model in (self.model, self.averaged):
            last = model.layers[-1]
            if isinstance(last, keras.layers.Dense) and last.use_bias:
                last.kernel.assign(START_SCALE * last.kernel)
                last.bias.assign(centered)

    def step(self, images: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
        """One step on (B, *image_shape) uint8 images, (B, 2 K) normalized targets, NaN = missing, and (B,) weights of
        the faces in the loss: the batch's loss.

        In place of images (B, F) float32 features for a network that takes those.
        """
        return float(self._step(images, targets, weights))

    def _step_graph(self, images: Any, targets: Any, weights: Any) -> Any:
        import tensorflow as tf

        count = labeled_weight(targets, weights)
        losses, gradients = [], []
        shards = zip(*(tf.split(part, self._shards) for part in (images, targets, weights)), strict=True)
        for shard_images, *shard_truth in shards:
            with tf.GradientTape() as tape:
                outputs = self.model(to_network(shard_images, self._spec.input), training=True)
                outputs = tf.cast(outputs, tf.float32)
                loss = masked_sum(self._recipe.loss, self._recipe.beta, outputs, *shard_truth) / count
            gradients.append(tape.gradient(loss, self.model.trainable_variables))
            losses.append(loss)
        summed = [tf.add_n(list(parts)) for parts in zip(*gradients, strict=True)]
        self.optimizer.apply_gradients(zip(summed, self.model.trainable_variables, strict=True))
        step = tf.cast(self.optimizer.iterations, tf.float32)
        # Early averages must not remember the random start: the decay grows towards `ema`.
        decay = tf.minimum(float(self._recipe.ema), (1 + step) / (10 + step))
        for mean, live in self._average:
            mean.assign(mean + (1 - decay) * (tf.cast(live, mean.dtype) - mean))
        return tf.add_n(losses)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(N, *image_shape) uint8 -> (N, K, 2) pixels, by the averaged network."""
        # Full batches only, so that the graph is traced once.
        padded = np.resize(images, (-(-len(images) // PREDICT_BATCH) * PREDICT_BATCH, *images.shape[1:]))
        parts = [self._forward(padded[i : i + PREDICT_BATCH]).numpy() for i in range(0, len(padded), PREDICT_BATCH)]
        return self._spec.decode(np.concatenate(parts)[: len(images)])

    @property
    def _variables(self) -> list[Any]:
        seen: dict[int, Any] = {}
        # Last of all what weights leave out: the states of random generators, which networks with dropout have.
        everything = [*self.model.weights, *self.averaged.weights, *self.optimizer.variables, *self.model.variables]
        for variable in everything:
            seen.setdefault(id(variable), variable)
        return list(seen.values())

    def state(self) -> list[np.ndarray]:
        """Everything that the next step depends on, as copies."""
        return [np.array(variable.numpy()) for variable in self._variables]

    def restore(self, state: list[np.ndarray]) -> None:
        for variable, value in zip(self._variables, state, strict=True):
            variable.assign(value)


def to_network(images: Any, spec: InputSpec) -> Any:
    """As InputSpec.to_network, in TensorFlow's graph; features (features.py) stay as they are."""
    import tensorflow as tf

    if images.dtype != tf.uint8:
        return images
    pixels = tf.cast(images, tf.float32)
    if spec.channels == 1:
        pixels = pixels[..., tf.newaxis]
    mean, deviation = (_one_number(numbers.astype(np.float32)) for numbers in spec.mean_and_deviation)
    scaled = (pixels - mean if np.any(mean) else pixels) / deviation
    if spec.order == "bgr":
        scaled = tf.reverse(scaled, [-1])
    return scaled if spec.axes == "HWC" else tf.transpose(scaled, [0, 3, 1, 2])


def _one_number(numbers: np.ndarray) -> Any:
    return numbers[0] if (numbers == numbers[0]).all() else numbers


def _twin(make: Callable[[], Any], precision: str) -> Any:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return make()
    finally:
        keras.config.set_dtype_policy(before)


def _optimizer(recipe: Recipe, steps: int) -> Any:
    import keras

    warmup = max(1, round(recipe.warmup * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / warmup,
        decay_steps=max(1, steps - warmup),
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    # Decay is for kernels; pulling BatchNorm's scale or a bias to zero helps nothing.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
