#!/usr/bin/env python3
"""Computes relevance with Zennit over single layers and small nets. Needs PyPI's torch, onnx and zennit:

    python3 tests/reference/goldens/zennit_goldens.py
"""
import copy

import torch
import zennit
from torch import nn
from zennit import attribution, composites, rules
from zennit.canonizers import NamedMergeBatchNorm
from zennit.core import Composite
from zennit.types import Activation, AvgPool, BatchNorm, Linear

import torch_nets
from store import FOLDER, Store

VERSION = "Zennit " + getattr(zennit, "__version__", "0.5.1")
ZERO_BIAS = {"zero_params": "bias"}


class ExactMerge(NamedMergeBatchNorm):
    """Zennit 0.5.1 leaves the normalisation's eps behind, which scales its output by 1/sqrt(1 + eps); 1.0.0 does not."""

    def register(self, linears, batch_norm):
        super().register(linears, batch_norm)
        batch_norm.eps = 0.0


# Single layers: (method of onnxray, rule of Zennit)
LAYER_RULES = [
    ("lrp:rule=epsilon,epsilon=1e-6", lambda: rules.Epsilon()),
    ("lrp_epsilon_0_1", lambda: rules.Epsilon(0.1)),
    ("lrp:rule=EpsilonIgnoreBias,epsilon=0.1", lambda: rules.Epsilon(0.1, **ZERO_BIAS)),
    ("lrp_z_plus", lambda: rules.ZPlus()),
    ("lrp_z_plus:zplus_bias=ignore", lambda: rules.ZPlus(**ZERO_BIAS)),
    ("lrp_alpha_2_beta_1", lambda: rules.AlphaBeta(2, 1)),
    ("lrp_alpha_1_beta_0", lambda: rules.AlphaBeta(1, 0)),
    ("lrp_alpha_2_beta_1:alphabeta_bias=ignore", lambda: rules.AlphaBeta(2, 1, **ZERO_BIAS)),
    ("lrp_gamma_0_25", lambda: rules.Gamma(0.25)),
    ("lrp_gamma_3", lambda: rules.Gamma(3.0)),
    ("lrp:rule=bounded,low=-3,high=3", lambda: rules.ZBox(-3.0, 3.0)),
    ("lrp_w_square", lambda: rules.WSquare()),
    ("lrp_w_square:wsquare_bias=ignore", lambda: rules.WSquare(**ZERO_BIAS)),
    ("lrp_flat", lambda: rules.Flat()),
    ("lrp:rule=bounded,low=-3;-2;-4;-1,high=2;3;1;4", "per channel"),
]

LAYERS = {
    "linear": (lambda: nn.Linear(9, 6), (3, 9)),
    "conv1d_stride": (lambda: nn.Conv1d(4, 6, 5, stride=3, padding=2), (3, 4, 20)),
    "conv1d_dilation_groups": (lambda: nn.Conv1d(4, 6, 3, dilation=3, groups=2), (3, 4, 16)),
    "conv2d_padding": (lambda: nn.Conv2d(4, 6, 3, padding=(1, 2)), (3, 4, 6, 5)),
    "conv2d_stride_dilation": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=2, dilation=2), (3, 4, 8, 8)),
    "conv2d_groups": (lambda: nn.Conv2d(4, 6, (3, 2), padding=1, groups=2), (3, 4, 6, 6)),
    "conv2d_depthwise": (lambda: nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=4), (3, 4, 7, 7)),
    "conv2d_asymmetric": (lambda: nn.Sequential(nn.ZeroPad2d((0, 2, 1, 0)), nn.Conv2d(4, 6, 4)), (3, 4, 6, 6)),
    "conv3d": (lambda: nn.Conv3d(4, 5, 3, padding=1, stride=(1, 2, 1)), (3, 4, 3, 5, 4)),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(4, 5, 4, stride=3, padding=1, output_padding=1), (3, 4, 7)),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
                         (3, 4, 4, 5)),
    "conv_transpose3d": (lambda: nn.ConvTranspose3d(4, 3, 3, stride=2, dilation=1), (3, 4, 2, 3, 2)),
}


def make_layer(index, make, shape):
    """Biases of both signs, an output without weights or bias, and a batch of a signed, a non-negative and a partly empty
    sample."""
    torch.manual_seed(100 + index)
    layer = make()
    linear = layer[-1] if isinstance(layer, nn.Sequential) else layer
    outputs_first = not isinstance(linear, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d))
    with torch.no_grad():
        nn.init.uniform_(linear.weight, -1, 1)
        nn.init.uniform_(linear.bias, -0.8, 0.8)
        linear.bias[-1] = 0
        if outputs_first:
            linear.weight[-1] = 0
        else:
            linear.weight[:, -1] = 0
    x = torch.randn(shape)
    x[1] = x[1].abs()
    x[2, ..., : shape[-1] // 2] = 0
    return layer.eval(), x


def attribute(model, composite, x, seed):
    """Relevance of x, and the model's output."""
    attributor = attribution.Gradient(model=model, composite=composite)
    with attributor:
        output, relevance = attributor(x, seed)
    return relevance.detach()


def both_precisions(model, make_composite, x, seed):
    """The map in double and in single precision. Weights and inputs are float32 numbers in both."""
    wide = attribute(copy.deepcopy(model).double(), make_composite(), x.double(), seed.double())
    narrow = attribute(copy.deepcopy(model), make_composite(), x, seed)
    return wide, narrow


def write_layers(store):
    for index, (name, (make, shape)) in enumerate(LAYERS.items()):
        layer, x = make_layer(index, make, shape)
        y = layer(x)
        seed = torch.randn(y.shape, generator=torch.Generator().manual_seed(5))
        model = f"layer_{name}"
        store.array(f"{model}:x", x)
        store.array(f"{model}:mask", seed)
        torch_nets.export(layer, x, FOLDER / f"{model}.onnx")
        for method, make_rule in LAYER_RULES:
            if make_rule == "per channel":
                if len(shape) == 2:
                    continue
                like = (1, 4) + (1,) * (len(shape) - 2)
                low, high = (torch.tensor(v, dtype=torch.float64).reshape(like) for v in ([-3., -2, -4, -1], [2., 3, 1, 4]))
                def make_rule():
                    return rules.ZBox(low, high)
            def composite():
                return composites.LayerMapComposite([(Linear, make_rule())])
            wide, narrow = both_precisions(layer, composite, x, seed)
            store.add(model, f"{VERSION}, rule {rule_name(method)}", method, wide, narrow, convention="zennit",
                      target=f"{model}:mask")


def rule_name(method):
    return method.removeprefix("lrp_").removeprefix("lrp:rule=").replace(":", ", ")


NAMED = [
    ("lrp:composite=epsilon_plus", composites.EpsilonPlus, {}),
    ("lrp:composite=epsilon_plus_flat", composites.EpsilonPlusFlat, {}),
    ("lrp:composite=epsilon_alpha2_beta1", composites.EpsilonAlpha2Beta1, {}),
    ("lrp:composite=epsilon_alpha2_beta1_flat", composites.EpsilonAlpha2Beta1Flat, {}),
    ("lrp:composite=epsilon_gamma_box,low=-3,high=3", composites.EpsilonGammaBox, {"low": -3., "high": 3.}),
    ("lrp:composite=excitation_backprop", composites.ExcitationBackprop, {}),
    ("lrp:composite=guided_backprop", composites.GuidedBackprop, {}),
    ("lrp:composite=deconvnet", composites.DeconvNet, {}),
    ("lrp:composite=beta_smooth", composites.BetaSmooth, {}),
]

# One rule at every linear layer; elsewhere Zennit's base rules, Norm for what sums.
UNIFORM = [
    ("lrp_epsilon_0_1", lambda: rules.Epsilon(0.1)),
    ("lrp_gamma_0_25", lambda: rules.Gamma(0.25)),
    ("lrp_z_plus", lambda: rules.ZPlus()),
    ("lrp_alpha_1_beta_0", lambda: rules.AlphaBeta(1, 0)),
    ("lrp_alpha_2_beta_1", lambda: rules.AlphaBeta(2, 1)),
    ("lrp_w_square", lambda: rules.WSquare()),
    ("lrp_flat", lambda: rules.Flat()),
]


def uniform(rule, pairs, canonizers, normalisation=rules.Pass):
    """`rule` at linear layers, the base rules elsewhere, `normalisation` at those that were not merged: merged ones are
    identities, at which Norm's stabiliser would still take something."""
    merged = {name for _, name in pairs}

    def pick(_, name, module):
        if isinstance(module, Linear):
            return rule
        if isinstance(module, (Activation, torch_nets.Product)) or name in merged:
            return rules.Pass()
        if isinstance(module, BatchNorm):
            return normalisation()
        return rules.Norm() if isinstance(module, (zennit.layer.Sum, AvgPool)) else None

    return Composite(module_map=pick, canonizers=canonizers)


def write_net(store, name):
    model, x = torch_nets.build(name), torch_nets.example(name)
    target = [2, 0]
    classes = model(x).shape[1]
    seed = torch.eye(classes)[target]
    pairs = torch_nets.batchnorm_pairs(model)
    canonizers = [ExactMerge(pairs)]
    options = {"convention": "zennit", "target": target}
    torch_nets.Plus.stacked = torch_nets.Scale.held = False
    torch_nets.export(model, x, FOLDER / f"{name}.onnx")
    if pairs:  # a fold rounds to the model's precision
        torch_nets.export(copy.deepcopy(model).double(), x.double(), FOLDER / f"{name}.double.onnx")
    if name == "vgg_bn":
        torch_nets.export(model, x, FOLDER / f"{name}_folded.onnx", keep_batchnorm=False)
    store.array(f"{name}:x", x)

    def add(method, reference, composite, file=name, with_gradient=False):
        torch_nets.Plus.stacked = not with_gradient
        torch_nets.Scale.held = not with_gradient
        wide, narrow = both_precisions(model, composite, x, seed)
        store.add(file, f"{VERSION}, {reference}", method, wide, narrow, input=f"{name}:x", **options)

    add("gradient", "Gradient", lambda: None, with_gradient=True)
    for method, cls, arguments in NAMED:
        plain = cls in (composites.GuidedBackprop, composites.DeconvNet, composites.BetaSmooth)
        if plain and name in ("mobilenet_v2",):
            continue  # no Relu
        extra = {} if plain else {"layer_map": [(torch_nets.Product, rules.Pass())]}
        if cls is composites.ExcitationBackprop and name == "squeeze_excite":
            continue  # leaves gates to the derivative
        add(method, cls.__name__, lambda: cls(canonizers=canonizers, **arguments, **extra), with_gradient=plain)
    if name not in ("mobilenet_v2", "beat"):  # rectifiers that Zennit's ReLU rules do not see
        add("guided_backprop", "GuidedBackprop", lambda: composites.GuidedBackprop(), with_gradient=True)
        add("deconvnet", "DeconvNet", lambda: composites.DeconvNet(), with_gradient=True)
    for method, make_rule in UNIFORM:
        add(method, f"rule {rule_name(method)} at every linear layer",
            lambda: uniform(make_rule(), pairs, canonizers))
        if name == "densenet":  # normalisations with no linear layer to be merged with, as sums with a bias
            add(f"{method}:batchnorm=fold", f"rule {rule_name(method)} at every linear layer, Norm at normalisations",
                lambda: uniform(make_rule(), pairs, canonizers, rules.Norm))
        if name == "vgg_bn":  # the same net with its normalisations folded by the exporter
            add(method, f"rule {rule_name(method)} at every linear layer",
                lambda: uniform(make_rule(), pairs, canonizers), file="vgg_bn_folded")
    torch_nets.Plus.stacked = torch_nets.Scale.held = False
    if name == "vgg":
        write_loops(store, model, x, seed, options)
        write_inner(store, model, x, seed, options)


def write_loops(store, model, x, seed, options):
    wide = copy.deepcopy(model).double()
    options = {**options, "input": "vgg:x"}
    # Zennit takes the steps 1/n ... 1; its baseline is zeros.
    _, relevance = attribution.IntegratedGradients(wide, n_iter=20)(x.double(), seed.double())
    store.add("vgg", f"{VERSION}, IntegratedGradients", "integrated_gradients", relevance, **options)
    # The noise that Zennit drew is given to onnxray.
    drawn, randn_like = [], torch.randn_like
    def record(t):
        drawn.append(randn_like(t))
        return drawn[-1]
    torch.randn_like = record
    torch.manual_seed(3)
    _, relevance = attribution.SmoothGrad(wide, n_iter=6)(x.double(), seed.double())
    torch.randn_like = randn_like
    scale = 0.1 * (x.amax((1, 2, 3), keepdim=True) - x.amin((1, 2, 3), keepdim=True))
    store.array("vgg:zennit_noise", torch.stack([d * scale for d in drawn] + [torch.zeros_like(x)]))
    store.add("vgg", f"{VERSION}, SmoothGrad", "smoothgrad:samples=6", relevance, noise="vgg:zennit_noise", **options)


def write_inner(store, model, x, seed, options):
    """Relevance at inner layers: the rest of the net explained from there."""
    wide = copy.deepcopy(model).double()
    for index, module in enumerate(wide.features):
        if not isinstance(module, nn.Conv2d):
            continue
        at = wide.features[: index + 1](x.double()).detach()
        class Tail(nn.Module):
            def __init__(self):
                super().__init__()
                self.features, self.classifier = wide.features[index + 1:], wide.classifier
            def forward(self, v):
                return self.classifier(torch.flatten(self.features(v), 1))
        relevance = attribute(Tail(), composites.EpsilonPlus(), at, seed.double())
        store.add("vgg", f"{VERSION}, EpsilonPlus, at features.{index}", "lrp:composite=epsilon_plus", relevance,
                  at=f"features.{index}", input="vgg:x", **options)


def main():
    store = Store("zennit", f"{VERSION} on torch {torch.__version__}; made by tests/reference/goldens/zennit_goldens.py")
    write_layers(store)
    for name in torch_nets.NETS:
        write_net(store, name)
    store.write()


if __name__ == "__main__":
    main()
