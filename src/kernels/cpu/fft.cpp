// Fourier transforms by FFTW 3, opened at run time. Plans are made by FFTW_ESTIMATE, which is fast
// and touches no data, and kept; making them is not thread-safe, running them is.
#include "kernels/fft.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/library.h"
#include "core/parallel.h"
#include "kernels/backend.h"

namespace mt::cpu {
namespace {

// FFTW's own declarations, as its manual gives them (section "64-bit Guru Interface").
using FftwPlan = struct FftwPlanStruct*;
struct FftwDim {
  ptrdiff_t n, is, os;
};
constexpr unsigned kUnaligned = 1u << 1, kEstimate = 1u << 6;

template <class T>
struct Fftw {
  using MakeComplex = FftwPlan (*)(int, const FftwDim*, int, const FftwDim*, T*, T*, int, unsigned);
  using MakeReal = FftwPlan (*)(int, const FftwDim*, int, const FftwDim*, T*, T*, unsigned);
  using Run = void (*)(FftwPlan, T*, T*);
  MakeComplex make_complex;
  MakeReal make_from_real, make_to_real;
  Run run_complex, run_from_real, run_to_real;
  void (*destroy)(FftwPlan);

  // Null when the library is not there.
  static const Fftw* get() {
    static const Fftw kFunctions = load();
    return kFunctions.destroy ? &kFunctions : nullptr;
  }

 private:
  static Fftw load() {
    constexpr bool kSingle = std::is_same_v<T, float>;
    Fftw f{};
    const Library library{kSingle ? "libfftw3f.so.3" : "libfftw3.so.3"};
    bool complete = true;
    const auto find = [&]<class F>(F& function, const char* name) {
      const std::string symbol = (kSingle ? "fftwf_" : "fftw_") + std::string(name);
      complete = library.find(symbol.c_str(), function) && complete;
    };
    find(f.make_complex, "plan_guru64_dft");
    find(f.make_from_real, "plan_guru64_dft_r2c");
    find(f.make_to_real, "plan_guru64_dft_c2r");
    find(f.run_complex, "execute_dft");
    find(f.run_from_real, "execute_dft_r2c");
    find(f.run_to_real, "execute_dft_c2r");
    find(f.destroy, "destroy_plan");
    return complete ? f : Fftw{};
  }
};

// FFTW's planner is one for all threads; making a plan may end others.
std::recursive_mutex& planner() {
  static std::recursive_mutex mutex;
  return mutex;
}

using Plan = std::shared_ptr<FftwPlanStruct>;
using FftwDims = std::vector<FftwDim>;

// A kept plan for these dims, for the batch dims `others`; null when FFTW refuses.
template <class T>
Plan find_plan(const FftArgs& a, const FftwDims& dims, const FftwDims& others, bool aligned) {
  constexpr size_t kKept = 256;
  // Never destroyed: transforms may run while the process ends.
  static auto& plans = *new std::map<std::vector<int64_t>, Plan>;
  std::vector<int64_t> key{static_cast<int64_t>(a.kind), a.inverse, aligned, a.in == a.out,
                           static_cast<int64_t>(dims.size())};
  for (const FftwDims* list : {&dims, &others}) {
    for (const FftwDim& d : *list) key.insert(key.end(), {d.n, d.is, d.os});
  }
  const std::lock_guard lock(planner());
  if (const auto found = plans.find(key); found != plans.end()) return found->second;
  const Fftw<T>& f = *Fftw<T>::get();
  const unsigned flags = kEstimate | (aligned ? 0 : kUnaligned);
  const int n = static_cast<int>(dims.size()), m = static_cast<int>(others.size());
  auto *const in = static_cast<T*>(a.in), *const out = static_cast<T*>(a.out);
  const FftwPlan made =
      a.kind == FftKind::kComplex
          ? f.make_complex(n, dims.data(), m, others.data(), in, out, a.inverse ? 1 : -1, flags)
      : a.kind == FftKind::kFromReal
          ? f.make_from_real(n, dims.data(), m, others.data(), in, out, flags)
          : f.make_to_real(n, dims.data(), m, others.data(), in, out, flags);
  if (!made) return nullptr;
  const Plan plan(made, [destroy = f.destroy](FftwPlan p) {
    const std::lock_guard guard(planner());
    destroy(p);
  });
  if (plans.size() >= kKept) plans.clear();
  plans[std::move(key)] = plan;
  return plan;
}

template <class T>
void run(const Fftw<T>& f, FftKind kind, const Plan& plan, T* in, T* out) {
  (kind == FftKind::kComplex    ? f.run_complex
   : kind == FftKind::kFromReal ? f.run_from_real
                                : f.run_to_real)(plan.get(), in, out);
}

bool is_aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 64 == 0; }

template <class T>
bool transform(const FftArgs& a) {
  const Fftw<T>* const f = Fftw<T>::get();
  if (!f) return false;
  const int ndim = static_cast<int>(a.in_sizes.size());
  const Dims in_strides = contiguous_strides(a.in_sizes);
  const Dims out_strides = contiguous_strides(a.out_sizes);
  const auto is_transformed = [&](int d) {
    return std::find(a.dims.begin(), a.dims.end(), d) != a.dims.end();
  };
  const auto dim = [&](int d) {
    const auto at = static_cast<size_t>(d);
    return FftwDim{std::max(a.in_sizes[at], a.out_sizes[at]), in_strides[d], out_strides[d]};
  };
  FftwDims dims, others;
  for (const int64_t d : a.dims) dims.push_back(dim(static_cast<int>(d)));
  for (int d = 0; d < ndim; ++d) {
    if (!is_transformed(d) && a.in_sizes[static_cast<size_t>(d)] > 1) others.push_back(dim(d));
  }
  const int64_t in_parts = a.kind == FftKind::kFromReal ? 1 : 2;
  const int64_t out_parts = a.kind == FftKind::kToReal ? 1 : 2;
  auto *const in = static_cast<T*>(a.in), *const out = static_cast<T*>(a.out);
  int64_t numel = out_parts;
  for (const int64_t s : a.out_sizes) numel *= s;
  // A large batch is split between the threads along its outermost dim.
  FftwDim split{1, 0, 0};
  if (numel > 1 << 16 && num_threads() > 1 && !others.empty()) {
    split = others.front();
    others.erase(others.begin());
  }
  const bool aligned = split.n == 1 && is_aligned(in) && is_aligned(out);
  const Plan plan = find_plan<T>(a, dims, others, aligned);
  if (!plan) return false;
  parallel_for(0, split.n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      run<T>(*f, a.kind, plan, in + i * split.is * in_parts, out + i * split.os * out_parts);
    }
  });
  if (a.scale != 1) {
    const T scale = static_cast<T>(a.scale);
    parallel_for(0, numel, 1 << 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) out[i] *= scale;
    });
  }
  return true;
}

bool available() { return Fftw<float>::get() && Fftw<double>::get(); }

}  // namespace

const FftKernels* fft_kernels() {
  static const FftKernels kTable = [] {
    FftKernels k{};
    k.transform[static_cast<int>(DType::kFloat32)] = transform<float>;
    k.transform[static_cast<int>(DType::kFloat64)] = transform<double>;
    k.available = available;
    return k;
  }();
  return &kTable;
}

}  // namespace mt::cpu
