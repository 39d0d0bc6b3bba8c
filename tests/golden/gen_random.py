# Writes random.txt: what PyTorch 1.13 draws on CPU. Each line is a call in the small language that
# random_test.cpp runs too, the FNV-1a checksum of the result's bytes and the first elements' bits.
# Run with PyTorch 1.13, built without MKL, on a machine with AVX2 and FMA: python3 gen_random.py
import math
import os

import numpy as np
import torch

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "random.txt")
DTYPES = {
    "f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16,
    "i8": torch.int8, "i16": torch.int16, "i32": torch.int32, "i64": torch.int64,
    "u8": torch.uint8, "bool": torch.bool,
}
FLOATS = ["f32", "f64", "f16", "bf16"]
INTS = ["i8", "i16", "i32", "i64", "u8"]
SIZES = [1, 2, 15, 16, 17, 31, 32, 100, 1000, 1003]


def checksum(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return "%016x" % h


def limit(text):
    return None if text == "none" else int(text)


def probabilities(n, dtype):
    return ((torch.arange(n, dtype=torch.float64) % 11) / 10).to(dtype)


def run(call):
    op, *a = call.split()
    if op == "state":
        return torch.get_rng_state()
    if op == "linear":
        layer = torch.nn.Linear(int(a[0]), int(a[1]))
        return torch.cat([layer.weight.detach().flatten(), layer.bias.detach()])
    if op == "dropout":
        x = torch.arange(1, int(a[0]) + 1, dtype=torch.float32)
        return torch.nn.functional.dropout(x, float(a[1]))
    if op == "loader":
        loader = torch.utils.data.DataLoader(range(int(a[0])), batch_size=7, shuffle=True)
        return torch.tensor([int(i) for batch in loader for i in batch], dtype=torch.int64)
    dtype, n, a = DTYPES[a[0]], int(a[1]), a[2:]
    if op == "randperm":
        return torch.randperm(n, dtype=dtype)
    if op == "normal_strided":
        return torch.empty(n, 2, dtype=dtype)[:, 0].normal_(*map(float, a)).clone()
    x = torch.empty(n, dtype=dtype)
    if op == "random":
        return x.random_(*([int(a[0]), limit(a[1])] if a else []))
    if op == "bernoulli_tensor":
        return x.bernoulli_(probabilities(n, DTYPES[a[0]]))
    return getattr(x, op + "_")(*map(float, a))


def calls():
    yield "state"
    for seed in [0, 1, 42, 4294967296 + 7, 18446744073709551615]:
        yield "seed %d" % seed
        yield "state"
        for n in SIZES:
            yield "uniform f32 %d 0 1" % n
            yield "normal f32 %d 0 1" % n
            yield "normal f64 %d 0 1" % n
        yield "state"
    for dtype in FLOATS:
        for n in SIZES + [100000]:
            yield "seed %d" % n
            yield "uniform %s %d -0.1 0.3" % (dtype, n)
            yield "normal %s %d 0.5 1.7" % (dtype, n)
            yield "normal_strided %s %d -0.25 0.3" % (dtype, n)
            yield "uniform %s %d 0 1" % (dtype, n)
            yield "normal %s %d 0 1" % (dtype, n)
            yield "exponential %s %d 1" % (dtype, n)
            yield "exponential %s %d 0.7" % (dtype, n)
            yield "log_normal %s %d 1 2" % (dtype, n)
            yield "cauchy %s %d 0 1" % (dtype, n)
            yield "cauchy %s %d -0.3 2.5" % (dtype, n)
            yield "geometric %s %d 0.3" % (dtype, n)
            yield "random %s %d" % (dtype, n)
            yield "random %s %d -7 113" % (dtype, n)
            yield "random %s %d -20 none" % (dtype, n)
            yield "state"
    yield "seed 5"
    # The value that waits: across sizes, dtypes and distributions; the block path leaves it alone.
    for call in ["normal f32 3 0 1", "normal f32 3 0 1", "normal f64 5 1 2", "normal f32 16 0 1",
                 "normal bf16 1 0 1", "state", "log_normal f32 4 0 1", "uniform f64 3 0 1",
                 "normal f64 1 0 1", "normal_strided f64 20 0 1", "normal f32 1003 0 1",
                 "normal f16 2 0 1", "state", "normal f32 0 0 1", "uniform f32 0 0 1", "state"]:
        yield call
    for bounds in ["-1 1", "0 3", "-3e38 3e37", "1e-30 2e-30", "5 5", "-0.03571428571428571 0.1"]:
        for dtype in ["f32", "f64"]:
            yield "uniform %s 1003 %s" % (dtype, bounds)
    for std in ["0 0", "0 1e-3", "3 0", "1e6 1"]:
        for dtype in FLOATS if "1e6" not in std else ["f32", "f64"]:
            yield "normal %s 1003 %s" % (dtype, std)
    for dtype in INTS + ["bool", "f32", "f64", "bf16"]:
        yield "seed 77"
        for n in [1, 17, 1003, 100000]:
            for p in ["0", "1", "0.5", "0.3", "0.9", "1e-3"]:
                yield "bernoulli %s %d %s" % (dtype, n, p)
            for p_dtype in ["f32", "f64", "bf16"]:
                yield "bernoulli_tensor %s %d %s" % (dtype, n, p_dtype)
            if dtype in INTS + ["bool"]:
                yield "random %s %d" % (dtype, n)
                yield "random %s %d 0 %d" % (dtype, n, 2 if dtype == "bool" else 100)
                yield "random %s %d 0 none" % (dtype, n)
            if dtype in INTS:
                yield "geometric %s %d 0.01" % (dtype, n)
                yield "geometric %s %d 1e-7" % (dtype, n)
            yield "state"
    low = -2**63
    for dtype in ["i64", "f64", "f32", "bf16"]:
        for limits in [(low, None), (low + 1, None), (-5, None), (0, 2**63 - 1), (-2**40, 2**40),
                       (0, 2**32), (0, 2**32 - 1), (0, 2**32 + 1), (2**24 + 1, 2**25 + 1),
                       (-(2**24) - 1, 2**24 + 1), (-(2**53) - 1, 2**53 + 1), (7, 8), (-9, -1)]:
            if limits[1] is None and low < limits[0] < -5 and dtype != "i64":
                continue
            yield "random %s 1003 %d %s" % (dtype, limits[0], "none" if limits[1] is None
                                            else limits[1])
    yield "random f16 1003 -2049 2051"
    yield "random f16 1003 0 65504"
    yield "random i32 1003 -2147483648 2147483648"
    yield "random i32 1003 -2147483648 none"
    yield "random i8 1003 -128 128"
    yield "state"
    for n in [0, 1, 2, 10, 128, 1000, 2049, 100000]:
        for dtype in INTS + FLOATS:
            most = {"i8": 128, "u8": 256, "i16": 32768, "f16": 2049, "bf16": 257}
            if n <= most.get(dtype, n):
                yield "randperm %s %d" % (dtype, n)
    yield "state"
    yield "seed 3"
    for fan_in in list(range(1, 65)) + [100, 120, 256, 300, 400, 512, 576, 784, 1152, 3072]:
        yield "linear %d %d" % (fan_in, 7 if fan_in > 100 else 3)
    for n in [1, 16, 1003]:
        for p in ["0.1", "0.2", "0.25", "0.3", "0.5", "0.7", "0.9", "0.05"]:
            yield "dropout %d %s" % (n, p)
    yield "loader 1"
    yield "loader 1000"
    yield "state"


torch.manual_seed(67280421310721)
with open(OUT, "w") as f:
    f.write("# Made by gen_random.py with PyTorch %s. Do not edit.\n" % torch.__version__)
    for call in calls():
        if call.startswith("seed "):
            torch.manual_seed(int(call.split()[1]))
            f.write(call + "\n")
            continue
        x = run(call).contiguous()
        bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[x.element_size()]
        array = x.view(bits).numpy() if x.dtype != torch.bool else x.numpy().view(np.uint8)
        array = array.view("u%d" % x.element_size())
        first = " ".join("%0*x" % (2 * x.element_size(), int(v)) for v in array[:2])
        f.write("%s = %s %s\n" % (call, checksum(array.tobytes()), first))
