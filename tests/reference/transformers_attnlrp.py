"""Small random transformers, their ONNX exports, and AttnLRP and CP-LRP of them from PyTorch.

Relevance is x times one changed gradient: deviations of norms are detached, activations have the slope
f(x) / x, and for AttnLRP queries and keys get a quarter of their gradient, values and the factors of gated
units half (Achtibat et al. 2024); for CP-LRP queries, keys and gates are detached (Ali et al. 2022).

  transformers_attnlrp.py make FOLDER             writes the nets, inputs and relevance
  transformers_attnlrp.py check FOLDER COMMAND    runs `COMMAND explain` on them and compares
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MODE = "plain"  # plain, attnlrp, cp_lrp: what the gradient is


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.factor, None


def part(x, attn, cp=1.0):
    """x with its gradient scaled: by `attn` under AttnLRP, by `cp` under CP-LRP."""
    if MODE == "plain":
        return x
    return Scaled.apply(x, attn if MODE == "attnlrp" else cp)


def act(f, x):
    if MODE == "plain":
        return f(x)
    return x * (f(x) / x).detach()


class LayerNorm(nn.LayerNorm):
    def forward(self, x):
        if MODE == "plain":
            return super().forward(x)
        centred = x - x.mean(-1, keepdim=True)
        deviation = (centred.pow(2).mean(-1, keepdim=True) + self.eps).sqrt().detach()
        return centred / deviation * self.weight + self.bias


class RMSNorm(nn.Module):
    """As in language models: with the small nodes that they export as."""

    def __init__(self, width, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.eps = eps

    def forward(self, x):
        inverse = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * (x * (inverse if MODE == "plain" else inverse.detach()))


class Attention(nn.Module):
    def __init__(self, width, heads, causal, style):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.heads, self.causal, self.style = heads, causal, style

    def forward(self, x, mask=None):
        n, t, width = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = part(q, 0.25, 0), part(k, 0.25, 0), part(v, 0.5, 1)
        if self.style == "sdpa":
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.causal)
        else:
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            if self.causal:
                future = torch.ones(t, t, dtype=torch.bool).triu(1)
                scores = scores.masked_fill(future, torch.finfo(scores.dtype).min)
            if mask is not None:
                scores = scores + mask
            y = F.softmax(scores, -1) @ v
        return self.out(y.transpose(1, 2).reshape(n, t, width))


class Block(nn.Module):
    def __init__(self, width, heads, *, causal=False, style="sdpa", norm=LayerNorm, f=F.gelu, gated=False):
        super().__init__()
        self.attention = Attention(width, heads, causal, style)
        self.norm1, self.norm2 = norm(width), norm(width)
        self.up = nn.Linear(width, 2 * width)
        self.gate = nn.Linear(width, 2 * width) if gated else None
        self.down = nn.Linear(2 * width, width)
        self.f = f

    def feed_forward(self, x):
        if self.gate is None:
            return self.down(act(self.f, self.up(x)))
        gate, up = part(act(self.f, self.gate(x)), 0.5, 0), part(self.up(x), 0.5, 1)
        return self.down(gate * up)


class PreNorm(Block):
    def forward(self, x, mask=None):
        x = x + self.attention(self.norm1(x), mask)
        return x + self.feed_forward(self.norm2(x))


class PostNorm(Block):
    def forward(self, x, mask=None):
        x = self.norm1(x + self.attention(x, mask))
        return self.norm2(x + self.feed_forward(x))


class ViT(nn.Module):
    """DeiT's form: patches by a convolution, a class token and a distillation token."""

    def __init__(self, width=16, heads=2):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.tokens = nn.Parameter(torch.empty(1, 2, width))
        self.positions = nn.Parameter(torch.empty(1, 18, width))
        self.blocks = nn.ModuleList(PreNorm(width, heads) for _ in range(2))
        self.norm = LayerNorm(width)
        self.head, self.distilled = nn.Linear(width, 5), nn.Linear(width, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.tokens.expand(x.shape[0], -1, -1), x], 1) + self.positions
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return (self.head(x[:, 0]) + self.distilled(x[:, 1])) / 2

    def inputs(self):
        return {"image": torch.randn(2, 3, 16, 16)}


class Tokens(nn.Module):
    def embed(self, table, ids):
        rows = table(ids)
        if MODE != "plain":
            rows.retain_grad()
            self.rows.append((ids, rows))
        return rows


class Bert(Tokens):
    def __init__(self, width=16, heads=2):
        super().__init__()
        self.words, self.segments = nn.Embedding(30, width), nn.Embedding(2, width)
        self.positions = nn.Parameter(torch.empty(1, 7, width))
        self.norm = LayerNorm(width)
        self.blocks = nn.ModuleList(PostNorm(width, heads, style="eager") for _ in range(2))
        self.pool, self.head = nn.Linear(width, width), nn.Linear(width, 3)

    def forward(self, ids, kinds, mask):
        self.rows = []
        x = self.norm(self.embed(self.words, ids) + self.embed(self.segments, kinds) + self.positions)
        hidden = (1.0 - mask[:, None, None, :].to(x.dtype)) * torch.finfo(torch.float32).min
        for block in self.blocks:
            x = block(x, hidden)
        return self.head(act(torch.tanh, self.pool(x[:, 0])))

    def inputs(self):
        mask = torch.ones(2, 7, dtype=torch.int64)
        mask[1, 5:] = 0
        return {"ids": torch.randint(0, 30, (2, 7)), "kinds": torch.randint(0, 2, (2, 7)), "mask": mask}


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


class GPT2(Tokens):
    """Explained is the next token's logit."""

    def __init__(self, width=16, heads=2):
        super().__init__()
        self.words = nn.Embedding(30, width)
        self.positions = nn.Parameter(torch.empty(1, 6, width))
        self.blocks = nn.ModuleList(PreNorm(width, heads, causal=True, style="eager", f=gelu_new) for _ in range(2))
        self.norm = LayerNorm(width)

    def forward(self, ids):
        self.rows = []
        x = self.embed(self.words, ids) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, -1]) @ self.words.weight.T

    def inputs(self):
        return {"ids": torch.randint(0, 30, (2, 6))}


class Llama(nn.Module):
    """RMSNorm and gated units, over vectors."""

    def __init__(self, width=16, heads=2):
        super().__init__()
        make = lambda: PreNorm(width, heads, causal=True, norm=RMSNorm, f=F.silu, gated=True)
        self.blocks = nn.ModuleList(make() for _ in range(2))
        self.norm, self.head = RMSNorm(width), nn.Linear(width, 4)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, -1]))

    def inputs(self):
        return {"x": torch.randn(2, 5, 16)}


NETS = {"vit": ViT, "bert": Bert, "gpt2": GPT2, "llama": Llama}
EXPORTS = {"torchscript17": (17, False), "dynamo18": (18, True), "dynamo23": (23, True)}


def make_net(name):
    torch.manual_seed(sorted(NETS).index(name))
    net = NETS[name]().eval()
    for key, parameter in net.named_parameters():
        is_scale = "norm" in key and key.endswith("weight")
        nn.init.normal_(parameter, 1 if is_scale else 0, 0.3)
    return net, net.inputs()


def relevance(net, inputs, mode, target):
    """By input: x times the changed gradient, summed over the embedding of each token."""
    global MODE
    net, inputs = net.double(), {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    for v in inputs.values():
        if v.is_floating_point():
            v.requires_grad_()
    MODE = mode
    try:
        logits = net(*inputs.values())
        logits[:, target].sum().backward()  # times what it is over: relevance starts as the logit
    finally:
        MODE = "plain"
        net.float()
    found = {k: v * v.grad for k, v in inputs.items() if v.is_floating_point()}
    for ids, rows in getattr(net, "rows", []):
        key = next(k for k, v in inputs.items() if v is ids)
        found[key] = (rows * rows.grad).sum(-1)
    return {k: v.detach().numpy() for k, v in found.items()}, logits.detach().numpy()


def export(net, inputs, path, opset, dynamo):
    axes = {k: {0: "batch"} for k in inputs}
    shapes = {"dynamic_shapes": [{0: torch.export.Dim("batch")}] * len(inputs)} if dynamo else {"dynamic_axes": axes}
    if dynamo:
        shapes["external_data"] = False
    torch.onnx.export(net, tuple(inputs.values()), path, input_names=list(inputs), output_names=["logits"],
                      opset_version=opset, dynamo=dynamo, **shapes)


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in NETS:
        net, inputs = make_net(name)
        for exporter, (opset, dynamo) in EXPORTS.items() if "goldens" not in sys.argv else ():
            export(net, inputs, str(folder / f"{name}_{exporter}.onnx"), opset, dynamo)
        arrays = {f"in:{k}": v.numpy() for k, v in inputs.items()}
        for mode in ("attnlrp", "cp_lrp"):
            found, logits = relevance(net, inputs, mode, 1)
            arrays["logits"] = logits
            arrays.update({f"{mode}:{k}": v for k, v in found.items()})
        np.savez(folder / f"{name}.npz", **arrays)


def difference(a, b):
    """The worst of all samples: largest difference over largest entry."""
    a, b = a.reshape(len(b), -1), b.reshape(len(b), -1)
    return float((np.abs(a - b).max(1) / np.abs(b).max(1)).max())


def check(folder, command):
    worst = 0.0
    for net in NETS:
        golden = np.load(folder / f"{net}.npz")
        for exporter in EXPORTS:
            model = folder / f"{net}_{exporter}.onnx"
            for mode in ("attnlrp", "cp_lrp"):
                with tempfile.TemporaryDirectory() as scratch:
                    given = []
                    for key in golden.files:
                        if key.startswith("in:"):
                            np.save(f"{scratch}/{key[3:]}.npy", golden[key])
                            given += ["-i", f"{key[3:]}={scratch}/{key[3:]}.npy"]
                    call = [command, "explain", str(model), *given, "-m", f"lrp:composite={mode}", "--target",
                            "1", "-o", f"{scratch}/out.npz"]
                    done = subprocess.run(call, capture_output=True, text=True)
                    if done.returncode:
                        print(f"{model.name:28} {mode:8} {done.stderr.strip()}")
                        worst = math.inf
                        continue
                    out = np.load(f"{scratch}/out.npz")
                    for key in golden.files:
                        if not key.startswith(mode + ":"):
                            continue
                        name = key.split(":")[1]
                        found = next(out[k] for k in out.files if ":" + name not in k and len(out.files) == 1 or k.endswith(":" + name))
                        d = difference(found, golden[key])
                        worst = max(worst, d)
                        print(f"{model.name:28} {mode:8} {name:6} {d:.1e}")
    print(f"worst {worst:.1e}")
    return worst < 1e-5


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
    elif not check(pathlib.Path(sys.argv[2]), sys.argv[3]):
        sys.exit(1)
