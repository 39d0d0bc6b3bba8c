# Writes half.txt: FNV-1a checksums of PyTorch's conversions between float32 and the 16-bit floats,
# over all 65536 patterns and over the float32 values at and beside every rounding boundary.
# Run with PyTorch 1.13: python3 gen_half.py
import os

import numpy as np
import torch

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "half.txt")
ALL = torch.arange(65536, dtype=torch.int32).to(torch.int16)


def checksum(array):
    """64-bit FNV-1a over the little-endian bytes."""
    h = 0xCBF29CE484222325
    for byte in array.tobytes():
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return "%016x" % h


def around(centers, offsets):
    """The float32 patterns center + offset that are not NaN, center by center."""
    bits = (centers.astype(np.int64)[:, None] + np.array(offsets)).ravel() & 0xFFFFFFFF
    bits = bits.astype(np.uint32)
    return bits[(bits & 0x7FFFFFFF) <= 0x7F800000]


half_values = ALL.view(torch.float16).float().numpy().view(np.uint32)
bfloat16_values = ALL.view(torch.bfloat16).float().numpy().view(np.uint32)
half_input = around(half_values, [-1, 0, 1, 0xFFF, 0x1000, 0x1001])
bfloat16_input = around(bfloat16_values, [-1, 0, 1, 0x7FFF, 0x8000, 0x8001])
to_half = torch.from_numpy(half_input.view(np.float32)).half().view(torch.int16).numpy()
to_bfloat16 = torch.from_numpy(bfloat16_input.view(np.float32)).bfloat16()
with open(OUT, "w") as f:
    f.write("# Made by gen_half.py with PyTorch %s. Do not edit.\n" % torch.__version__)
    f.write("half_to_float %s\n" % checksum(half_values))
    f.write("bfloat16_to_float %s\n" % checksum(bfloat16_values))
    f.write("float_to_half %s\n" % checksum(to_half))
    f.write("float_to_bfloat16 %s\n" % checksum(to_bfloat16.view(torch.int16).numpy()))
