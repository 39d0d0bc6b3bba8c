// The linear algebra kernels on OpenBLAS's LAPACK. OpenBLAS has threads of its own beside ours, so
// it is held to one for as long as any of our calls is under way and then given back its setting.
#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "core/error.h"
#include "core/library.h"
#include "core/tensor.h"
#include "kernels/cpu/elements.h"
#include "kernels/linalg.h"

extern "C" {
// Only their types are used, for what load_openblas looks up. The two are of cblas.h, which would
// bring all of BLAS.
int openblas_get_num_threads(void);
void openblas_set_num_threads(int n);

// Fortran's calling convention: everything by address, hidden string lengths left out as LAPACKE
// does. MT_LAPACK(T, x) declares the functions of one precision, whose names start with x.
#define MT_LAPACK(T, x)                                                                            \
  void x##potrf_(const char*, const int*, T*, const int*, int*);                                   \
  void x##potri_(const char*, const int*, T*, const int*, int*);                                   \
  void x##getrf_(const int*, const int*, T*, const int*, int*, int*);                              \
  void x##getrs_(const char*, const int*, const int*, const T*, const int*, const int*, T*,        \
                 const int*, int*);                                                                \
  void x##trsm_(const char*, const char*, const char*, const char*, const int*, const int*,        \
                const T*, const T*, const int*, T*, const int*);                                   \
  void x##geqrf_(const int*, const int*, T*, const int*, T*, T*, const int*, int*);                \
  void x##orgqr_(const int*, const int*, const int*, T*, const int*, const T*, T*, const int*,     \
                 int*);                                                                            \
  void x##ormqr_(const char*, const char*, const int*, const int*, const int*, const T*,           \
                 const int*, const T*, T*, const int*, T*, const int*, int*);                      \
  void x##gesdd_(const char*, const int*, const int*, T*, const int*, T*, T*, const int*, T*,      \
                 const int*, T*, const int*, int*, int*);                                          \
  void x##syevd_(const char*, const char*, const int*, T*, const int*, T*, T*, const int*, int*,   \
                 const int*, int*);                                                                \
  void x##geev_(const char*, const char*, const int*, T*, const int*, T*, T*, T*, const int*, T*,  \
                const int*, T*, const int*, int*);                                                 \
  void x##sytrf_(const char*, const int*, T*, const int*, int*, T*, const int*, int*);             \
  void x##sytrs_(const char*, const int*, const int*, const T*, const int*, const int*, T*,        \
                 const int*, int*);                                                                \
  void x##gels_(const char*, const int*, const int*, const int*, T*, const int*, T*, const int*,   \
                T*, const int*, int*);                                                             \
  void x##gelsy_(const int*, const int*, const int*, T*, const int*, T*, const int*, int*,         \
                 const T*, int*, T*, const int*, int*);                                            \
  void x##gelss_(const int*, const int*, const int*, T*, const int*, T*, const int*, T*, const T*, \
                 int*, T*, const int*, int*);                                                      \
  void x##gelsd_(const int*, const int*, const int*, T*, const int*, T*, const int*, T*, const T*, \
                 int*, T*, const int*, int*, int*);
MT_LAPACK(float, s)
MT_LAPACK(double, d)
#undef MT_LAPACK
}

namespace mt::cpu {
namespace {

template <class F>
void load_symbol(const Library& library, const char* name, F& function) {
  if (!library.find(name, function)) {
    fail(Status::kNotImplemented, "linalg: not available: OpenBLAS has no ", name,
         ": it must be built with LAPACK");
  }
}

// LAPACK's work space, of the library's allocator.
template <class T>
class Work {
 public:
  explicit Work(int64_t n)
      : tensor_(Tensor::empty(Dims{std::max<int64_t>(n, 1) * int64_t{sizeof(T)}}, DType::kUInt8)) {}
  T* data() const { return static_cast<T*>(tensor_.data()); }

 private:
  Tensor tensor_;
};

int at_least_1(int n) { return std::max(n, 1); }
const char* uplo(bool upper) { return upper ? "U" : "L"; }

// The functions of both precisions by one name: pointers into OpenBLAS once it is loaded.
// clang-format off
#define MT_EACH_FUNCTION(M)                                                    \
  M(potrf) M(potri) M(getrf) M(getrs) M(trsm) M(geqrf) M(orgqr) M(ormqr)       \
  M(gesdd) M(syevd) M(geev) M(sytrf) M(sytrs) M(gels) M(gelsy) M(gelss) M(gelsd)
// clang-format on
template <class T>
struct Lapack;
template <>
struct Lapack<float> {
#define MT_POINTER(f) static inline decltype(&s##f##_) f = nullptr;
#define MT_LOAD(f) load_symbol(library, "s" #f "_", f);
  MT_EACH_FUNCTION(MT_POINTER)
  static void load(const Library& library) { MT_EACH_FUNCTION(MT_LOAD) }
#undef MT_POINTER
#undef MT_LOAD
};
template <>
struct Lapack<double> {
#define MT_POINTER(f) static inline decltype(&d##f##_) f = nullptr;
#define MT_LOAD(f) load_symbol(library, "d" #f "_", f);
  MT_EACH_FUNCTION(MT_POINTER)
  static void load(const Library& library) { MT_EACH_FUNCTION(MT_LOAD) }
#undef MT_POINTER
#undef MT_LOAD
};
#undef MT_EACH_FUNCTION

decltype(&openblas_get_num_threads) get_threads = nullptr;
decltype(&openblas_set_num_threads) set_threads = nullptr;

// Opens OpenBLAS for good, at the first call that needs it: loading it with this library would cost
// every program several milliseconds and its thread pool.
void load_openblas() {
  const Library library{"libopenblas.so.0", "libopenblas.so"};
  if (!library) {
    fail(Status::kNotImplemented,
         "linalg: not available: libopenblas.so.0 cannot be opened: OpenBLAS must be installed for "
         "linear algebra");
  }
  Lapack<float>::load(library);
  Lapack<double>::load(library);
  load_symbol(library, "openblas_get_num_threads", get_threads);
  load_symbol(library, "openblas_set_num_threads", set_threads);
}

// Holds OpenBLAS, loaded if need be, to one thread while any object of this class lives.
class OneThread {
 public:
  OneThread() {
    check_memory();
    const std::lock_guard lock(mutex_);
    if (!set_threads) load_openblas();
    if (users_++ == 0) {
      before_ = get_threads();
      if (before_ != 1) set_threads(1);
    }
  }
  ~OneThread() {
    const std::lock_guard lock(mutex_);
    if (--users_ == 0 && before_ != 1) set_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  // OpenBLAS takes a buffer at a thread's first call, keeps it, and where there is no memory for it
  // asks for it again without end.
  static void check_memory() {
    thread_local bool has_buffer = false;
    if (has_buffer) return;
    constexpr size_t kBuffer = size_t{192} << 20;
    void* volatile const probe = std::malloc(kBuffer);  // volatile: the pair is not optimised away
    std::free(probe);
    if (!probe) {
      fail(Status::kOutOfMemory, "linalg: out of memory: ", kBuffer,
           " bytes for the buffer of OpenBLAS: free some memory");
    }
    has_buffer = true;
  }

  static inline std::mutex mutex_;
  static inline int users_ = 0, before_ = 1;
};

// Calls f(work, &size, info) twice: once asking for the size of the work space, then to do it.
template <class T, class F>
int with_work(const F& f) {
  int info = 0, query = -1;
  T size{};
  f(&size, &query, &info);
  if (info != 0) return info;
  if (!(size < T(1 << 30))) return 1 << 30;  // more than LAPACK's int can say
  // Rounded up: a float cannot hold every size.
  const int n = at_least_1(static_cast<int>(size * (sizeof(T) == 4 ? T(1.0001) : T(1))) + 1);
  const Work<T> work(n);
  f(work.data(), &n, &info);
  return info;
}

template <class T>
int potrf(bool upper, int n, void* a) {
  const OneThread one;
  int info = 0;
  const int ld = at_least_1(n);
  Lapack<T>::potrf(uplo(upper), &n, static_cast<T*>(a), &ld, &info);
  return info;
}

template <class T>
int potri(bool upper, int n, void* a) {
  const OneThread one;
  int info = 0;
  const int ld = at_least_1(n);
  Lapack<T>::potri(uplo(upper), &n, static_cast<T*>(a), &ld, &info);
  return info;
}

template <class T>
int getrf(int m, int n, void* a, int32_t* pivots) {
  const OneThread one;
  int info = 0;
  const int ld = at_least_1(m);
  Lapack<T>::getrf(&m, &n, static_cast<T*>(a), &ld, pivots, &info);
  return info;
}

template <class T>
int getrs(bool trans, int n, int nrhs, const void* a, const int32_t* pivots, void* b) {
  const OneThread one;
  int info = 0;
  const int ld = at_least_1(n);
  Lapack<T>::getrs(trans ? "T" : "N", &n, &nrhs, static_cast<const T*>(a), &ld, pivots,
                   static_cast<T*>(b), &ld, &info);
  return info;
}

template <class T>
int trsm(bool left, bool upper, bool trans, bool unit, int m, int n, const void* a, void* b) {
  const OneThread one;
  const int lda = at_least_1(left ? m : n), ldb = at_least_1(m);
  const T alpha = 1;
  Lapack<T>::trsm(left ? "L" : "R", uplo(upper), trans ? "T" : "N", unit ? "U" : "N", &m, &n,
                  &alpha, static_cast<const T*>(a), &lda, static_cast<T*>(b), &ldb);
  return 0;
}

template <class T>
int geqrf(int m, int n, void* a, void* tau) {
  const OneThread one;
  const int ld = at_least_1(m);
  return with_work<T>([&](T* work, const int* size, int* info) {
    Lapack<T>::geqrf(&m, &n, static_cast<T*>(a), &ld, static_cast<T*>(tau), work, size, info);
  });
}

template <class T>
int orgqr(int m, int n, int k, void* a, const void* tau) {
  const OneThread one;
  const int ld = at_least_1(m);
  return with_work<T>([&](T* work, const int* size, int* info) {
    Lapack<T>::orgqr(&m, &n, &k, static_cast<T*>(a), &ld, static_cast<const T*>(tau), work, size,
                     info);
  });
}

template <class T>
int ormqr(bool left, bool trans, int m, int n, int k, const void* a, const void* tau, void* c) {
  const OneThread one;
  const int lda = at_least_1(left ? m : n), ldc = at_least_1(m);
  return with_work<T>([&](T* work, const int* size, int* info) {
    Lapack<T>::ormqr(left ? "L" : "R", trans ? "T" : "N", &m, &n, &k, static_cast<const T*>(a),
                     &lda, static_cast<const T*>(tau), static_cast<T*>(c), &ldc, work, size, info);
  });
}

template <class T>
int gesdd(bool full, int m, int n, void* a, void* s, void* u, void* vt) {
  const OneThread one;
  const int k = std::min(m, n), lda = at_least_1(m);
  const int ldvt = at_least_1(full ? n : k);
  const char* const job = !u ? "N" : full ? "A" : "S";
  const Work<int> integers(8 * int64_t{k});
  return with_work<T>([&](T* work, const int* size, int* info) {
    Lapack<T>::gesdd(job, &m, &n, static_cast<T*>(a), &lda, static_cast<T*>(s), static_cast<T*>(u),
                     &lda, static_cast<T*>(vt), &ldvt, work, size, integers.data(), info);
  });
}

template <class T>
int syevd(bool vectors, bool upper, int n, void* a, void* w) {
  const OneThread one;
  const int ld = at_least_1(n), n_integers = vectors ? 3 + 5 * n : 1;
  const Work<int> integers(n_integers);
  return with_work<T>([&](T* work, const int* size, int* info) {
    Lapack<T>::syevd(vectors ? "V" : "N", uplo(upper), &n, static_cast<T*>(a), &ld,
                     static_cast<T*>(w), work, size, integers.data(), &n_integers, info);
  });
}

template <class T>
int geev(int n, void* a, void* wr, void* wi, void* v) {
  const OneThread one;
  const int ld = at_least_1(n), one_row = 1;
  return with_work<T>([&](T* work, const int* size, int* info) {
    Lapack<T>::geev("N", v ? "V" : "N", &n, static_cast<T*>(a), &ld, static_cast<T*>(wr),
                    static_cast<T*>(wi), nullptr, &one_row, static_cast<T*>(v), &ld, work, size,
                    info);
  });
}

template <class T>
int sytrf(bool upper, int n, void* a, int32_t* pivots) {
  const OneThread one;
  const int ld = at_least_1(n);
  return with_work<T>([&](T* work, const int* size, int* info) {
    Lapack<T>::sytrf(uplo(upper), &n, static_cast<T*>(a), &ld, pivots, work, size, info);
  });
}

template <class T>
int sytrs(bool upper, int n, int nrhs, const void* a, const int32_t* pivots, void* b) {
  const OneThread one;
  int info = 0;
  const int ld = at_least_1(n);
  Lapack<T>::sytrs(uplo(upper), &n, &nrhs, static_cast<const T*>(a), &ld, pivots,
                   static_cast<T*>(b), &ld, &info);
  return info;
}

template <class T>
int lstsq(char driver, int m, int n, int nrhs, void* a, void* b, double rcond, int* rank, void* s) {
  const OneThread one;
  const int lda = at_least_1(m), ldb = at_least_1(std::max(m, n));
  auto* const ta = static_cast<T*>(a);
  auto* const tb = static_cast<T*>(b);
  auto* const ts = static_cast<T*>(s);
  const T limit = static_cast<T>(rcond);
  if (driver == 'y') {
    const Work<int> order(n);
    std::fill_n(order.data(), n, 0);
    return with_work<T>([&](T* work, const int* size, int* info) {
      Lapack<T>::gelsy(&m, &n, &nrhs, ta, &lda, tb, &ldb, order.data(), &limit, rank, work, size,
                       info);
    });
  }
  if (driver == 's') {
    return with_work<T>([&](T* work, const int* size, int* info) {
      Lapack<T>::gelss(&m, &n, &nrhs, ta, &lda, tb, &ldb, ts, &limit, rank, work, size, info);
    });
  }
  if (driver == 'd') {
    int n_integers = 1;
    return with_work<T>([&](T* work, const int* size, int* info) {
      const Work<int> integers(*size == -1 ? 1 : n_integers);
      Lapack<T>::gelsd(&m, &n, &nrhs, ta, &lda, tb, &ldb, ts, &limit, rank, work, size,
                       integers.data(), info);
      if (*size == -1) n_integers = integers.data()[0];
    });
  }
  return with_work<T>([&](T* work, const int* size, int* info) {
    Lapack<T>::gels("N", &m, &n, &nrhs, ta, &lda, tb, &ldb, work, size, info);
  });
}

template <class T>
void fill(LinalgKernels& k) {
  constexpr int t = kDTypeIndex<T>;
  k.potrf[t] = potrf<T>;
  k.potri[t] = potri<T>;
  k.getrf[t] = getrf<T>;
  k.getrs[t] = getrs<T>;
  k.trsm[t] = trsm<T>;
  k.geqrf[t] = geqrf<T>;
  k.orgqr[t] = orgqr<T>;
  k.ormqr[t] = ormqr<T>;
  k.gesdd[t] = gesdd<T>;
  k.syevd[t] = syevd<T>;
  k.geev[t] = geev<T>;
  k.sytrf[t] = sytrf<T>;
  k.sytrs[t] = sytrs<T>;
  k.lstsq[t] = lstsq<T>;
}

}  // namespace

const LinalgKernels* linalg_kernels() {
  static const LinalgKernels kTable = [] {
    LinalgKernels k{};
    fill<float>(k);
    fill<double>(k);
    return k;
  }();
  return &kTable;
}

}  // namespace mt::cpu
