// Linear algebra: factors multiply back, gradients by finite differences, trouble is an error and
// never a crash, and the host program's OpenBLAS setting survives.
#include "ops/linalg.h"

#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/matmul.h"
#include "ops/ops_testing.h"
#include "ops/reduce.h"
#include "ops/view.h"

extern "C" {
int openblas_get_num_threads(void);
void openblas_set_num_threads(int n);
}

namespace mt::testing {
namespace {

Tensor square3() { return doubles({4, 1, -2, 1, 5, 0.5, 0.25, -1, 6}, {3, 3}); }
Tensor definite3() { return doubles({4, 1, -1, 1, 5, 0.5, -1, 0.5, 6}, {3, 3}); }
Tensor tall() { return doubles({1, 2, 3, 5, -1, 0.5}, {3, 2}); }
Tensor mt_of(const Tensor& t) { return transpose(t, -2, -1); }

TEST(Linalg, FactorsMultiplyBack) {
  const Tensor a = square3();
  const Plu p = linalg_lu(a);
  EXPECT_TRUE(matches(matmul(p.p, matmul(p.l, p.u)), list(a), 1e-13));
  for (const Tensor& m : {a, tall(), Tensor(mt_of(tall()))}) {
    const Qr qr = linalg_qr(m);
    EXPECT_TRUE(matches(matmul(qr.q, qr.r), list(m), 1e-13));
    const Svd svd = linalg_svd(m, false);
    EXPECT_TRUE(matches(matmul(mul(svd.u, unsqueeze(svd.s, -2)), svd.vh), list(m), 1e-13));
    const Tensor inverse = linalg_pinv(m);
    EXPECT_TRUE(matches(matmul(m, matmul(inverse, m)), list(m), 1e-12));
  }
  const Tensor l = linalg_cholesky(definite3());
  EXPECT_TRUE(matches(matmul(l, mt_of(l)), list(definite3()), 1e-13));
  const Eigh e = linalg_eigh(definite3());
  EXPECT_TRUE(
      matches(matmul(mul(e.eigenvectors, unsqueeze(e.eigenvalues, -2)), mt_of(e.eigenvectors)),
              list(definite3()), 1e-13));
  const Geqrf f = geqrf(tall());
  EXPECT_TRUE(matches(linalg_householder_product(f.a, f.tau), list(linalg_qr(tall()).q), 1e-13));
}

TEST(Linalg, ClosedForms) {
  EXPECT_TRUE(matches(linalg_det(doubles({1, 2, 3, 4}, {2, 2})), {-2}, 1e-14));
  EXPECT_TRUE(matches(linalg_inv(doubles({2, 0, 0, 4}, {2, 2})), {0.5, 0, 0, 0.25}));
  EXPECT_TRUE(matches(matrix_exp(doubles({0, 1, 0, 0}, {2, 2})), {1, 1, 0, 1}, 1e-15));
  const double c = std::cos(20.0), s = std::sin(20.0);
  EXPECT_TRUE(matches(matrix_exp(doubles({0, -20, 20, 0}, {2, 2})), {c, -s, s, c}, 1e-12));
  EXPECT_TRUE(matches(matrix_power(doubles({1, 1, 0, 1}, {2, 2}), 50), {1, 50, 0, 1}));
  EXPECT_TRUE(matches(linalg_matrix_rank(doubles({1, 2, 2, 4}, {2, 2})), {1}));
  EXPECT_TRUE(matches(linalg_det(zeros(Dims{0, 0})), {1}));
}

TEST(Linalg, GradientsByDifferences) {
  expect_gradients([](auto in) { return linalg_inv(in[0]); }, {square3()});
  expect_gradients([](auto in) { return linalg_det(in[0]); }, {square3()});
  expect_gradients([](auto in) { return linalg_slogdet(in[0]).logabsdet; }, {square3()});
  expect_gradients([](auto in) { return linalg_solve(in[0], in[1]); }, {square3(), tall()});
  expect_gradients([](auto in) { return linalg_qr(in[0]).r; }, {tall()});
  expect_gradients([](auto in) { return linalg_qr(in[0]).q; }, {mt_of(tall())});
  expect_gradients([](auto in) { return linalg_svdvals(in[0]); }, {tall()});
  expect_gradients([](auto in) { return linalg_lu_factor(in[0]).lu; }, {tall()});
  expect_gradients([](auto in) { return linalg_lu_factor(in[0]).lu; }, {mt_of(tall())});
  expect_gradients([](auto in) { return linalg_pinv(in[0]); }, {tall()});
  expect_gradients([](auto in) { return matrix_exp(in[0]); }, {square3()});
  expect_gradients([](auto in) { return linalg_lstsq(in[0], in[1]).solution; },
                   {tall(), doubles({1, 2, 3}, {3, 1})});
  // Symmetric changes only: the functions read one triangle.
  const auto symmetric = [](const Tensor& t) { return add(t, mt_of(t)); };
  expect_gradients([&](auto in) { return linalg_cholesky(symmetric(in[0])); }, {definite3()});
  expect_gradients([&](auto in) { return linalg_eigvalsh(symmetric(in[0])); }, {definite3()});
}

// PyTorch's: 0 in the first derivative, the cofactors where it is differentiated again.
TEST(Linalg, DeterminantOfSingularMatrix) {
  const Tensor a = with_grad(doubles({1, 2, 2, 4}, {2, 2}));
  const Tensor out = linalg_det(a);
  EXPECT_TRUE(matches(grad({&out, 1}, {&a, 1}, {}, true)[0], {0, 0, 0, 0}));
  EXPECT_TRUE(matches(grad({&out, 1}, {&a, 1}, {}, true, true)[0], {4, -2, -2, 1}, 1e-12));
}

TEST(Linalg, TroubleIsAnError) {
  const Tensor zero = doubles({0, 0, 0, 0}, {2, 2}), bad = doubles({1, kNan, 0, 1}, {2, 2});
  EXPECT_TRUE(contains(error_of([&] { linalg_inv(zero); }), "singular"));
  EXPECT_TRUE(contains(error_of([&] { linalg_solve(zero, zero); }), "singular"));
  EXPECT_TRUE(contains(error_of([&] { linalg_cholesky(zero); }), "positive-definite"));
  EXPECT_TRUE(contains(error_of([&] { linalg_svd(bad); }), "not finite"));
  EXPECT_TRUE(contains(error_of([&] { linalg_eigh(bad); }), "not finite"));
  EXPECT_TRUE(contains(error_of([&] { linalg_lstsq(bad, bad); }), "not finite"));
  EXPECT_EQ(error_of([&] { linalg_inv(tall()); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] { linalg_inv(ints({1})); }).status(), Status::kShape);
  EXPECT_EQ(error_of([&] {
              linalg_det(tensor({1}, DType::kFloat16, {1, 1}));
            }).status(),
            Status::kNotImplemented);
  EXPECT_EQ(list(linalg_inv_ex(zero).info)[0] > 0, true);
}

TEST(Linalg, OpenBlasKeepsItsThreads) {
  const int before = openblas_get_num_threads();
  openblas_set_num_threads(2);
  linalg_svd(square3());
  EXPECT_EQ(openblas_get_num_threads(), 2);
  openblas_set_num_threads(before);
}

TEST(Linalg, MetaHasShapes) {
  const Tensor a = Tensor::empty(Dims{4, 5, 3}, DType::kFloat32, Device::kMeta);
  EXPECT_EQ(linalg_svd(a).u.sizes(), (Dims{4, 5, 5}));
  EXPECT_EQ(linalg_qr(a).r.sizes(), (Dims{4, 3, 3}));
  EXPECT_EQ(linalg_pinv(a).sizes(), (Dims{4, 3, 5}));
}

}  // namespace
}  // namespace mt::testing
