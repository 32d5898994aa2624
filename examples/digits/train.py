"""Train the digit classifier and convert it to full INT8: digits_int8.tflite.

    pip install -e '.[convert,examples]'
    python examples/digits/train.py

Takes two or three minutes on two cores. README.md beside this file says what came out.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from images import SIDE, Images, load

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
try:
    import keras
    import tensorflow as tf
except ImportError as error:
    raise SystemExit(
        f"error: training needs TensorFlow, and it cannot be imported: {error}\n"
        " hint: pip install 'edgekit[convert,examples]' (1.4 GB), best in an environment of its\n"
        "       own; the trained model is already here, `make demo` needs none of this"
    ) from None

if TYPE_CHECKING:
    from collections.abc import Iterator

warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated")

SEED = 7
EPOCHS = 60
BATCH = 32
FloatImages = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_name("digits_int8.tflite")
    )
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    training, test = load()

    model = classifier()
    train(model, training, arguments.epochs)
    content = to_int8(model, training)
    arguments.output.write_bytes(content)

    guesses = model.predict(as_input(test), verbose=0).argmax(axis=1)
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}, NumPy {np.__version__}")
    print(f"{model.count_params():,} parameters, seed {SEED}, {arguments.epochs} epochs")
    print(f"float32 accuracy: {(guesses == test.labels).mean():.1%} of {len(test)} test images")
    print(f"int8 accuracy:    {accuracy(content, test):.1%} (by LiteRT's reference kernels)")
    print(f"{arguments.output}: {len(content):,} bytes")
    print(f"SHA-256 {hashlib.sha256(content).hexdigest()}")


def classifier(batch: int | None = None) -> Any:
    """A CNN of 0.4 M multiply-accumulates: one of each operator that small networks live on."""
    inputs = keras.Input((SIDE, SIDE, 1), batch_size=batch, name="image")
    x = _convolution(inputs, 16, strides=2)
    x = _separable(x, 24)
    x = _separable(x, 32, strides=2)
    x = keras.layers.Add()([x, _separable(x, 32)])
    x = _separable(x, 48)
    x = keras.layers.AveragePooling2D(SIDE // 4)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


def _convolution(x: Any, channels: int, size: int = 3, strides: int = 1) -> Any:
    x = keras.layers.Conv2D(channels, size, strides=strides, padding="same", use_bias=False)(x)
    return keras.layers.ReLU()(keras.layers.BatchNormalization()(x))


def _separable(x: Any, channels: int, strides: int = 1) -> Any:
    x = keras.layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return _convolution(x, channels, size=1)


def train(model: Any, training: Images, epochs: int) -> None:
    """Adam with a cosine schedule; every epoch sees every image, bent anew. The last epoch wins."""
    steps = len(training) // BATCH
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, epochs * steps)),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.05),
    )
    random = np.random.default_rng(SEED)
    for epoch in range(epochs):
        losses = [float(model.train_on_batch(*batch)) for batch in _batches(training, random)]
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:3} of {epochs}: loss {losses[-1]:.3f}")


def _batches(
    training: Images, random: np.random.Generator
) -> Iterator[tuple[FloatImages, FloatImages]]:
    order = random.permutation(len(training))
    images = bent(as_input(training)[order], random)
    targets = np.eye(10, dtype=np.float32)[training.labels[order]]
    for start in range(0, len(order) - BATCH + 1, BATCH):
        yield images[start : start + BATCH], targets[start : start + BATCH]


def bent(images: FloatImages, random: np.random.Generator) -> FloatImages:
    """Each image turned by up to 12°, scaled and slanted by up to 12 % and moved by 2 pixels.

    Bilinear; what comes from outside of the image is paper.
    """
    count = len(images)
    angle = np.deg2rad(random.uniform(-12, 12, count))
    scale_y, scale_x = random.uniform(0.88, 1.12, (2, count))
    slant = random.uniform(-0.12, 0.12, count)
    shift_y, shift_x = random.uniform(-2, 2, (2, count))
    centre = (SIDE - 1) / 2
    grid_y, grid_x = np.mgrid[:SIDE, :SIDE].reshape(2, 1, -1) - centre
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    y = (cos * grid_y - sin * grid_x) * scale_y[:, None] + shift_y[:, None] + centre
    x = (sin * grid_y + cos * grid_x) * scale_x[:, None] + slant[:, None] * grid_y
    x += shift_x[:, None] + centre

    padded = np.pad(images[..., 0], ((0, 0), (1, 2), (1, 2)))  # a frame of paper
    y, x = (np.clip(at, -1, SIDE) + 1 for at in (y, x))
    top, left = y.astype(int), x.astype(int)
    down, right = y - top, x - left
    which = np.arange(count)[:, None]
    upper = padded[which, top, left] * (1 - right) + padded[which, top, left + 1] * right
    lower = padded[which, top + 1, left] * (1 - right) + padded[which, top + 1, left + 1] * right
    result = upper * (1 - down) + lower * down
    return result.reshape(images.shape).astype(np.float32)


def as_input(images: Images) -> FloatImages:
    """[N, 28, 28, 1], 0 is paper and 1 is ink."""
    return (images.pixels[..., None] / 255).astype(np.float32)


def to_int8(model: Any, training: Images) -> bytes:
    """The .tflite, int8 from input to output, batch 1, calibrated on 500 training images."""
    single = classifier(batch=1)
    single.set_weights(model.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(single)
    samples = as_input(training.first(500))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content: bytes = converter.convert()
    left = [
        tensor["name"]
        for tensor in _interpreter(content).get_tensor_details()
        if tensor["dtype"] == np.float32
    ]
    if left:
        raise SystemExit(f"error: the converter left tensors in float32: {', '.join(left)}")
    return content


def accuracy(content: bytes, test: Images) -> float:
    """The fraction of test images that the INT8 model gets right."""
    interpreter = _interpreter(content)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero_point = source["quantization"]
    quantized = np.clip(np.round(as_input(test) / scale + zero_point), -128, 127).astype(np.int8)
    right = 0
    for image, label in zip(quantized, test.labels, strict=True):
        interpreter.set_tensor(source["index"], image[None])
        interpreter.invoke()
        right += int(interpreter.get_tensor(target["index"]).argmax() == label)
    return right / len(test)


def _interpreter(content: bytes) -> Any:
    return tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )


if __name__ == "__main__":
    main()
