"""torch.nn.functional: convolution, pooling, normalisation, resampling, padding."""
from .. import _ops


def _conv(op):
    def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        if isinstance(padding, str):
            return op(input, weight, bias, stride, 0, dilation, groups, padding)
        return op(input, weight, bias, stride, padding, dilation, groups)

    return conv


def _conv_transpose(op):
    def conv_transpose(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
                       dilation=1):
        return op(input, weight, bias, stride, padding, output_padding, groups, dilation)

    return conv_transpose


conv1d, conv2d, conv3d = _conv(_ops.conv1d), _conv(_ops.conv2d), _conv(_ops.conv3d)
conv_transpose1d = _conv_transpose(_ops.conv_transpose1d)
conv_transpose2d = _conv_transpose(_ops.conv_transpose2d)
conv_transpose3d = _conv_transpose(_ops.conv_transpose3d)


def _max_pool(nd):
    values = getattr(_ops, f"max_pool{nd}d")
    both = getattr(_ops, f"max_pool{nd}d_with_indices")

    def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
                 return_indices=False):
        op = both if return_indices else values
        return op(input, kernel_size, stride, padding, dilation, ceil_mode)

    return max_pool


max_pool1d, max_pool2d, max_pool3d = _max_pool(1), _max_pool(2), _max_pool(3)


def _avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False,
                count_include_pad=True):
    return _ops.avg_pool1d(input, kernel_size, stride, padding, ceil_mode, count_include_pad)


avg_pool1d = _avg_pool1d


def _output_size(input, output_size, nd):
    """None entries of an adaptive size keep the input's."""
    if isinstance(output_size, (tuple, list)):
        return tuple(-1 if s is None else s for s in output_size)
    return (-1 if output_size is None else output_size,) * nd


def _adaptive_max_pool(nd):
    both = getattr(_ops, f"adaptive_max_pool{nd}d_with_indices")

    def adaptive_max_pool(input, output_size, return_indices=False):
        values, indices = both(input, _output_size(input, output_size, nd))
        return (values, indices) if return_indices else values

    return adaptive_max_pool


def _adaptive_avg_pool(nd):
    op = getattr(_ops, f"adaptive_avg_pool{nd}d")

    def adaptive_avg_pool(input, output_size):
        return op(input, _output_size(input, output_size, nd))

    return adaptive_avg_pool


adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max_pool, (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_avg_pool, (1, 2, 3))


def _fractional_max_pool(nd):
    both = getattr(_ops, f"fractional_max_pool{nd}d_with_indices")

    def fractional_max_pool(input, kernel_size, output_size=None, output_ratio=None,
                            return_indices=False, _random_samples=None):
        if output_size is None:
            if output_ratio is None:
                raise ValueError(f"fractional_max_pool{nd}d requires specifying either an "
                                 "output_size or an output_ratio")
            ratio = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * nd
            output_size = tuple(int(s * r) for s, r in zip(input.shape[-nd:], ratio))
        values, indices = both(input, kernel_size, output_size, _random_samples)
        return (values, indices) if return_indices else values

    return fractional_max_pool


fractional_max_pool2d, fractional_max_pool3d = map(_fractional_max_pool, (2, 3))


def _each(value, nd):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * nd


def _max_unpool(nd):
    op = getattr(_ops, f"max_unpool{nd}d")

    def max_unpool(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        kernel = _each(kernel_size, nd)
        steps = kernel if stride is None else _each(stride, nd)
        sizes = tuple((n - 1) * s + k - 2 * p for n, s, k, p
                      in zip(input.shape[-nd:], steps, kernel, _each(padding, nd)))
        if output_size is None:
            return op(input, indices, sizes)
        output_size = tuple(output_size)[-nd:]
        for size, default, step in zip(output_size, sizes, steps):
            if not default - step < size < default + step:
                raise ValueError(f"invalid output_size {output_size}: must be within "
                                 f"{steps} of {sizes}")
        return op(input, indices, output_size)

    return max_unpool


max_unpool1d, max_unpool2d, max_unpool3d = map(_max_unpool, (1, 2, 3))


def _lp_pool(nd):
    op = getattr(_ops, f"lp_pool{nd}d")

    def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        return op(input, norm_type, kernel_size, stride, ceil_mode)

    return lp_pool


lp_pool1d, lp_pool2d = _lp_pool(1), _lp_pool(2)


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False,
               momentum=0.1, eps=1e-05):
    if training:
        values = input.shape[0]
        for size in input.shape[2:]:
            values *= size
        if values == 1:
            raise ValueError("Expected more than 1 value per channel when training, got input size "
                             f"{tuple(input.shape)}")
    return _ops.batch_norm(input, running_mean, running_var, weight, bias, training,
                           0.0 if momentum is None else momentum, eps)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None,
                  use_input_stats=True, momentum=0.1, eps=1e-05):
    return _ops.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats,
                              momentum, eps)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    return _ops.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    return _ops.group_norm(input, num_groups, weight, bias, eps)


def local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0):
    return _ops.local_response_norm(input, size, alpha, beta, k)


# --- resampling, padding, patches --------------------------------------------------------------
_LINEAR = ("linear", "bilinear", "bicubic", "trilinear")


def interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None,
                recompute_scale_factor=None, antialias=False):
    if align_corners is not None and mode not in _LINEAR:
        raise ValueError("align_corners option can only be set with the interpolating modes: "
                         "linear | bilinear | bicubic | trilinear")
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    return _ops.interpolate(input, size, scale_factor, mode, bool(align_corners),
                            bool(recompute_scale_factor), antialias)


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None):
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    return _ops.grid_sample(input, grid, mode, padding_mode, bool(align_corners))


def affine_grid(theta, size, align_corners=None):
    return _ops.affine_grid(theta, size, bool(align_corners))


def pad(input, pad, mode="constant", value=None):
    if mode != "constant" and value is not None and value != 0:
        raise ValueError(f"Padding mode '{mode}' doesn't take in value argument")
    return _ops.pad(input, pad, mode, 0 if value is None else value)


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    return _ops.im2col(input, kernel_size, dilation, padding, stride)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    return _ops.col2im(input, output_size, kernel_size, dilation, padding, stride)


def pixel_shuffle(input, upscale_factor):
    return _ops.pixel_shuffle(input, upscale_factor)


def pixel_unshuffle(input, downscale_factor):
    return _ops.pixel_unshuffle(input, downscale_factor)


def channel_shuffle(input, groups):
    return _ops.channel_shuffle(input, groups)
