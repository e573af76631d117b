"""Trains models/fashion_mnist_keras.onnx: a small convolutional network, in Keras, exported by tf2onnx.

Needs: pip install tensorflow-cpu==2.15.1 tf2onnx==1.16.1 onnx==1.14.1 onnxruntime==1.16.3 'numpy<2' 'protobuf<4'
pillow (Python 3.9 to 3.11), and the Debian package dataset-fashion-mnist.
"""

import argparse

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
from tensorflow import keras
from tensorflow.keras import layers

import fashion_data as data

FILE = data.HERE / "fashion_mnist_keras.onnx"


def build():
    return keras.Sequential([
        keras.Input((28, 28, 1), name="image"),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv1"),
        layers.MaxPooling2D(name="pool1"),
        layers.Conv2D(32, 3, padding="same", use_bias=False, name="conv2"),
        layers.BatchNormalization(name="bn2"),
        layers.ReLU(name="relu2"),
        layers.MaxPooling2D(name="pool2"),
        layers.SeparableConv2D(64, 3, padding="same", activation="relu", name="conv3"),
        layers.Flatten(name="flatten"),
        layers.Dropout(0.3, name="dropout"),
        layers.Dense(32, activation="relu", name="dense"),
        layers.Dense(10, activation="softmax", name="probabilities"),
    ])


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--epochs", type=int, default=6)
    options.add_argument("--threads", type=int, default=2)
    options = options.parse_args()
    keras.utils.set_random_seed(1)
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    images, labels = data.load("train")
    x = data.normalise(images)[..., None]
    net = build()
    print("parameters:", net.count_params())
    batch = 128
    rate = keras.optimizers.schedules.CosineDecay(0.003, options.epochs * -(-len(x) // batch))
    net.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    net.fit(x, labels, batch, options.epochs, verbose=2)

    signature = [tf.TensorSpec((None, 28, 28, 1), tf.float32, name="image")]
    tf2onnx.convert.from_keras(net, signature, opset=15, output_path=str(FILE))
    data.write_sidecar(FILE.stem, "NHWC")

    session = onnxruntime.InferenceSession(str(FILE))
    images, labels = data.load("t10k")
    x = data.normalise(images)[..., None]
    predicted = session.run(None, {"image": x})[0]
    difference = np.abs(net.predict(x[:1000], verbose=0) - predicted[:1000]).max()
    print(f"largest difference of a probability, Keras against ONNX Runtime: {difference:.2g}")
    assert difference < 1e-4
    print(f"test accuracy: {data.accuracy(predicted, labels):.4f}")
    data.write_samples(lambda x: session.run(None, {"image": x})[0], -1, "nhwc")


if __name__ == "__main__":
    main()
