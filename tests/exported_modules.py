"""PyTorch modules of every kind that people export, each with an input, and their export.

Needs torch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from torch_modules import (
    Apply,
    cnn,
    densenet,
    encoder,
    gpt,
    mlp,
    mobilenet,
    resnet,
    unet,
)

ACTIVATIONS = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "CELU",
    "SELU",
    "GELU",
    "SiLU",
    "Mish",
    "Softplus",
    "Softsign",
    "Hardswish",
    "Hardsigmoid",
    "Hardtanh",
    "Tanh",
    "Sigmoid",
    "LogSigmoid",
    "Softshrink",
    "Hardshrink",
    "Tanhshrink",
    "Threshold",
    "GLU",
    "Softmax",
    "LogSoftmax",
    "Softmin",
]


def of(shape: tuple[int, ...], tokens: int = 0) -> torch.Tensor:
    return torch.randint(0, tokens, shape) if tokens else torch.randn(shape)


IMAGE, ROW, SEQUENCE = (2, 3, 8, 8), (2, 7), (2, 5, 8)
#: Name -> (module, shape of the input), the module built when it is wanted.
MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    **{f"mlp_{name}": (lambda name=name: mlp(name), ROW) for name in ACTIVATIONS},
    "mlp_gelu_tanh": (
        lambda: nn.Sequential(nn.Linear(7, 4), nn.GELU("tanh"), nn.Linear(4, 2)),
        ROW,
    ),
    "clamp": (lambda: Apply(lambda self, x: self.fc(x).clamp(-0.3), fc=nn.Linear(7, 4)), ROW),
    "maximum": (
        lambda: Apply(
            lambda self, x: torch.maximum(self.fc(x), torch.zeros(())), fc=nn.Linear(7, 4)
        ),
        ROW,
    ),
    "where": (
        lambda: Apply(
            lambda self, x: torch.where((z := self.fc(x)) > 0, z, 0 * z), fc=nn.Linear(7, 4)
        ),
        ROW,
    ),
    "squared_relu": (
        lambda: Apply(lambda self, x: self.fc(x).relu() ** 2, fc=nn.Linear(7, 4)),
        ROW,
    ),
    "batch_norm_1d": (
        lambda: nn.Sequential(nn.Linear(7, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)),
        ROW,
    ),
    "cnn": (cnn, IMAGE),
    "conv_1d": (
        lambda: nn.Sequential(nn.Conv1d(3, 4, 3, stride=2), nn.ReLU(), nn.MaxPool1d(2)),
        (2, 3, 12),
    ),
    "conv_3d": (
        lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.ReLU(), nn.AvgPool3d(2)),
        (2, 2, 5, 5, 5),
    ),
    "conv_reflect": (lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), IMAGE),
    "conv_circular": (lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), IMAGE),
    "conv_same": (lambda: nn.Conv2d(3, 4, 4, padding="same"), IMAGE),
    "resnet": (resnet, IMAGE),
    "densenet": (densenet, IMAGE),
    "mobilenet": (mobilenet, IMAGE),
    "conv_transpose": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1, groups=1),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 6, 3, dilation=2, groups=2),
        ),
        (2, 3, 4, 4),
    ),
    "unet": (unet, IMAGE),
    "upsample_nearest": (
        lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 1)),
        IMAGE,
    ),
    "upsample_bilinear": (
        lambda: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(3, 2, 1)),
        IMAGE,
    ),
    "upsample_corners": (
        lambda: nn.Upsample(size=(11, 5), mode="bilinear", align_corners=True),
        IMAGE,
    ),
    "upsample_bicubic": (lambda: nn.Upsample(scale_factor=2, mode="bicubic"), IMAGE),
    "pixel_shuffle": (lambda: nn.Sequential(nn.Conv2d(3, 8, 1), nn.PixelShuffle(2)), IMAGE),
    "pixel_unshuffle": (lambda: nn.PixelUnshuffle(2), IMAGE),
    "max_pool_ceil": (lambda: nn.MaxPool2d(3, 2, padding=1, ceil_mode=True), (2, 3, 9, 10)),
    "average_pool_ceil": (lambda: nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), (2, 3, 9, 10)),
    "average_pool_without_pad": (
        lambda: nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
        (2, 3, 9, 10),
    ),
    "adaptive_pool": (lambda: nn.AdaptiveMaxPool2d((2, 4)), IMAGE),
    "lp_pool": (lambda: nn.LPPool2d(2, 2), IMAGE),
    "group_norm": (lambda: nn.Sequential(nn.Conv2d(3, 6, 3), nn.GroupNorm(3, 6), nn.ReLU()), IMAGE),
    "instance_norm": (lambda: nn.InstanceNorm2d(3, affine=True), IMAGE),
    "layer_norm": (lambda: nn.Sequential(nn.LayerNorm(7), nn.Linear(7, 4), nn.ReLU()), ROW),
    "rms_norm": (lambda: nn.Sequential(nn.RMSNorm(7), nn.Linear(7, 4), nn.ReLU()), ROW),
    "local_response_norm": (lambda: nn.LocalResponseNorm(3), IMAGE),
    "normalize": (
        lambda: Apply(lambda self, x: functional.normalize(self.fc(x)), fc=nn.Linear(7, 4)),
        ROW,
    ),
    "encoder_relu": (lambda: encoder("relu"), SEQUENCE),
    "encoder_gelu": (lambda: encoder("gelu", norm_first=True), SEQUENCE),
    "decoder_layer": (
        lambda: Apply(
            lambda self, x: self.layer(x, x),
            layer=nn.TransformerDecoderLayer(8, 2, 16, batch_first=True),
        ),
        SEQUENCE,
    ),
    "attention": (
        lambda: Apply(
            lambda self, x: self.attention(x, x, x)[0],
            attention=nn.MultiheadAttention(8, 2, batch_first=True),
        ),
        SEQUENCE,
    ),
    "gpt": (gpt, (2, 5)),
    "gpt_rms": (lambda: gpt(nn.RMSNorm), (2, 5)),
    "embedding": (lambda: nn.Sequential(nn.Embedding(11, 4), nn.Linear(4, 3), nn.ReLU()), (2, 5)),
    "lstm": (
        lambda: Apply(lambda self, x: self.cell(x)[0], cell=nn.LSTM(8, 6, batch_first=True)),
        SEQUENCE,
    ),
    "lstm_both_ways": (
        lambda: Apply(
            lambda self, x: self.cell(x)[0],
            cell=nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True),
        ),
        SEQUENCE,
    ),
    "gru": (
        lambda: Apply(lambda self, x: self.cell(x)[0], cell=nn.GRU(8, 6, batch_first=True)),
        SEQUENCE,
    ),
    "rnn_relu": (
        lambda: Apply(
            lambda self, x: self.cell(x)[1],
            cell=nn.RNN(8, 6, batch_first=True, nonlinearity="relu"),
        ),
        SEQUENCE,
    ),
    "glu_mlp": (
        lambda: Apply(
            lambda self, x: self.down(functional.silu(self.gate(x)) * self.up(x)),
            gate=nn.Linear(8, 16),
            up=nn.Linear(8, 16),
            down=nn.Linear(16, 8),
        ),
        SEQUENCE,
    ),
    "einsum": (
        lambda: Apply(
            lambda self, x: torch.einsum("bij,kj->bik", x, self.fc.weight).relu(),
            fc=nn.Linear(8, 4),
        ),
        SEQUENCE,
    ),
    "masked": (
        lambda: Apply(
            lambda self, x: (
                self.fc(x).masked_fill(torch.triu(torch.ones(5, 5)) == 0, -1e9)
            ).softmax(-1),
            fc=nn.Linear(8, 5),
        ),
        SEQUENCE,
    ),
    "statistics": (
        lambda: Apply(
            lambda self, x: torch.cat([x.std(1), x.amax(1), x.logsumexp(1), x.cumsum(1)[:, -1]], 1)
        ),
        SEQUENCE,
    ),
    "top": (lambda: Apply(lambda self, x: x.topk(3, 1)[0]), ROW),
    "maxout": (
        lambda: Apply(lambda self, x: self.fc(x).reshape(-1, 4, 2).amax(2), fc=nn.Linear(7, 8)),
        ROW,
    ),
}
TOKENS = {"gpt", "gpt_rms", "embedding"}


def module_and_input(name: str) -> tuple[nn.Module, torch.Tensor]:
    """In evaluation mode, its parameters, and averages of batch norm, drawn anew."""
    build, shape = MODULES[name]
    torch.manual_seed(0)
    module = build().eval()
    with torch.no_grad():
        for key, array in module.state_dict().items():
            if array.is_floating_point():
                array.copy_(
                    torch.rand_like(array) + 0.5 if "var" in key else torch.randn_like(array) / 3
                )
    return module, of(shape, 11 if name in TOKENS else 0)


def export(
    module: nn.Module, example: torch.Tensor, path: Path, exporter: str, **options: Any
) -> Path:
    """``exporter``: ``script``, ``dynamo``, or ``dynamo_raw``, which optimizes nothing away."""
    if exporter == "script":
        options = {"dynamo": False, "dynamic_axes": {"x": {0: "batch"}}, **options}
    else:
        options = {
            "dynamo": True,
            "dynamic_shapes": ({0: torch.export.Dim("batch")},),
            "optimize": exporter == "dynamo",
            "verbose": False,
            **options,
        }
    # The fused encoder layer is PyTorch's own operator, which its older exporter cannot write.
    torch.backends.mha.set_fastpath_enabled(False)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (example,), str(path), input_names=["x"], **options)
    return path
