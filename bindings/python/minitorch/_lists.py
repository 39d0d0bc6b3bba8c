"""Lists of named tensors and of texts: between the C side and Python."""
from ._native import ffi, lib as _lib
from ._runtime import TensorBase, _check, _new, _own, _ptr, _text


def named(pointer):
    """[(name, Tensor)] of an mt_named_tensors, which is freed."""
    try:
        count = _new("size_t *")
        _check(_lib.mt_named_tensors_count(count, pointer))
        result = []
        for i in range(count[0]):
            name, t = _new("char **"), _new("mt_tensor **")
            _check(_lib.mt_named_tensors_name(name, pointer, i))
            key = _text(name)
            _check(_lib.mt_named_tensors_at(t, pointer, i))
            result.append((key, _own(t)))
        return result
    finally:
        _lib.mt_named_tensors_free(pointer)


def make_named(mapping):
    """An mt_named_tensors with the items of a dict."""
    if not hasattr(mapping, "items"):
        raise TypeError(f"expected state_dict to be dict-like, got {type(mapping).__name__}")
    out = _new("mt_named_tensors **")
    _check(_lib.mt_named_tensors_create(out))
    result = ffi.gc(out[0], _lib.mt_named_tensors_free)
    for key, t in mapping.items():
        if not isinstance(t, TensorBase):
            raise TypeError(f"'{key}': expected a Tensor, not {type(t).__name__}")
        _check(_lib.mt_named_tensors_set(result, key.encode(), _ptr(t)))
    return result


def strings(pointer):
    """The texts of an mt_strings, which is freed."""
    try:
        count = _new("size_t *")
        _check(_lib.mt_strings_count(count, pointer))
        result = []
        for i in range(count[0]):
            out = _new("char **")
            _check(_lib.mt_strings_get(out, pointer, i))
            result.append(_text(out))
        return result
    finally:
        _lib.mt_strings_free(pointer)


def make_strings(items):
    texts = [_new("char[]", s.encode()) for s in items]
    out = _new("mt_strings **")
    _check(_lib.mt_strings_create(out, _new("char *[]", texts), len(texts)))
    return ffi.gc(out[0], _lib.mt_strings_free)
