// The list of elementwise kernels of a device: MT_ELEMENTWISE(id, "name in errors").
// Operands: output first, then inputs, all of the kernel's dtype unless said otherwise.
// A new elementwise kernel is one line here and one functor in kernels/cpu/.

// Unary: out = f(x). Parameters in Params.
MT_ELEMENTWISE(kNeg, "neg")
MT_ELEMENTWISE(kAbs, "abs")
MT_ELEMENTWISE(kSquare, "square")
MT_ELEMENTWISE(kSqrt, "sqrt")
MT_ELEMENTWISE(kRsqrt, "rsqrt")
MT_ELEMENTWISE(kReciprocal, "reciprocal")
MT_ELEMENTWISE(kExp, "exp")
MT_ELEMENTWISE(kLog, "log")
MT_ELEMENTWISE(kLog1p, "log1p")
MT_ELEMENTWISE(kExpm1, "expm1")
MT_ELEMENTWISE(kSin, "sin")
MT_ELEMENTWISE(kCos, "cos")
MT_ELEMENTWISE(kTanh, "tanh")
MT_ELEMENTWISE(kSigmoid, "sigmoid")
MT_ELEMENTWISE(kErf, "erf")
MT_ELEMENTWISE(kRelu, "relu")
MT_ELEMENTWISE(kGelu, "gelu")      // exact, x * Phi(x)
MT_ELEMENTWISE(kGeluTanh, "gelu")  // tanh approximation
MT_ELEMENTWISE(kSign, "sign")
MT_ELEMENTWISE(kFloor, "floor")
MT_ELEMENTWISE(kCeil, "ceil")
MT_ELEMENTWISE(kRound, "round")  // half to even
MT_ELEMENTWISE(kTrunc, "trunc")
MT_ELEMENTWISE(kClamp, "clamp")             // f[0] <= x <= f[1] (floats), i[0], i[1] (integers)
MT_ELEMENTWISE(kPowScalar, "pow")           // x ** f[0] (floats), x ** i[0] (integers, i[0] >= 0)
MT_ELEMENTWISE(kLogicalNot, "logical_not")  // output bool
MT_ELEMENTWISE(kIsNan, "isnan")             // output bool
MT_ELEMENTWISE(kIsInf, "isinf")             // output bool
MT_ELEMENTWISE(kIsFinite, "isfinite")       // output bool
MT_ELEMENTWISE(kLog2, "log2")
MT_ELEMENTWISE(kLog10, "log10")
MT_ELEMENTWISE(kTan, "tan")
MT_ELEMENTWISE(kLeakyRelu, "leaky_relu")  // negative slope in f[0]
MT_ELEMENTWISE(kElu, "elu")               // f[1] x, or f[0] expm1(f[2] x) for x <= 0
MT_ELEMENTWISE(kSilu, "silu")
MT_ELEMENTWISE(kSoftplus, "softplus")  // beta in f[0], threshold in f[1]
MT_ELEMENTWISE(kExp2, "exp2")
MT_ELEMENTWISE(kAsin, "asin")
MT_ELEMENTWISE(kAcos, "acos")
MT_ELEMENTWISE(kAtan, "atan")
MT_ELEMENTWISE(kSinh, "sinh")
MT_ELEMENTWISE(kCosh, "cosh")
MT_ELEMENTWISE(kAsinh, "asinh")
MT_ELEMENTWISE(kAcosh, "acosh")
MT_ELEMENTWISE(kAtanh, "atanh")
MT_ELEMENTWISE(kFrac, "frac")
MT_ELEMENTWISE(kHardsigmoid, "hardsigmoid")
MT_ELEMENTWISE(kHardswish, "hardswish")
MT_ELEMENTWISE(kMish, "mish")

// Binary: out = f(a, b).
MT_ELEMENTWISE(kAdd, "add")  // a + alpha * b; alpha in f[0] (floats), i[0] (integers)
MT_ELEMENTWISE(kSub, "sub")  // a - alpha * b
MT_ELEMENTWISE(kMul, "mul")
MT_ELEMENTWISE(kDiv, "div")              // floating dtypes only
MT_ELEMENTWISE(kDivFloor, "div")         // rounding_mode floor; all dtypes
MT_ELEMENTWISE(kDivTrunc, "div")         // rounding_mode trunc; all dtypes
MT_ELEMENTWISE(kRemainder, "remainder")  // Python's %: sign of the divisor
MT_ELEMENTWISE(kPow, "pow")
MT_ELEMENTWISE(kMaximum, "maximum")  // NaN wins
MT_ELEMENTWISE(kMinimum, "minimum")
MT_ELEMENTWISE(kEq, "eq")  // comparisons: output bool
MT_ELEMENTWISE(kNe, "ne")
MT_ELEMENTWISE(kLt, "lt")
MT_ELEMENTWISE(kLe, "le")
MT_ELEMENTWISE(kGt, "gt")
MT_ELEMENTWISE(kGe, "ge")
MT_ELEMENTWISE(kLogicalAnd, "logical_and")  // output bool
MT_ELEMENTWISE(kLogicalOr, "logical_or")
MT_ELEMENTWISE(kLogicalXor, "logical_xor")
MT_ELEMENTWISE(kBitwiseAnd, "bitwise_and")  // integers and bool
MT_ELEMENTWISE(kBitwiseOr, "bitwise_or")
MT_ELEMENTWISE(kBitwiseXor, "bitwise_xor")
MT_ELEMENTWISE(kAtan2, "atan2")  // from here on floating dtypes only
MT_ELEMENTWISE(kHypot, "hypot")
MT_ELEMENTWISE(kFmod, "fmod")  // C's: sign of a
MT_ELEMENTWISE(kCopysign, "copysign")
MT_ELEMENTWISE(kLogaddexp, "logaddexp")
MT_ELEMENTWISE(kXlogy, "xlogy")
MT_ELEMENTWISE(kFmax, "fmax")  // NaN loses
MT_ELEMENTWISE(kFmin, "fmin")

// Ternary.
MT_ELEMENTWISE(kWhere, "where")      // inputs: bool condition, a, b
MT_ELEMENTWISE(kAddcmul, "addcmul")  // a + f[0] * b * c
MT_ELEMENTWISE(kAddcdiv, "addcdiv")  // a + f[0] * b / c
MT_ELEMENTWISE(kLerp, "lerp")        // a + f[0] * (b - a)

// Slopes: gradient of the output times the derivative. First input is the gradient.
MT_ELEMENTWISE(kSigmoidBackward, "sigmoid_backward")          // g, sigmoid(x)
MT_ELEMENTWISE(kTanhBackward, "tanh_backward")                // g, tanh(x)
MT_ELEMENTWISE(kReluBackward, "relu_backward")                // g, relu(x)
MT_ELEMENTWISE(kGeluBackward, "gelu_backward")                // g, x
MT_ELEMENTWISE(kGeluTanhBackward, "gelu_backward")            // g, x
MT_ELEMENTWISE(kClampBackward, "clamp_backward")              // g, x; params as kClamp
MT_ELEMENTWISE(kAbsBackward, "abs_backward")                  // g, x
MT_ELEMENTWISE(kLeakyReluBackward, "leaky_relu_backward")     // g, x; params as kLeakyRelu
MT_ELEMENTWISE(kEluBackward, "elu_backward")                  // g, x; params as kElu
MT_ELEMENTWISE(kSiluBackward, "silu_backward")                // g, x
MT_ELEMENTWISE(kSoftplusBackward, "softplus_backward")        // g, x; params as kSoftplus
MT_ELEMENTWISE(kHardtanhBackward, "hardtanh_backward")        // g, x; f[0] and f[1] as kClamp
MT_ELEMENTWISE(kHardsigmoidBackward, "hardsigmoid_backward")  // g, x
MT_ELEMENTWISE(kHardswishBackward, "hardswish_backward")      // g, x
MT_ELEMENTWISE(kMishBackward, "mish_backward")                // g, x
MT_ELEMENTWISE(kMseBackward, "mse_loss_backward")             // g, x, y: g * f[0] * (x - y)
MT_ELEMENTWISE(kL1Backward, "l1_loss_backward")               // g, x, y: g * f[0] * sign(x - y)

// Losses per element.
MT_ELEMENTWISE(kMse, "mse_loss")                                    // (x - y)^2
MT_ELEMENTWISE(kL1, "l1_loss")                                      // |x - y|
MT_ELEMENTWISE(kBce, "binary_cross_entropy")                        // x, y; logs clamped at -100
MT_ELEMENTWISE(kBceBackward, "binary_cross_entropy_backward")       // g, x, y; 1e-12 floor
MT_ELEMENTWISE(kBceWithLogits, "binary_cross_entropy_with_logits")  // x, y, stable form
MT_ELEMENTWISE(kSmoothL1, "smooth_l1_loss")                         // x, y; beta in f[1]
MT_ELEMENTWISE(kHuber, "huber_loss")                                // x, y; delta in f[1]
// Their slopes: g, x, y: g * f[0] * d loss / d x.
MT_ELEMENTWISE(kSmoothL1Backward, "smooth_l1_loss_backward")  // beta in f[1]
MT_ELEMENTWISE(kHuberBackward, "huber_loss_backward")         // delta in f[1]
MT_ELEMENTWISE(kBceWithLogitsBackward, "binary_cross_entropy_with_logits_backward")
