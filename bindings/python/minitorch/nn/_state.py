"""State dicts of modules in Python: the C module's, with the hooks and extra states of Python's."""
from __future__ import annotations

from collections import OrderedDict, namedtuple

from .._graph import RemovableHandle
from .._lists import make_named, named, strings
from .._native import lib as _lib
from .._runtime import _check, _new

__all__ = ["StateMethods"]

_IncompatibleKeys = namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])
_IncompatibleKeys.__repr__ = lambda self: (
    f"IncompatibleKeys(missing_keys={self[0]}, unexpected_keys={self[1]})" if any(self) else "<All keys matched successfully>")
EXTRA = "_extra_state"


class StateMethods:
    _lazy_prepare = None
    _state_version = 1

    # --- what classes and users add ------------------------------------------------------
    def get_extra_state(self) -> Any:
        """Overridden with set_extra_state: what else the state dict holds, under `_extra_state`."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be "
                           "called.")

    def set_extra_state(self, state: Any) -> None:
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be "
                           "called.")

    def _add_state_hook(self, kind, hook):
        hooks, key = self.__dict__.setdefault("_state_hooks", {}), object()
        hooks.setdefault(kind, OrderedDict())[key] = hook
        return RemovableHandle(lambda: hooks[kind].pop(key, None))

    def _state_hooks_of(self, kind):
        return list(self.__dict__.get("_state_hooks", {}).get(kind, {}).values())

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """hook(module, state_dict, prefix, local_metadata) when the module's part of a state dict is
        made; what it returns, if not None, takes the dict's place."""
        return self._add_state_hook("state", hook)

    def _register_load_state_dict_pre_hook(self, hook: Callable[..., Any],
                                           with_module=False) -> RemovableHandle:
        """hook([module,] state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs) before the module's part is loaded; it may change the dict."""
        if not with_module:
            return self._add_state_hook("load", lambda module, *args: hook(*args))
        return self._add_state_hook("load", hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """hook(module, incompatible_keys) after the module's part is loaded; it may change the lists
        of keys."""
        return self._add_state_hook("loaded", hook)

    def _has_extra_state(self):
        return type(self).get_extra_state is not StateMethods.get_extra_state

    # --- state dicts ---------------------------------------------------------------------
    def state_dict(self, *args: Any, destination: Any = None, prefix="",
                   keep_vars=False) -> OrderedDict[str, Tensor]:
        """Parameters and persistent buffers by path; `args`: the three options in their order."""
        destination, prefix, keep_vars = (*args, *(destination, prefix, keep_vars)[len(args):])
        out = _new("mt_named_tensors **")
        _check(_lib.mt_module_state_dict(out, self._c))
        state = OrderedDict() if destination is None else destination
        found = OrderedDict((prefix + k, t) for k, t in named(out[0]))
        if keep_vars:
            for members in (self.named_parameters, self.named_buffers):
                found.update((k, t) for k, t in members(prefix=prefix[:-1], remove_duplicate=False)
                             if k in found)
        modules = [(p + "." if p else "", m) for p, m in
                   self.named_modules(prefix=prefix[:-1], remove_duplicate=False)]
        if any(m._has_extra_state() for _, m in modules):
            plain, found = found, OrderedDict()
            for path, m in modules:
                found.update((k, t) for k, t in plain.items()
                             if k.startswith(path) and "." not in k[len(path):])
                if m._has_extra_state():
                    found[path + EXTRA] = m.get_extra_state()
        if any(m._state_version != 1 for _, m in modules):
            versions = state.__dict__.setdefault("_metadata", OrderedDict()) \
                if isinstance(state, OrderedDict) else {}
            versions.update((path[:-1], {"version": m._state_version}) for path, m in modules)
        state.update(found)
        for path, m in reversed(modules):  # children before their parents
            for hook in m._state_hooks_of("state"):
                changed = hook(m, state, path, {"version": m._state_version})
                state = state if changed is None else changed
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict=True) -> _IncompatibleKeys:
        state = state_dict
        modules = [(p + "." if p else "", m) for p, m in self.named_modules(remove_duplicate=False)]
        extra, more, problems = {}, _IncompatibleKeys([], []), []
        versions = getattr(state_dict, "_metadata", {})
        for path, m in modules:
            hooks = m._state_hooks_of("load")
            if (hooks or m._has_extra_state()) and state is state_dict:
                state = OrderedDict(state_dict)
            for hook in hooks:
                hook(m, state, path, versions.get(path[:-1], {}), strict, *more, problems)
            if m._has_extra_state():
                if path + EXTRA in state:
                    extra[path + EXTRA] = m, state.pop(path + EXTRA)
                else:
                    more.missing_keys.append(path + EXTRA)
            if m._lazy_prepare:
                m._lazy_prepare(state, path)
            count = path + "num_batches_tracked"
            if m._state_version == 2 and versions.get(path[:-1], {}).get("version", 1) < 2 \
                    and count not in state and m._buffers.get("num_batches_tracked") is not None:
                # A state dict of before torch counted batches.
                state = OrderedDict(state) if state is state_dict else state
                state[count] = m.num_batches_tracked.detach() * 0
        if strict:
            problems += [f"Missing key(s) in state_dict: \"{k}\". " for k in more.missing_keys]
            problems += [f"Unexpected key(s) in state_dict: \"{k}\". " for k in more.unexpected_keys]
        if problems:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                               + "\n\t".join(problems))
        values = make_named(state)
        missing, unexpected = _new("mt_strings **"), _new("mt_strings **")
        _check(_lib.mt_module_load_state_dict(self._c, values, bool(strict), missing, unexpected))
        keys = _IncompatibleKeys(strings(missing[0]) + more.missing_keys,
                                 strings(unexpected[0]) + more.unexpected_keys)
        for m, value in extra.values():
            m.set_extra_state(value)
        for _, m in reversed(modules):
            for hook in m._state_hooks_of("loaded"):
                assert hook(m, keys) is None, (
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected "
                    "to return new values, if incompatible_keys need to be modified, it should be "
                    "done inplace.")
        return keys
