// The layouts that elementwise kernels go through: every length around a vector's, unaligned and
// strided operands, broadcasts, in-place writes and memory that must stay untouched.
#include "elementwise_testing.h"

#include "core/parallel.h"

namespace mt {
namespace {

using E = Elementwise;
using ElementwiseLayout = ElementwiseTest;

// One kernel of every shape of loop: 1, 2 and 3 inputs, each element size, results in bool,
// conditions, float32 in place of 16 bits, and the plain integer loops.
struct Case {
  E op;
  DType dtype;
  int inputs;
  bool to_bool = false;
};
const Case kCases[] = {
    {E::kRelu, DType::kFloat32, 1},        {E::kExp, DType::kFloat64, 1},
    {E::kTanh, DType::kFloat16, 1},        {E::kNeg, DType::kInt8, 1},
    {E::kIsNan, DType::kBFloat16, 1, 1},   {E::kLogicalNot, DType::kInt64, 1, 1},
    {E::kAdd, DType::kFloat32, 2},         {E::kMul, DType::kFloat64, 2},
    {E::kMul, DType::kInt16, 2},           {E::kAdd, DType::kUInt8, 2},
    {E::kSub, DType::kBFloat16, 2},        {E::kMul, DType::kInt64, 2},
    {E::kLt, DType::kFloat32, 2, 1},       {E::kEq, DType::kInt16, 2, 1},
    {E::kGe, DType::kFloat16, 2, 1},       {E::kPow, DType::kInt32, 2},
    {E::kWhere, DType::kFloat32, 3},       {E::kWhere, DType::kInt64, 3},
    {E::kWhere, DType::kBFloat16, 3},      {E::kWhere, DType::kBool, 3},
    {E::kAddcmul, DType::kFloat32, 3},     {E::kAddcmul, DType::kInt8, 3},
    {E::kMseBackward, DType::kFloat16, 3},
};

DType input_dtype(const Case& c, int k) {
  return c.op == E::kWhere && k == 0 ? DType::kBool : c.dtype;
}
DType output_dtype(const Case& c) { return c.to_bool ? DType::kBool : c.dtype; }

void fill_random(const Tensor& t, uint64_t seed) {
  Lcg random(seed);
  const size_t size = dtype_size(t.dtype());
  for (int64_t i = 0; i < t.numel(); ++i) {
    char* at = static_cast<char*>(t.data()) + static_cast<size_t>(i) * size;
    if (t.dtype() == DType::kBool) {
      *at = static_cast<char>(random.bits() & 1);
    } else {
      store_scalar(t.dtype(), at, Scalar(std::floor(random.uniform(0, 40)) / 4));
    }
  }
}

void run_case(const Case& c, const Tensor& out, const Tensor* in) {
  const Params p = params(2);
  if (c.inputs == 1) run_kernel(c.op, c.dtype, p, {&out, &in[0]});
  if (c.inputs == 2) run_kernel(c.op, c.dtype, p, {&out, &in[0], &in[1]});
  if (c.inputs == 3) run_kernel(c.op, c.dtype, p, {&out, &in[0], &in[1], &in[2]});
}

// The reference: each element on its own, through the same kernel with one element.
void check_elements(const Case& c, const Tensor& out, const Tensor* in, const char* what) {
  const size_t size = dtype_size(output_dtype(c));
  const int64_t none[] = {1};
  for (int64_t i = 0; i < out.numel(); ++i) {
    const auto at = [i](const Tensor& t) {
      int64_t offset = t.offset(), rest = i;
      for (int d = t.dim() - 1; d >= 0; --d) {
        offset += rest % t.size(d) * t.stride(d);
        rest /= t.size(d);
      }
      return offset;
    };
    Tensor one[3];
    for (int k = 0; k < c.inputs; ++k) {
      one[k] = in[k].alias(IntSpan(none, 1), IntSpan(none, 1), at(in[k]));
    }
    const Tensor want = empty(1, output_dtype(c));
    run_case(c, want, one);
    const char* got =
        static_cast<const char*>(out.storage()->data()) + at(out) * static_cast<int64_t>(size);
    ASSERT_EQ(std::memcmp(got, want.data(), size), 0)
        << label(c.op, c.dtype) << ", " << what << ": element " << i << " of " << out.numel();
  }
}

Tensor view(const Tensor& t, std::initializer_list<int64_t> sizes,
            std::initializer_list<int64_t> strides, int64_t offset) {
  return t.alias(IntSpan(sizes.begin(), sizes.size()), IntSpan(strides.begin(), strides.size()),
                 offset);
}

TEST_P(ElementwiseLayout, OddLengthsWriteNothingBeyond) {
  for (const Case& c : kCases) {
    for (int64_t n = 0; n <= 70; ++n) {
      const int64_t offset = n % 3;  // unaligned too
      const Tensor out = empty(n + 80, output_dtype(c));
      std::memset(out.data(), 0x5A, out.bytes());
      Tensor in[3];
      for (int k = 0; k < c.inputs; ++k) {  // the last element is the last of its buffer
        const Tensor base = empty(n + offset, input_dtype(c, k));
        if (n + offset > 0) fill_random(base, static_cast<uint64_t>(10 * n + k));
        in[k] = view(base, {n}, {1}, offset);
      }
      const Tensor window = view(out, {n}, {1}, offset + 1);
      run_case(c, window, in);
      check_elements(c, window, in, "odd length");
      if (HasFatalFailure()) return;
      const auto size = static_cast<int64_t>(dtype_size(out.dtype()));
      const char* bytes = static_cast<const char*>(out.data());
      for (int64_t i = 0; i < static_cast<int64_t>(out.bytes()); ++i) {
        const bool inside = i >= (offset + 1) * size && i < (offset + 1 + n) * size;
        ASSERT_TRUE(inside || bytes[i] == 0x5A) << label(c.op, c.dtype) << ": byte " << i;
      }
    }
  }
}

TEST_P(ElementwiseLayout, StridesAndBroadcasts) {
  constexpr int64_t kRows = 7, kColumns = 37;
  for (const Case& c : kCases) {
    for (int layout = 0; layout < 27; ++layout) {  // one of three layouts for each input
      Tensor in[3];
      for (int k = 0, rest = layout; k < c.inputs; ++k, rest /= 3) {
        const Tensor base = empty(kRows * kColumns * 2, input_dtype(c, k));
        fill_random(base, static_cast<uint64_t>(k + 1));
        if (rest % 3 == 0) in[k] = view(base, {kRows, kColumns}, {kColumns * 2, 2}, 1);
        if (rest % 3 == 1) in[k] = view(base, {kRows, kColumns}, {0, 1}, 3);
        if (rest % 3 == 2) in[k] = view(base, {kRows, kColumns}, {1, 0}, 0);
      }
      const Tensor dense = Tensor::empty(in[0].sizes(), output_dtype(c));
      run_case(c, dense, in);
      check_elements(c, dense, in, "dense output");
      const Tensor wide = empty(kRows * kColumns * 3, output_dtype(c));
      const Tensor turned = view(wide, {kRows, kColumns}, {3, kRows * 3}, 2);
      run_case(c, turned, in);
      check_elements(c, turned, in, "transposed output");
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(ElementwiseLayout, SingleValuesBesideLongOperands) {
  constexpr int64_t kCount = 1003;
  for (const Case& c : kCases) {
    for (int mask = 0; mask < 1 << c.inputs; ++mask) {
      Tensor in[3];
      for (int k = 0; k < c.inputs; ++k) {
        const Tensor base = empty(mask >> k & 1 ? 1 : kCount, input_dtype(c, k));
        fill_random(base, static_cast<uint64_t>(k + 20));
        in[k] = mask >> k & 1 ? view(base, {kCount}, {0}, 0) : base;
      }
      const Tensor out = empty(kCount, output_dtype(c));
      run_case(c, out, in);
      check_elements(c, out, in, "single values");
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(ElementwiseLayout, InPlace) {
  for (const Case& c : kCases) {
    if (c.to_bool) continue;
    for (int target = 0; target < c.inputs; ++target) {
      if (input_dtype(c, target) != c.dtype) continue;
      for (int64_t n : {1, 5, 16, 61, 600}) {
        Tensor in[3], copy[3];
        for (int k = 0; k < c.inputs; ++k) {
          in[k] = empty(n, input_dtype(c, k));
          copy[k] = empty(n, input_dtype(c, k));
          fill_random(in[k], static_cast<uint64_t>(k + 30));
          fill_random(copy[k], static_cast<uint64_t>(k + 30));
        }
        run_case(c, in[target], in);
        check_elements(c, in[target], copy, "in place");
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(ElementwiseLayout, SplitOverThreadsGivesTheSameBits) {
  const int before = num_threads();
  constexpr int64_t kCount = 200003;
  for (const Case& c : kCases) {
    Tensor in[3];
    for (int k = 0; k < c.inputs; ++k) {
      in[k] = empty(kCount, input_dtype(c, k));
      fill_random(in[k], static_cast<uint64_t>(k + 40));
    }
    const Tensor serial = empty(kCount, output_dtype(c)), split = empty(kCount, output_dtype(c));
    set_num_threads(1);
    run_case(c, serial, in);
    set_num_threads(3);
    run_case(c, split, in);
    set_num_threads(before);
    ASSERT_EQ(std::memcmp(serial.data(), split.data(), serial.bytes()), 0) << label(c.op, c.dtype);
  }
}

MT_TEST_ALL_TARGETS(ElementwiseLayout);

}  // namespace
}  // namespace mt
