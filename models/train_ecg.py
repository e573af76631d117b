"""Trains models/ecg.onnx, which tells a ventricular beat from a normal one, on the synthetic beats of ecg_beats.py.

Needs: pip install torch onnx onnxruntime numpy, and Debian's python3-scipy for the real strip (its data file alone).
Writes the model, its sidecar, and two windows of the real strip under samples/.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

import ecg_beats as beats
import ecg_record as record

HERE = Path(__file__).resolve().parent
FILE = HERE / "ecg.onnx"


def block(inputs, outputs):
    return [nn.Conv1d(inputs, outputs, 7, stride=2, padding=3), nn.BatchNorm1d(outputs), nn.ReLU()]


def build():
    return nn.Sequential(*block(1, 16), *block(16, 24), *block(24, 32), *block(32, 48), nn.AvgPool1d(4), nn.Flatten(),
                         nn.Dropout(0.2), nn.Linear(48 * beats.LENGTH // 64, 2))


def train(net, x, y, epochs, batch=128):
    optimiser = torch.optim.Adam(net.parameters(), lr=0.002)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * (len(x) // batch))
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for chosen in torch.randperm(len(x)).split(batch)[:len(x) // batch]:
            loss = nn.functional.cross_entropy(net(x[chosen]), y[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / (len(x) // batch):.4f}")


def export(net):
    net.eval()
    example = torch.zeros(1, 1, beats.LENGTH)
    torch.onnx.export(net, (example,), str(FILE), dynamo=False, opset_version=17, input_names=["ecg"], output_names=["logits"],
                      dynamic_axes={"ecg": {0: "batch"}, "logits": {0: "batch"}})
    sidecar = {"layout": "NCT", "labels": beats.LABELS}
    (HERE / "ecg.json").write_text(json.dumps(sidecar, indent=2) + "\n")


def write_csv(name, window):
    lines = ["millivolt"] + [f"{v:.3f}" for v in window[0]]
    (HERE / "samples" / name).write_text("\n".join(lines) + "\n")


def judge_record(predict):
    """Agreement with the rules over the whole record, and two clear windows as samples."""
    signal = record.read_record()
    peaks = record.find_beats(signal)
    windows, whole = record.windows(signal, peaks)
    logits = predict(windows)
    model = logits.argmax(axis=1)
    for name, premature in (("QRS of 120 ms or more", False), ("QRS of 120 ms or more and 20 % premature", True)):
        rule = record.rule_labels(signal, peaks, premature)[whole]
        table = [[int(np.sum((rule == r) & (model == m))) for m in (0, 1)] for r in (0, 1)]
        print(f"rule '{name}': agreement {np.mean(rule == model):.3f} over {len(rule)} beats; rule x model {table}; "
              f"of 'always normal': {np.mean(rule == 0):.3f}")
    wide = record.rule_labels(signal, peaks)[whole]
    margin = logits[:, 1] - logits[:, 0]
    ventricular = int(np.argmax(np.where(wide == 1, margin, -np.inf)))
    normal = int(np.argmin(np.where(wide == 0, margin, np.inf)))
    write_csv("ecg_ventricular.csv", windows[ventricular])
    write_csv("ecg_normal.csv", windows[normal])
    print(f"samples: ventricular at {peaks[whole[ventricular]]}, normal at {peaks[whole[normal]]}")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--epochs", type=int, default=12)
    options.add_argument("--threads", type=int, default=2)
    options = options.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)

    x, y = beats.synthetic(12000, seed=1)
    net = build()
    print("parameters:", sum(p.numel() for p in net.parameters()))
    train(net, torch.from_numpy(x), torch.from_numpy(y.astype(np.int64)), options.epochs)
    export(net)

    session = onnxruntime.InferenceSession(str(FILE), providers=["CPUExecutionProvider"])
    predict = lambda windows: session.run(None, {"ecg": windows})[0]
    x, y = beats.synthetic(4000, seed=2)
    with torch.no_grad():
        difference = np.abs(net(torch.from_numpy(x[:500])).numpy() - predict(x[:500])).max()
    print(f"largest difference of a logit, torch against ONNX Runtime: {difference:.2g}")
    assert difference < 1e-4
    print(f"held-out accuracy on synthetic beats: {np.mean(predict(x).argmax(axis=1) == y):.4f}")
    judge_record(predict)


if __name__ == "__main__":
    main()
