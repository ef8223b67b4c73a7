"""Networks in float32, each of a size, that the accuracy of predictions is judged by.

They have what exported networks of their kinds have, with random weights. A size is the width, in
channels or features.
"""

from __future__ import annotations

from accuracy_building import Net
from onnx import ModelProto

_CLASSES = 10


def conv(
    net: Net, x: str, given: int, made: int, side: int = 3, step: int = 1, group: int = 1
) -> str:
    """A square convolution with a bias that keeps the sides, but for the step."""
    return net.add(
        "Conv",
        x,
        net.weight(made, given // group, side, side),
        net.weight(made),
        kernel_shape=[side, side],
        strides=[step, step],
        pads=[side // 2] * 4,
        group=group,
    )


def dense(net: Net, x: str, given: int, made: int) -> str:
    """A product and a bias, as exporters write a layer on more than two dims."""
    product = net.add("MatMul", x, net.weight(given, made, fan=given))
    return net.add("Add", product, net.weight(made))


def classified(net: Net, x: str, channels: int) -> str:
    """Classes of an image."""
    flat = net.add("Flatten", net.add("GlobalAveragePool", x))
    return net.add("Gemm", flat, net.weight(_CLASSES, channels), net.weight(_CLASSES), transB=1)


def plain(width: int) -> ModelProto:
    """Convolutions and pools one after another, from 64 x 64 pixels, and three dense layers."""
    net, x, given = Net(1), "image", 3
    for made in (width, 2 * width, 4 * width):
        x = net.add("Relu", conv(net, x, given, made))
        x = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        given = made
    x, features = net.add("Flatten", x), 4 * width * 64
    for made in (8 * width, 4 * width, _CLASSES):
        x = net.add("Gemm", x, net.weight(made, features), net.weight(made), transB=1)
        x = net.add("Relu", x) if made != _CLASSES else x
        features = made
    return net.model({"image": [1, 3, 64, 64]}, [x])


def residual(width: int) -> ModelProto:
    """Six residual blocks in three stages, from 96 x 96 pixels."""
    net, given = Net(2), width
    x = net.add("Relu", conv(net, "image", 3, width, side=7, step=2))
    x = net.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for made, step in (
        (width, 1),
        (width, 1),
        (2 * width, 2),
        (2 * width, 1),
        (4 * width, 2),
        (4 * width, 1),
    ):
        inner = net.add("Relu", conv(net, x, given, made, step=step))
        inner = conv(net, inner, made, made)
        aside = x if step == 1 else conv(net, x, given, made, side=1, step=step)
        x = net.add("Relu", net.add("Add", inner, aside))
        given = made
    return net.model({"image": [1, 3, 96, 96]}, [classified(net, x, given)])


def inverted(width: int) -> ModelProto:
    """Inverted residual blocks with depthwise convolutions, from 96 x 96 pixels."""
    net, given = Net(3), width
    low, high = net.constant(0.0), net.constant(6.0)
    x = net.add("Clip", conv(net, "image", 3, width, step=2), low, high)
    for made, step in ((width, 1), (2 * width, 2), (2 * width, 1), (4 * width, 2), (4 * width, 1)):
        wide = 4 * given
        inner = net.add("Clip", conv(net, x, given, wide, side=1), low, high)
        inner = net.add("Clip", conv(net, inner, wide, wide, step=step, group=wide), low, high)
        inner = conv(net, inner, wide, made, side=1)
        x = net.add("Add", x, inner) if made == given and step == 1 else inner
        given = made
    return net.model({"image": [1, 3, 96, 96]}, [classified(net, x, given)])


def hourglass(width: int) -> ModelProto:
    """Down and up again with a bridge at each stage, 64 x 64 pixels: a small U-Net."""
    net, x, given, bridges = Net(4), "image", 1, []
    for made in (width, 2 * width):
        x = net.add("LeakyRelu", conv(net, x, given, made), alpha=0.1)
        bridges.append((x, made))
        x = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        given = made
    x = net.add("LeakyRelu", conv(net, x, given, 4 * width), alpha=0.1)
    given = 4 * width
    for aside, made in reversed(bridges):
        x = net.add(
            "ConvTranspose",
            x,
            net.weight(given, made, 2, 2, fan=given),
            kernel_shape=[2, 2],
            strides=[2, 2],
        )
        x = net.add("Concat", aside, x, axis=1)
        x = net.add("LeakyRelu", conv(net, x, 2 * made, made), alpha=0.1)
        given = made
    return net.model(
        {"image": [1, 1, 64, 64]}, [net.add("Sigmoid", conv(net, x, given, 1, side=1))]
    )


def encoder(width: int) -> ModelProto:
    """Two layers of a transformer on 64 tokens, written as torch exports it."""
    net, x, tokens, heads = Net(5), "tokens", 64, 4
    for _ in range(2):
        parts = []
        for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
            split = net.integers(1, tokens, heads, width // heads)
            part = net.add("Reshape", dense(net, x, width, width), split)
            parts.append(net.add("Transpose", part, perm=order))
        scores = net.add("MatMul", parts[0], parts[1])
        scores = net.add("Div", scores, net.constant((width / heads) ** 0.5))
        mixed = net.add("MatMul", net.add("Softmax", scores, axis=-1), parts[2])
        mixed = net.add("Transpose", mixed, perm=[0, 2, 1, 3])
        mixed = net.add("Reshape", mixed, net.integers(1, tokens, width))
        x = _normalised(net, net.add("Add", x, dense(net, mixed, width, width)), width)
        inner = _gelu(net, dense(net, x, width, 4 * width))
        x = _normalised(net, net.add("Add", x, dense(net, inner, 4 * width, width)), width)
    return net.model({"tokens": [1, tokens, width]}, [x])


def _normalised(net: Net, x: str, width: int) -> str:
    scale, shift = net.constant([1.0] * width), net.constant([0.0] * width)
    return net.add("LayerNormalization", x, scale, shift, axis=-1)


def _gelu(net: Net, x: str) -> str:
    error = net.add("Erf", net.add("Div", x, net.constant(2**0.5)))
    half = net.add("Mul", x, net.add("Add", error, net.constant(1.0)))
    return net.add("Mul", half, net.constant(0.5))


def mixer(width: int) -> ModelProto:
    """Two layers that mix over 49 patches and then over features, from 56 x 56 pixels."""
    net, patches = Net(6), 49
    x = net.add(
        "Conv",
        "image",
        net.weight(width, 3, 8, 8),
        net.weight(width),
        kernel_shape=[8, 8],
        strides=[8, 8],
    )
    x = net.add("Reshape", x, net.integers(1, width, patches))
    x = net.add("Transpose", x, perm=[0, 2, 1])
    for _ in range(2):
        across = net.add("Transpose", _normalised(net, x, width), perm=[0, 2, 1])
        across = dense(
            net, _gelu(net, dense(net, across, patches, 2 * patches)), 2 * patches, patches
        )
        x = net.add("Add", x, net.add("Transpose", across, perm=[0, 2, 1]))
        within = _gelu(net, dense(net, _normalised(net, x, width), width, 3 * width))
        x = net.add("Add", x, dense(net, within, 3 * width, width))
    pooled = net.add("ReduceMean", x, axes=[1], keepdims=0)
    return net.model({"image": [1, 3, 56, 56]}, [dense(net, pooled, width, _CLASSES)])


def perceptron(width: int) -> ModelProto:
    """Four dense layers on 8 rows."""
    net, x, given = Net(7), "rows", 40
    for made in (width, width, width, _CLASSES):
        x = net.add("Gemm", x, net.weight(made, given), net.weight(made), transB=1)
        x = net.add("Tanh", x) if made != _CLASSES else net.add("Softmax", x)
        given = made
    return net.model({"rows": [8, 40]}, [x])


NETWORKS = {
    plain: (8, 32),
    residual: (16, 64),
    inverted: (8, 32),
    hourglass: (8, 32),
    encoder: (64, 256),
    mixer: (64, 256),
    perceptron: (32, 512),
}
"""What makes a network, and the sizes that it is judged in."""
