"""Trains models/fashion_mnist_torch.onnx: a small residual network with batch normalisation, in PyTorch.

Needs: pip install torch onnx onnxruntime numpy pillow, and the Debian package dataset-fashion-mnist.
"""

import argparse

import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.nn import functional as F

import fashion_data as data

FILE = data.HERE / "fashion_mnist_torch.onnx"


class Block(nn.Module):
    """Two 3x3 convolutions and a 1x1 shortcut, added."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        self.pool = nn.MaxPool2d(2)
        self.block1 = Block(16, 32, 1)
        self.block2 = Block(32, 64, 2)
        self.block3 = Block(64, 64, 1)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.bn(self.conv(x))))
        x = self.block3(self.block2(self.block1(x)))
        return self.classifier(torch.flatten(self.average(x), 1))


def train(net, x, y, epochs, batch):
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.01)
    steps = len(x) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.01, total_steps=epochs * steps)
    net.train()
    for epoch in range(epochs):
        order = torch.randperm(len(x))
        total = 0.0
        for step in range(steps):
            chosen = order[step * batch:(step + 1) * batch]
            images = x[chosen]
            if torch.rand(()) < 0.5:
                images = images.flip(3)
            loss = F.cross_entropy(net(images), y[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: training loss {total / steps:.3f}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--threads", type=int, default=1)
    options = options.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)

    images, labels = data.load("train")
    x = torch.from_numpy(data.normalise(images)[:, None])
    net = Net().to(memory_format=torch.channels_last)  # faster here, the same results
    print("parameters:", sum(p.numel() for p in net.parameters()))
    train(net, x, torch.from_numpy(labels.astype(np.int64)), options.epochs, batch=128)

    # Evaluation mode, kept as it is: batch normalisation stays a node of its own and is not folded.
    net.eval().to(memory_format=torch.contiguous_format)
    torch.onnx.export(net, x[:1], FILE, dynamo=False, opset_version=17, do_constant_folding=False,
                      training=torch.onnx.TrainingMode.PRESERVE, input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})
    data.write_sidecar(FILE.stem, "NCHW")

    session = onnxruntime.InferenceSession(FILE)
    images, labels = data.load("t10k")
    x = data.normalise(images)[:, None]
    logits = session.run(None, {"image": x})[0]
    with torch.no_grad():
        difference = np.abs(net(torch.from_numpy(x[:1000])).numpy() - logits[:1000]).max()
    print(f"largest difference of a logit, PyTorch against ONNX Runtime: {difference:.2g}")
    assert difference < 1e-3
    print(f"test accuracy: {data.accuracy(logits, labels):.4f}")
    data.write_samples(lambda x: session.run(None, {"image": x})[0], 1, "nchw")


if __name__ == "__main__":
    main()
