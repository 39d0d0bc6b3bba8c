// Sizes and strides: a small vector of int64 that is inline up to 6 dims, and shape arithmetic
// (broadcasting, contiguous strides, dim wrapping) with PyTorch's rules.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace mt {

using IntSpan = std::span<const int64_t>;

inline constexpr int kMaxDims = 64;  // PyTorch's own limit

// Value type; 56 bytes. Larger ranks live on the heap.
class Dims {
 public:
  static constexpr int kInline = 6;

  Dims() noexcept : size_(0), capacity_(kInline) {}
  explicit Dims(int n, int64_t fill = 0) : Dims() {
    resize(n);
    for (int i = 0; i < n; ++i) data()[i] = fill;
  }
  Dims(IntSpan values) : Dims() { assign(values); }  // NOLINT: a span is a shape
  Dims(std::initializer_list<int64_t> v) : Dims() { assign(IntSpan(v.begin(), v.size())); }
  Dims(const Dims& o) : Dims() { assign(o); }
  Dims(Dims&& o) noexcept : size_(o.size_), capacity_(o.capacity_) {
    std::memcpy(&u_, &o.u_, sizeof u_);
    o.size_ = 0;
    o.capacity_ = kInline;
  }
  Dims& operator=(const Dims& o) {
    if (this != &o) assign(o);
    return *this;
  }
  Dims& operator=(Dims&& o) noexcept {
    if (this != &o) {
      release();
      size_ = o.size_;
      capacity_ = o.capacity_;
      std::memcpy(&u_, &o.u_, sizeof u_);
      o.size_ = 0;
      o.capacity_ = kInline;
    }
    return *this;
  }
  ~Dims() { release(); }

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t* data() { return capacity_ == kInline ? u_.values : u_.heap; }
  const int64_t* data() const { return capacity_ == kInline ? u_.values : u_.heap; }
  int64_t& operator[](int i) { return data()[i]; }
  int64_t operator[](int i) const { return data()[i]; }
  int64_t back() const { return data()[size_ - 1]; }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + size_; }
  int64_t* begin() { return data(); }
  int64_t* end() { return data() + size_; }
  operator IntSpan() const { return {data(), static_cast<size_t>(size_)}; }  // NOLINT

  void assign(IntSpan v) {
    resize(static_cast<int>(v.size()));
    if (!v.empty()) std::memmove(data(), v.data(), v.size() * sizeof(int64_t));
  }
  void resize(int n);  // new entries are not initialised
  void push_back(int64_t v) {
    resize(size_ + 1);
    data()[size_ - 1] = v;
  }
  void insert(int at, int64_t v) {
    resize(size_ + 1);
    int64_t* d = data();
    for (int i = size_ - 1; i > at; --i) d[i] = d[i - 1];
    d[at] = v;
  }
  void erase(int at) {
    int64_t* d = data();
    for (int i = at; i + 1 < size_; ++i) d[i] = d[i + 1];
    --size_;
  }
  friend bool operator==(const Dims& a, const Dims& b) {
    return a.size_ == b.size_ &&
           std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size_) * sizeof(int64_t)) == 0;
  }

 private:
  void release() {
    if (capacity_ != kInline) delete[] u_.heap;
  }
  int32_t size_;
  int32_t capacity_;
  union {
    int64_t values[kInline];
    int64_t* heap;
  } u_;
};

std::string shape_string(IntSpan dims);  // "(2, 3)", "(4,)", "()"

// Product of the sizes; kShape ("<op>: ...") when it does not fit in int64 or a size is negative.
int64_t checked_numel(std::string_view op, IntSpan sizes);
int64_t numel_of(IntSpan sizes);  // for sizes known to be valid

Dims contiguous_strides(IntSpan sizes);
bool is_contiguous(IntSpan sizes, IntSpan strides);

// dim in [-ndim, ndim) to [0, ndim); a 0-dim tensor accepts -1 and 0. kIndex otherwise.
int wrap_dim(std::string_view op, int64_t dim, int ndim);

// Marks the reduced dims of `dims` (empty list = all). Duplicates and out-of-range are errors.
uint64_t dim_mask(std::string_view op, IntSpan dims, int ndim);

// NumPy/PyTorch broadcasting of two shapes; kShape naming both and the dim that clashes.
Dims broadcast_shapes(std::string_view op, IntSpan a, IntSpan b);
bool is_broadcastable_to(IntSpan from, IntSpan to);

// Fills in one -1 of a reshape target; kShape when the counts differ.
Dims infer_reshape(std::string_view op, IntSpan target, int64_t numel);
// Strides that view (sizes, strides) as `target` without copying; false when there are none.
bool view_strides(IntSpan sizes, IntSpan strides, IntSpan target, Dims& out);

}  // namespace mt
