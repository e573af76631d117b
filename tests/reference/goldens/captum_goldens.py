#!/usr/bin/env python3
"""Computes attributions with Captum over the small nets of torch_nets.py. Needs PyPI's torch, onnx, zennit (for the
nets' sums) and captum:

    python3 tests/reference/goldens/captum_goldens.py      (after zennit_goldens.py, which writes the models)
"""
import copy

import captum
import torch
from captum import attr
from captum.attr._utils import lrp_rules
from torch import nn

import torch_nets
from store import Store

VERSION = f"Captum {captum.__version__}"
TARGET = [2, 0]
ONE = "seed_value=one"  # Captum's passes start with 1, its LRP with the logit


class Adder:
    def __init__(self, store, name):
        self.store, self.name = store, name
        self.narrow = torch_nets.build(name)
        self.wide = copy.deepcopy(self.narrow).double()
        self.x = torch_nets.example(name)
        if f"{name}:x" not in store.arrays:
            store.array(f"{name}:x", self.x)

    def add(self, reference, method, compute, **options):
        """compute(model, x): the map; called in either precision."""
        wide, narrow = (compute(copy.deepcopy(model), x).detach().numpy()
                        for model, x in ((self.wide, self.x.double()), (self.narrow, self.x)))
        self.store.add(self.name, f"{VERSION}, {reference}", method, wide, narrow, target=TARGET, **options)


def target():
    return torch.tensor(TARGET)


def gradients(adder):
    adder.add("Saliency(abs=False)", "gradient", lambda m, x: attr.Saliency(m).attribute(x, target(), abs=False))
    adder.add("InputXGradient", "input_t_gradient", lambda m, x: attr.InputXGradient(m).attribute(x, target()))
    # Not a constant: all entries of a max-pool's window would tie at the path's start.
    baseline = 0.3 * torch.randn(adder.x.shape, generator=torch.Generator().manual_seed(13))
    adder.store.array(f"{adder.name}:baseline", baseline)
    for quadrature, scheme in {"left": "riemann_left", "right": "riemann_right", "midpoint": "riemann_middle",
                               "gauss_legendre": "gausslegendre"}.items():
        adder.add(f"IntegratedGradients({scheme}, 9 steps)", f"integrated_gradients:steps=9,ig_quadrature={quadrature}",
                  lambda m, x: attr.IntegratedGradients(m).attribute(x, baseline.to(x.dtype), target(), method=scheme,
                                                                     n_steps=9), baseline=f"{adder.name}:baseline")


def noise(adder):
    """NoiseTunnel with its noise recorded, and given to onnxray."""
    samples, drawn, normal = 5, [], torch.normal
    def record(mean, deviation):
        drawn.append(normal(mean, deviation))
        return drawn[-1]
    for kind, method in {"smoothgrad": "smoothgrad", "smoothgrad_sq": "smoothgrad_squared", "vargrad": "vargrad"}.items():
        torch.normal = record
        torch.manual_seed(11)
        wide = attr.NoiseTunnel(attr.Saliency(adder.wide)).attribute(
            adder.x.double(), nt_type=kind, nt_samples=samples, stdevs=0.3, target=target(), abs=False)
        torch.normal = normal
        # [batch * samples, ...], the samples of one input side by side
        e = drawn.pop().reshape(adder.x.shape[0], samples, *adder.x.shape[1:]).transpose(0, 1)
        key = f"{adder.name}:noise:{kind}"
        adder.store.array(key, e)
        # Once more with the noise as float32 numbers, as it is stored.
        stored = iter([e.float().double().transpose(0, 1).reshape(-1, *adder.x.shape[1:])])
        torch.normal = lambda mean, deviation: next(stored)
        wide = attr.NoiseTunnel(attr.Saliency(adder.wide)).attribute(
            adder.x.double(), nt_type=kind, nt_samples=samples, stdevs=0.3, target=target(), abs=False)
        torch.normal = normal
        adder.store.add(adder.name, f"{VERSION}, NoiseTunnel({kind})", f"{method}:samples={samples}", wide.numpy(),
                        target=TARGET, noise=key, float32=1e-5)


def guided(adder):
    adder.add("GuidedBackprop", f"guided_backprop:{ONE}", lambda m, x: attr.GuidedBackprop(m).attribute(x, target()))
    adder.add("Deconvolution", f"deconvnet:{ONE}", lambda m, x: attr.Deconvolution(m).attribute(x, target()))


def module(model, path):
    return dict(model.named_modules())[path]


def cams(adder, layer, after):
    """Captum's maps are not normalised; onnxray divides by the largest entry."""
    def cam(path):
        def compute(model, x):
            m = attr.LayerGradCam(model, module(model, path)).attribute(x, target(), relu_attributions=True)
            largest = m.amax((1, 2, 3), keepdim=True)
            return torch.where(largest > 0, m / largest, m)
        return compute
    adder.add(f"LayerGradCam({layer})", f"grad_cam:layer={layer},activation=before,resize=false", cam(layer))
    adder.add(f"LayerGradCam({after})", f"grad_cam:layer={layer},resize=false", cam(after))
    def guided_cam(model, x):
        m = attr.LayerGradCam(model, module(model, layer)).attribute(x, target(), relu_attributions=True)
        largest = m.amax((1, 2, 3), keepdim=True)
        g = attr.GuidedGradCam(model, module(model, layer)).attribute(x, target(), interpolate_mode="bilinear")
        return torch.where(largest > 0, g / largest, g)
    adder.add(f"GuidedGradCam({layer}, bilinear)", f"guided_grad_cam:layer={layer},activation=before", guided_cam)


def occlusion(adder):
    """Captum gives the window's whole drop to each of its elements, onnxray an equal share of it."""
    shape = adder.x.shape[1:]
    for size, stride in ((4, 4), (4, 2)):
        if len(shape) == 2:
            window, strides, elements = (shape[0], size), (shape[0], stride), shape[0] * size
        else:
            window, strides, elements = (shape[0], size, size), (shape[0], stride, stride), shape[0] * size * size
        adder.add(f"Occlusion(window {size}, stride {stride})",
                  f"occlusion:window={size},stride={stride},baseline=0.1",
                  lambda m, x: attr.Occlusion(m).attribute(x, window, strides, 0.1, target()) / elements)


def lrp(adder):
    def with_rule(rule):
        def compute(model, x):
            for layer in model.modules():
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    layer.rule = rule()
            return attr.LRP(model).attribute(x, target())
        return compute
    adder.add("LRP(EpsilonRule 1e-9)", "lrp:rule=epsilon,epsilon=1e-9", with_rule(lrp_rules.EpsilonRule))
    adder.add("LRP(EpsilonRule 0.1)", "lrp_epsilon_0_1",
              with_rule(lambda: lrp_rules.EpsilonRule(0.1)))
    adder.add("LRP(Alpha1_Beta0_Rule without bias)", "lrp_z_plus_fast",
              with_rule(lambda: lrp_rules.Alpha1_Beta0_Rule(set_bias_to_zero=True)))


def main():
    store = Store("captum", f"{VERSION} on torch {torch.__version__}; made by tests/reference/goldens/captum_goldens.py")
    layers = {"vgg": ("features.8", "features.9"), "vgg_bn": None, "resnet_basic": None, "densenet": None,
              "mobilenet_v2": None, "squeeze_excite": ("two.0", "two.1"), "inception": None, "beat": None,
              "pooled": ("features.6", "features.7")}
    for name, layer in layers.items():
        adder = Adder(store, name)
        gradients(adder)
        if name in ("vgg_bn", "beat"):
            noise(adder)
        if name not in ("mobilenet_v2", "beat"):  # Captum overrides ReLU modules only
            guided(adder)
        if layer:
            cams(adder, *layer)
        if name in ("vgg", "resnet_basic", "beat"):
            occlusion(adder)
        if name in ("vgg", "pooled"):
            lrp(adder)
    store.write()


if __name__ == "__main__":
    main()
