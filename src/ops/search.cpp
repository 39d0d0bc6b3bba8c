// searchsorted, bucketize and isin.
#include "ops/search.h"

#include <limits>

#include "ops/along.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/index.h"
#include "ops/sort.h"
#include "ops/unary.h"
#include "ops/view.h"

namespace mt {
namespace {

bool is_right(bool right, std::string_view side) {
  if (side.empty()) return right;
  if (side != "left" && side != "right") {
    fail(Status::kInvalidArgument, "searchsorted: unknown side: '", side,
         "': must be left or right");
  }
  if (right && side == "left") {
    fail(Status::kInvalidArgument,
         "searchsorted: contradiction: side is left and right is true: give one of them");
  }
  return side == "right";
}

void check_shapes(const Tensor& sequence, const Tensor& values) {
  bool fits = sequence.dim() == 1 || sequence.dim() == values.dim();
  for (int d = 0; d + 1 < sequence.dim() && sequence.dim() > 1 && fits; ++d) {
    fits = sequence.size(d) == values.size(d);
  }
  if (fits && sequence.dim() > 0) return;
  fail(Status::kShape, "searchsorted: shape mismatch: sequence ", shape_string(sequence.sizes()),
       ", values ", shape_string(values.sizes()),
       ": the sequence must be 1-D or have the values' dims but for the last");
}

void check_sorter(const Tensor& sequence, const Tensor& sorter) {
  if (sorter.dtype() != DType::kInt64 || !(sorter.sizes() == sequence.sizes())) {
    fail(Status::kShape, "searchsorted: sorter mismatch: sequence ", shape_string(sequence.sizes()),
         ", sorter ", dtype_name(sorter.dtype()), " ", shape_string(sorter.sizes()),
         ": it must be int64 of the sequence's shape");
  }
}

}  // namespace

Tensor searchsorted(const Tensor& sequence, const Tensor& values, bool out_int32, bool right,
                    std::string_view side, const Tensor& sorter) {
  check_defined("searchsorted", "sorted_sequence", sequence);
  check_defined("searchsorted", "values", values);
  const bool from_right = is_right(right, side);
  const Device device = check_devices("searchsorted", {&sequence, &values});
  check_shapes(sequence, values);
  if (sorter.defined()) check_sorter(sequence, sorter);
  const int64_t n = sequence.sizes().back();
  if (out_int32 && n > std::numeric_limits<int32_t>::max()) {
    fail(Status::kInvalidArgument, "searchsorted: out of range: a sequence of ", n,
         ": int32 cannot hold its indices; leave out_int32 off");
  }
  const Tensor out = Tensor::empty(values.sizes(), DType::kInt64, device, "searchsorted");
  if (!out.is_meta() && out.numel() != 0) {
    const DType compute = kernel_dtype(result_type(sequence, values));
    const SearchKernel kernel =
        find_kernel("searchsorted", backend(device).sort, &SortKernels::search, sequence, compute);
    const Tensor in = contiguous_values(converted(sequence, compute));
    const Tensor x = contiguous_values(converted(values, compute));
    const Tensor order = sorter.defined()
                             ? checked_index("searchsorted", sorter, sequence.dim() - 1, n, false)
                             : Tensor();
    SearchArgs args{};
    args.sequence = in.data();
    args.sorter = order.defined() ? order.data_as<int64_t>() : nullptr;
    args.values = x.data();
    args.n = n;
    args.m = values.dim() == 0 ? 1 : values.sizes().back();
    args.rows = values.numel() / args.m;
    args.one_sequence = sequence.dim() == 1;
    args.right = from_right;
    args.out = out.data_as<int64_t>();
    kernel(args);
  }
  return out_int32 ? converted(out, DType::kInt32) : out;
}

Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool out_int32, bool right) {
  check_defined("bucketize", "input", self);
  check_defined("bucketize", "boundaries", boundaries);
  if (boundaries.dim() != 1) {
    fail(Status::kShape, "bucketize: shape mismatch: boundaries ", shape_string(boundaries.sizes()),
         ": must have one dim");
  }
  return searchsorted(boundaries, self, out_int32, right);
}

Tensor isin(const Tensor& elements, const Tensor& test_elements, bool, bool invert) {
  check_defined("isin", "elements", elements);
  check_defined("isin", "test_elements", test_elements);
  const Device device = check_devices("isin", {&elements, &test_elements});
  GradMode off(false);
  const DType dtype = result_type(elements, test_elements);
  const Tensor sought = contiguous_values(converted(elements, dtype));
  Tensor known = sort(reshape(converted(test_elements, dtype), {{-1}}), 0, false, true).values;
  if (!known.is_meta()) {  // NaN is equal to nothing, and sorted last
    known = narrow(known, 0, 0, known.numel() - sum(isnan(known)).item().to_int());
  }
  const int64_t n = known.numel();
  if (n == 0) return full(elements.sizes(), invert, DType::kBool, device);
  const Tensor places = reshape(searchsorted(known, sought), {{-1}});
  const Tensor inside =
      where(lt(places, Tensor::from_scalar(n)), places, Tensor::from_scalar(n - 1));
  const Tensor found = eq(reshape(index_select(known, 0, inside), elements.sizes()), sought);
  return invert ? logical_not(found) : found;
}

}  // namespace mt
