"""A row for every layer of capi/layers.toml: constructor arguments and inputs of several option sets.

row(inputs, *args, **kwargs): the constructor's arguments and the shapes of the inputs. An input is a
shape (normal values that require gradients), or Input(kind, shape, ...). The rows give: initial
parameters bit for bit, outputs and gradients, printed form, state dict, copies (check.py).
"""
import itertools


class Input:
    """kind: normal, positive, unit (in (0, 1)), index (below `high`), sign (-1 or 1), fixed `values`."""

    def __init__(self, kind, shape=(), high=0, values=None, grad=None):
        self.kind, self.shape, self.high, self.values = kind, shape, high, values
        self.grad = grad if grad is not None else kind in ("normal", "positive", "unit")


class Row:
    def __init__(self, inputs, args, kwargs, evaluate, only64, more):
        self.inputs = [i if isinstance(i, Input) else Input("normal", i) for i in inputs]
        self.args, self.kwargs = args, kwargs
        self.evaluate = evaluate    # in eval mode too
        self.only64 = only64        # draws other values in float32
        self.more = more            # only for the live comparison


def row(inputs, *args, evaluate=False, only64=False, more=False, **kwargs):
    inputs = inputs if isinstance(inputs, list) else [inputs]
    return Row(inputs, args, kwargs, evaluate, only64, more)


def product(inputs, *args, **choices):
    """Rows of all combinations, for the live comparison only."""
    names = list(choices)
    for values in itertools.product(*choices.values()):
        yield row(inputs, *args, more=True, **dict(zip(names, values)))


IMAGE = {1: (2, 4, 9), 2: (2, 4, 9, 8), 3: (2, 4, 6, 7, 5)}
index = lambda high, *shape: Input("index", shape, high)  # noqa: E731
sign = lambda *shape: Input("sign", shape)  # noqa: E731
unit = lambda *shape: Input("unit", shape)  # noqa: E731
fixed = lambda *values: Input("fixed", values=list(values))  # noqa: E731
target = lambda *shape: Input("normal", shape, grad=False)  # noqa: E731
V = (3, 5)

ROWS = {
    "Linear": [row((4, 3), 3, 5), row((2, 3, 4), 4, 2, bias=False), row((3,), 3, 1)],
    "Bilinear": [row([(4, 3), (4, 5)], 3, 5, 2), row([(2, 4, 3), (2, 4, 5)], 3, 5, 2, bias=False)],
    "Identity": [row(V), row(V, 54, unused=1)],
    "Flatten": [row((2, 3, 4)), row((2, 3, 4, 2), 0, 2)],
    "Unflatten": [row((2, 6), 1, (2, 3)), row((4, 6, 2), 1, [-1, 2]), row((4, 2), 0, (2, 2))],
    # --- activations
    "ReLU": [row(V), row(V, True)], "ReLU6": [row(V), row(V, inplace=True)],
    "Hardtanh": [row(V), row(V, -0.5, 0.25), row(V, -2, 2, True), row(V, min_value=-0.5, max_value=3)],
    "Sigmoid": [row(V)], "Hardsigmoid": [row(V), row(V, True)], "LogSigmoid": [row(V)],
    "Tanh": [row(V)], "Tanhshrink": [row(V)], "Softsign": [row(V)],
    "Softplus": [row(V), row(V, 2, 0.5), row(V, beta=0.5, threshold=1.5)],
    "SiLU": [row(V), row(V, True)], "Mish": [row(V), row(V, True)],
    "Hardswish": [row(V), row(V, True)], "GELU": [row(V), row(V, "tanh")],
    "ELU": [row(V), row(V, 0.5, True)], "SELU": [row(V), row(V, True)],
    "CELU": [row(V), row(V, 2.0), row(V, 0.5, True)],
    "LeakyReLU": [row(V), row(V, 0.2), row(V, 0.1, True)],
    "PReLU": [row(V), row((2, 4, 3), 4), row((2, 4, 3), num_parameters=4, init=0.1)],
    "RReLU": [row((4, 9), evaluate=True, only64=True), row((4, 9), 0.1, 0.4, only64=True),
              row(V, 0.2, 0.2, True)],
    "Threshold": [row(V, 0.1, 20), row(V, 0, -1.5, True)],
    "Hardshrink": [row(V), row(V, 0.25)], "Softshrink": [row(V), row(V, 0.25)],
    "GLU": [row((3, 6)), row((4, 3), 0)],
    "Softmax": [row(V, 1), row((2, 3, 4), dim=0), row(V)], "Softmin": [row(V, 1), row(V)],
    "LogSoftmax": [row(V, -1), row((2, 3, 4)), row((4,))],
    "Softmax2d": [row((2, 3, 4, 2)), row((3, 4, 2))],
    # --- dropout
    "Dropout": [row((5, 9), evaluate=True), row((40,), 0.2), row((40,), 0.7, True), row(V, 0), row(V, 1.0)],
    "Dropout1d": [row((3, 5, 4), evaluate=True), row((6, 4), 0.3), row((3, 5, 4), 0.3, True)],
    "Dropout2d": [row((3, 5, 4, 2), evaluate=True), row((3, 5, 4, 2), 0.3, True)],
    "Dropout3d": [row((3, 5, 2, 2, 2), evaluate=True), row((3, 5, 2, 2, 2), 0.3, True)],
    "AlphaDropout": [row((5, 9), evaluate=True), row((40,), 0.2)],
    "FeatureAlphaDropout": [row((3, 5, 4), evaluate=True), row((3, 5, 4), 0.2)],
    # --- losses
    "MSELoss": [row([V, V]), row([V, V], reduction="sum"), row([V, V], None, False)],
    "L1Loss": [row([V, V]), row([V, V], reduction="none"), row([V, V], size_average=False)],
    "SmoothL1Loss": [row([V, V]), row([V, V], reduction="sum", beta=0.5)],
    "HuberLoss": [row([V, V]), row([V, V], "none", 0.5)],
    "BCELoss": [row([unit(3, 5), unit(3, 5)]), row([unit(3, 5), unit(3, 5)], reduction="sum")],
    "BCEWithLogitsLoss": [row([V, unit(3, 5)]), row([V, unit(3, 5)], reduction="none")],
    "NLLLoss": [row([V, index(5, 3)]), row([V, index(5, 3)], ignore_index=2, reduction="sum"),
                row([(2, 4, 3), index(4, 2, 3)], reduction="none")],
    "CrossEntropyLoss": [row([V, index(5, 3)]), row([V, index(5, 3)], label_smoothing=0.1),
                         row([(2, 4, 3), index(4, 2, 3)], reduction="none", ignore_index=1),
                         row([V, unit(3, 5)], reduction="sum")],
    "KLDivLoss": [row([V, unit(3, 5)]), row([V, unit(3, 5)], reduction="batchmean"),
                  row([V, V], reduction="sum", log_target=True)],
    "PoissonNLLLoss": [row([V, Input("positive", V, grad=False)]),
                       row([unit(3, 5), Input("positive", V, grad=False)], False, True, eps=1e-4,
                           reduction="sum")],
    "GaussianNLLLoss": [row([V, V, Input("positive", V)]),
                        row([V, V, Input("positive", V)], full=True, eps=1e-3, reduction="sum")],
    "HingeEmbeddingLoss": [row([V, sign(3, 5)]), row([V, sign(3, 5)], 0.3, reduction="sum")],
    "MarginRankingLoss": [row([(6,), (6,), sign(6)]), row([V, V, sign(3, 5)], 0.2, reduction="none")],
    "CosineEmbeddingLoss": [row([V, V, sign(3)]), row([V, V, sign(3)], 0.3, reduction="sum")],
    "SoftMarginLoss": [row([V, sign(3, 5)]), row([V, sign(3, 5)], reduction="none")],
    "MultiMarginLoss": [row([V, index(5, 3)]), row([V, index(5, 3)], 2, 0.5, reduction="sum")],
    "MultiLabelMarginLoss": [row([(2, 4), fixed([3, 0, -1, 1], [1, -1, 0, 0])]),
                             row([(2, 4), fixed([3, 0, 2, 1], [-1, -1, 0, 0])], reduction="none")],
    "MultiLabelSoftMarginLoss": [row([V, unit(3, 5)]), row([V, unit(3, 5)], reduction="none")],
    "TripletMarginLoss": [row([V, V, V]), row([V, V, V], 0.5, 1.0, 1e-4, True, reduction="sum")],
    "CTCLoss": [row([Input("log_probs", (7, 2, 4)), Input("fixed", values=[[1, 2, 3], [2, 2, 1]]),
                     fixed(7, 6), fixed(3, 2)]),
                row([Input("log_probs", (7, 2, 4)), Input("fixed", values=[[0, 2, 0], [2, 2, 1]]),
                     fixed(7, 2), fixed(3, 3)], blank=3, reduction="sum", zero_infinity=True)],
    # --- distances
    "CosineSimilarity": [row([V, V]), row([(2, 3, 4), (2, 3, 4)], 2, 1e-4)],
    "PairwiseDistance": [row([V, V]), row([V, V], 1, 1e-3, True)],
    # --- normalisation
    "LayerNorm": [row((4, 5), 5), row((2, 3, 4), (3, 4), 1e-3), row((2, 3, 4), [4], elementwise_affine=False)],
    "GroupNorm": [row((2, 6, 5), 3, 6), row((2, 6, 3, 2), 2, 6, 1e-3, False)],
    "LocalResponseNorm": [row((2, 5, 4), 3), row((2, 5, 4, 3), 2, 1e-2, 0.5, 2)],
    # --- images
    "LPPool1d": [row(IMAGE[1], 2, 3), row(IMAGE[1], 1.5, 2, stride=1, ceil_mode=True)],
    "LPPool2d": [row(IMAGE[2], 2, 3), row(Input("positive", IMAGE[2]), 3, (2, 3), stride=(2, 1))],
    "Upsample": [row((2, 3, 4), 7), row((1, 2, 3, 4), scale_factor=2),
                 row((1, 2, 3, 4), (5, 7), mode="bilinear"),
                 row((1, 2, 3, 4), scale_factor=(2, 1.5), mode="bicubic", align_corners=True),
                 row((1, 2, 3, 4, 2), scale_factor=2, mode="trilinear", align_corners=False),
                 row((1, 2, 5), scale_factor=1.7, mode="linear", recompute_scale_factor=True)],
    "UpsamplingNearest2d": [row((1, 2, 3, 4), scale_factor=2), row((1, 2, 3, 4), (5, 7))],
    "UpsamplingBilinear2d": [row((1, 2, 3, 4), scale_factor=2), row((1, 2, 3, 4), (5, 7))],
    "PixelShuffle": [row((2, 8, 3, 2), 2), row((9, 2, 2), 3)],
    "PixelUnshuffle": [row((2, 2, 4, 6), 2), row((1, 3, 3), 3)],
    "ChannelShuffle": [row(target(2, 6, 3, 2), 3)],
    "Fold": [row((2, 12, 4), (3, 3), 2), row((2, 8, 16), (4, 4), (2, 2), dilation=2, padding=1),
             row((1, 4, 4), 4, 2, stride=2)],
    "Unfold": [row((2, 3, 5, 4), 2), row((2, 3, 5, 4), (2, 3), dilation=2, padding=(1, 2), stride=2)],
    "AdaptiveLogSoftmaxWithLoss": [
        row([(9, 6), fixed(0, 7, 2, 9, 3, 4, 1, 5, 8)], 6, 10, [2, 5]),
        row([(4, 6), fixed(1, 0, 1, 1)], 6, 10, [2, 5, 8], div_value=2.0, head_bias=True),
        row([(6,), Input("fixed", values=7)], 6, 10, [4])],
}

for n in (1, 2, 3):
    x, k = IMAGE[n], {1: (2,), 2: (3, 2), 3: (2, 3, 2)}[n]
    ROWS[f"Conv{n}d"] = [
        row(x, 4, 6, 3), row(x, 4, 6, k, stride=2, padding=1, groups=2, bias=False),
        row(x, 4, 4, 3, padding="same", dilation=2), row(x[1:], 4, 2, 2, padding="valid"),
        row(x, 4, 3, 3, 1, 1, padding_mode="reflect"),
        row(x, 4, 3, 2, padding="same", padding_mode="circular"),
        row(x, 4, 3, k, stride=2, padding=1, padding_mode="replicate"),
        *product(x, 4, 8, 3, stride=[1, 2], padding=[0, 1, 2], dilation=[1, 2], groups=[1, 4],
                 bias=[True, False])]
    ROWS[f"ConvTranspose{n}d"] = [
        row(x, 4, 6, 3), row(x, 4, 6, k, stride=2, padding=1, output_padding=1, groups=2, bias=False),
        row(x[1:], 4, 2, 3, 2, 1, 1, 1, True, 2),
        *product(x, 4, 8, 3, stride=[2, 3], padding=[0, 1], output_padding=[0, 1], dilation=[1, 2],
                 groups=[1, 2])]
    norm = x if n > 1 else (5, 4)
    ROWS[f"BatchNorm{n}d"] = [
        row(x, 4, evaluate=True), row(norm, 4, eps=1e-3, momentum=None, affine=False, evaluate=True),
        row(x, 4, momentum=0.3, track_running_stats=False, evaluate=True)]
    ROWS[f"InstanceNorm{n}d"] = [
        row(x, 4, evaluate=True), row(x[1:], 4, affine=True),
        row(x, 4, eps=1e-3, affine=True, track_running_stats=True, evaluate=True)]
    ROWS[f"MaxPool{n}d"] = [
        row(x, 2), row(x, 3, 2, 1, ceil_mode=True), row(x, 2, return_indices=True, dilation=2, stride=1),
        row(x[1:], k), *product(x, 3, stride=[None, 1, 2], padding=[0, 1], dilation=[1, 2],
                                ceil_mode=[False, True], return_indices=[False, True])]
    ROWS[f"AvgPool{n}d"] = [
        row(x, 2), row(x, 3, 2, 1, True, False), row(x[1:], k, stride=1),
        *([row(x, 2, divisor_override=3)] if n > 1 else []),
        *product(x, 3, stride=[None, 1, 2], padding=[0, 1], ceil_mode=[False, True],
                 count_include_pad=[False, True])]
    ROWS[f"AdaptiveMaxPool{n}d"] = [
        row(x, 3), row(x, 2, return_indices=True),
        *([row(x, (None, *[2] * (n - 1)))] if n > 1 else [])]
    ROWS[f"AdaptiveAvgPool{n}d"] = [
        row(x, 3), row(x[1:], 2), *([row(x, (None, *[2] * (n - 1)))] if n > 1 else [])]
    ROWS[f"MaxUnpool{n}d"] = [
        row([(2, 3) + (2,) * n, Input("distinct", (2, 3) + (2,) * n, 4 ** n)], 2),
        row([(2, 3) + (2,) * n, Input("distinct", (2, 3) + (2,) * n, 5 ** n)], 3, stride=2)]
    if n > 1:
        ROWS[f"FractionalMaxPool{n}d"] = [
            row(x, 2, output_size=3, only64=True), row(x, k, output_ratio=0.5, only64=True),
            row(x, 2, output_size=(3,) * n, return_indices=True, only64=True)]
    pads = (1, 2, 0, 1, 2, 1)[:2 * n]
    for name in ("ReflectionPad", "ReplicationPad", "ZeroPad", "CircularPad"):
        ROWS[f"{name}{n}d"] = [row(x, 2), row(x if name == "CircularPad" else x[1:], pads)]
    ROWS[f"ConstantPad{n}d"] = [row(x, 2, 3.5), row(x, pads, 0), row(x, (-1,) + pads[1:], -1.0)]

# Of later versions of PyTorch, or wrong in 1.13: no goldens, and checked by tests of their own.
LATER = ["CrossMapLRN2d", "RMSNorm", "ZeroPad1d", "ZeroPad3d", "CircularPad1d", "CircularPad2d", "CircularPad3d"]
for name in LATER:
    ROWS.pop(name, None)
# Their cases are in tests/golden/sequence_layers.py.
ELSEWHERE = ["Embedding", "EmbeddingBag", "RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell",
             "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer",
             "Transformer"]
for name in ELSEWHERE:
    ROWS.pop(name, None)
