"""What the lists of the zoo's architectures are written with."""
import torch
from torch import nn


class Wrapped(nn.Module):
    """`call(model, *inputs)` as a module."""

    def __init__(self, model, call):
        super().__init__()
        self.model, self.call = model, call

    def forward(self, *inputs):
        return self.call(self.model, *inputs)


def net(call, **parts):
    """A module of named parts; tensors among them become parameters."""
    tensors = {k: nn.Parameter(p) for k, p in parts.items() if isinstance(p, torch.Tensor)}
    modules = {k: p for k, p in parts.items() if not isinstance(p, torch.Tensor)}
    return Wrapped(nn.ModuleDict(modules | ({"p": nn.ParameterDict(tensors)} if tensors else {})), call)


def noise(*shape):
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(1)),)


def image(size, batch=1):
    return noise(batch, 3, size, size)


def ids(length, vocabulary=100):
    return (torch.randint(0, vocabulary, (1, length), generator=torch.Generator().manual_seed(1)),)


def mlp(*widths, act=nn.ReLU):
    layers = [part for a, b in zip(widths, widths[1:]) for part in (nn.Linear(a, b), act())]
    return nn.Sequential(*layers[:-1])


class Residual(nn.Module):
    """x + body(x), through a projection where shapes differ."""

    def __init__(self, body, project=None):
        super().__init__()
        self.body, self.project = body, project or nn.Identity()

    def forward(self, x):
        return self.project(x) + self.body(x)
