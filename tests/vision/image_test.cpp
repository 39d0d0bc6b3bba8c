// Operations on images by closed forms, without torchvision: filters of constants and of one pixel,
// maps that come back, tables of bytes, and files damaged at random.
#include <gtest/gtest.h>

#include <random>

#include "core/error.h"
#include "ops/rearrange.h"
#include "vision/functional.h"
#include "vision/image_file.h"

namespace mt::vision {
namespace {

Tensor bytes(IntSpan sizes, int (*value)(int64_t)) {
  const Tensor t = Tensor::empty(sizes, DType::kUInt8);
  for (int64_t i = 0; i < t.numel(); ++i) t.data_as<uint8_t>()[i] = static_cast<uint8_t>(value(i));
  return t;
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.sizes() == b.sizes() &&
         std::equal(a.data_as<uint8_t>(), a.data_as<uint8_t>() + a.numel(), b.data_as<uint8_t>());
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.message();
  }
  return "no error";
}

TEST(Resize, KeepsConstants) {
  const Tensor img = bytes({{2, 17, 23}}, [](int64_t i) { return i < 17 * 23 ? 0 : 255; });
  for (int mode = 0; mode < 6; ++mode) {
    for (const int64_t side : {1, 5, 40}) {
      const Tensor out = resize(img, {{side, 2 * side}}, static_cast<Interpolation>(mode));
      for (int64_t i = 0; i < out.numel(); ++i) {
        ASSERT_EQ(out.data_as<uint8_t>()[i], i < out.numel() / 2 ? 0 : 255);
      }
    }
  }
}

TEST(Resize, BoxTakesMeans) {
  const Tensor img = bytes({{1, 4, 4}}, [](int64_t i) { return static_cast<int>(i * 10); });
  const Tensor out = resize(img, {{2, 2}}, Interpolation::kBox);
  const int want[] = {25, 45, 105, 125};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(out.data_as<uint8_t>()[i], want[i]);
}

TEST(Rotate, QuarterTurnsComeBack) {
  const Tensor img = bytes({{3, 6, 6}}, [](int64_t i) { return static_cast<int>(i * 2); });
  Tensor t = img;
  for (int i = 0; i < 4; ++i) t = rotate(t, 90, false, {});
  EXPECT_TRUE(equal(t, img));
  EXPECT_TRUE(equal(rotate(rotate(img, 270, true, {}), -270, true, {}), img));
}

TEST(Pad, CropTakesItBack) {
  const Tensor img = bytes({{3, 5, 4}}, [](int64_t i) { return static_cast<int>(i); });
  for (int mode = 0; mode < 4; ++mode) {
    const Tensor padded = pad(img, {{7, 9, 2, 11}}, {}, static_cast<PaddingMode>(mode));
    EXPECT_TRUE(equal(crop(padded, 9, 7, 5, 4), img));
  }
}

TEST(Colors, TablesOfBytes) {
  const Tensor img = bytes({{1, 16, 16}}, [](int64_t i) { return static_cast<int>(i); });
  EXPECT_TRUE(equal(invert(invert(img)), img));
  EXPECT_TRUE(equal(autocontrast(img), img));
  EXPECT_TRUE(equal(adjust_gamma(img, 1), img));
  EXPECT_TRUE(equal(solarize(img, 256), img));
  EXPECT_TRUE(equal(posterize(img, 8), img));
  EXPECT_TRUE(equal(adjust_hue(img, 0.3), img));
}

TEST(Errors, FollowTheGrammar) {
  const Tensor img = bytes({{3, 4, 4}}, [](int64_t) { return 0; });
  EXPECT_NE(message_of([&] { crop(img, 0, 0, 0, 1); }).find("crop: size out of range: height 0"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              resize(img, {{1, 2, 3}});
            }).find("resize: wrong number of values"),
            std::string::npos);
}

TEST(Files, RandomDamageIsAClearError) {
  if (!has_jpeg() || !has_png()) GTEST_SKIP() << "built without JPEG or PNG";
  const Tensor img = bytes({{3, 24, 31}}, [](int64_t i) { return static_cast<int>(i * 7 % 251); });
  std::mt19937 random(7);
  for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kPng}) {
    const std::string whole = encode_image(img, format);
    for (int i = 0; i < 400; ++i) {
      std::string bad = whole;
      for (int k = 0; k < 3; ++k) bad[random() % bad.size()] = static_cast<char>(random());
      bad.resize(bad.size() - random() % 20);
      const auto* const p = reinterpret_cast<const uint8_t*>(bad.data());
      const std::string message = message_of([&] {
        decode_image({p, bad.size()}, {ImageMode::kRgb, 1 << 22, true});
      });
      EXPECT_TRUE(message == "no error" || message.rfind("decode_image: ", 0) == 0) << message;
    }
  }
}

}  // namespace
}  // namespace mt::vision
