# Rows of convolution, pooling, normalisation, resampling and padding.
import numpy as np

from cases.table import Row, S


def _conv(nd, transposed=False):
    name = f"conv_transpose{nd}d" if transposed else f"conv{nd}d"
    size = {1: (7,), 2: (4, 5), 3: (3, 2, 4)}[nd]
    kernel = {1: (3,), 2: (3, 2), 3: (2, 1, 2)}[nd]

    def reference(torch, input, weight, bias=None, **options):
        if options.get("auto_padding"):
            options["padding"] = options["auto_padding"]
        options.pop("auto_padding", None)
        return getattr(torch.nn.functional, name)(input, weight, bias, **options)

    def samples(m):
        w = (4, 3) if transposed else (3, 4)
        out = [S(m(2, 4, *size), m(*w, *kernel), m(3)), S(m(2, 4, *size), m(*w, *kernel), stride=(2,), padding=(1,)),
               S(m(4, *size), m(*w, *kernel), m(3), dilation=(2,) if not transposed else (1,)),
               S(m(1, 4, *size), m(4, 2 if not transposed else 1, *kernel), m(4 if not transposed else 2), groups=2)
               if not transposed else S(m(1, 4, *size), m(4, 2, *kernel), m(4), groups=2),
               S(m(3, 2, *size), m(2, 1, *kernel), None, groups=2, padding=(1,))]
        if transposed:
            out += [S(m(1, 4, *size), m(*w, *kernel), stride=(3,), output_padding=(1,)),
                    S(m(1, 4, *size), m(*w, *kernel), dilation=(2,), padding=(1,))]
        else:
            out += [S(m(2, 4, *size), m(*w, *kernel), auto_padding="same", dilation=(2,)),
                    S(m(2, 4, *size), m(*w, *kernel), auto_padding="valid")]
        return out

    def errors(m):
        return [(S(m(2, 3, *size), m(5, 4, *kernel)), "channels"), (S(m(2), m(5, 4, *kernel)), "dims"),
                (S(m(2, 4, *size), m(4, 4, *kernel), m(7)), "bias"),
                (S(m(2, 4, *size), m(4, 4, *kernel), stride=(0,)), "stride"),
                (S(m(2, 4, *size), m(4, 4, *kernel), groups=3), "groups")]

    def bench(m):
        if nd != 2:
            return [S(m(1, 4, *size), m(4, 4, *kernel))]
        return [S(m(32, 1, 28, 28), m(6, 1, 5, 5), padding=(2,)), S(m(8, 64, 56, 56), m(64, 64, 3, 3), padding=(1,))]

    return Row(name, samples, (-2, 2), tol=256, half_tol=16, torch=reference, errors=errors, bench=bench)


SIZES = {1: (9,), 2: (7, 6), 3: (5, 4, 6)}


def _with(name, **defaults):
    """torch.nn.functional's `name`, with defaults."""
    return lambda torch, *args, **kwargs: getattr(torch.nn.functional, name)(*args, **{**defaults, **kwargs})


def _pools(nd):
    size, d = SIZES[nd], f"{nd}d"

    def maxima(m):
        x = m.distinct
        return [S(x(1, 2, *size), (2,)), S(x(2, *size), (3,), stride=(2,), padding=(1,)),
                S(x(1, 1, *size), (2,), stride=(2,), ceil_mode=True), S(x(1, 1, *size), (2,), dilation=(2,), stride=(1,))]

    def means(m):
        more = dict(divisor_override=3) if nd > 1 else dict(stride=(1,))
        return [S(m(2, 2, *size), (2,)), S(m(2, *size), (3,), stride=(2,), padding=(1,)),
                S(m(1, 1, *size), (3,), padding=(1,), stride=(2,), count_include_pad=False, ceil_mode=True),
                S(m(1, 1, *size), (2,), **more)]

    def adaptive(values):
        return lambda m: [S(values(m)(1, 2, *size), (3,) * nd), S(values(m)(2, *size), (2,) * nd),
                          S(values(m)(1, 1, *size), (-1,) + (5,) * (nd - 1))]

    def unpool(m):
        places = [int(np.prod(size)) - 1 - 2 * i for i in range(4)]
        shape = {1: (4,), 2: (2, 2), 3: (1, 2, 2)}[nd]
        index = np.array([places, places[::-1]], np.int64).reshape(1, 2, *shape)
        return [S(m(1, 2, *shape), index, size), S(m(2, *shape), index[0], size)]

    def unpooled(torch, input, indices, output_size):
        op = getattr(torch.nn.functional, "max_unpool" + d)
        kernel = [n - i + 1 for n, i in zip(output_size, input.shape[-nd:])]
        return op(input, indices, kernel, 1, 0, output_size)

    def fixed(torch, name):
        op = getattr(torch.nn.functional, name)
        return lambda x, s, **k: op(x, [None if v == -1 else v for v in s], **k)

    bad = {"errors": lambda m: [(S(m(2, 3, *size), (50,)), "empty"), (S(m(2), (2,)), "dims"),
                                (S(m(2, 3, *size), (0,)), "kernel_size")]}
    shape = (8, 16, 32, 32) if nd == 2 else (2, 4, *size)
    bench = lambda m: [S(m(*shape), (2,))]  # noqa: E731
    rows = [
        Row(f"max_pool{d}", maxima, torch=_with("max_pool" + d), bench=bench, **bad),
        Row(f"max_pool{d}_with_indices", maxima, torch=_with("max_pool" + d, return_indices=True), bench=bench, **bad),
        Row(f"avg_pool{d}", means, torch=_with("avg_pool" + d), bench=bench, **bad),
        Row(f"adaptive_max_pool{d}_with_indices", adaptive(lambda m: m.distinct),
            torch=lambda torch, x, s: fixed(torch, "adaptive_max_pool" + d)(x, s, return_indices=True)),
        Row(f"adaptive_avg_pool{d}", adaptive(lambda m: m),
            torch=lambda torch, x, s: fixed(torch, "adaptive_avg_pool" + d)(x, s)),
        Row(f"max_unpool{d}", unpool, torch=unpooled, errors=lambda m: [
            (S(m(1, 2, *size), np.full((1, 2, *size), 10 ** 6), size), "out of range")]),
    ]

    def powers(m):
        return [S(m(1, 2, *size), 2.0, (2,)), S(m(2, *size), 3.0, (2,), stride=(1,)), S(m(2, *size), 2.0, (3,), ceil_mode=True)]

    def lp(torch, x, *args, **kwargs):
        if nd == 3:  # torch has none: by its formula
            kernel, stride, ceil = args[1][0], kwargs.get("stride", (None,))[0], kwargs.get("ceil_mode", False)
            mean = torch.nn.functional.avg_pool3d(x.pow(args[0]), kernel, stride, ceil_mode=ceil)
            return (mean * kernel ** 3).pow(1 / args[0])
        if "stride" in kwargs:
            kwargs["stride"] = kwargs["stride"][0] if nd == 1 else kwargs["stride"] * 2
        kernel = args[1][0] if nd == 1 else args[1] * 2
        return getattr(torch.nn.functional, "lp_pool" + d)(x, args[0], kernel, **kwargs)

    rows.append(Row(f"lp_pool{d}", powers, (0.5, 2), tol=64, torch=lp))
    if nd > 1:
        def fractional(m):
            samples = np.asarray(m.index(128, 1, 2, nd) / 128, m.numpy_dtype)
            return [S(m.distinct(1, 2, *size), (2,), (2,) * nd, random_samples=samples)]

        def reference(torch, x, kernel, out, random_samples=None):
            op = getattr(torch.nn.functional, "fractional_max_pool" + d)
            return op(x, kernel[0], list(out), None, True, random_samples)

        rows.append(Row(f"fractional_max_pool{d}_with_indices", fractional, torch=reference))
    return rows


# --- normalisation -----------------------------------------------------------------------------
def _positive(m, *shape):
    return m(*shape, domain=(0.5, 2))


def batch_norm(m):
    def of(*shape, training=True, affine=True):
        c = shape[1]
        weights = (m(c), m(c)) if affine else (None, None)
        running = (None, None) if training else (m(c), _positive(m, c))  # training moves them
        return S(m(*shape), *running, *weights, training, 0.1, 1e-3)

    return [of(4, 3), of(2, 3, 4), of(2, 3, 4, 5), of(2, 3, 4, 5, training=False), of(5, 3, training=False, affine=False),
            of(3, 2, 17, affine=False)]


def native_batch_norm(m):
    # Mean and deviation are results without a gradient: no finite differences.
    return [S(m(4, 3), m(3), m(3), None, None, True, 0.1, 1e-3).kink(),
            S(m(2, 3, 4, 5), None, None, None, None, True, 0.1, 1e-3).kink(),
            S(m(2, 3, 4), m(3), m(3), m(3), _positive(m, 3), False, 0.1, 1e-3)]


def layer_norm(m):
    return [S(m(4, 5), (5,), m(5), m(5)), S(m(2, 3, 4), (3, 4), m(3, 4), None), S(m(2, 3, 4), (4,), None, None),
            S(m(3, 33), (33,), m(33), m(33), eps=1e-3), S(m(7), (7,), m(7), m(7))]


def group_norm(m):
    return [S(m(2, 6, 4), 3, m(6), m(6)), S(m(2, 4, 3, 3), 2, None, None), S(m(2, 4), 2, m(4), m(4)),
            S(m(2, 6, 5), 1, m(6), m(6), eps=1e-3)]


def instance_norm(m):
    return [S(m(2, 3, 5), None, None, m(3), m(3)), S(m(2, 3, 4, 4), None, None, None, None),
            S(m(2, 3, 5), m(3), _positive(m, 3), m(3), m(3), use_input_stats=False)]


NORMS = dict(tol=512, half_tol=32)
NORM_ROWS = [
    Row("batch_norm", batch_norm, nograd=(1, 2), **NORMS, errors=lambda m: [
        (S(m(2, 3), m(3), m(3), m(2), m(3), True, 0.1, 1e-5), "weight"), (S(m(3), m(3), m(3), None, None, True, 0.1, 1e-5), "dims"),
        (S(m(1, 3), m(3), m(3), None, None, True, 0.1, 1e-5), "values")],
        bench=lambda m: [S(m(16, 64, 56, 56), m(64), _positive(m, 64), m(64), m(64), True, 0.1, 1e-5)]),
    Row("native_batch_norm", native_batch_norm, nograd=(3, 4), layouts=False,
        torch=lambda torch, *a: torch.native_batch_norm(*a)[0:3], **NORMS),
    Row("layer_norm", layer_norm, **NORMS, errors=lambda m: [(S(m(2, 3), (4,), None, None), "normalized_shape"),
                                                             (S(m(2, 3), (3,), m(4), None), "weight")],
        bench=lambda m: [S(m(512, 768), (768,), m(768), m(768))]),
    Row("native_layer_norm", lambda m: [S(m(4, 5), (5,), m(5), m(5), 1e-3).kink(), S(m(2, 3, 4), (3, 4), None, None, 1e-3).kink()],
        **NORMS),
    Row("group_norm", group_norm, **NORMS, errors=lambda m: [(S(m(2, 6, 4), 4, None, None), "num_groups")]),
    Row("instance_norm", instance_norm, nograd=(1, 2), **NORMS, errors=lambda m: [(S(m(2, 3, 1), None, None, None, None), "spatial")]),
    Row("local_response_norm", lambda m: [S(m(2, 5, 4), 3), S(m(2, 6, 3, 3), 4, alpha=0.5, beta=0.5, k=2.0), S(m(1, 3, 4), 7)],
        tol=128, half_tol=16, errors=lambda m: [(S(m(2, 3), 3), "dims")]),
]


# --- resampling, padding, patches --------------------------------------------------------------
def interpolate(m):
    lines = {"linear": (5,), "bilinear": (4, 5), "bicubic": (5, 4), "trilinear": (2, 3, 4)}
    out = [S(m(1, 2, 5), (8,)), S(m(1, 2, 4, 5), (2, 9)), S(m(1, 1, 2, 3, 4), (3,)), S(m(1, 2, 5), (), scale_factors=(1.7,)),
           S(m(1, 2, 4, 5), (7, 3), mode="nearest-exact"), S(m(1, 2, 4, 5), (2, 3), mode="area")]
    for mode, size in lines.items():
        for options in ({}, {"align_corners": True}):
            out += [S(m(1, 2, *size), tuple(2 * n - 1 for n in size), mode=mode, **options),
                    S(m(1, 1, *size), (2,) * len(size), mode=mode, **options)]
        out.append(S(m(1, 1, *size), (), scale_factors=(1.6,), mode=mode))
        out.append(S(m(1, 1, *size), (), scale_factors=(1.6,), mode=mode, recompute_scale_factor=True))
    return out + [S(m(1, 1, 9, 7), (4, 3), mode=mode, antialias=True) for mode in ("bilinear", "bicubic")]


def interpolated(torch, input, size, scale_factors=None, **options):
    if options.get("mode", "nearest") in ("nearest", "nearest-exact", "area"):
        options.pop("align_corners", None)
    scale = None if scale_factors is None else scale_factors[0]
    size = (tuple(size) * (input.dim() - 2))[:max(len(size), input.dim() - 2)] if len(size) == 1 else tuple(size)
    return torch.nn.functional.interpolate(input, size or None, scale, **options)


def grid_sample(m):
    out = []
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for align in (False, True):
                grid = m(1, 3, 2, 2, domain=(-1.4, 1.4))
                out.append(S(m(1, 2, 4, 5), grid, mode=mode, padding_mode=padding, align_corners=align))
                if mode != "bilinear":
                    out[-1].kink()
    return out + [S(m(1, 2, 3, 4, 3), m(1, 2, 2, 1, 3, domain=(-1.2, 1.2)))]


def pad(m):
    edge = dict(reflect=(2, 1), replicate=(3, 2), circular=(2, 3))
    out = [S(m(3, 4), (1, 2)), S(m(3, 4), (1, 2, 0, 3), value=1.5), S(m(3, 4), (-1, 2)), S(m(2, 3, 4), (1, -1, -1, 1, 2, 0)),
           S(m(3), ())]
    for mode, p in edge.items():
        out += [S(m(1, 2, 5), p, mode=mode), S(m(2, 5, 4), p + p[::-1], mode=mode),
                S(m(1, 1, 3, 4, 5), p[::-1] + p + (1, 1), mode=mode)]
    return out


def shuffled(torch, x, groups):
    """Torch's own has no gradient."""
    return x.reshape(x.shape[0], groups, -1, *x.shape[2:]).transpose(1, 2).reshape(x.shape)


def _both(values):
    return values * 2 if len(values) == 1 else values


FOLD = dict(kernel_size=(2, 3), dilation=(1, 1), padding=(1, 1), stride=(2, 1))
RESAMPLE_ROWS = [
    Row("interpolate", interpolate, tol=128, half_tol=8, torch=interpolated,
        errors=lambda m: [(S(m(1, 2, 4), (3,), mode="bicubic"), "mode"), (S(m(1, 2, 4), ()), "size"),
                          (S(m(2, 4), (3,)), "dims")],
        bench=lambda m: [S(m(4, 16, 32, 32), (64, 64), mode="bilinear")]),
    Row("grid_sample", grid_sample, tol=256, half_tol=64,
        errors=lambda m: [(S(m(1, 2, 4, 5), m(2, 3, 2, 2)), "grid"), (S(m(1, 2, 4, 5), m(1, 3, 2, 2), mode="cubic"), "mode")]),
    Row("affine_grid", lambda m: [S(m(2, 2, 3), (2, 1, 3, 4)), S(m(2, 2, 3), (2, 1, 3, 4), align_corners=True),
                                  S(m(1, 3, 4), (1, 2, 3, 2, 2)), S(m(1, 2, 3), (1, 1, 1, 4))], tol=64, half_tol=8,
        errors=lambda m: [(S(m(2, 2, 2), (2, 1, 3, 4)), "theta")]),
    Row("pad", pad, tol=0, half_tol=0, errors=lambda m: [(S(m(2, 3), (1,)), "pad"), (S(m(2, 3), (-2, -2)), "negative"),
                                                         (S(m(1, 2, 3), (3, 0), mode="reflect"), "less than"),
                                                         (S(m(2, 3), (1, 1), mode="odd"), "mode")]),
    Row("im2col", lambda m: [S(m(2, 2, 4, 5), (2,)), S(m(2, 4, 5), **FOLD), S(m(1, 1, 6, 6), (2,), dilation=(2,), stride=(3,))],
        torch=lambda torch, x, kernel_size, **o: torch.nn.functional.unfold(x, _both(kernel_size), **{k: _both(v) for k, v in o.items()}),
        errors=lambda m: [(S(m(2, 2, 3, 3), (5,)), "fit")]),
    Row("col2im", lambda m: [S(m(2, 8, 12), (4, 5), (2,)), S(m(12, 18), (4, 6), **FOLD)],
        torch=lambda torch, x, size, kernel_size, **o: torch.nn.functional.fold(x, size, _both(kernel_size), **o),
        errors=lambda m: [(S(m(2, 7, 12), (4, 5), (2,)), "input")]),
    Row("pixel_shuffle", lambda m: [S(m(2, 8, 2, 3), 2), S(m(9, 2, 1), 3), S(m(4, 3, 2), 1)], tol=0,
        errors=lambda m: [(S(m(2, 3, 2, 3), 2), "channels"), (S(m(2, 4), 2), "dims")]),
    Row("pixel_unshuffle", lambda m: [S(m(2, 2, 4, 6), 2), S(m(1, 3, 6), 3)], tol=0,
        errors=lambda m: [(S(m(2, 3, 3, 3), 2), "multiples")]),
    Row("channel_shuffle", lambda m: [S(m(2, 6, 2, 3), 3), S(m(1, 4, 2, 2), 2)], tol=0, torch=shuffled,
        errors=lambda m: [(S(m(2, 3, 3, 3), 2), "multiple")]),
]

ROWS = [_conv(nd, t) for t in (False, True) for nd in (1, 2, 3)] + [row for nd in (1, 2, 3) for row in _pools(nd)]
ROWS += NORM_ROWS + RESAMPLE_ROWS
