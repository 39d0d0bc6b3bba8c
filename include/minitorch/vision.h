// minitorch/vision.h - image files, and torchvision's operations on images.
//
// An image is a tensor (..., channels, height, width), or (height, width); leading dims are images
// of their own. A uint8 image behaves as torchvision 0.14 treats PIL images, byte for byte:
// resizing is Pillow's (always antialiased, in its fixed point), and so are its colours. Every
// other dtype behaves as torchvision's tensors do. Nothing changes its input but functions that end
// with an underscore. The random and composed transforms are in transforms.h.
#ifndef MINITORCH_VISION_H
#define MINITORCH_VISION_H

#include "minitorch/types.h"

#ifdef __cplusplus
extern "C" {
#endif

// --- Image files -----------------------------------------------------------------------------
// JPEG (baseline and progressive; gray, YCbCr, RGB, CMYK) where mt_has("jpeg"), PNG (all of it)
// where mt_has("png"), uncompressed BMP, and binary PPM and PGM; the first bytes tell which. A
// damaged or truncated file is MT_ERR_FORMAT.

typedef struct mt_decode_options {
  size_t struct_size;
  mt_image_mode mode;           // MT_IMAGE_RGB
  int64_t max_pixels;           // 178956970: larger images are refused before memory is taken
  bool apply_exif_orientation;  // false, as PIL.Image.open: turn a JPEG as its EXIF data says
} mt_decode_options;

MT_API void mt_decode_options_init(mt_decode_options *options);

// A new uint8 tensor (channels, height, width) of what Pillow's Image.open(path).convert("RGB")
// gives (transparency is dropped, 16-bit gray is clipped), or of another mode. `options` may be
// NULL.
MT_API mt_status mt_image_read(mt_tensor **out, const char *path,
                               const mt_decode_options *MT_NULLABLE options);

// The same from the `size` bytes of a file at `data`.
MT_API mt_status mt_image_decode(mt_tensor **out, const void *MT_NULLABLE data, size_t size,
                                 const mt_decode_options *MT_NULLABLE options);

typedef struct mt_encode_options {
  size_t struct_size;
  mt_image_format format;     // MT_IMAGE_AUTO: by the path's extension
  int64_t quality;            // 75, of JPEG: 1 to 100
  int64_t compression_level;  // 6, of PNG: 0 to 9
} mt_encode_options;

MT_API void mt_encode_options_init(mt_encode_options *options);

// Writes a uint8 image (channels, height, width) of 1 or 3 channels (PNG: 1 to 4). The file is
// replaced in one step. `options` may be NULL.
MT_API mt_status mt_image_write(const mt_tensor *img, const char *path,
                                const mt_encode_options *MT_NULLABLE options);

// The file's bytes as a new uint8 tensor of one dim. The options must name a format.
MT_API mt_status mt_image_encode(mt_tensor **out, const mt_tensor *img,
                                 const mt_encode_options *options);

typedef struct mt_grid_options {
  size_t struct_size;
  int64_t nrow;               // 8 images in a row
  int64_t padding;            // 2 pixels between them
  bool normalize;             // false: bring the values to [0, 1]
  const double *value_range;  // from these two, or from the smallest and largest when NULL
  bool scale_each;            // false: each image by itself
  double pad_value;           // 0
} mt_grid_options;

MT_API void mt_grid_options_init(mt_grid_options *options);

// torchvision.utils.make_grid: a batch (n, channels, height, width) as one image. `options` may be
// NULL.
MT_API mt_status mt_make_grid(mt_tensor **out, const mt_tensor *images,
                              const mt_grid_options *MT_NULLABLE options);

// torchvision.utils.save_image: the grid of floats in [0, 1] as a file. Options may be NULL.
MT_API mt_status mt_save_image(const mt_tensor *images, const char *path,
                               const mt_grid_options *MT_NULLABLE grid,
                               const mt_encode_options *MT_NULLABLE options);

// --- Sizes -----------------------------------------------------------------------------------

// Two sizes (height, width), or one for the shorter edge; then `max_size` (0: none) bounds the
// longer one. `antialias` is for floats; uint8 images always have it.
MT_API mt_status mt_image_resize(mt_tensor **out, const mt_tensor *img, const int64_t *size,
                                 size_t n_size, mt_interpolation interpolation, int64_t max_size,
                                 bool antialias);

// A part of the image; what lies outside is 0.
MT_API mt_status mt_image_crop(mt_tensor **out, const mt_tensor *img, int64_t top, int64_t left,
                               int64_t height, int64_t width);
MT_API mt_status mt_image_center_crop(mt_tensor **out, const mt_tensor *img, int64_t height,
                                      int64_t width);

// Four corners and the centre, as new tensors in a list.
MT_API mt_status mt_image_five_crop(mt_tensors **out, const mt_tensor *img, int64_t height,
                                    int64_t width);

// The same and those of the flipped image.
MT_API mt_status mt_image_ten_crop(mt_tensors **out, const mt_tensor *img, int64_t height,
                                   int64_t width, bool vertical_flip);

// 1, 2 (left/right, top/bottom) or 4 numbers (left, top, right, bottom); negative ones crop.
// `fill`: one number, one for each channel (uint8 images), or none for 0.
MT_API mt_status mt_image_pad(mt_tensor **out, const mt_tensor *img, const int64_t *padding,
                              size_t n_padding, const double *MT_NULLABLE fill, size_t n_fill,
                              mt_padding_mode mode);

// Left and right exchanged; top and bottom exchanged.
MT_API mt_status mt_image_hflip(mt_tensor **out, const mt_tensor *img);
MT_API mt_status mt_image_vflip(mt_tensor **out, const mt_tensor *img);

// Of mt_image_rotate, mt_image_affine and mt_image_perspective.
typedef struct mt_warp_options {
  size_t struct_size;
  mt_interpolation interpolation;  // MT_INTERPOLATION_NEAREST; or bilinear; bicubic for uint8
  bool expand;                     // false: rotate makes room for the whole rotated image
  const double *center;            // x and y of the point that stays, or NULL: the middle
  const double *fill;              // the colour outside: NULL, one number, or one for each channel
  size_t n_fill;
} mt_warp_options;

MT_API void mt_warp_options_init(mt_warp_options *options);

// Counter-clockwise by degrees. `options` may be NULL.
MT_API mt_status mt_image_rotate(mt_tensor **out, const mt_tensor *img, double angle,
                                 const mt_warp_options *MT_NULLABLE options);

// Rotation (clockwise, degrees), translation (pixels), scaling and shear (degrees), around the
// centre. `options` may be NULL.
MT_API mt_status mt_image_affine(mt_tensor **out, const mt_tensor *img, double angle,
                                 double translate_x, double translate_y, double scale,
                                 double shear_x, double shear_y,
                                 const mt_warp_options *MT_NULLABLE options);

// Takes 4 corners to others: 8 numbers each, x and y of top left, top right, bottom right and
// bottom left. `options` may be NULL.
MT_API mt_status mt_image_perspective(mt_tensor **out, const mt_tensor *img,
                                      const double *startpoints, const double *endpoints,
                                      const mt_warp_options *MT_NULLABLE options);

// --- Colours ---------------------------------------------------------------------------------
// Images have 1 or 3 channels here.

// Luma, in 1 channel or repeated in 3.
MT_API mt_status mt_image_grayscale(mt_tensor **out, const mt_tensor *img,
                                    int64_t num_output_channels);

// Factors are not negative; 1 changes nothing.
MT_API mt_status mt_image_adjust_brightness(mt_tensor **out, const mt_tensor *img, double factor);
MT_API mt_status mt_image_adjust_contrast(mt_tensor **out, const mt_tensor *img, double factor);
MT_API mt_status mt_image_adjust_saturation(mt_tensor **out, const mt_tensor *img, double factor);
MT_API mt_status mt_image_adjust_sharpness(mt_tensor **out, const mt_tensor *img, double factor);

// Turns the hue by a part of the circle, in [-0.5, 0.5].
MT_API mt_status mt_image_adjust_hue(mt_tensor **out, const mt_tensor *img, double factor);

// gain * value ^ gamma.
MT_API mt_status mt_image_adjust_gamma(mt_tensor **out, const mt_tensor *img, double gamma,
                                       double gain);

// The largest value less each value.
MT_API mt_status mt_image_invert(mt_tensor **out, const mt_tensor *img);

// Keeps the upper `bits` bits of bytes.
MT_API mt_status mt_image_posterize(mt_tensor **out, const mt_tensor *img, int64_t bits);

// Inverts values of `threshold` and above.
MT_API mt_status mt_image_solarize(mt_tensor **out, const mt_tensor *img, double threshold);

// Stretches each channel's values over the whole range.
MT_API mt_status mt_image_autocontrast(mt_tensor **out, const mt_tensor *img);

// Evens out each channel's histogram of bytes.
MT_API mt_status mt_image_equalize(mt_tensor **out, const mt_tensor *img);

// Sizes are odd. 1 or 2 numbers (x, y) each; without sigma it follows from the sizes.
MT_API mt_status mt_image_gaussian_blur(mt_tensor **out, const mt_tensor *img,
                                        const int64_t *kernel_size, size_t n_kernel_size,
                                        const double *MT_NULLABLE sigma, size_t n_sigma);

// --- Values ----------------------------------------------------------------------------------

// uint8 to [0, 1] of the default dtype; other dtypes stay as they are.
MT_API mt_status mt_image_to_tensor(mt_tensor **out, const mt_tensor *img);

// Another dtype, the values scaled to its range ([0, 1] for floats).
MT_API mt_status mt_image_convert_dtype(mt_tensor **out, const mt_tensor *img, mt_dtype dtype);

// (value - mean) / std of floats, with one number or one for each channel. The form with an
// underscore writes into `img`.
MT_API mt_status mt_image_normalize(mt_tensor **out, const mt_tensor *img, const double *mean,
                                    size_t n_mean, const double *std, size_t n_std);
MT_API mt_status mt_image_normalize_(mt_tensor *img, const double *mean, size_t n_mean,
                                     const double *std, size_t n_std);

// Writes `value`, broadcast, into rows i to i + h and columns j to j + w. The form with an
// underscore writes into `img`.
MT_API mt_status mt_image_erase(mt_tensor **out, const mt_tensor *img, int64_t i, int64_t j,
                                int64_t h, int64_t w, const mt_tensor *value);
MT_API mt_status mt_image_erase_(mt_tensor *img, int64_t i, int64_t j, int64_t h, int64_t w,
                                 const mt_tensor *value);

#ifdef __cplusplus
}
#endif

#endif  // MINITORCH_VISION_H
