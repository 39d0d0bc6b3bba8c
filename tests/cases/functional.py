# Rows of embeddings, attention, and the losses and distances that are composed of other ops.
import numpy as np

from cases.table import Row, S, loss

REDUCTIONS = ("mean", "sum", "none")
F = lambda name: lambda torch, *a, **k: getattr(torch.nn.functional, name)(*a, **k)  # noqa: E731


def signs(m, *shape):
    return np.asarray(np.where(m.mask(*shape), 1, -1), m.numpy_dtype if m.floating else np.int64)


def ranked(m):
    return [S(m(5), m(5), signs(m, 5), margin=0.5, reduction=r) for r in REDUCTIONS] + [S(m(2, 3), m(2, 3), signs(m, 2, 3))]


def hinged(m):
    return [S(m(3, 4), signs(m, 3, 4), reduction=r) for r in REDUCTIONS] + [S(m(3, 4), signs(m, 3, 4), margin=0.3)]


def cosines(m):
    return [S(m(3, 4), m(3, 4), signs(m, 3), margin=0.25, reduction=r) for r in REDUCTIONS] + [S(m(4), m(4), signs(m))]


def soft(m):
    return [S(m(3, 4), signs(m, 3, 4), reduction=r) for r in REDUCTIONS]


def multi(m):
    out = [S(m(4, 5), m.index(5, 4), reduction=r) for r in REDUCTIONS]
    return out + [S(m(4, 5), m.index(5, 4), p=2, margin=0.5, weight=m(5, domain=(0.5, 2))), S(m(5), m.index(5))]


def labels(m):
    target = np.array([[3, 0, -1, 1], [0, 1, 2, 3], [-1, 0, 0, 0]], np.int64)
    return [S(m(3, 4), target, reduction=r) for r in REDUCTIONS] + [S(m(4), target[0])]


def soft_labels(m):
    return [S(m(3, 4), m.floats(3, 4, domain=(0, 1)), reduction=r) for r in REDUCTIONS] + [
        S(m(3, 4), m.floats(3, 4, domain=(0, 1)), weight=m(4, domain=(0.5, 2)))]


def poisson(m):
    out = [S(m(3, 4), m(3, 4, domain=(0.25, 4)), reduction=r, full=True) for r in REDUCTIONS]
    return out + [S(m(3, 4, domain=(0.5, 3)), m(3, 4, domain=(0.25, 4)), log_input=False, eps=1e-4)]


def gaussian(m):
    out = [S(m(3, 4), m(3, 4), m(3, 4, domain=(0.5, 2)), reduction=r, full=True) for r in REDUCTIONS]
    return out + [S(m(3, 4), m(3, 4), m(3, domain=(0.5, 2))), S(m(3, 4), m(3, 4), m(3, 1, domain=(0.5, 2)))]


def triplets(m):
    out = [S(m(3, 4), m(3, 4), m(3, 4), reduction=r) for r in REDUCTIONS]
    return out + [S(m(3, 4), m(3, 4), m(3, 4), margin=2.0, p=3.0, swap=True), S(m(4), m(4), m(4))]


def ctc(m):
    x = m(6, 2, 5, domain=(-4, -0.5))
    targets = np.array([[1, 2, 2], [3, 1, 4]], np.int64)
    lengths = np.array([6, 5], np.int64), np.array([3, 2], np.int64)
    out = [S(x, targets, *lengths, reduction=r) for r in REDUCTIONS]
    out += [S(x, np.array([1, 2, 2, 3, 1], np.int64), *lengths), S(x, targets, *lengths, blank=4 if False else 0)]
    out.append(S(x, targets, np.array([2, 5]), lengths[1], zero_infinity=True, reduction="sum"))
    for s in out:
        s.kink()  # PyTorch's gradient takes a softmax in front for granted: no finite differences
    return out


def ctc_torch(torch, *args, **kwargs):
    return torch.nn.functional.ctc_loss(*args, **kwargs)


def bags(m):
    def of(mode, **more):
        last = 7 if "include_last_offset" in more else 5
        return S(m(5, 3), m.index(5, 7), np.array([0, 2, 2, last], np.int64), mode=mode, **more)

    out = [of(mode) for mode in ("sum", "mean", "max")] + [of(mode, padding_idx=2).kink() for mode in ("sum", "mean", "max")]
    out += [S(m(5, 3), m.index(5, 2, 4), None, mode="sum"), of("mean", include_last_offset=True),
            of("sum", per_sample_weights=m(7))]
    return out


def bag(torch, weight, indices, offsets=None, **options):
    return torch.nn.functional.embedding_bag(indices, weight, offsets, **options)


def attention(m):
    q, k, v = m(2, 3, 4), m(2, 5, 4), m(2, 5, 6)
    return [S(q, k, v), S(q, k, v, is_causal=True), S(q, k, v, m.mask(3, 5) | np.eye(3, 5, dtype=bool)),
            S(q, k, v, m(3, 5)), S(m(3, 4), m(5, 4), m(5, 4))]


def attended(torch, q, k, v, mask=None, is_causal=False):
    return torch.nn.functional._scaled_dot_product_attention(q, k, v, mask, 0.0, True, is_causal)


def renormed(torch, weight, indices, max_norm, norm_type=2.0):
    return torch.embedding_renorm_(weight, indices, max_norm, norm_type)


ROWS = [
    Row("margin_ranking_loss", ranked, tol=64, errors=lambda m: [(S(m(2, 3), m(3), m(3)), "dims")]),
    Row("hinge_embedding_loss", hinged, tol=64),
    Row("cosine_embedding_loss", cosines, tol=128, half_tol=16, errors=lambda m: [(S(m(2, 3), m(2, 3), m(2, 3)), "target")]),
    Row("soft_margin_loss", soft, tol=64, nograd=(1,), mixed=False),  # PyTorch gives the input's dtype
    Row("multi_margin_loss", multi, tol=64, errors=lambda m: [(S(m(2, 3), np.array([0, 3])), "range"),
                                                             (S(m(2, 3), m.index(3, 3)), "target")]),
    Row("multilabel_margin_loss", labels, tol=64, errors=lambda m: [(S(m(2, 3), m.index(3, 2)), "shape")]),
    Row("multilabel_soft_margin_loss", soft_labels, tol=64),
    Row("poisson_nll_loss", poisson, tol=128, half_tol=8),
    Row("gaussian_nll_loss", gaussian, tol=128, half_tol=16, errors=lambda m: [(S(m(2, 3), m(2, 3), m(2)-99), "negative")]),
    Row("triplet_margin_loss", triplets, tol=128, half_tol=16),
    Row("ctc_loss", ctc, tol=512, half_tol=16, twice=False, torch=ctc_torch, layouts=False,
        errors=lambda m: [(S(m(4, 2, 3), np.array([[5], [1]]), np.array([4, 4]), np.array([1, 1])), "range"),
                          (S(m(4, 2, 3), np.array([[1], [1]]), np.array([9, 4]), np.array([1, 1])), "length")]),
    Row("cosine_similarity", lambda m: [S(m(3, 4), m(3, 4)), S(m(3, 4), m(4), dim=-1), S(m(2, 3, 4), m(2, 3, 4), dim=0, eps=0.1)],
        tol=128, half_tol=16),
    Row("pairwise_distance", lambda m: [S(m(3, 4), m(3, 4)), S(m(3, 4), m(4), p=1.0, keepdim=True), S(m(4), m(4), p=3.0)],
        tol=128, half_tol=16),
    Row("pdist", lambda m: [S(m(4, 3)), S(m(3, 5), p=1.0), S(m(3, 5), p=3.0), S(m(1, 3))], tol=128, half_tol=16,
        errors=lambda m: [(S(m(3)), "input")]),
    Row("embedding", lambda m: [S(m(5, 3), m.index(5, 4)), S(m(5, 3), m.index(5, 2, 6), padding_idx=1).kink(),
                                S(m(5, 3), m.index(5, 6), scale_grad_by_freq=True).kink(), S(m(5, 3), m.index(5)), S(m(5, 3), m.index(5, 0))],
        torch=lambda torch, w, i, **o: torch.nn.functional.embedding(i, w, **o),
        errors=lambda m: [(S(m(5, 3), np.array([5])), "range"), (S(m(5, 3), m(2)), "dtype")]),
    Row("embedding_renorm", lambda m: [S(m(5, 3), np.array([0, 2, 2]), 1.5), S(m(5, 3), m.index(5, 4), 2.0, 1.0)], tol=64,
        torch=renormed, twice=False, layouts=False),
    Row("embedding_bag", bags, tol=64, half_tol=16, torch=bag, meta=False,
        errors=lambda m: [(S(m(5, 3), m.index(5, 4), np.array([0, 9])), "offsets"), (S(m(5, 3), m.index(5, 4), None), "dims")]),
    Row("one_hot", lambda m: [S(m.index(4, 3), 5), S(m.index(4, 2, 3)), S(m.index(3), 4)], meta=False,
        errors=lambda m: [(S(np.array([4]), 3), "range"), (S(m(3), 4), "int64")]),
    Row("bilinear", lambda m: [S(m(3, 2), m(3, 4), m(5, 2, 4), m(5)), S(m(2, 3, 2), m(2, 3, 3), m(1, 2, 3), None), S(m(2), m(3), m(4, 2, 3), None)],
        (-2, 2), tol=128, half_tol=16, errors=lambda m: [(S(m(3, 2), m(3, 4), m(5, 3, 4), None), "weight")]),
    Row("scaled_dot_product_attention", attention, (-2, 2), tol=128, half_tol=16, torch=attended,
        errors=lambda m: [(S(m(3), m(3), m(3)), "dims")]),
]
