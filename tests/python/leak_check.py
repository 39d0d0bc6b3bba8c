"""Runs a module's tests as unittest.main() does, and fails when a handle or a byte is left at the end."""
import gc
import sys
import unittest


def needs(*features):
    """For tests of what a build may lack, as mt_has names it."""
    from minitorch._native import lib
    missing = [f for f in features if not lib.mt_has(f.encode())]
    return unittest.skipIf(missing, f"this build has no {', '.join(missing)}")


def main():
    program = unittest.main(exit=False)
    from minitorch import _callbacks, _runtime
    from minitorch._native import ffi, lib
    _runtime._numbers.clear()  # tensors of plain numbers, kept for the next use
    _runtime._old_numbers.clear()
    sys.last_value = sys.last_traceback = None
    # Tests that failed hold their frames, and with them their tensors.
    if program.result.wasSuccessful():
        gc.collect()
        handles, stats = ffi.new("int64_t *"), ffi.new("mt_memory_stats *")
        stats.struct_size = ffi.sizeof("mt_memory_stats")
        assert lib.mt_live_handles(handles, lib.MT_HANDLE_ANY) == 0
        assert lib.mt_memory_get_stats(stats) == 0
        if handles[0] or stats.current_bytes or _callbacks._alive:
            print(f"left behind: {handles[0]} handles, {stats.current_bytes} bytes, "
                  f"{len(_callbacks._alive)} callbacks", file=sys.stderr)
            sys.exit(1)
    sys.exit(not program.result.wasSuccessful())
