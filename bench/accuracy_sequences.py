"""Recurrent networks and audio front ends, each of a size, that predictions are judged by."""

from __future__ import annotations

import numpy as np
from accuracy_building import Net
from accuracy_networks import conv, dense
from onnx import ModelProto, TensorProto

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_LABELS = 32


def recurrent(
    net: Net, op_type: str, x: str, given: int, hidden: int, *, both: bool = False
) -> tuple[str, int]:
    """A recurrent layer on time x batch x features; what it gives, and how many features."""
    ways, gates = 1 + both, _GATES[op_type] * hidden
    shape = {"linear_before_reset": 1} if op_type == "GRU" else {}
    out = net.add(
        op_type,
        x,
        net.weight(ways, gates, given, fan=given),
        net.weight(ways, gates, hidden, fan=hidden),
        net.weight(ways, 2 * gates),
        hidden_size=hidden,
        direction="bidirectional" if both else "forward",
        **shape,
    )
    ordered = net.add("Transpose", out, perm=[0, 2, 1, 3])  # time, way, batch, hidden
    return net.add("Reshape", ordered, net.integers(0, 0, ways * hidden)), ways * hidden


def tagger(hidden: int) -> ModelProto:
    """Labels of 40 words, by a bidirectional LSTM."""
    net = Net(11)
    words = net.add("Gather", net.weight(2000, hidden, fan=1), "words")
    x, features = recurrent(net, "LSTM", words, hidden, hidden, both=True)
    out = net.add("Softmax", dense(net, x, features, _LABELS), axis=-1)
    return net.model({"words": [40, 1]}, [out], TensorProto.INT64)


def stacked(hidden: int) -> ModelProto:
    """Two GRUs on 100 frames of 80 features, 2 at a time."""
    net, x, given = Net(12), "frames", 80
    for _ in range(2):
        x, given = recurrent(net, "GRU", x, given, hidden)
    return net.model({"frames": [100, 2, 80]}, [dense(net, x, given, _LABELS)])


def elman(hidden: int) -> ModelProto:
    """A plain recurrent layer on 64 steps of 16 features."""
    net = Net(13)
    x, features = recurrent(net, "RNN", "steps", 16, hidden)
    return net.model({"steps": [64, 1, 16]}, [dense(net, x, features, 4)])


def reader(hidden: int) -> ModelProto:
    """Text in a line of an image, 32 x 128 pixels: convolutions, then two LSTMs."""
    net, x, given = Net(14), "line", 1
    for made in (16, 32, 64):
        x = net.add("Relu", conv(net, x, given, made))
        x = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        given = made
    x = net.add("Reshape", net.add("Transpose", x, perm=[3, 0, 1, 2]), net.integers(16, 1, 256))
    given = 256
    for _ in range(2):
        x, given = recurrent(net, "LSTM", x, given, hidden, both=True)
    return net.model({"line": [1, 1, 32, 128]}, [dense(net, x, given, 96)])


def step(hidden: int) -> ModelProto:
    """One step of an LSTM, as a model that follows a stream runs it."""
    net = Net(15)
    x, features = recurrent(net, "LSTM", "chunk", 64, hidden)
    return net.model({"chunk": [1, 1, 64]}, [net.add("Sigmoid", dense(net, x, features, 1))])


RECURRENT = {
    tagger: (64, 200),
    stacked: (64, 256),
    elman: (32, 128),
    reader: (48, 128),
    step: (64, 256),
}
"""What makes a recurrent network, and the sizes that it is judged in."""


def powers(net: Net, samples: int, length: int) -> tuple[str, int, int]:
    """Powers of a signal's spectra, batch x frames x bins; how many frames and bins there are."""
    hop = length // 2
    window = net.constant(np.hanning(length))
    hops = net.constant(hop, np.int64)
    spectra = net.add("STFT", "signal", hops, window, net.constant(length, np.int64), onesided=1)
    squared = net.add("Mul", spectra, spectra)
    return (
        net.add("ReduceSum", squared, net.integers(-1), keepdims=0),
        (samples - length) // hop + 1,
        length // 2 + 1,
    )


def mel(net: Net, samples: int, length: int, bands: int) -> tuple[str, int]:
    """Logarithms of the powers in mel bands, batch x frames x bands; how many frames there are."""
    found, frames, _ = powers(net, samples, length)
    numbers = [net.constant(value, np.int64) for value in (bands, length, 16000)]
    filters = net.add(
        "MelWeightMatrix", *numbers, net.constant(20.0), net.constant(7600.0), output_datatype=1
    )
    least = net.constant(1e-6)
    return net.add("Log", net.add("Max", net.add("MatMul", found, filters), least)), frames


def spectrogram(length: int) -> ModelProto:
    """Magnitudes of half a second of sound at 16 kHz."""
    net = Net(21)
    found, _, _ = powers(net, 8000, length)
    return net.model({"signal": [1, 8000, 1]}, [net.add("Sqrt", found)])


def log_mel(length: int) -> ModelProto:
    """Log-mel features of a second of sound."""
    net = Net(22)
    return net.model({"signal": [1, 16000, 1]}, [mel(net, 16000, length, 80)[0]])


def cepstrum(length: int) -> ModelProto:
    """Cepstral coefficients of a second of sound, less their means."""
    net = Net(23)
    found, _ = mel(net, 16000, length, 40)
    at = np.pi / 40 * (np.arange(40)[:, None] + 0.5) * np.arange(13)
    found = net.add("MatMul", found, net.constant(np.cos(at)))
    mean = net.add("ReduceMean", found, axes=[1], keepdims=1)
    return net.model({"signal": [1, 16000, 1]}, [net.add("Sub", found, mean)])


def framed(length: int) -> ModelProto:
    """Spectra of 50 frames that are cut out by indices, windowed and transformed."""
    net, frames = Net(24), 50
    where = np.arange(frames)[:, None] * (length // 2) + np.arange(length)
    cut = net.add("Gather", "signal", net.constant(where, np.int64), axis=1)
    cut = net.add("Mul", cut, net.constant(np.hanning(length)))
    spectra = net.add("DFT", net.add("Unsqueeze", cut, net.integers(-1)), axis=2, onesided=1)
    found = net.add("ReduceL2", spectra, axes=[-1], keepdims=0)
    return net.model({"signal": [1, (frames + 1) * length // 2]}, [net.add("Log", found)])


def keyword(length: int) -> ModelProto:
    """A word in a second of sound: log-mel features and a small network of convolutions."""
    net, width = Net(25), 24
    found, _ = mel(net, 16000, length, 40)
    x, given = net.add("Unsqueeze", found, net.integers(1)), 1
    for group in (1, width, 1, width, 1):
        x = net.add("Relu", conv(net, x, given, width, side=3, step=1 + (given == 1), group=group))
        given = width
    pooled = net.add("Flatten", net.add("GlobalAveragePool", x))
    return net.model({"signal": [1, 16000, 1]}, [dense(net, pooled, width, 12)])


AUDIO = {
    spectrogram: (256, 512),
    log_mel: (256, 400),
    cepstrum: (256, 512),
    framed: (256, 400),
    keyword: (256, 512),
}
"""What makes an audio front end, and the lengths of frames that it is judged with."""
