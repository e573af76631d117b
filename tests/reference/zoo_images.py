"""Nets for images and volumes as private code and papers write them: name -> (family, function that builds)."""
import torch
from torch import nn
from torch.nn import functional as F

from zoo_parts import Residual, image, mlp, net, noise


def conv(a, b, k=3, stride=1, act=nn.ReLU, norm=nn.BatchNorm2d, **options):
    return nn.Sequential(nn.Conv2d(a, b, k, stride, k // 2, **options), norm(b), act())


def classifier_models():
    head = lambda width: (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5))
    yield "lenet", lambda: (nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 10), nn.Softmax(-1)), noise(1, 1, 28, 28))
    yield "network in network", lambda: (nn.Sequential(
        nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 16, 1), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(16, 10, 3), nn.ReLU(), nn.Conv2d(10, 10, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten()), image(24))
    yield "local response norm, lp pooling", lambda: (nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.LocalResponseNorm(5), nn.LPPool2d(2, 2), nn.Conv2d(16, 16, 3), nn.ReLU(), *head(16)), image(24))
    yield "group, layer and instance norms", lambda: (nn.Sequential(
        conv(3, 16, norm=lambda c: nn.GroupNorm(4, c)), conv(16, 16, norm=nn.InstanceNorm2d, act=nn.GELU),
        conv(16, 16, norm=lambda c: nn.GroupNorm(1, c), act=nn.SiLU), *head(16)), image(24))
    yield "spectral norm", spectral
    yield "cbam resnet", attention_blocks
    yield "non-local net", non_local
    yield "coordconv", lambda: (net(lambda m, x: m["body"](torch.cat([x, coordinates(x)], 1)), body=nn.Sequential(conv(5, 16), *head(16))), image(20))
    yield "capsules, two routings", capsules
    yield "two heads", lambda: (net(lambda m, x: (lambda h: (m["a"](h), torch.sigmoid(m["b"](h))))(m["body"](x)), body=nn.Sequential(
        conv(3, 16, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten()), a=nn.Linear(16, 5), b=nn.Linear(16, 2)), image(20))
    yield "siamese", lambda: (net(
        lambda m, a, b: m["head"]((m["body"](a) - m["body"](b)).abs()), body=nn.Sequential(
            conv(3, 8, stride=2), conv(8, 16, stride=2), nn.Flatten(), nn.Linear(400, 16)), head=nn.Linear(16, 1)), image(20) + noise(1, 3, 20, 20))
    yield "image and table", lambda: (net(
        lambda m, x, t: m["head"](torch.cat([m["body"](x), m["table"](t)], -1)), body=nn.Sequential(conv(3, 16, stride=2), *head(16)),
        table=mlp(6, 16, 8), head=mlp(13, 16, 3)), image(20) + noise(1, 6))
    yield "spatial transformer", spatial_transformer
    yield "regions of interest (roi align)", regions
    yield "prototypes, cosine similarity", lambda: (net(
        lambda m, x: 10 * F.normalize(m["body"](x), dim=-1) @ F.normalize(m["p"]["w"], dim=-1).T, w=torch.randn(4, 16),
        body=nn.Sequential(conv(3, 16, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten())), image(20))
    yield "shifted patches and unfold", lambda: (net(
        lambda m, x: m["head"](m["mix"](F.unfold(torch.roll(x, (1, 1), (2, 3)), 4, stride=4).transpose(1, 2)).mean(1)),
        mix=mlp(48, 32, 32, act=nn.GELU), head=nn.Linear(32, 5)), image(16))
    yield "normalised inside the model", lambda: (net(
        lambda m, x: m["body"]((x / 255 - x.new_tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)) / x.new_tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)),
        body=nn.Sequential(conv(3, 16, stride=2), *head(16))), (127 + 50 * image(20)[0],))


def coordinates(x):
    line = lambda n: torch.linspace(-1, 1, n, dtype=x.dtype)
    y, z = torch.meshgrid(line(x.shape[2]), line(x.shape[3]), indexing="ij")
    return torch.stack([y, z])[None].expand(x.shape[0], -1, -1, -1)


def spectral():
    from torch.nn.utils.parametrizations import spectral_norm
    return nn.Sequential(spectral_norm(nn.Conv2d(3, 16, 4, 2, 1)), nn.LeakyReLU(0.2), spectral_norm(nn.Conv2d(16, 16, 4, 2, 1)),
                         nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 5), nn.Flatten()), image(20)


def attention_blocks():
    def cbam(m, x):
        h = m["body"](x)
        channel = torch.sigmoid(m["share"](h.mean((2, 3))) + m["share"](h.amax((2, 3))))
        h = h * channel[:, :, None, None]
        place = torch.sigmoid(m["place"](torch.cat([h.mean(1, keepdim=True), h.amax(1, keepdim=True)], 1)))
        return torch.relu(x + h * place)
    block = net(cbam, body=nn.Sequential(conv(16, 16), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16)), share=mlp(16, 4, 16),
                place=nn.Conv2d(2, 1, 7, padding=3))
    return nn.Sequential(conv(3, 16), block, nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)), image(20)


def non_local():
    def call(m, x):
        q, k, v = (m[name](x).flatten(2) for name in ("q", "k", "v"))
        y = v @ torch.softmax(q.transpose(1, 2) @ k, -1).transpose(1, 2)
        return x + m["out"](y.reshape(*y.shape[:2], *x.shape[2:]))
    block = net(call, q=nn.Conv2d(16, 8, 1), k=nn.Conv2d(16, 8, 1), v=nn.Conv2d(16, 8, 1), out=nn.Conv2d(8, 16, 1))
    return nn.Sequential(conv(3, 16, stride=2), block, conv(16, 16, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)), image(20)


def capsules():
    squash = lambda s: s * s.square().sum(-1, keepdim=True).sqrt() / (1 + s.square().sum(-1, keepdim=True))

    def call(m, x):
        u = squash(m["body"](x).reshape(1, -1, 4))
        votes = torch.einsum("nkij,bni->bnkj", m["p"]["w"], u)
        logits = torch.zeros(1, votes.shape[1], 3, 1, dtype=x.dtype)
        for _ in range(2):
            v = squash((torch.softmax(logits, 2) * votes).sum(1))
            logits = logits + (votes * v[:, None]).sum(-1, keepdim=True)
        return v.norm(dim=-1)
    return net(call, w=0.3 * torch.randn(36, 3, 4, 6), body=nn.Sequential(conv(1, 8, 5, 2), nn.Conv2d(8, 16, 4, 2))), noise(1, 1, 16, 16)


def spatial_transformer():
    def call(m, x):
        theta = m["where"](x).reshape(-1, 2, 3) * 0.1 + torch.tensor([[1.0, 0, 0], [0, 1, 0]], dtype=x.dtype)
        return m["body"](F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False))
    return net(call, where=nn.Sequential(conv(3, 8, stride=2), nn.Flatten(), nn.Linear(512, 6)),
               body=nn.Sequential(conv(3, 16, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))), image(16)


def regions():
    import torchvision
    boxes = torch.tensor([[0, 2.0, 3, 12, 14], [0, 0, 0, 9, 7]])
    return net(lambda m, x: m["head"](torchvision.ops.roi_align(m["body"](x), boxes.to(x.dtype), (3, 3), 0.5, 2).flatten(1)).reshape(1, -1),
               body=conv(3, 16, stride=2), head=mlp(144, 32, 4)), image(20)


# Dense outputs -----------------------------------------------------------------------------------------------------------
def dense_models():
    yield "u-net, transposed convolutions", lambda: unet(lambda a, b: nn.ConvTranspose2d(a, b, 2, 2))
    yield "u-net, bilinear", lambda: unet(lambda a, b: nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), nn.Conv2d(a, b, 1)))
    yield "attention u-net", attention_unet
    yield "segnet, pooling indices", segnet
    yield "pyramid pooling", pyramid
    yield "convolutional autoencoder", lambda: (nn.Sequential(
        conv(1, 8, stride=2), conv(8, 16, stride=2), nn.Flatten(), nn.Linear(400, 12), nn.ReLU(), nn.Linear(12, 400), nn.Unflatten(1, (16, 5, 5)),
        nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Sigmoid()), noise(1, 1, 20, 20))
    yield "variational autoencoder, at its mean", lambda: (net(
        lambda m, x: (lambda h: (m["decode"](m["mean"](h)), m["mean"](h), m["spread"](h)))(m["encode"](x)), encode=mlp(64, 32, 32),
        mean=nn.Linear(32, 4), spread=nn.Linear(32, 4), decode=nn.Sequential(mlp(4, 32, 64), nn.Sigmoid())), noise(1, 64))
    yield "dcgan generator", lambda: (nn.Sequential(
        nn.ConvTranspose2d(16, 16, 4), nn.BatchNorm2d(16), nn.ReLU(), nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()), noise(1, 16, 1, 1))
    yield "style transfer", lambda: (nn.Sequential(
        nn.ReflectionPad2d(2), nn.Conv2d(3, 8, 5), nn.InstanceNorm2d(8, affine=True), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1),
        nn.InstanceNorm2d(16, affine=True), nn.ReLU(), Residual(nn.Sequential(nn.ReplicationPad2d(1), nn.Conv2d(16, 16, 3))),
        nn.Upsample(scale_factor=2), nn.Conv2d(16, 3, 3, padding=1)), image(16))
    yield "super resolution (espcn)", lambda: (nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.Tanh(), nn.Conv2d(16, 9, 3, padding=1), nn.PixelShuffle(3)), noise(1, 1, 10, 10))
    yield "super resolution (srresnet)", lambda: (nn.Sequential(
        nn.Conv2d(3, 8, 9, padding=4), nn.PReLU(), Residual(nn.Sequential(conv(8, 8, act=nn.PReLU), nn.Conv2d(8, 8, 3, padding=1))),
        nn.Conv2d(8, 32, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(), nn.Conv2d(8, 3, 9, padding=4)), image(10))
    yield "dncnn", lambda: (net(lambda m, x: x - m["body"](x), body=nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), conv(16, 16), conv(16, 16), nn.Conv2d(16, 1, 3, padding=1))), noise(1, 1, 16, 16))
    yield "diffusion u-net step", diffusion
    yield "detector head (yolo)", detector
    yield "keypoints (soft argmax)", keypoints
    yield "cyclegan resnet, pixel unshuffle", lambda: (nn.Sequential(
        nn.PixelUnshuffle(2), nn.Conv2d(12, 16, 3, padding=1, padding_mode="reflect"), nn.InstanceNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 3, 2, 1, output_padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1, padding_mode="circular"), nn.Tanh()), image(16))
    yield "optical flow warp", warp


def unet(up):
    def call(m, x):
        a = m["down1"](x)
        b = m["down2"](F.max_pool2d(a, 2))
        c = m["down3"](F.max_pool2d(b, 2))
        b = m["mix2"](torch.cat([b, m["up2"](c)], 1))
        return m["head"](m["mix1"](torch.cat([a, m["up1"](b)], 1)))
    double = lambda a, b: nn.Sequential(conv(a, b), conv(b, b))
    return net(call, down1=double(3, 8), down2=double(8, 16), down3=double(16, 32), up2=up(32, 16), mix2=double(32, 16), up1=up(16, 8),
               mix1=double(16, 8), head=nn.Conv2d(8, 2, 1)), image(24)


def attention_unet():
    def call(m, x):
        a = m["down"](x)
        b = m["deep"](F.avg_pool2d(a, 2))
        up = F.interpolate(b, scale_factor=2.0, mode="nearest")
        gate = torch.sigmoid(m["psi"](torch.relu(m["of_skip"](a) + m["of_gate"](up))))
        return m["head"](torch.cat([a * gate, up], 1))
    return net(call, down=conv(3, 8), deep=conv(8, 16), of_skip=nn.Conv2d(8, 4, 1), of_gate=nn.Conv2d(16, 4, 1), psi=nn.Conv2d(4, 1, 1),
               head=nn.Conv2d(24, 2, 1)), image(20)


def segnet():
    def call(m, x):
        a, where = F.max_pool2d(m["down"](x), 2, 2, return_indices=True)
        return m["head"](F.max_unpool2d(m["deep"](a), where, 2, 2))
    return net(call, down=conv(3, 8), deep=conv(8, 8), head=nn.Conv2d(8, 2, 3, padding=1)), image(16)


def pyramid():
    def call(m, x):
        h = m["body"](x)
        levels = [F.interpolate(level(F.adaptive_avg_pool2d(h, size)), h.shape[2:], mode="bilinear") for size, level in zip((1, 2, 4), m["levels"])]
        return m["head"](torch.cat([h, *levels], 1))
    return net(call, body=conv(3, 8, stride=2), levels=nn.ModuleList(nn.Conv2d(8, 4, 1) for _ in range(3)), head=nn.Conv2d(20, 3, 1)), image(16)


def diffusion():
    def call(m, x, t):
        angles = t[:, None] * torch.exp(torch.arange(8, dtype=x.dtype) * -0.5)
        time = m["time"](torch.cat([torch.sin(angles), torch.cos(angles)], -1))
        h = F.silu(m["norm"](m["first"](x)))
        scale, shift = time[:, :, None, None].chunk(2, 1)
        return m["last"](F.silu(m["second"](h * (1 + scale) + shift)) + h)
    return net(call, time=mlp(16, 32, 32, act=nn.SiLU), first=nn.Conv2d(3, 16, 3, padding=1), norm=nn.GroupNorm(4, 16),
               second=nn.Conv2d(16, 16, 3, padding=1), last=nn.Conv2d(16, 3, 3, padding=1)), image(12) + (torch.tensor([3.0]),)


def detector():
    def call(m, x):
        y = m["head"](m["body"](x)).reshape(1, 2, 7, 5, 5).permute(0, 1, 3, 4, 2)
        grid = torch.stack(torch.meshgrid(torch.arange(5), torch.arange(5), indexing="xy"), -1).to(x.dtype)
        centre, size, rest = y.split([2, 2, 3], -1)
        boxes = torch.cat([(torch.sigmoid(centre) * 2 - 0.5 + grid) * 4, (torch.sigmoid(size) * 2) ** 2 * 8, torch.sigmoid(rest)], -1)
        return boxes.reshape(1, -1, 7)
    return net(call, body=nn.Sequential(conv(3, 8, stride=2, act=nn.SiLU), conv(8, 16, stride=2, act=nn.SiLU)), head=nn.Conv2d(16, 14, 1)), image(20)


def keypoints():
    def call(m, x):
        heat = torch.softmax(m["body"](x).flatten(2), -1).reshape(1, 4, 10, 10)
        line = torch.linspace(0, 1, 10, dtype=x.dtype)
        return torch.stack([(heat.sum(2) * line).sum(-1), (heat.sum(3) * line).sum(-1)], -1)
    return net(call, body=nn.Sequential(conv(3, 8, stride=2), nn.Conv2d(8, 4, 1))), image(20)


def warp():
    def call(m, x):
        flow = 0.1 * torch.tanh(m["flow"](x)).permute(0, 2, 3, 1)
        base = coordinates(x).permute(0, 2, 3, 1).flip(-1)
        return F.grid_sample(x, base + flow, mode="bilinear", padding_mode="border", align_corners=True)
    return net(call, flow=nn.Sequential(conv(3, 8), nn.Conv2d(8, 2, 3, padding=1))), image(12)


# Volumes -----------------------------------------------------------------------------------------------------------------
def volume_models():
    block = lambda a, b: nn.Sequential(nn.Conv3d(a, b, 3, padding=1), nn.BatchNorm3d(b), nn.ReLU())
    yield "3-d cnn", lambda: (nn.Sequential(
        nn.Conv3d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU(), nn.MaxPool3d(2), nn.Conv3d(8, 16, 3, groups=4), nn.Mish(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(16, 4)), noise(1, 3, 8, 12, 12))
    yield "3-d u-net", lambda: (net(
        lambda m, x: (lambda a: m["head"](torch.cat([a, m["up"](m["deep"](F.max_pool3d(a, 2)))], 1)))(m["down"](x)), down=block(1, 8),
        deep=block(8, 16), up=nn.ConvTranspose3d(16, 8, 2, 2), head=nn.Conv3d(16, 2, 1)), noise(1, 1, 8, 8, 8))
    yield "3-d autoencoder, trilinear", lambda: (nn.Sequential(
        block(1, 8), nn.AvgPool3d(2), block(8, 8), nn.Upsample(scale_factor=2, mode="trilinear"), nn.Conv3d(8, 1, 3, padding=1)), noise(1, 1, 8, 8, 8))


def image_models():
    for family, models in {"images": classifier_models, "dense outputs": dense_models, "3-d": volume_models}.items():
        yield from ((name, family, build) for name, build in models())
