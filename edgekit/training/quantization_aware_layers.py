"""Keras layers that compute in float what INT8 arithmetic can represent.

Imported only once Keras was found: classes of layers need it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.training.framework import keras, tensorflow

_BITS = 8
_TINY = 1e-6  # narrower ranges have no scale
#: Share of the way that a range shrinks in one step towards the batch's range.
_SHRINKING = 0.02

_serializable = keras().saving.register_keras_serializable(package="edgekit")


@_serializable
class FakeQuantize(keras().layers.Layer):  # type: ignore[misc]
    """An activation rounded to the 256 values of an int8 tensor; slopes pass where it is in range.

    Asymmetric and per tensor: from `low` to `high`, which always hold 0. While training it follows
    what it sees: a range grows at once to hold a batch and shrinks slowly, so that it stays close
    to the minimum and maximum by which the integer model will be calibrated. (Jacob et al. 2018,
    arXiv:1712.05877, section 3.1, average instead, which clips.)

    Args:
        fixed: (low, high) where the integer operator prescribes them; never changed then.
    """

    def __init__(self, *, fixed: tuple[float, float] | None = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.fixed = None if fixed is None else (float(fixed[0]), float(fixed[1]))

    def build(self, input_shape: Any) -> None:
        """Make the range; it is no weight that a slope changes."""
        del input_shape
        low, high = self.fixed or (-1.0, 1.0)
        constant = keras().initializers.Constant
        self.low = self.add_weight(shape=(), initializer=constant(low), trainable=False, name="low")
        self.high = self.add_weight(
            shape=(), initializer=constant(high), trainable=False, name="high"
        )

    def set_range(self, low: float, high: float) -> None:
        """Set what to round to, unless it is fixed; 0 is added to the range."""
        if self.fixed is None:
            self.low.assign(min(low, 0.0))
            self.high.assign(max(high, 0.0))

    def call(self, x: Any, training: bool | None = None, observe: bool = True) -> Any:
        """Round `x`; `observe=False` leaves the range as it is."""
        tf = tensorflow()
        if training and observe and self.fixed is None:
            self.low.assign(self._followed(self.low, tf.reduce_min(x), tf.minimum))
            self.high.assign(self._followed(self.high, tf.reduce_max(x), tf.maximum))
        low = tf.convert_to_tensor(self.low)
        high = tf.maximum(tf.convert_to_tensor(self.high), low + _TINY)
        return tf.quantization.fake_quant_with_min_max_vars(x, low, high, num_bits=_BITS)

    def _followed(self, now: Any, seen: Any, outer: Any) -> Any:
        tf = tensorflow()
        now = tf.convert_to_tensor(now)
        seen = outer(tf.stop_gradient(seen), 0.0)
        return outer(now + _SHRINKING * (seen - now), seen)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As it came."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """For saving."""
        return {**super().get_config(), "fixed": self.fixed}


@_serializable
class QuantizedWeights(keras().layers.Wrapper):  # type: ignore[misc]
    """A convolution or dense layer whose kernel is rounded to int8, symmetrically from -127 to 127.

    Each output channel has a scale of its own. The layer keeps its float kernel: slopes pass
    through the rounding to it.

    Args:
        layer: a Conv, DepthwiseConv, Conv2DTranspose or Dense layer.
    """

    def call(self, x: Any) -> Any:
        """What the layer computes with rounded weights."""
        kernel = self.layer.weights[0]
        rounded = self._rounded(tensorflow().convert_to_tensor(kernel))
        with keras().StatelessScope(state_mapping=[(kernel, rounded)]):
            return self.layer.call(x)

    def rounded_weights(self) -> list[Any]:
        """The layer's weights, with its kernel rounded."""
        kernel, *others = self.layer.get_weights()
        return [np.asarray(self._rounded(tensorflow().convert_to_tensor(kernel))), *others]

    def _rounded(self, kernel: Any) -> Any:
        """The kernel rounded, its output channels brought to the last axis meanwhile."""
        tf = tensorflow()
        kind = type(self.layer).__name__
        shape = kernel.shape
        if kind == "Conv2DTranspose":  # [height, width, out, in]
            kernel = tf.transpose(kernel, (0, 1, 3, 2))
        elif kind.startswith("Depthwise"):  # [..., in, multiplier]
            kernel = tf.reshape(kernel, (-1, shape[-2] * shape[-1]))
        axes = list(range(len(kernel.shape) - 1))
        limit = tf.maximum(tf.stop_gradient(tf.reduce_max(tf.abs(kernel), axis=axes)), _TINY)
        rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            kernel, -limit, limit, num_bits=_BITS, narrow_range=True
        )
        if kind == "Conv2DTranspose":
            return tf.transpose(rounded, (0, 1, 3, 2))
        return tf.reshape(rounded, shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As the layer's."""
        return self.layer.compute_output_shape(input_shape)
