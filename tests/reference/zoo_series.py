"""Nets for series, sequences, sets and tables as private code writes them: name -> (family, function that builds)."""
import torch
from torch import nn
from torch.nn import functional as F

from zoo_parts import Residual, ids, mlp, net, noise


def recurrent(kind, **options):
    def build():
        width = 32 if options.get("bidirectional") else 16
        return net(lambda m, x: m["head"](m["cell"](x)[0][:, -1]), cell=kind(6, 16, batch_first=True, **options),
                   head=nn.Linear(width, 4)), noise(1, 12, 6)
    return build


def series(*layers, channels=12, length=64):
    return lambda: (nn.Sequential(*(layer() for layer in layers)), noise(1, channels, length))


def recurrent_models():
    yield "lstm", recurrent(nn.LSTM)
    yield "lstm, 2 layers, bidirectional", recurrent(nn.LSTM, num_layers=2, bidirectional=True)
    yield "lstm, mean over time", lambda: (net(
        lambda m, x: m["head"](m["cell"](x)[0].mean(1)), cell=nn.LSTM(6, 16, batch_first=True), head=nn.Linear(16, 4)), noise(1, 12, 6))
    yield "gru", recurrent(nn.GRU)
    yield "gru, bidirectional", recurrent(nn.GRU, bidirectional=True)
    yield "rnn tanh", recurrent(nn.RNN)
    yield "rnn relu", recurrent(nn.RNN, nonlinearity="relu")
    yield "lstm cells in a loop", cells(nn.LSTMCell)
    yield "gru cells in a loop", cells(nn.GRUCell)
    yield "lstm, attention pooling", attention_pooling
    yield "cnn-lstm", cnn_lstm
    yield "crnn", crnn
    yield "convlstm", conv_lstm
    yield "seq2seq, gru with attention", seq2seq


def cells(kind):
    def call(m, x):
        state = None
        for t in range(x.shape[1]):
            state = m["cell"](x[:, t], state)
        return m["head"](state[0] if isinstance(state, tuple) else state)
    return lambda: (net(call, cell=kind(6, 16), head=nn.Linear(16, 4)), noise(1, 8, 6))


def attention_pooling():
    def call(m, x):
        h = m["cell"](x)[0]
        return m["head"]((torch.softmax(m["score"](torch.tanh(h)), 1) * h).sum(1))
    return net(call, cell=nn.LSTM(6, 16, batch_first=True, bidirectional=True), score=nn.Linear(32, 1), head=nn.Linear(32, 4)), noise(1, 12, 6)


def cnn_lstm():
    body = nn.Sequential(nn.Conv1d(12, 16, 5, 2, 2), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2))
    return net(lambda m, x: m["head"](m["cell"](m["body"](x).transpose(1, 2))[1][0][-1]), body=body,
               cell=nn.LSTM(16, 16, batch_first=True), head=nn.Linear(16, 3)), noise(1, 12, 64)


def crnn():
    body = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1),
                         nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d((2, 1)), nn.Conv2d(16, 16, (4, 1)), nn.ReLU())
    return net(lambda m, x: F.log_softmax(m["head"](m["cell"](m["body"](x).squeeze(2).permute(2, 0, 1))[0]), 2).transpose(0, 1), body=body,
               cell=nn.GRU(16, 16, bidirectional=True), head=nn.Linear(32, 11)), noise(1, 1, 16, 32)


def conv_lstm():
    def call(m, x):
        h = c = torch.zeros(x.shape[0], 8, *x.shape[-2:], dtype=x.dtype)
        for t in range(x.shape[1]):
            i, f, o, g = m["gates"](torch.cat([x[:, t], h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return m["head"](h.mean((2, 3)))
    return net(call, gates=nn.Conv2d(9, 32, 3, padding=1), head=nn.Linear(8, 4)), noise(1, 4, 1, 12, 12)


def seq2seq():
    def call(m, x):
        memory, state = m["encoder"](x)
        step, outputs = torch.zeros(x.shape[0], 1, 4, dtype=x.dtype), []
        for _ in range(3):
            h, state = m["decoder"](step, state)
            weights = torch.softmax(h @ memory.transpose(1, 2), -1)
            step = m["head"](torch.cat([h, weights @ memory], -1))
            outputs.append(step)
        return torch.cat(outputs, 1)
    return net(call, encoder=nn.GRU(6, 16, batch_first=True), decoder=nn.GRU(4, 16, batch_first=True), head=nn.Linear(32, 4)), noise(1, 10, 6)


# 1-D convolutions ------------------------------------------------------------------------------------------------------
def convolutional_models():
    yield "ecg 1-d cnn", series(
        lambda: nn.Conv1d(12, 16, 7, padding=3), lambda: nn.BatchNorm1d(16), nn.ReLU, lambda: nn.MaxPool1d(2),
        lambda: nn.Conv1d(16, 32, 5, stride=2), lambda: nn.ELU(), lambda: nn.AdaptiveAvgPool1d(1), nn.Flatten, lambda: nn.Linear(32, 3))
    yield "tcn 1-d dilated", series(
        lambda: nn.Conv1d(12, 16, 3, dilation=2, padding=2), nn.ReLU, lambda: nn.Conv1d(16, 16, 3, dilation=4, padding=4), nn.PReLU,
        lambda: nn.AvgPool1d(4), nn.Flatten, lambda: nn.Linear(256, 3))
    yield "1-d autoencoder", series(
        lambda: nn.Conv1d(12, 16, 4, 2, 1), nn.Softplus, lambda: nn.ConvTranspose1d(16, 12, 4, 2, 1), nn.Tanh)
    yield "ecg resnet 1-d with squeeze-excite", ecg_resnet
    yield "inceptiontime", inception_time
    yield "wavenet", wavenet
    yield "tcn, weight norm", tcn_weight_norm
    yield "eegnet", eegnet
    yield "1-d u-net", unet_1d
    yield "spectrogram cnn (stft)", spectrogram


class SqueezeExcite1d(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(width, 4), nn.ReLU(), nn.Linear(4, width), nn.Sigmoid())

    def forward(self, x):
        return x * self.gate(x.mean(-1)).unsqueeze(-1)


def ecg_resnet():
    def block(a, b):
        return nn.Sequential(Residual(nn.Sequential(
            nn.Conv1d(a, b, 5, 2, 2, bias=False), nn.BatchNorm1d(b), nn.ReLU(), nn.Dropout(0.2), nn.Conv1d(b, b, 5, padding=2),
            nn.BatchNorm1d(b), SqueezeExcite1d(b)), nn.Conv1d(a, b, 1, 2)), nn.ReLU())
    return nn.Sequential(nn.Conv1d(12, 16, 7, padding=3), nn.BatchNorm1d(16), nn.ReLU(), block(16, 24), block(24, 32),
                         nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 5)), noise(1, 12, 64)


def inception_time():
    def call(m, x):
        narrow = m["bottleneck"](x)
        branches = [m[k](narrow) for k in ("k9", "k19", "k39")] + [m["pooled"](F.max_pool1d(x, 3, 1, 1))]
        return m["head"](torch.relu(m["norm"](torch.cat(branches, 1))).mean(-1))
    branch = lambda k: nn.Conv1d(8, 8, k, padding=k // 2, bias=False)
    return net(call, bottleneck=nn.Conv1d(12, 8, 1, bias=False), k9=branch(9), k19=branch(19), k39=branch(39),
               pooled=nn.Conv1d(12, 8, 1, bias=False), norm=nn.BatchNorm1d(32), head=nn.Linear(32, 4)), noise(1, 12, 64)


def wavenet():
    def call(m, x):
        x, skips = m["first"](x), 0
        for i, layer in enumerate(m["layers"]):
            a, b = layer(F.pad(x, (2 ** i, 0))).chunk(2, 1)
            z = torch.tanh(a) * torch.sigmoid(b)
            x, skips = x + m["mix"][i](z), skips + m["skip"][i](z)
        return m["head"](torch.relu(skips))[..., -1]
    width = lambda a, b, **o: nn.ModuleList(nn.Conv1d(a, b, **({"kernel_size": 1} | {k: f(i) for k, f in o.items()})) for i in range(4))
    return net(call, first=nn.Conv1d(1, 8, 1), layers=width(8, 16, kernel_size=lambda i: 2, dilation=lambda i: 2 ** i), mix=width(8, 8),
               skip=width(8, 8), head=nn.Sequential(nn.Conv1d(8, 16, 1), nn.ReLU(), nn.Conv1d(16, 10, 1))), noise(1, 1, 48)


def tcn_weight_norm():
    from torch.nn.utils.parametrizations import weight_norm
    layer = lambda a, b, d: nn.Sequential(nn.ConstantPad1d((2 * d, 0), 0), weight_norm(nn.Conv1d(a, b, 3, dilation=d)), nn.ReLU())
    return nn.Sequential(layer(6, 16, 1), Residual(layer(16, 16, 2)), Residual(layer(16, 16, 4)), nn.AdaptiveMaxPool1d(1),
                         nn.Flatten(), nn.Linear(16, 3)), noise(1, 6, 40)


def eegnet():
    return nn.Sequential(
        nn.Conv2d(1, 8, (1, 17), padding=(0, 8), bias=False), nn.BatchNorm2d(8), nn.Conv2d(8, 16, (8, 1), groups=8, bias=False),
        nn.BatchNorm2d(16), nn.ELU(), nn.AvgPool2d((1, 4)), nn.Conv2d(16, 16, (1, 7), padding=(0, 3), groups=16, bias=False),
        nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ELU(), nn.AvgPool2d((1, 4)), nn.Flatten(), nn.Linear(64, 4)), noise(1, 1, 8, 64)


def unet_1d():
    def call(m, x):
        a = m["down1"](x)
        b = m["down2"](F.max_pool1d(a, 2))
        up = F.interpolate(b, scale_factor=2, mode="linear", align_corners=True)
        return m["head"](m["up"](torch.cat([a, up], 1)))
    block = lambda a, b: nn.Sequential(nn.Conv1d(a, b, 3, padding=1), nn.InstanceNorm1d(b, affine=True), nn.LeakyReLU())
    return net(call, down1=block(2, 8), down2=block(8, 16), up=block(24, 8), head=nn.Conv1d(8, 3, 1)), noise(1, 2, 64)


def spectrogram():
    def call(m, x):
        z = torch.stft(x, 32, 16, window=torch.hann_window(32, dtype=x.dtype), center=False, return_complex=True)
        power = torch.view_as_real(z).square().sum(-1)
        return m["body"](torch.log(power + 1e-3).unsqueeze(1))
    return net(call, body=nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(336, 4))), noise(1, 256)


# Sequences, sets, graphs, tables -----------------------------------------------------------------------------------------
def attention_models():
    layer = lambda **o: nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, **o)
    yield "transformer encoder", lambda: (nn.TransformerEncoder(layer(norm_first=True), 2, enable_nested_tensor=False), noise(1, 8, 32))
    yield "transformer encoder, gelu, causal", lambda: (net(
        lambda m, x: m["body"](x, mask=nn.Transformer.generate_square_subsequent_mask(8), is_causal=True),
        body=nn.TransformerEncoder(layer(activation="gelu"), 2, enable_nested_tensor=False)), noise(1, 8, 32))
    yield "transformer, encoder and decoder", lambda: (nn.Transformer(32, 4, 1, 1, 64, batch_first=True), noise(1, 8, 32) + noise(1, 5, 32))
    yield "time series transformer", lambda: (net(
        lambda m, x: m["head"](m["body"](m["embed"](x) + m["p"]["position"]).mean(1)), embed=nn.Linear(6, 32),
        position=torch.randn(1, 16, 32), body=nn.TransformerEncoder(layer(), 1, enable_nested_tensor=False), head=nn.Linear(32, 3)), noise(1, 16, 6))
    yield "perceiver", lambda: (net(
        lambda m, x: m["head"](m["attention"](m["p"]["latents"].expand(x.shape[0], -1, -1), x, x, need_weights=False)[0].mean(1)),
        latents=torch.randn(1, 4, 32), attention=nn.MultiheadAttention(32, 4, batch_first=True), head=mlp(32, 64, 5, act=nn.GELU)), noise(1, 20, 32))
    yield "set transformer pooling", lambda: (net(
        lambda m, x: m["head"](torch.cat([m["each"](x).sum(1), m["each"](x).amax(1), m["each"](x).std(1)], -1)),
        each=mlp(3, 16, 16), head=mlp(48, 16, 4)), noise(1, 10, 3))
    yield "conformer block", conformer
    yield "mixture of experts", mixture_of_experts
    yield "gated linear units", lambda: (nn.Sequential(nn.Linear(16, 64), nn.GLU(), nn.LayerNorm(32), nn.Linear(32, 32), nn.GLU(),
                                                       nn.Linear(16, 3)), noise(1, 16))
    yield "s4-like scan", state_space


def conformer():
    half = lambda: nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 64), nn.SiLU(), nn.Linear(64, 32))

    def call(m, x):
        x = x + 0.5 * m["first"](x)
        y = m["norm"](x)
        x = x + m["attention"](y, y, y, need_weights=False)[0]
        x = x + m["convolution"](m["norm2"](x).transpose(1, 2)).transpose(1, 2)
        return m["last"](x + 0.5 * m["second"](x))
    convolution = nn.Sequential(nn.Conv1d(32, 64, 1), nn.GLU(1), nn.Conv1d(32, 32, 7, padding=3, groups=32), nn.BatchNorm1d(32), nn.SiLU(),
                                nn.Conv1d(32, 32, 1))
    return net(call, first=half(), second=half(), norm=nn.LayerNorm(32), norm2=nn.LayerNorm(32), convolution=convolution,
               attention=nn.MultiheadAttention(32, 4, batch_first=True), last=nn.LayerNorm(32)), noise(1, 12, 32)


def mixture_of_experts():
    def call(m, x):
        weights = torch.softmax(m["gate"](x), -1)
        outputs = torch.stack([expert(x) for expert in m["experts"]], -1)
        return (outputs * weights.unsqueeze(-2)).sum(-1)
    return net(call, gate=nn.Linear(12, 3), experts=nn.ModuleList(mlp(12, 16, 4) for _ in range(3))), noise(1, 12)


def state_space():
    def call(m, x):
        h, u = torch.zeros(x.shape[0], 16, dtype=x.dtype), m["enter"](x)
        decay, outputs = torch.exp(-F.softplus(m["p"]["decay"])), []
        for t in range(x.shape[1]):
            h = decay * h + u[:, t]
            outputs.append(h)
        return m["leave"](F.silu(torch.stack(outputs, 1))).mean(1)
    return net(call, decay=torch.randn(16), enter=nn.Linear(6, 16), leave=nn.Linear(16, 3)), noise(1, 10, 6)


def table_models():
    yield "mlp with batch norm", lambda: (nn.Sequential(
        nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 3)),
        noise(1, 20))
    yield "activations", lambda: (nn.Sequential(*(part for act in (
        nn.CELU(), nn.SELU(), nn.Hardtanh(), nn.Hardsigmoid(), nn.LogSigmoid(), nn.Softsign(), nn.Softshrink(0.1), nn.Hardshrink(0.1),
        nn.Tanhshrink(), nn.ReLU6()) for part in (nn.Linear(24, 24), act)), nn.Linear(24, 3)), noise(1, 24))
    yield "highway", lambda: (net(
        lambda m, x: m["head"](torch.sigmoid(m["t"](x)) * torch.relu(m["h"](x)) + (1 - torch.sigmoid(m["t"](x))) * x),
        t=nn.Linear(16, 16), h=nn.Linear(16, 16), head=nn.Linear(16, 3)), noise(1, 16))
    yield "maxout", lambda: (net(lambda m, x: m["head"](m["wide"](x).reshape(-1, 8, 4).amax(-1)), wide=nn.Linear(16, 32),
                                 head=nn.Linear(8, 3)), noise(1, 16))
    yield "siren", lambda: (net(lambda m, x: m["c"](torch.sin(30 * m["b"](torch.sin(30 * m["a"](x))))), a=nn.Linear(2, 32),
                                b=nn.Linear(32, 32), c=nn.Linear(32, 3)), noise(1, 2))
    yield "fourier features", lambda: (net(
        lambda m, x: m["head"](torch.cat([torch.sin(x @ m["p"]["b"]), torch.cos(x @ m["p"]["b"])], -1)), b=torch.randn(3, 16),
        head=mlp(32, 32, 4, act=nn.Softplus)), noise(1, 3))
    yield "radial basis", lambda: (net(lambda m, x: m["head"](torch.exp(-torch.cdist(x, m["p"]["centres"]).square())),
                                       centres=torch.randn(8, 4), head=nn.Linear(8, 3)), noise(1, 4))
    yield "deeponet", lambda: (net(lambda m, u, y: torch.einsum("bi,bni->bn", m["branch"](u), m["trunk"](y)), branch=mlp(10, 32, 16),
                                   trunk=mlp(2, 32, 16, act=nn.Tanh)), noise(1, 10) + noise(1, 6, 2))
    yield "dueling dqn", lambda: (net(lambda m, x: (lambda h: m["value"](h) + m["advantage"](h) - m["advantage"](h).mean(-1, keepdim=True))(
        torch.relu(m["body"](x))), body=nn.Linear(8, 32), value=nn.Linear(32, 1), advantage=nn.Linear(32, 4)), noise(1, 8))
    yield "real nvp coupling", coupling
    yield "neural ode (rk4)", neural_ode
    yield "n-beats", n_beats
    yield "factorisation machine", lambda: (net(
        lambda m, x: m["linear"](x) + 0.5 * ((x @ m["p"]["v"]).square() - x.square() @ m["p"]["v"].square()).sum(-1, keepdim=True),
        v=0.3 * torch.randn(12, 4), linear=nn.Linear(12, 1)), noise(1, 12))
    yield "wide and deep (ids)", lambda: (net(
        lambda m, i, x: m["head"](torch.cat([m["table"](i).flatten(1), x], -1)), table=nn.Embedding(100, 4), head=mlp(38, 16, 2)), ids(8) + noise(1, 6))
    yield "ft-transformer", lambda: (net(
        lambda m, x: m["head"](m["body"](x.unsqueeze(-1) * m["p"]["w"] + m["p"]["b"])[:, 0]), w=torch.randn(9, 32), b=torch.randn(9, 32),
        body=nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 1, enable_nested_tensor=False),
        head=nn.Linear(32, 2)), noise(1, 9))
    yield "graph convolution", lambda: (net(
        lambda m, x, a: m["b"](a @ torch.relu(a @ m["a"](x))).mean(0, keepdim=True), a=nn.Linear(5, 16), b=nn.Linear(16, 3)),
        noise(7, 5) + (torch.softmax(noise(7, 7)[0], -1),))
    yield "graph attention", graph_attention
    yield "pointnet", pointnet


def coupling():
    def call(m, x):
        a, b = x.chunk(2, -1)
        for scale, shift in zip(m["scales"], m["shifts"]):
            a, b = b * torch.exp(torch.tanh(scale(a))) + shift(a), a
        return torch.cat([a, b], -1)
    parts = lambda: nn.ModuleList(mlp(3, 16, 3) for _ in range(4))
    return net(call, scales=parts(), shifts=parts()), noise(1, 6)


def neural_ode():
    def call(m, x):
        f, step = m["f"], 0.25
        for _ in range(4):
            a = f(x)
            b = f(x + step / 2 * a)
            c = f(x + step / 2 * b)
            x = x + step / 6 * (a + 2 * b + 2 * c + f(x + step * c))
        return m["head"](x)
    return net(call, f=mlp(6, 16, 6, act=nn.Tanh), head=nn.Linear(6, 2)), noise(1, 6)


def n_beats():
    def call(m, x):
        forecast = 0
        for block in m["blocks"]:
            back, ahead = block(x).split([24, 6], -1)
            x, forecast = x - back, forecast + ahead
        return forecast
    return net(call, blocks=nn.ModuleList(mlp(24, 32, 32, 30) for _ in range(3))), noise(1, 24)


def graph_attention():
    ring = (torch.eye(7) + torch.eye(7).roll(1, 0) + torch.eye(7).roll(-1, 0)) > 0

    def call(m, x):
        h = m["w"](x)
        score = F.leaky_relu(m["left"](h) + m["right"](h).transpose(0, 1), 0.2).masked_fill(~ring, float("-inf"))
        return m["head"](F.elu(torch.softmax(score, -1) @ h)).mean(0, keepdim=True)
    return net(call, w=nn.Linear(5, 16), left=nn.Linear(16, 1), right=nn.Linear(16, 1), head=nn.Linear(16, 3)), noise(7, 5)


def pointnet():
    def call(m, x):
        turn = m["turn"](m["local"](x).amax(-1)).reshape(-1, 3, 3) + torch.eye(3, dtype=x.dtype)
        return m["head"](m["each"](turn @ x).amax(-1))
    each = lambda: nn.Sequential(nn.Conv1d(3, 16, 1), nn.BatchNorm1d(16), nn.ReLU(), nn.Conv1d(16, 32, 1))
    return net(call, local=each(), turn=nn.Linear(32, 9), each=each(), head=mlp(32, 16, 4)), noise(1, 3, 24)


def series_models():
    families = {"recurrent": recurrent_models, "1-d": convolutional_models, "attention": attention_models, "tables, sets, graphs": table_models}
    for family, models in families.items():
        yield from ((name, family, build) for name, build in models())
