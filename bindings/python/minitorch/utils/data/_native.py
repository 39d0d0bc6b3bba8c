"""What the data modules share: data sets of the C library behind those of Python, where there are some."""
from __future__ import annotations

from ..._native import ffi, lib as _lib
from ..._runtime import TensorBase, _check, _new, _ptrs, _wrap_list


def dataset(function, *args):
    """A C data set, freed with its owner."""
    out = _new("mt_dataset **")
    _check(function(out, *args))
    return ffi.gc(out[0], _lib.mt_dataset_free)


def native(data):
    """The C data set that gives the same samples as a data set of Python, or None."""
    make = getattr(data, "_native", None)
    return None if make is None else make()


def is_own(data, cls):
    """Whether samples are taken as the class does it, not as a subclass of the user's."""
    return type(data).__getitem__ is cls.__getitem__


def tensors(items):
    if not all(isinstance(t, TensorBase) for t in items):
        return None
    return dataset(_lib.mt_dataset_tensors, _ptrs(items), len(items))


def concat(parts):
    handles = [native(p) for p in parts]
    if not handles or any(h is None for h in handles):
        return None
    return dataset(_lib.mt_dataset_concat, _new("mt_dataset *[]", handles), len(handles))


def subset(base, indices):
    base = native(base)
    if base is None:
        return None
    try:
        array = _new("int64_t[]", [int(i) for i in indices])
    except (TypeError, ValueError, OverflowError):
        return None
    return dataset(_lib.mt_dataset_subset, base, array, len(array))


def transform(base, transforms):
    """With a transform of the first field; None when it is none of the library's."""
    if transforms is None:
        return base
    from ...vision.transforms._containers import native_transform
    handle = native_transform(transforms)
    return None if handle is None else dataset(_lib.mt_dataset_transform, base, handle, ffi.NULL)


def _list(out):
    return _wrap_list(int(ffi.cast("uintptr_t", out[0])))


def data(handle):
    out = _new("mt_tensors **")
    _check(_lib.mt_dataset_data(out, handle))
    return _list(out)


def get(handle, index):
    out = _new("mt_tensors **")
    _check(_lib.mt_dataset_get(out, handle, index))
    return _list(out)


def get_batch(handle, indices, seeds=None):
    """The collated batch; `indices` is an int64_t array."""
    out = _new("mt_tensors **")
    _check(_lib.mt_dataset_get_batch(out, handle, indices, len(indices),
                                     ffi.NULL if seeds is None else _new("uint64_t[]", seeds)))
    return list(_list(out))


def sample_seed(base_seed, epoch, index):
    out = _new("uint64_t *")
    _check(_lib.mt_dataset_sample_seed(out, base_seed, epoch, index))
    return out[0]


def thread_generator(generator):
    """What this thread draws comes from this Generator; None: from the process's."""
    _check(_lib.mt_set_thread_generator(ffi.NULL if generator is None else generator._owner))
