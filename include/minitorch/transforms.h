// minitorch/transforms.h - torchvision's transforms: objects that turn images into images.
//
// A transform is made once and applied to many images. The random ones draw PyTorch's numbers in
// torchvision's order: with the same seed, the same pixels. A transform does not change: it may be
// applied from several threads at once, best with a generator for each. What an image is, and what
// the operations do, is in vision.h. A transform keeps those it was made of alive.
#ifndef MINITORCH_TRANSFORMS_H
#define MINITORCH_TRANSFORMS_H

#include "minitorch/types.h"
#include "minitorch/vision.h"

#ifdef __cplusplus
extern "C" {
#endif

// Training images as torchvision's reference scripts prepare them:
//
//   mt_transform *list[3], *train;
//   mt_transform_random_resized_crop(&list[0], 224, 224, NULL);
//   mt_transform_random_horizontal_flip(&list[1], 0.5);
//   mt_transform_to_tensor(&list[2]);
//   mt_transform_compose(&train, (const mt_transform *const *)list, 3);
//   ...
//   mt_transform_apply(&input, train, image, NULL);

// --- Using transforms ------------------------------------------------------------------------

// A new image. Random transforms draw from `generator`, or from the process's when it is NULL.
MT_API mt_status mt_transform_apply(mt_tensor **out, const mt_transform *self, const mt_tensor *img,
                                    mt_generator *MT_NULLABLE generator);

MT_API mt_status mt_transform_free(mt_transform *MT_NULLABLE self);

// --- Putting transforms together -------------------------------------------------------------

// One after the other.
MT_API mt_status mt_transform_compose(mt_transform **out, const mt_transform *const *transforms,
                                      size_t n_transforms);

// Makes an image of `img`, which is borrowed: leaves a new reference in *out.
typedef mt_status (*mt_transform_fn)(mt_tensor **out, const mt_tensor *img, void *user);

// A transform of the host's own.
MT_API mt_status mt_transform_lambda(mt_transform **out, mt_transform_fn function,
                                     void *MT_NULLABLE user, mt_destroy_fn MT_NULLABLE destroy);

// All of them with probability p, or none.
MT_API mt_status mt_transform_random_apply(mt_transform **out,
                                           const mt_transform *const *transforms,
                                           size_t n_transforms, double p);

// One of them, by weights or all alike without (weights NULL). torchvision draws with Python's
// generator here; this draws from the library's.
MT_API mt_status mt_transform_random_choice(mt_transform **out,
                                            const mt_transform *const *transforms,
                                            size_t n_transforms, const double *MT_NULLABLE weights);

// All of them in a random order, drawn from the library's generator.
MT_API mt_status mt_transform_random_order(mt_transform **out,
                                           const mt_transform *const *transforms,
                                           size_t n_transforms);

// --- Without random numbers ------------------------------------------------------------------
// The operations of vision.h as transforms; arguments are as there.

MT_API mt_status mt_transform_to_tensor(mt_transform **out);
MT_API mt_status mt_transform_convert_image_dtype(mt_transform **out, mt_dtype dtype);
MT_API mt_status mt_transform_normalize(mt_transform **out, const double *mean, size_t n_mean,
                                        const double *std, size_t n_std);
MT_API mt_status mt_transform_resize(mt_transform **out, const int64_t *size, size_t n_size,
                                     mt_interpolation interpolation, int64_t max_size,
                                     bool antialias);
MT_API mt_status mt_transform_center_crop(mt_transform **out, int64_t height, int64_t width);
MT_API mt_status mt_transform_pad(mt_transform **out, const int64_t *padding, size_t n_padding,
                                  const double *MT_NULLABLE fill, size_t n_fill,
                                  mt_padding_mode mode);
MT_API mt_status mt_transform_grayscale(mt_transform **out, int64_t num_output_channels);

// The crops stacked in one tensor, (5, ...) and (10, ...).
MT_API mt_status mt_transform_five_crop(mt_transform **out, int64_t height, int64_t width);
MT_API mt_status mt_transform_ten_crop(mt_transform **out, int64_t height, int64_t width,
                                       bool vertical_flip);

// (image - mean) times a square matrix, over the flattened image (whitening).
MT_API mt_status mt_transform_linear_transformation(mt_transform **out, const mt_tensor *matrix,
                                                    const mt_tensor *mean);

// --- With a probability ----------------------------------------------------------------------
// The operation with probability p, else the image as it is.

MT_API mt_status mt_transform_random_horizontal_flip(mt_transform **out, double p);
MT_API mt_status mt_transform_random_vertical_flip(mt_transform **out, double p);
MT_API mt_status mt_transform_random_grayscale(mt_transform **out, double p);
MT_API mt_status mt_transform_random_invert(mt_transform **out, double p);
MT_API mt_status mt_transform_random_posterize(mt_transform **out, int64_t bits, double p);
MT_API mt_status mt_transform_random_solarize(mt_transform **out, double threshold, double p);
MT_API mt_status mt_transform_random_adjust_sharpness(mt_transform **out, double factor, double p);
MT_API mt_status mt_transform_random_autocontrast(mt_transform **out, double p);
MT_API mt_status mt_transform_random_equalize(mt_transform **out, double p);

// --- With random parameters ------------------------------------------------------------------

typedef struct mt_random_crop_options {
  size_t struct_size;
  const int64_t *padding;  // NULL, or as mt_image_pad, before the crop
  size_t n_padding;
  bool pad_if_needed;  // false: pad images that are smaller than the crop
  const double *fill;  // NULL: 0
  size_t n_fill;
  mt_padding_mode padding_mode;  // MT_PADDING_CONSTANT
} mt_random_crop_options;

MT_API void mt_random_crop_options_init(mt_random_crop_options *options);

// A part at a random place. `options` may be NULL.
MT_API mt_status mt_transform_random_crop(mt_transform **out, int64_t height, int64_t width,
                                          const mt_random_crop_options *MT_NULLABLE options);

typedef struct mt_random_resized_crop_options {
  size_t struct_size;
  double scale_min;                // 0.08 of the area
  double scale_max;                // 1
  double ratio_min;                // 3/4, width by height
  double ratio_max;                // 4/3
  mt_interpolation interpolation;  // MT_INTERPOLATION_BILINEAR
  bool antialias;                  // false, for floats
} mt_random_resized_crop_options;

MT_API void mt_random_resized_crop_options_init(mt_random_resized_crop_options *options);

// A part of random area and shape, resized. `options` may be NULL.
MT_API mt_status
mt_transform_random_resized_crop(mt_transform **out, int64_t height, int64_t width,
                                 const mt_random_resized_crop_options *MT_NULLABLE options);

typedef struct mt_color_jitter_options {
  size_t struct_size;
  const double *brightness;  // two numbers, smallest and largest factor, or NULL: not changed
  const double *contrast;
  const double *saturation;
  const double *hue;  // in [-0.5, 0.5]
} mt_color_jitter_options;

MT_API void mt_color_jitter_options_init(mt_color_jitter_options *options);

// Random factors, applied in a random order.
MT_API mt_status mt_transform_color_jitter(mt_transform **out,
                                           const mt_color_jitter_options *options);

// By degrees of [min, max). `options` may be NULL.
MT_API mt_status mt_transform_random_rotation(mt_transform **out, double min_degrees,
                                              double max_degrees,
                                              const mt_warp_options *MT_NULLABLE options);

typedef struct mt_random_affine_options {
  size_t struct_size;
  double min_degrees;       // 0
  double max_degrees;       // 0
  const double *translate;  // NULL, or the largest part of width and of height
  const double *scale;      // NULL, or smallest and largest
  const double *shear;      // NULL, 2 degrees for x, or 4 for x and y
  size_t n_shear;
} mt_random_affine_options;

MT_API void mt_random_affine_options_init(mt_random_affine_options *options);

// `warp` may be NULL.
MT_API mt_status mt_transform_random_affine(mt_transform **out,
                                            const mt_random_affine_options *options,
                                            const mt_warp_options *MT_NULLABLE warp);

// Moves the corners, with probability p. `warp` may be NULL; torchvision's default is bilinear.
MT_API mt_status mt_transform_random_perspective(mt_transform **out, double distortion_scale,
                                                 double p, const mt_warp_options *MT_NULLABLE warp);

// With a sigma of [min, max).
MT_API mt_status mt_transform_gaussian_blur(mt_transform **out, int64_t kernel_x, int64_t kernel_y,
                                            double min_sigma, double max_sigma);

typedef struct mt_random_erasing_options {
  size_t struct_size;
  double p;             // 0.5
  double scale_min;     // 0.02 of the area
  double scale_max;     // 0.33
  double ratio_min;     // 0.3
  double ratio_max;     // 3.3
  const double *value;  // one 0; or one for each channel; NULL: normal random numbers
  size_t n_value;
  bool inplace;  // false: write into the image itself
} mt_random_erasing_options;

MT_API void mt_random_erasing_options_init(mt_random_erasing_options *options);

// Overwrites a rectangle. `options` may be NULL.
MT_API mt_status mt_transform_random_erasing(mt_transform **out,
                                             const mt_random_erasing_options *MT_NULLABLE options);

// --- Policies --------------------------------------------------------------------------------
// For uint8 images of 1 or 3 channels. `warp` may be NULL; its interpolation and fill are used.

MT_API mt_status mt_transform_auto_augment(mt_transform **out, mt_auto_augment_policy policy,
                                           const mt_warp_options *MT_NULLABLE warp);

// torchvision's defaults: 2 ops of magnitude 9 out of 31.
MT_API mt_status mt_transform_rand_augment(mt_transform **out, int64_t num_ops, int64_t magnitude,
                                           int64_t num_magnitude_bins,
                                           const mt_warp_options *MT_NULLABLE warp);

// torchvision's default: 31 bins.
MT_API mt_status mt_transform_trivial_augment_wide(mt_transform **out, int64_t num_magnitude_bins,
                                                   const mt_warp_options *MT_NULLABLE warp);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_TRANSFORMS_H
