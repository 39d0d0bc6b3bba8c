"""torch.nn.functional: losses, distances, embeddings, attention, dropouts.

size_average and reduce are torch's old words for reduction; where given they overrule it.
"""
from .. import _ops


def _reduction(size_average, reduce, reduction):
    if size_average is None and reduce is None:
        return reduction
    if reduce is not None and not reduce:
        return "none"
    return "mean" if size_average is None or size_average else "sum"


# --- losses ------------------------------------------------------------------------------------
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _ops.mse_loss(input, target, _reduction(size_average, reduce, reduction))


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _ops.l1_loss(input, target, _reduction(size_average, reduce, reduction))


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    return _ops.smooth_l1_loss(input, target, _reduction(size_average, reduce, reduction), beta)


def huber_loss(input, target, reduction="mean", delta=1.0):
    return _ops.huber_loss(input, target, reduction, delta)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
             reduction="mean"):
    return _ops.nll_loss(input, target, weight, _reduction(size_average, reduce, reduction),
                         ignore_index)


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
                  reduction="mean", label_smoothing=0.0):
    return _ops.cross_entropy(input, target, weight, _reduction(size_average, reduce, reduction),
                              ignore_index, label_smoothing)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None,
                         reduction="mean"):
    return _ops.binary_cross_entropy(input, target, weight,
                                     _reduction(size_average, reduce, reduction))


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None,
                                     reduction="mean", pos_weight=None):
    return _ops.binary_cross_entropy_with_logits(
        input, target, weight, _reduction(size_average, reduce, reduction), pos_weight)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    reduction = _reduction(size_average, reduce, reduction)
    if reduction == "batchmean":
        total = _ops.kl_div(input, target, "sum", log_target)
        return total / input.shape[0] if input.ndim else total
    return _ops.kl_div(input, target, reduction, log_target)


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None,
                        reduction="mean"):
    return _ops.margin_ranking_loss(input1, input2, target, margin,
                                    _reduction(size_average, reduce, reduction))


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None,
                         reduction="mean"):
    return _ops.hinge_embedding_loss(input, target, margin,
                                     _reduction(size_average, reduce, reduction))


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None,
                          reduction="mean"):
    return _ops.cosine_embedding_loss(input1, input2, target, margin,
                                      _reduction(size_average, reduce, reduction))


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _ops.soft_margin_loss(input, target, _reduction(size_average, reduce, reduction))


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None,
                      reduction="mean"):
    return _ops.multi_margin_loss(input, target, p, margin, weight,
                                  _reduction(size_average, reduce, reduction))


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    return _ops.multilabel_margin_loss(input, target, _reduction(size_average, reduce, reduction))


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None,
                                reduction="mean"):
    return _ops.multilabel_soft_margin_loss(input, target, weight,
                                            _reduction(size_average, reduce, reduction))


def poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-8,
                     reduce=None, reduction="mean"):
    return _ops.poisson_nll_loss(input, target, log_input, full, eps,
                                 _reduction(size_average, reduce, reduction))


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    return _ops.gaussian_nll_loss(input, target, var, full, eps, reduction)


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False,
                        size_average=None, reduce=None, reduction="mean"):
    return _ops.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap,
                                    _reduction(size_average, reduce, reduction))


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None,
                                      margin=1.0, swap=False, reduction="mean"):
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = _ops.minimum(far, distance(positive, negative))
    losses = _ops.clamp_min(near - far + margin, 0)
    if reduction == "mean":
        return _ops.mean(losses)
    return _ops.sum(losses) if reduction == "sum" else losses


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean",
             zero_infinity=False):
    return _ops.ctc_loss(log_probs, targets, _lengths(input_lengths), _lengths(target_lengths),
                         blank, reduction, zero_infinity)


def _lengths(lengths):
    if isinstance(lengths, (tuple, list)):
        from .. import int64, tensor
        return tensor([int(n) for n in lengths], dtype=int64)
    return lengths


# --- distances ---------------------------------------------------------------------------------
def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    return _ops.cosine_similarity(x1, x2, dim, eps)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    return _ops.pairwise_distance(x1, x2, p, eps, keepdim)


def pdist(input, p=2):
    return _ops.pdist(input, p)


# --- embeddings, linear forms ------------------------------------------------------------------
def _renorm(weight, input, max_norm, norm_type):
    from ..autograd import no_grad
    with no_grad():
        _ops.embedding_renorm_(weight, input, max_norm, norm_type)


def _swapped(input, weight):
    """torch once had the two the other way round, and still takes them so."""
    if input.dtype.is_floating_point and not weight.dtype.is_floating_point:
        return weight, input
    return input, weight


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0,
              scale_grad_by_freq=False, sparse=False):
    input, weight = _swapped(input, weight)
    if max_norm is not None:
        _renorm(weight, input, max_norm, norm_type)
    return _ops.embedding(weight, input, padding_idx, scale_grad_by_freq)


def embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2,
                  scale_grad_by_freq=False, mode="mean", sparse=False, per_sample_weights=None,
                  include_last_offset=False, padding_idx=None):
    input, weight = _swapped(input, weight)
    if input.ndim == 2 and offsets is not None:
        raise ValueError("if input is 2D, then offsets has to be None, as input is treated as a "
                         "mini-batch of fixed length sequences")
    if max_norm is not None:
        _renorm(weight, input, max_norm, norm_type)
    return _ops.embedding_bag(weight, input, offsets, per_sample_weights, mode,
                              include_last_offset, padding_idx, scale_grad_by_freq)


def one_hot(tensor, num_classes=-1):
    return _ops.one_hot(tensor, num_classes)


def bilinear(input1, input2, weight, bias=None):
    return _ops.bilinear(input1, input2, weight, bias)


def _scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0,
                                  need_attn_weights=False, is_causal=False):
    return _ops.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal)


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0,
                                 is_causal=False):
    return _ops.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal)[0]


# --- dropouts ----------------------------------------------------------------------------------
def _dropout(op, input, p, training, inplace):
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    result = op(input, p, training)
    return input.copy_(result) if inplace else result


def dropout(input, p=0.5, training=True, inplace=False):
    return _dropout(_ops.dropout, input, p, training, inplace)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    return _dropout(_ops.alpha_dropout, input, p, training, inplace)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    return _dropout(_ops.feature_alpha_dropout, input, p, training, inplace)


def _channel_dropout(nd):
    """Of (batch, channels, nd spatial dims), or without the batch."""

    def dropout(input, p=0.5, training=True, inplace=False):
        single = input.ndim == nd + 1 and nd != 2
        x = _ops.unsqueeze(input, 0) if single else input
        result = _dropout(_ops.feature_dropout, x, p, training, False)
        result = _ops.squeeze_dim(result, 0) if single else result
        return input.copy_(result) if inplace else result

    return dropout


dropout1d, dropout2d, dropout3d = map(_channel_dropout, (1, 2, 3))
