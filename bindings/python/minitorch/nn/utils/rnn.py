"""torch.nn.utils.rnn: sequences of different lengths, packed and padded."""
from __future__ import annotations

from collections import namedtuple

from ..._native import ffi, lib as _lib
from ..._runtime import TensorBase, _check, _new, _own, _ptr, _ptrs

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence",
           "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence"]

_Fields = namedtuple("_Fields", ["data", "batch_sizes", "sorted_indices",
                                 "unsorted_indices"])


class PackedSequence(_Fields):
    """The steps of sequences as rows, how many sequences have each step, and the order of the
    sequences."""

    def __new__(cls, data: Any, batch_sizes: Tensor | None = None,
                sorted_indices: Tensor | None = None,
                unsorted_indices: Tensor | None = None) -> Self:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def float(self) -> PackedSequence:
        return self._as("float32")

    def double(self) -> PackedSequence:
        return self._as("float64")

    def half(self) -> PackedSequence:
        return self._as("float16")

    def long(self) -> PackedSequence:
        return self._as("int64")

    def int(self) -> PackedSequence:
        return self._as("int32")

    def _as(self, dtype):
        import minitorch
        return self.to(getattr(minitorch, dtype))

    def cpu(self) -> PackedSequence:
        return self.to("cpu")

    @property
    def is_cuda(self) -> bool:
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    if permutation is None:
        return None
    from ... import arange, empty_like
    return empty_like(permutation).scatter_(0, permutation, arange(0, permutation.numel()))


def _optional(out):
    return _own(out) if out[0] else None


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """Packs (time, batch, *); lengths are a tensor or a list of ints."""
    from ... import int64, tensor
    lengths = lengths.to(int64) if isinstance(lengths, TensorBase) \
        else tensor([int(n) for n in lengths], dtype=int64)
    outs = [_new("mt_tensor **") for _ in range(4)]
    _check(_lib.mt_pack_padded_sequence(*outs, _ptr(input), _ptr(lengths), bool(batch_first),
                                        bool(enforce_sorted)))
    return PackedSequence(*[_optional(out) for out in outs])


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False,
                        padding_value: float = 0.0,
                        total_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The padded sequences and their lengths."""
    longest = sequence.batch_sizes.shape[0]
    if total_length is not None and total_length < longest:
        raise ValueError("Expected total_length to be at least the length of the longest sequence "
                         f"in input, but got total_length={total_length} and max sequence length "
                         f"being {longest}")
    out, lengths = _new("mt_tensor **"), _new("mt_tensor **")
    unsorted = sequence.unsorted_indices
    _check(_lib.mt_pad_packed_sequence(
        out, lengths, _ptr(sequence.data), _ptr(sequence.batch_sizes),
        ffi.NULL if unsorted is None else _ptr(unsorted), bool(batch_first), float(padding_value),
        ffi.NULL if total_length is None else _new("int64_t *", total_length)))
    return _own(out), _own(lengths)


def pad_sequence(sequences: Any, batch_first: bool = False,
                 padding_value: float = 0.0) -> Tensor:
    """Sequences of different lengths as one tensor (longest, n, *)."""
    sequences = list(sequences.unbind(0)) if isinstance(sequences, TensorBase) else list(sequences)
    out = _new("mt_tensor **")
    _check(_lib.mt_pad_sequence(out, _ptrs(sequences), len(sequences), bool(batch_first),
                                float(padding_value)))
    return _own(out)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor,
                   batch_first: bool = False) -> list[Tensor]:
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [s[:int(n)] for s, n in zip(padded_sequences.unbind(0), lengths.tolist())]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
