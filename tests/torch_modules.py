"""PyTorch modules as people write them. Needs torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class Apply(nn.Module):
    """A forward pass of one's own over named submodules."""

    def __init__(self, forward: Callable[..., Any], **children: nn.Module) -> None:
        super().__init__()
        for name, child in children.items():
            setattr(self, name, child)
        self.run = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self.run(self, x)


def activation(name: str) -> nn.Module:
    arguments = {"Threshold": (0.2, -0.5), "GLU": (-1,), "Softmax": (-1,), "LogSoftmax": (-1,)}
    return getattr(nn, name)(*arguments.get(name, (-1,) if name == "Softmin" else ()))


def mlp(name: str) -> nn.Module:
    width = 5 if name == "GLU" else 10
    return nn.Sequential(
        nn.Linear(7, 10),
        activation(name),
        nn.Linear(width, 10),
        activation(name),
        nn.Linear(width, 3),
    )


def convolution(channels: int, out: int, **options: Any) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, **{"padding": 1, "bias": False, **options}),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )


def cnn() -> nn.Module:
    return nn.Sequential(
        convolution(3, 6),
        nn.MaxPool2d(2),
        convolution(6, 8, stride=2),
        nn.AvgPool2d(2, ceil_mode=True, padding=1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(32, 5),
    )


class Residual(nn.Module):
    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = nn.Sequential(
            nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.downsample(x))


def resnet() -> nn.Module:
    return nn.Sequential(
        convolution(3, 4),
        Residual(4, 6),
        Residual(6, 8, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    )


class Dense(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, 4, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.conv(torch.relu(self.norm(x)))], 1)


def densenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        Dense(4),
        Dense(8),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((2, 2)),
        nn.Flatten(),
        nn.Linear(48, 4),
    )


def mobilenet() -> nn.Module:
    squeeze = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 2, 1), nn.ReLU(), nn.Conv2d(2, 6, 1), nn.Hardsigmoid()
    )
    return Apply(
        lambda self, x: self.head((y := self.body(x)) * self.squeeze(y)),
        body=nn.Sequential(
            nn.Conv2d(3, 6, 1),
            nn.ReLU6(),
            nn.Conv2d(6, 6, 3, padding=1, groups=6),
            nn.BatchNorm2d(6),
            nn.Hardswish(),
        ),
        squeeze=squeeze,
        head=nn.Conv2d(6, 3, 3, dilation=2),
    )


def encoder(kind: str, **options: Any) -> nn.Module:
    layer = nn.TransformerEncoderLayer(
        8,
        2,
        16,
        batch_first=True,
        activation=kind,
        **options,  # pyright: ignore
    )
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


class Block(nn.Module):
    """A decoder block as GPTs have it: causal attention, and an MLP."""

    def __init__(self, width: int = 8, heads: int = 2, norm: Any = nn.LayerNorm) -> None:
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, norm(width), norm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        examples, length, width = x.shape
        parts = self.qkv(self.norm1(x)).reshape(examples, length, 3, self.heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(examples, length, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))


def gpt(norm: Any = nn.LayerNorm) -> nn.Module:
    return nn.Sequential(nn.Embedding(11, 8), Block(norm=norm), Block(norm=norm), nn.Linear(8, 11))


def unet() -> nn.Module:
    return Apply(
        lambda self, x: self.last(torch.cat([x, self.up(self.lower(self.down(x)))], 1)),
        down=nn.MaxPool2d(2),
        lower=convolution(3, 4),
        up=nn.ConvTranspose2d(4, 4, 2, 2),
        last=nn.Conv2d(7, 2, 1),
    )
