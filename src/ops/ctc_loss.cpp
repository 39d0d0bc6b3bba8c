// Connectionist temporal classification (Graves et al., 2006): the likelihood of a label sequence
// over all its alignments by dynamic programming, in double. The gradient is PyTorch's: that of the
// softmax in front of log_probs is part of it. There is no second derivative.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "ops/clamp.h"
#include "ops/compare.h"
#include "ops/margin_loss.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "ops/view.h"

namespace mt {
namespace {

using namespace tensor_math;

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const double high = std::max(a, b);
  return high == kNever ? kNever : high + std::log1p(std::exp(std::min(a, b) - high));
}

// One sample: log-probabilities p[t * step + class], its labels, and blanks around them.
struct Sample {
  const double* p;
  int64_t step, time;
  const int64_t* labels;
  int64_t count, blank;

  int64_t states() const { return 2 * count + 1; }
  int64_t label(int64_t s) const { return s % 2 == 0 ? blank : labels[s / 2]; }
  double at(int64_t t, int64_t s) const { return p[t * step + label(s)]; }
  // Whether state s may follow s - 2 directly: labels that differ.
  bool skips(int64_t s) const { return s % 2 == 1 && s >= 2 && labels[s / 2] != labels[s / 2 - 1]; }
};

// alpha[t, s]: log-likelihood of the labels up to state s at time t. Returns the loss.
double forward(const Sample& x, std::vector<double>& alpha) {
  const int64_t n = x.states();
  alpha.assign(static_cast<size_t>(std::max<int64_t>(x.time, 1) * n), kNever);
  if (x.time == 0) return x.count == 0 ? 0 : -kNever;
  alpha[0] = x.at(0, 0);
  if (n > 1) alpha[1] = x.at(0, 1);
  for (int64_t t = 1; t < x.time; ++t) {
    const double* before = alpha.data() + (t - 1) * n;
    double* now = alpha.data() + t * n;
    for (int64_t s = 0; s < n; ++s) {
      double sum = before[s];
      if (s >= 1) sum = log_add(sum, before[s - 1]);
      if (x.skips(s)) sum = log_add(sum, before[s - 2]);
      now[s] = sum + x.at(t, s);
    }
  }
  const double* last = alpha.data() + (x.time - 1) * n;
  return -(n > 1 ? log_add(last[n - 1], last[n - 2]) : last[0]);
}

// grad[t, class] of the loss, times scale.
void backward(const Sample& x, double scale, bool zero_infinity, int64_t classes, double* grad) {
  std::vector<double> alpha;
  const double loss = forward(x, alpha);
  if (x.time == 0 || (zero_infinity && loss == -kNever)) return;
  const int64_t n = x.states();
  std::vector<double> beta(static_cast<size_t>(n), kNever), next(static_cast<size_t>(n));
  std::vector<double> sums(static_cast<size_t>(classes));
  for (int64_t t = x.time - 1; t >= 0; --t) {
    for (int64_t s = n - 1; s >= 0; --s) {
      double sum = kNever;
      if (t == x.time - 1) {
        sum = s >= n - 2 ? 0 : kNever;
      } else {
        sum = next[static_cast<size_t>(s)];
        if (s + 1 < n) sum = log_add(sum, next[static_cast<size_t>(s + 1)]);
        if (s + 2 < n && x.skips(s + 2)) sum = log_add(sum, next[static_cast<size_t>(s + 2)]);
      }
      beta[static_cast<size_t>(s)] = sum + x.at(t, s);
    }
    std::fill(sums.begin(), sums.end(), kNever);
    for (int64_t s = 0; s < n; ++s) {
      double& sum = sums[static_cast<size_t>(x.label(s))];
      sum = log_add(sum, alpha[static_cast<size_t>(t * n + s)] + beta[static_cast<size_t>(s)]);
    }
    for (int64_t c = 0; c < classes; ++c) {
      const double p = x.p[t * x.step + c];
      grad[t * x.step + c] =
          scale * (std::exp(p) - std::exp(sums[static_cast<size_t>(c)] + loss - p));
    }
    std::swap(beta, next);
  }
}

struct Batch {
  Tensor probs, targets;  // double (time, n, classes); int64
  std::vector<int64_t> times, counts, starts;
  int64_t blank;

  Sample sample(int64_t i) const {
    const auto k = static_cast<size_t>(i);
    const int64_t n = probs.size(1), classes = probs.size(2);
    return {probs.data_as<double>() + i * classes,  n * classes, times[k],
            targets.data_as<int64_t>() + starts[k], counts[k],   blank};
  }
};

std::vector<int64_t> lengths_of(std::string_view name, const Tensor& lengths, int64_t n) {
  check_defined("ctc_loss", name, lengths);
  if (lengths.numel() != n || lengths.dim() > 1 || !is_integral(lengths.dtype(), false)) {
    fail(Status::kShape, "ctc_loss: shape mismatch: ", name, " ", shape_string(lengths.sizes()),
         " of ", dtype_name(lengths.dtype()), ": must be ", n, " integers, one a sample");
  }
  const Tensor plain = contiguous_values(converted(lengths, DType::kInt64));
  const auto* at = plain.data_as<const int64_t>();
  return {at, at + n};
}

Batch batch_of(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
               const Tensor& target_lengths, int64_t blank) {
  constexpr std::string_view kOp = "ctc_loss";
  const int64_t time = log_probs.size(0), n = log_probs.size(1), classes = log_probs.size(2);
  Batch b;
  b.blank = blank;
  b.probs = contiguous_values(converted(log_probs, DType::kFloat64));
  b.targets = contiguous_values(converted(targets, DType::kInt64));
  b.times = lengths_of("input_lengths", input_lengths, n);
  b.counts = lengths_of("target_lengths", target_lengths, n);
  int64_t total = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto k = static_cast<size_t>(i);
    const int64_t most = targets.dim() == 2 ? targets.size(1) : targets.numel() - total;
    if (b.times[k] < 0 || b.times[k] > time || b.counts[k] < 0 || b.counts[k] > most) {
      fail(Status::kInvalidArgument, kOp, ": length out of range: input_lengths ", b.times[k],
           " and target_lengths ", b.counts[k], " of sample ", i, ": must be in [0, ", time,
           "] and [0, ", most, "]");
    }
    b.starts.push_back(targets.dim() == 2 ? i * targets.size(1) : total);
    total += b.counts[k];
    for (int64_t j = 0; j < b.counts[k]; ++j) {
      const int64_t label = b.targets.data_as<int64_t>()[b.starts[k] + j];
      if (label >= 0 && label < classes) continue;
      fail(Status::kIndex, kOp, ": target out of range: class ", label, " of sample ", i,
           ": must be in [0, ", classes, ")");
    }
  }
  return b;
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, int64_t blank, Reduction reduction,
                bool zero_infinity) {
  constexpr std::string_view kOp = "ctc_loss";
  check_defined(kOp, "log_probs", log_probs);
  check_defined(kOp, "targets", targets);
  check_devices(kOp, {&log_probs, &targets});
  check_floating(kOp, log_probs);
  if (log_probs.dim() == 2) {  // a single sample
    const Tensor loss =
        ctc_loss(unsqueeze(log_probs, 1), targets.dim() == 1 ? unsqueeze(targets, 0) : targets,
                 input_lengths, target_lengths, blank, reduction, zero_infinity);
    return reduction == Reduction::kNone ? squeeze(loss, 0) : loss;
  }
  if (log_probs.dim() != 3 || targets.dim() < 1 || targets.dim() > 2 ||
      !is_integral(targets.dtype(), false) ||
      (targets.dim() == 2 && targets.size(0) != log_probs.size(1))) {
    fail(Status::kShape, kOp, ": shape mismatch: log_probs ", shape_string(log_probs.sizes()),
         ", targets ", shape_string(targets.sizes()), " of ", dtype_name(targets.dtype()),
         ": must be (time, n, classes) and integers (n, s) or (sum of target_lengths)");
  }
  const int64_t n = log_probs.size(1), classes = log_probs.size(2);
  if (blank < 0 || blank >= classes) {
    fail(Status::kInvalidArgument, kOp, ": blank out of range: ", blank, ": must be in [0, ",
         classes, ")");
  }
  Tensor losses = Tensor::empty({{n}}, log_probs.dtype(), log_probs.device(), kOp);
  Tensor counts = Tensor::empty({{n}}, log_probs.dtype(), log_probs.device(), kOp);
  if (!losses.is_meta()) {
    const Batch b = batch_of(log_probs, targets, input_lengths, target_lengths, blank);
    const Tensor values = Tensor::empty({{n}}, DType::kFloat64);
    parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
      std::vector<double> alpha;
      for (int64_t i = begin; i < end; ++i) {
        values.data_as<double>()[i] = forward(b.sample(i), alpha);
      }
    });
    if (zero_infinity) {
      for (int64_t i = 0; i < n; ++i) {
        if (values.data_as<double>()[i] == -kNever) values.data_as<double>()[i] = 0;
      }
    }
    copy_values(losses, values);
    for (int64_t i = 0; i < n; ++i) {
      values.data_as<double>()[i] =
          static_cast<double>(std::max<int64_t>(1, b.counts[static_cast<size_t>(i)]));
    }
    copy_values(counts, values);
  }
  if (recording(log_probs)) {
    record("CtcLossBackward0", losses, {&log_probs},
           [x = save(log_probs), t = save(targets), in = save(input_lengths),
            out = save(target_lengths), blank, zero_infinity](const GradIn& g) -> Grads {
             const Tensor probs = x.get(g);
             const Tensor grad = Tensor::empty(probs.sizes(), DType::kFloat64, probs.device());
             fill_values(grad, 0);
             if (!grad.is_meta()) {
               const Batch b = batch_of(probs, t.get(g), in.get(g), out.get(g), blank);
               const Tensor scale = contiguous_values(converted(g[0], DType::kFloat64));
               const int64_t c = probs.size(2);
               parallel_for(0, probs.size(1), 1, [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   backward(b.sample(i), scale.data_as<double>()[i], zero_infinity, c,
                            grad.data_as<double>() + i * c);
                 }
               });
             }
             Tensor result = converted(grad, probs.dtype());
             if (recording(probs, g[0])) {
               record_light("CtcLossBackwardBackward0", result, {&probs, &g[0]},
                            [](const GradIn&) -> Grads {
                              fail(Status::kNotImplemented,
                                   "ctc_loss: no second derivative: the gradient of ctc_loss "
                                   "cannot be differentiated");
                            });
             }
             return {result};
           });
  }
  switch (reduction) {
    case Reduction::kMean:
      return mean(losses / counts);
    case Reduction::kSum:
      return sum(losses);
    default:
      return losses;
  }
}

}  // namespace mt
