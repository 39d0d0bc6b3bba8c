#!/usr/bin/python3
"""Writes the C source of minitorch._native with cffi (API mode).

Usage: build_native.py INCLUDE_DIR CC OUTPUT.c. The declarations are the public headers themselves,
run through the C preprocessor, so the binding cannot disagree with them. API mode was chosen by
measurement: a call costs about two thirds of cffi's ABI mode and less than ctypes.
"""
import pathlib
import re
import subprocess
import sys

import cffi

HERE = pathlib.Path(__file__).resolve().parent

# Callbacks from C into Python; defined in minitorch/_callbacks.py.
CALLBACKS = """
extern "Python" {
  void py_drop(void *user);
  mt_status py_tensor_hook(mt_tensor **replacement, const mt_tensor *grad, void *user);
  mt_status py_function_forward(mt_function_ctx *ctx, const mt_tensor *const *inputs,
      size_t n_inputs, mt_tensor **outputs, size_t n_outputs, void *user);
  mt_status py_function_backward(mt_function_ctx *ctx, const mt_tensor *const *grad_outputs,
      size_t n_outputs, mt_tensor **grad_inputs, size_t n_inputs, void *user);
  mt_status py_gradcheck(mt_tensor **out, const mt_tensor *const *inputs, size_t n_inputs,
      void *user);
  mt_status py_anomaly_trace(char *buffer, size_t capacity, size_t *length, void *user);
  mt_status py_module_forward(mt_tensor **outputs, size_t capacity, size_t *n_outputs,
      mt_module *self, const mt_tensor *const *inputs, size_t n_inputs, void *user);
  mt_status py_closure(mt_tensor **loss, void *user);
  mt_status py_summary_row(const mt_module_info *row, void *user);
  mt_status py_next_batch(mt_tensor **input, void *user);
  mt_status py_lr_lambda(double *factor, int64_t epoch, size_t group, void *user);
  mt_status py_lr(double *lrs, size_t n_groups, mt_scheduler *self, void *user);
  mt_status py_lr_scale(double *scale, double x, void *user);
  mt_status py_module_pre_hook(mt_tensor **replacements, mt_module *module,
      const mt_tensor *const *inputs, size_t n_inputs, void *user);
  mt_status py_module_hook(mt_tensor **replacements, mt_module *module,
      const mt_tensor *const *inputs, size_t n_inputs, const mt_tensor *const *outputs,
      size_t n_outputs, void *user);
  mt_status py_module_backward_hook(mt_tensor **replacements, mt_module *module,
      const mt_tensor *const *grad_inputs, size_t n_inputs, const mt_tensor *const *grad_outputs,
      size_t n_outputs, void *user);
  mt_status py_module_repr(char *buffer, size_t capacity, size_t *length, const mt_module *self,
      void *user);
}
"""


def declarations(include, cc):
    text = subprocess.check_output(
        [*cc.split(), "-E", "-P", "-DMINITORCH_FFI_PARSE", f"-I{include}",
         f"{include}/minitorch/minitorch.h"], text=True)
    native = (HERE / "native.h").read_text()
    own = re.findall(r"^static ([^{]*?)\s*\{", native, re.M)
    return text + "".join(f"{d};\n" for d in own) + strip(HERE / "wrappers_cdef.h")


def strip(path):
    return "".join(line for line in path.read_text().splitlines(True) if not line.startswith("//"))


def main():
    include, cc, output = sys.argv[1:4]
    ffi = cffi.FFI()
    ffi.cdef(declarations(include, cc))
    ffi.cdef(CALLBACKS)
    ffi.set_source("minitorch._native", '#include "native.h"\n#include "wrappers.h"\n')
    ffi.emit_c_code(output)


if __name__ == "__main__":
    main()
