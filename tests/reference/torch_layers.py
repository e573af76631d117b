"""Operators of torch_interpreter.py that are layers: products, convolutions, pools, normalisers, recurrence, quantisation."""
import numpy as np
import torch
import torch.nn.functional as F

from torch_interpreter import floating, operator, to_torch


@operator("Gemm")
def gemm(node, a, b, c=None):
    a, b = a.T if node.get("transA", 0) else a, b.T if node.get("transB", 0) else b
    product = node.get("alpha", 1.0) * (a @ b)
    return product if c is None else product + node.get("beta", 1.0) * c


@operator("Einsum")
def einsum(node, *inputs):
    return torch.einsum(node.get("equation"), *inputs)


@operator("Softmax", "LogSoftmax")
def softmax(node, x):
    function = F.softmax if node.proto.op_type == "Softmax" else F.log_softmax
    axis = node.get("axis", -1 if node.opset >= 13 else 1) % x.ndim
    if node.opset >= 13:
        return function(x, axis)
    return function(x.reshape(int(np.prod(x.shape[:axis])), -1), 1).reshape(x.shape)


def window_pads(node, x, kernel):
    """Padding before and after for each spatial axis."""
    n = len(kernel)
    strides, dilations = node.get("strides") or [1] * n, node.get("dilations") or [1] * n
    auto = node.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        total = [max((-(-d // s) - 1) * s + (k - 1) * t + 1 - d, 0) for d, s, k, t in zip(x.shape[2:], strides, kernel, dilations)]
        less = [t // 2 for t in total]
        more = [t - l for t, l in zip(total, less)]
        return less + more if auto == "SAME_UPPER" else more + less
    return node.get("pads") or [0] * 2 * n


def pad_space(x, pads, value=0.0):
    n = len(pads) // 2
    return F.pad(x, [p for i in reversed(range(n)) for p in (pads[i], pads[i + n])], value=value)


@operator("Conv")
def conv(node, x, w, b=None):
    n = w.ndim - 2
    x = pad_space(x, window_pads(node, x, w.shape[2:]))
    function = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
    return function(x, w, b, node.get("strides") or [1] * n, 0, node.get("dilations") or [1] * n, node.get("group", 1))


@operator("ConvTranspose")
def conv_transpose(node, x, w, b=None):
    n = w.ndim - 2
    pads, function = node.get("pads") or [0] * 2 * n, (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]
    y = function(x, w, b, node.get("strides") or [1] * n, 0, node.get("output_padding") or [0] * n, node.get("group", 1), node.get("dilations") or [1] * n)
    return pad_space(y, [-p for p in pads])


@operator("MaxPool")
def max_pool(node, x):
    kernel = node.get("kernel_shape")
    n, strides, dilations, pads = len(kernel), node.get("strides") or [1] * len(kernel), node.get("dilations") or [1] * len(kernel), window_pads(node, x, kernel)
    if node.get("ceil_mode", 0):
        pads = pads[:n] + [p + s - 1 for p, s in zip(pads[n:], strides)]
    return (F.max_pool1d, F.max_pool2d, F.max_pool3d)[n - 1](pad_space(x, pads, -float("inf")), kernel, strides, 0, dilations)


@operator("AveragePool")
def average_pool(node, x):
    kernel = node.get("kernel_shape")
    strides, pads, function = node.get("strides") or [1] * len(kernel), window_pads(node, x, kernel), (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    if node.get("ceil_mode", 0) and any((d + a + b - k) % s for d, a, b, k, s in zip(x.shape[2:], pads, pads[len(kernel):], kernel, strides)):
        raise NotImplementedError("AveragePool with ceil_mode")
    sums = function(pad_space(x, pads), kernel, strides)
    if node.get("count_include_pad", 0):
        return sums
    return sums / function(pad_space(torch.ones_like(x), pads), kernel, strides)


@operator("GlobalAveragePool")
def global_average(node, x):
    return x.mean(list(range(2, x.ndim)), keepdim=True)


@operator("BatchNormalization")
def batch_norm(node, x, scale, bias, mean, variance):
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, node.get("epsilon", 1e-5))


@operator("LayerNormalization")
def layer_norm(node, x, scale, bias=None):
    axis = node.get("axis", -1) % x.ndim
    return F.layer_norm(x, x.shape[axis:], scale, bias, node.get("epsilon", 1e-5))


@operator("InstanceNormalization")
def instance_norm(node, x, scale, bias):
    return F.instance_norm(x, weight=scale, bias=bias, eps=node.get("epsilon", 1e-5))


@operator("DepthToSpace")
def depth_to_space(node, x):
    n, c, h, w = x.shape
    b = node.get("blocksize")
    if node.get("mode", "DCR") == "CRD":
        return x.reshape(n, c // b**2, b, b, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // b**2, h * b, w * b)
    return x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)


@operator("SpaceToDepth")
def space_to_depth(node, x):
    n, c, h, w = x.shape
    b = node.get("blocksize")
    return x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b * b, h // b, w // b)


@operator("Resize")
def resize(node, x, roi=None, scales=None, sizes=None):
    mode, transform = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    sizes = [int(s) for s in sizes] if sizes is not None else [int(d * float(s)) for d, s in zip(x.shape, scales)]
    if mode == "nearest":
        for axis, size in enumerate(sizes):
            if size != x.shape[axis]:
                scale = size / x.shape[axis]
                at = torch.arange(size, dtype=torch.float64)
                at = at / scale if transform == "asymmetric" else (at + 0.5) / scale - 0.5
                at = torch.floor(at) if node.get("nearest_mode") == "floor" else torch.ceil(at - 0.5)
                x = x.index_select(axis, at.long().clamp(0, x.shape[axis] - 1))
        return x
    if mode == "linear" and transform in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        return F.interpolate(x, sizes[2:], mode={3: "linear", 4: "bilinear"}[x.ndim], align_corners=transform == "align_corners")
    raise NotImplementedError(f"Resize {mode} {transform}")


# Recurrence: X [T, B, I], W [D, G H, I], R [D, G H, H], bias [D, 2 G H].

def directions(node):
    return {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[node.get("direction", "forward")]


def reversed_in_time(x, lengths):
    if lengths is None:
        return x.flip(0)
    return torch.stack([torch.cat([x[:n, b].flip(0), x[n:, b]]) for b, n in enumerate(lengths.tolist())], 1)


def scan(node, x, lengths, states, step):
    """`step(direction, x_t, *states)` gives the new states, the first of which is the output. Returns Y and the last states."""
    ys, finals = [], []
    for d, backwards in enumerate(directions(node)):
        inputs = reversed_in_time(x, lengths) if backwards else x
        state, outputs = [s[d] for s in states], []
        for t in range(x.shape[0]):
            new = step(d, inputs[t], *state)
            alive = None if lengths is None else (t < lengths)[:, None]
            state = list(new) if alive is None else [torch.where(alive, n, s) for n, s in zip(new, state)]
            outputs.append(state[0] if alive is None else torch.where(alive, state[0], torch.zeros_like(state[0])))
        y = torch.stack(outputs)
        ys.append(reversed_in_time(y, lengths) if backwards else y)
        finals.append(state)
    return torch.stack(ys, 1), [torch.stack(s) for s in zip(*finals)]


def recurrent_operands(node, x, w, r, bias, gates):
    if node.get("layout", 0) or node.get("activations") or node.get("clip"):
        default = {4: [b"Sigmoid", b"Tanh", b"Tanh"], 3: [b"Sigmoid", b"Tanh"]}[gates]
        if node.get("layout", 0) or node.get("clip") or [a.lower() for a in node.get("activations")] != [a.lower() for a in default * len(directions(node))]:
            raise NotImplementedError("recurrence with a layout, a clip or activations")
    hidden = r.shape[-1]
    bias = torch.zeros(w.shape[0], 2 * gates * hidden, dtype=torch.float64) if bias is None else bias
    zeros = torch.zeros(w.shape[0], x.shape[1], hidden, dtype=torch.float64)
    return hidden, bias[:, :gates * hidden], bias[:, gates * hidden:], zeros


def lstm_step(gates, c, peephole=None):
    i, o, f, g = gates.chunk(4, -1)
    if peephole is not None:
        pi, po, pf = peephole.chunk(3, -1)
        i, f = i + pi * c, f + pf * c
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o if peephole is None else o + po * c) * torch.tanh(c), c


@operator("LSTM")
def lstm(node, x, w, r, bias=None, lengths=None, h0=None, c0=None, peepholes=None):
    _, bw, br, zeros = recurrent_operands(node, x, w, r, bias, 4)
    step = lambda d, x_t, h, c: lstm_step(x_t @ w[d].T + h @ r[d].T + bw[d] + br[d], c, None if peepholes is None else peepholes[d])
    y, (h, c) = scan(node, x, lengths, [zeros if h0 is None else h0, zeros if c0 is None else c0], step)
    return y, h, c


@operator("GRU")
def gru(node, x, w, r, bias=None, lengths=None, h0=None):
    n, bw, br, zeros = recurrent_operands(node, x, w, r, bias, 3)

    def step(d, x_t, h):
        a, b = x_t @ w[d].T + bw[d], h @ r[d, :2 * n].T + br[d, :2 * n]
        z, reset = torch.sigmoid(a[:, :2 * n] + b).chunk(2, -1)
        if node.get("linear_before_reset", 0):
            new = torch.tanh(a[:, 2 * n:] + reset * (h @ r[d, 2 * n:].T + br[d, 2 * n:]))
        else:
            new = torch.tanh(a[:, 2 * n:] + (reset * h) @ r[d, 2 * n:].T + br[d, 2 * n:])
        return ((1 - z) * new + z * h,)

    y, (h,) = scan(node, x, lengths, [zeros if h0 is None else h0], step)
    return y, h


# Quantisation: integers are doubles on their grid.

class OnGrid(torch.autograd.Function):
    @staticmethod
    def forward(context, x, low, high):
        context.save_for_backward((x >= low - 0.5) & (x <= high + 0.5))
        return torch.clamp(torch.round(x), low, high)

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0], None, None


def channel(value, x, axis):
    return value if value is None or value.ndim == 0 or value.numel() == 1 else value.reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])


@operator("QuantizeLinear")
def quantize(node, x, scale, zero=None):
    signed = zero is not None and zero.dtype == torch.int8
    low, high = (-128, 127) if signed else (0, 255)
    axis = node.get("axis", 1)
    return OnGrid.apply(x / channel(scale, x, axis) + (0 if zero is None else floating(channel(zero, x, axis))), low, high)


@operator("DequantizeLinear")
def dequantize(node, x, scale, zero=None):
    axis = node.get("axis", 1)
    return (floating(x) - (0 if zero is None else floating(channel(zero, x, axis)))) * channel(scale, x, axis)


@operator("DynamicQuantizeLinear")
def dynamic_quantize(node, x):
    with torch.no_grad():  # found in float32, as the model does, so that every integer is the model's
        low, high = np.float32(min(float(x.min()), 0)), np.float32(max(float(x.max()), 0))
        scale = (high - low) / np.float32(255) if high > low else np.float32(1)
        zero = float(np.clip(np.rint(-low / scale), 0, 255))
    quantised = OnGrid.apply(x / float(scale) + zero, 0, 255)
    return quantised, torch.tensor(float(scale), dtype=torch.float64), torch.tensor(zero, dtype=torch.float64)


@operator("MatMulInteger")
def matmul_integer(node, a, b, a_zero=None, b_zero=None):
    a_zero = 0 if a_zero is None else floating(a_zero if a_zero.numel() == 1 else a_zero[:, None])
    return (floating(a) - a_zero) @ (floating(b) - (0 if b_zero is None else floating(b_zero)))


@operator("ConvInteger")
def conv_integer(node, x, w, x_zero=None, w_zero=None):
    w = floating(w) - (0 if w_zero is None else floating(channel(w_zero, w, 0)))
    return conv(node, floating(x) - (0 if x_zero is None else floating(x_zero)), w)


@operator("DynamicQuantizeLSTM")
def dynamic_quantize_lstm(node, x, w, r, bias, lengths, h0, c0, peepholes, w_scale, w_zero, r_scale, r_zero):
    """com.microsoft: the weights come transposed, [D, I, 4 H]; x as a whole and h at each step are quantised as they come."""
    def weights(v, scale, zero):
        scale, zero = (t.reshape(v.shape[0], 1, -1) for t in (scale, floating(zero)))
        return ((floating(v) - zero) * scale).transpose(1, 2)
    real = lambda v: (lambda q, s, z: (q - z) * s)(*dynamic_quantize(node, v))
    w, r = weights(w, w_scale, w_zero), weights(r, r_scale, r_zero)
    _, bw, br, zeros = recurrent_operands(node, x, w, r, bias, 4)
    step = lambda d, x_t, h, c: lstm_step(x_t @ w[d].T + real(h) @ r[d].T + bw[d] + br[d], c, None if peepholes is None else peepholes[d])
    y, (h, c) = scan(node, real(x), lengths, [zeros if h0 is None else h0, zeros if c0 is None else c0], step)
    return y, h, c


@operator("Scaler")
def scaler(node, x):
    return (x - to_torch(np.array(node.get("offset")))) * to_torch(np.array(node.get("scale")))
