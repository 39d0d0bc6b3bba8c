"""Embedding, recurrent, attention and transformer layers under many options, written for torch and
run with any library of its names. A case gives numbers that PyTorch must give, too: the bits of the
initial parameters, printed form, state dict, outputs and gradients."""
import os
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "layers"))
from check import summary  # noqa: E402


def bits(tensors):
    """A checksum of the tensors' values, bit by bit."""
    crc = 0
    for t in tensors:
        v = t.detach().flatten().tolist()
        crc = zlib.crc32(struct.pack(f"<{len(v)}{'d' if str(t.dtype).endswith('64') else 'f'}", *v),
                         crc)
    return crc


def flat(value):
    """The tensors in nested tuples."""
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in flat(v)]
    return [] if value is None else [value]


def cases(torch):
    """(name, constructor, inputs of a dtype: (args, kwargs), whether in eval mode)"""
    nn = torch.nn
    rnn_utils = nn.utils.rnn
    out = []

    def add(name, make, inputs, eval_mode=False):
        out.append((name, make, inputs, eval_mode))

    def randn(*sizes):  # the same values in both dtypes
        return lambda dtype: torch.randn(*sizes).to(dtype).requires_grad_()

    def given(*makers, **keywords):
        def make(dtype):
            def one(m):
                return m(dtype) if callable(m) else m
            return [one(m) for m in makers], {k: one(m) for k, m in keywords.items()}
        return make

    index = torch.tensor([[1, 2, 4, 1], [0, 6, 2, 1]])
    for name, o in (("plain", {}), ("padding", dict(padding_idx=2)),
                    ("padding_from_end", dict(padding_idx=-1)), ("max_norm", dict(max_norm=1.0)),
                    ("norm_type", dict(max_norm=1.5, norm_type=1.0)),
                    ("frequency", dict(scale_grad_by_freq=True))):
        add("Embedding/" + name, lambda d, o=o: nn.Embedding(7, 3, dtype=d, **o), given(index))
    bag = torch.tensor([1, 2, 4, 1, 0, 6, 2, 1])
    offsets = torch.tensor([0, 3, 3, 5])
    for name, o in (("mean", {}), ("sum", dict(mode="sum")), ("max", dict(mode="max")),
                    ("padding", dict(padding_idx=1))):
        add("EmbeddingBag/" + name, lambda d, o=o: nn.EmbeddingBag(7, 3, dtype=d, **o),
            given(bag, offsets))
        add("EmbeddingBag/rows_" + name, lambda d, o=o: nn.EmbeddingBag(7, 3, dtype=d, **o),
            given(index))
    add("EmbeddingBag/weights", lambda d: nn.EmbeddingBag(7, 3, mode="sum", dtype=d),
        given(bag, offsets, randn(8)))
    add("EmbeddingBag/last", lambda d: nn.EmbeddingBag(7, 3, include_last_offset=True, dtype=d),
        given(bag, torch.tensor([0, 2, 8])))

    recurrent = (("plain", {}), ("layers", dict(num_layers=2)), ("no_bias", dict(bias=False)),
                 ("batch_first", dict(batch_first=True)), ("both", dict(bidirectional=True)),
                 ("all", dict(num_layers=3, bidirectional=True, dropout=0.4, batch_first=True)))
    for cls in ("RNN", "LSTM", "GRU"):
        sets = list(recurrent)
        if cls == "RNN":
            sets.append(("relu", dict(nonlinearity="relu", num_layers=2)))
        if cls == "LSTM":
            sets.append(("projection", dict(proj_size=2, num_layers=2, bidirectional=True)))
        for name, o in sets:
            layer = getattr(nn, cls)
            rows = o.get("num_layers", 1) * (2 if o.get("bidirectional") else 1)
            h = o.get("proj_size") or 4

            def make(d, layer=layer, o=o):
                return layer(3, 4, dtype=d, **o)

            def state(*batch, rows=rows, h=h, cls=cls):
                def one(dtype):
                    first = randn(rows, *batch, h)(dtype)
                    return (first, randn(rows, *batch, 4)(dtype)) if cls == "LSTM" else first
                return one

            shape = (2, 5, 3) if o.get("batch_first") else (5, 2, 3)
            add(f"{cls}/{name}", make, given(randn(*shape)))
            add(f"{cls}/{name}_state", make, given(randn(*shape), state(2)))
            add(f"{cls}/{name}_unbatched", make, given(randn(5, 3), state()))

            def packed(dtype, o=o, state=state):
                first = bool(o.get("batch_first"))
                x = torch.randn(*((3, 5, 3) if first else (5, 3, 3))).to(dtype)
                p = rnn_utils.pack_padded_sequence(x, [2, 5, 3], batch_first=first,
                                                   enforce_sorted=False)
                return [p, state(3)(dtype)], {}
            add(f"{cls}/{name}_packed", make, packed)
    for cls in ("RNNCell", "LSTMCell", "GRUCell"):
        sets = [("plain", {}), ("no_bias", dict(bias=False))]
        if cls == "RNNCell":
            sets.append(("relu", dict(nonlinearity="relu")))
        for name, o in sets:
            def make(d, cls=cls, o=o):
                return getattr(nn, cls)(3, 4, dtype=d, **o)

            def state(*batch, cls=cls):
                def one(dtype):
                    h = randn(*batch, 4)(dtype)
                    return (h, randn(*batch, 4)(dtype)) if cls == "LSTMCell" else h
                return one
            add(f"{cls}/{name}", make, given(randn(2, 3)))
            add(f"{cls}/{name}_state", make, given(randn(2, 3), state(2)))
            add(f"{cls}/{name}_unbatched", make, given(randn(3), state()))

    padding = torch.tensor([[False, False, True, True, False], [False, False, False, False, True]])
    causal = torch.triu(torch.full((4, 5), float("-inf")), diagonal=1)

    def as_float(t):
        return lambda dtype: t.to(dtype)

    def attention(name, o, *inputs, eval_mode=False, **keywords):
        add("MultiheadAttention/" + name,
            lambda d: nn.MultiheadAttention(6, o.get("heads", 2), dtype=d,
                                            **{k: v for k, v in o.items() if k != "heads"}),
            given(*inputs, **keywords), eval_mode)

    def same(*sizes):
        def one(dtype):
            x = torch.randn(*sizes).to(dtype).requires_grad_()
            return [x, x, x], {}
        return one
    for name, o in (("self", {}), ("self_no_bias", dict(bias=False)),
                    ("self_batch_first", dict(batch_first=True)), ("self_dropout", dict(dropout=0.3)),
                    ("self_kv", dict(add_bias_kv=True)), ("self_zero", dict(add_zero_attn=True))):
        add("MultiheadAttention/" + name, lambda d, o=o: nn.MultiheadAttention(6, 2, dtype=d, **o),
            same(4, 3, 6))
    q, k = randn(4, 2, 6), randn(5, 2, 6)
    attention("cross", {}, q, k, k)
    attention("all_options", dict(add_bias_kv=True, add_zero_attn=True, dropout=0.2, heads=3), q, k, k,
              key_padding_mask=padding, attn_mask=as_float(causal))
    attention("kdim", dict(kdim=3, vdim=5), q, randn(5, 2, 3), randn(5, 2, 5))
    attention("padding", {}, q, k, k, key_padding_mask=padding)
    attention("bool_masks", {}, q, k, k, key_padding_mask=padding, attn_mask=causal != 0)
    attention("mask_for_each", {}, q, k, k, attn_mask=randn(4, 4, 5))
    attention("no_weights", {}, q, k, k, need_weights=False)
    attention("weights_of_heads", dict(heads=3), q, k, k, average_attn_weights=False)
    attention("unbatched", {}, randn(4, 6), randn(5, 6), randn(5, 6), key_padding_mask=padding[0],
              attn_mask=as_float(causal))
    attention("batch_first_cross", dict(batch_first=True), randn(2, 4, 6), randn(2, 5, 6),
              randn(2, 5, 6), key_padding_mask=padding)
    attention("eval", dict(dropout=0.5, batch_first=True), randn(2, 4, 6), randn(2, 5, 6),
              randn(2, 5, 6), eval_mode=True)

    square = torch.triu(torch.full((4, 4), float("-inf")), diagonal=1)
    for name, o, eval_mode in (
            ("plain", {}, False), ("norm_first", dict(norm_first=True), False),
            ("gelu", dict(activation="gelu", batch_first=True), False),
            ("no_dropout", dict(dropout=0.0, layer_norm_eps=1e-3), False), ("eval", {}, True)):
        add("TransformerEncoderLayer/" + name,
            lambda d, o=o: nn.TransformerEncoderLayer(6, 2, 8, dtype=d, **o), given(randn(4, 4, 6)),
            eval_mode)
        add(f"TransformerEncoderLayer/{name}_mask",
            lambda d, o=o: nn.TransformerEncoderLayer(6, 2, 8, dtype=d, **o),
            given(randn(4, 4, 6), as_float(square)), eval_mode)
        add("TransformerDecoderLayer/" + name,
            lambda d, o=o: nn.TransformerDecoderLayer(6, 2, 8, dtype=d, **o),
            given(randn(4, 4, 6), randn(*((4, 3, 6) if o.get("batch_first") else (3, 4, 6))),
                  tgt_mask=as_float(square)), eval_mode)
    add("TransformerEncoderLayer/module",
        lambda d: nn.TransformerEncoderLayer(6, 2, 8, activation=nn.ReLU(), dtype=d),
        given(randn(4, 2, 6)))
    add("TransformerEncoderLayer/function",
        lambda d: nn.TransformerEncoderLayer(6, 2, 8, activation=nn.functional.gelu, dtype=d),
        given(randn(4, 2, 6)))
    add("TransformerEncoder/two",
        lambda d: nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, dtype=d), 2),
        given(randn(4, 2, 6), src_key_padding_mask=padding[:, :4]))
    add("TransformerDecoder/two",
        lambda d: nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, dtype=d), 2,
                                        nn.LayerNorm(6, dtype=d)),
        given(randn(4, 2, 6), randn(5, 2, 6), as_float(square), memory_key_padding_mask=padding))
    for name, o in (("plain", {}), ("batch_first", dict(batch_first=True, norm_first=True))):
        add("Transformer/" + name,
            lambda d, o=o: nn.Transformer(6, 2, 2, 1, 8, dtype=d, **o),
            given(randn(2, 5, 6) if o else randn(5, 2, 6), randn(2, 4, 6) if o else randn(4, 2, 6),
                  tgt_mask=as_float(square), src_key_padding_mask=padding))
    return out


def seeded(torch, case, dtype):
    torch.manual_seed(zlib.crc32(case[0].encode()) % 1000)
    return case[1](dtype)


def describe(torch, case):
    """What is compared as it is. The initial parameters of both dtypes have different draws."""
    layer = seeded(torch, case, torch.float32)
    return {"repr": repr(layer),
            "state": [[k, list(t.shape)] for k, t in layer.state_dict().items()],
            "names": [n for n, _ in layer.named_parameters()],
            "bits": [bits(seeded(torch, case, dtype).parameters())
                     for dtype in (torch.float32, torch.float64)]}


def run(torch, case, dtype, shown=summary, prepare=None):
    """What a case computes, by name: `shown` of outputs and gradients. Made in float32 and converted,
    so that both dtypes compute the same. prepare(layer) runs first."""
    _, _, inputs, eval_mode = case
    layer = seeded(torch, case, torch.float32)
    dtype = getattr(torch, dtype)
    layer.to(dtype)
    if prepare:
        prepare(layer)
    if eval_mode:
        layer.eval()
    args, keywords = inputs(dtype)
    outputs = [t for t in flat(layer(*args, **keywords)) if t.dtype.is_floating_point]
    # Weights of their own for all elements: the sum of squares behind a LayerNorm would be constant.
    weighed = [t * torch.cos(torch.arange(t.numel(), dtype=dtype) + i).reshape(t.shape)
               for i, t in enumerate(outputs)]
    sum((t + t * t).sum() for t in weighed).backward()
    found = {f"output{i}": t for i, t in enumerate(outputs)}
    leaves = []
    for t in flat([args, list(keywords.values())]):
        if getattr(t, "requires_grad", False) and t.is_leaf and not any(t is other for other in leaves):
            leaves.append(t)
    found.update((f"grad_input{i}", t.grad) for i, t in enumerate(leaves) if t.grad is not None)
    found.update(("grad_" + n, p.grad) for n, p in layer.named_parameters() if p.grad is not None)
    found["next"] = torch.rand(1)  # as many random numbers were drawn
    return {name: shown(t) for name, t in found.items()}
