"""Small nets with seeded weights that cover what deep-learning models are made of. Written for this project.

Relevance frameworks for PyTorch see modules only, so that sums and gates are modules here: Plus, Scale.
"""
import torch
from torch import nn


class Plus(nn.Module):
    """a + b; Zennit's canonical form stacks both and sums, so that its Norm rule shares in proportion."""

    stacked = False

    def __init__(self):
        super().__init__()
        from zennit.layer import Sum
        self.sum = Sum()

    def forward(self, a, b):
        return self.sum(torch.stack([a, b], dim=-1)) if Plus.stacked else a + b


class Scale(nn.Module):
    """x * gate. `held`: the gate counts as a constant, and the module gets the rule Pass."""

    held = False

    def __init__(self):
        super().__init__()
        self.product = Product()

    def forward(self, x, gate):
        if not Scale.held:
            return x * gate
        self.product.gate = gate.detach()
        return self.product(x)


class Product(nn.Module):
    def forward(self, x):
        return x * self.gate


def conv(i, o, k=3, s=1, p=None, groups=1, bias=True):
    return nn.Conv2d(i, o, k, s, k // 2 if p is None else p, groups=groups, bias=bias)


class Vgg(nn.Module):
    def __init__(self, norm):
        super().__init__()
        layers, channels = [], 3
        for width in (8, "M", 12, 12, "M", 16, "M"):
            if width == "M":
                layers.append(nn.MaxPool2d(2))
                continue
            layers += [conv(channels, width)] + ([nn.BatchNorm2d(width)] if norm else []) + [nn.ReLU()]
            channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 5))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Block(nn.Module):
    def __init__(self, i, o, stride, bottleneck):
        super().__init__()
        if bottleneck:
            mid = o // 2
            parts = [conv(i, mid, 1, bias=False), nn.BatchNorm2d(mid), nn.ReLU(),
                     conv(mid, mid, 3, stride, bias=False), nn.BatchNorm2d(mid), nn.ReLU(),
                     conv(mid, o, 1, bias=False), nn.BatchNorm2d(o)]
        else:
            parts = [conv(i, o, 3, stride, bias=False), nn.BatchNorm2d(o), nn.ReLU(),
                     conv(o, o, bias=False), nn.BatchNorm2d(o)]
        self.body = nn.Sequential(*parts)
        self.shortcut = nn.Sequential() if stride == 1 and i == o else nn.Sequential(
            conv(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
        self.plus, self.relu = Plus(), nn.ReLU()

    def forward(self, x):
        return self.relu(self.plus(self.body(x), self.shortcut(x)))


class ResNet(nn.Module):
    def __init__(self, bottleneck):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 8, 5, 2, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 1, 1))
        self.blocks = nn.Sequential(Block(8, 8, 1, bottleneck), Block(8, 12, 2, bottleneck))
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(12, 5)

    def forward(self, x):
        return self.head(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))


class DenseLayer(nn.Module):
    def __init__(self, i, growth):
        super().__init__()
        self.body = nn.Sequential(nn.BatchNorm2d(i), nn.ReLU(), conv(i, 8, 1, bias=False),
                                  nn.BatchNorm2d(8), nn.ReLU(), conv(8, growth, bias=False))

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 8, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.one = nn.Sequential(DenseLayer(8, 4), DenseLayer(12, 4))
        self.transition = nn.Sequential(nn.BatchNorm2d(16), nn.ReLU(), conv(16, 8, 1, bias=False), nn.AvgPool2d(2))
        self.two = nn.Sequential(DenseLayer(8, 4))
        self.tail = nn.Sequential(nn.BatchNorm2d(12), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = self.tail(self.two(self.transition(self.one(self.stem(x)))))
        return self.head(torch.flatten(x, 1))


class Inverted(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        mid = 3 * i
        self.body = nn.Sequential(conv(i, mid, 1, bias=False), nn.BatchNorm2d(mid), nn.ReLU6(),
                                  conv(mid, mid, 3, stride, groups=mid, bias=False), nn.BatchNorm2d(mid), nn.ReLU6(),
                                  conv(mid, o, 1, bias=False), nn.BatchNorm2d(o))
        self.plus = Plus() if stride == 1 and i == o else None

    def forward(self, x):
        return self.plus(x, self.body(x)) if self.plus else self.body(x)


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 6, 3, 2, bias=False), nn.BatchNorm2d(6), nn.ReLU6())
        self.blocks = nn.Sequential(Inverted(6, 6, 1), Inverted(6, 8, 2), Inverted(8, 8, 1))
        self.last = nn.Sequential(conv(8, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(16, 5))

    def forward(self, x):
        return self.head(torch.flatten(self.last(self.blocks(self.stem(x))), 1))


class Excite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(conv(channels, 4, 1), nn.ReLU(), conv(4, channels, 1), nn.Sigmoid())
        self.scale = Scale()

    def forward(self, x):
        return self.scale(x, self.gate(self.squeeze(x)))


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Sequential(conv(3, 8), nn.ReLU(), Excite(8), nn.MaxPool2d(2))
        self.two = nn.Sequential(conv(8, 12), nn.ReLU(), Excite(12), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        return self.head(torch.flatten(self.two(self.one(x)), 1))


class Mixed(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.one = nn.Sequential(conv(i, 4, 1), nn.ReLU())
        self.three = nn.Sequential(conv(i, 4, 1), nn.ReLU(), conv(4, 6, (1, 3), p=(0, 1)), nn.ReLU(),
                                   conv(6, 6, (3, 1), p=(1, 0)), nn.ReLU())
        self.pool = nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), conv(i, 4, 1), nn.ReLU())

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.pool(x)], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 8, p=0), nn.ReLU(), nn.MaxPool2d(2))
        self.mixed = nn.Sequential(Mixed(8), Mixed(14))
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(14, 5)

    def forward(self, x):
        return self.head(torch.flatten(self.pool(self.mixed(self.stem(x))), 1))


class Beat(nn.Module):
    """A series of 48 steps in three leads."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(3, 8, 7, 2, 3), nn.ReLU(), nn.Conv1d(8, 8, 5, dilation=2, padding=4),
                                      nn.LeakyReLU(0.1), nn.MaxPool1d(2), nn.Conv1d(8, 12, 3, padding=1), nn.ELU(),
                                      nn.AvgPool1d(3))
        self.head = nn.Linear(48, 4)

    def forward(self, x):
        return self.head(torch.flatten(self.features(x), 1))


class Pooled(nn.Module):
    """Convolutions, ReLU, both pools: what Captum's LRP takes."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv(3, 8), nn.ReLU(), nn.AvgPool2d(2), conv(8, 12), nn.ReLU(),
                                      nn.MaxPool2d(2), conv(12, 12), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        return self.head(torch.flatten(self.features(x), 1))


NETS = {"vgg": lambda: Vgg(False), "vgg_bn": lambda: Vgg(True), "resnet_basic": lambda: ResNet(False),
        "resnet_bottleneck": lambda: ResNet(True), "densenet": DenseNet, "mobilenet_v2": MobileNet,
        "squeeze_excite": SqueezeExcite, "inception": Inception, "beat": Beat,
        "pooled": Pooled}


def build(name):
    torch.manual_seed(list(NETS).index(name))
    model = NETS[name]().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.4, 1.5)
            nn.init.uniform_(module.weight, 0.6, 1.4)
            nn.init.uniform_(module.bias, -0.3, 0.3)
        elif isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.2, 0.2)
    return model


def example(name):
    generator = torch.Generator().manual_seed(7)
    return torch.randn((2, 3, 48) if name == "beat" else (2, 3, 16, 16), generator=generator)


def batchnorm_pairs(model):
    """(linear layer, BatchNorm) by name, where the second reads the first: those that a fold may merge."""
    pairs, previous = [], None
    for name, module in model.named_modules():
        if list(module.children()):
            previous = None if not isinstance(module, nn.Sequential) else previous
            continue
        if isinstance(module, nn.BatchNorm2d) and isinstance(previous and previous[1], nn.Conv2d) and \
                previous[0].rpartition(".")[0] == name.rpartition(".")[0]:
            pairs.append(([previous[0]], name))
        previous = (name, module)
    return pairs


def export(model, x, path, keep_batchnorm=True):
    mode = torch.onnx.TrainingMode.PRESERVE if keep_batchnorm else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(model, (x,), str(path), input_names=["x"], output_names=["logits"], opset_version=17,
                      dynamo=False, training=mode, do_constant_folding=not keep_batchnorm)
