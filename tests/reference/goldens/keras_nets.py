"""Small Keras nets with seeded weights, and their export. Written for this project."""
import json

import numpy as np
import tensorflow as tf

L = tf.keras.layers


def conv(width, size=3, activation=None, **options):
    return L.Conv2D(width, size, activation=activation, padding=options.pop("padding", "same"), **options)


def plain():
    """Stride, both paddings, both pools. (tf2onnx drops the padding in front of a dilated convolution.)"""
    x = inputs = L.Input((12, 12, 3))
    x = L.MaxPooling2D()(conv(6, activation="relu")(x))
    x = conv(8, strides=2, padding="valid", activation="relu")(x)
    x = L.AveragePooling2D()(conv(8, activation="relu")(L.ZeroPadding2D(1)(x)))
    x = L.Dense(10, activation="relu")(L.Flatten()(x))
    return tf.keras.Model(inputs, L.Dense(4)(x))


def residual():
    x = inputs = L.Input((10, 10, 3))
    x = a = conv(6, activation="relu")(x)
    x = conv(6)(conv(6, activation="relu")(x))
    x = L.Activation("relu")(L.Add()([x, a]))
    x = L.Concatenate()([conv(4, 1, activation="relu")(x), conv(4, activation="relu")(x)])
    return tf.keras.Model(inputs, L.Dense(4)(L.GlobalAveragePooling2D()(x)))


def series():
    x = inputs = L.Input((40, 3))
    x = L.Conv1D(6, 5, strides=2, activation="relu", padding="same")(x)
    x = L.MaxPooling1D()(x)
    x = L.Conv1D(8, 3, activation="relu")(x)
    return tf.keras.Model(inputs, L.Dense(4)(L.Flatten()(x)))


def dense():
    x = inputs = L.Input((8,))
    x = L.Dense(12, activation="relu")(x)
    x = L.Dense(10, activation="relu")(x)
    return tf.keras.Model(inputs, L.Dense(4)(x))


NETS = {"keras_plain": plain, "keras_residual": residual, "keras_series": series, "keras_dense": dense}


def weights_of(model, name):
    """Weights and inputs as float32 numbers, from NumPy: the same under every version of TensorFlow."""
    random = np.random.RandomState(sorted(NETS).index(name) + 40)
    values = []
    for w in model.get_weights():
        if w.ndim == 1:
            values.append(random.uniform(-0.2, 0.2, w.shape))
        else:
            fan_in = np.prod(w.shape[:-1])
            values.append(random.uniform(-1, 1, w.shape) * np.sqrt(6 / fan_in))
    return [v.astype(np.float32) for v in values]


def example(model, name):
    random = np.random.RandomState(sorted(NETS).index(name) + 80)
    return random.randn(2, *model.input_shape[1:]).astype(np.float32)


def build(name):
    model = NETS[name]()
    model.set_weights(weights_of(model, name))
    return model


def export(name, path):
    """Needs tf2onnx; a process of its own, since iNNvestigate turns eager execution off."""
    import tf2onnx
    tf.keras.backend.set_floatx("float32")
    model = build(name)
    shape = (2,) + model.input_shape[1:]
    tf2onnx.convert.from_keras(model, [tf.TensorSpec(shape, tf.float32, name="x")], opset=13, output_path=str(path))


if __name__ == "__main__":
    from store import FOLDER
    for name in NETS:
        export(name, FOLDER / f"{name}.onnx")
