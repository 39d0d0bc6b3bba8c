"""Images against torchvision's goldens (tests/golden/gen_vision.py): operations byte for byte, files
as Pillow decodes them, damaged files, real photos where the shared data is present.
"""
import base64
import json
import os
import pathlib
import tempfile
import unittest
import zlib

import numpy as np

import leak_check
import minitorch as torch
import vision_cases
from minitorch.vision import io, transforms, utils
from minitorch.vision.transforms import functional as F

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
SHARED = HERE.parents[2] / "shared/data/images"


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def crc(t):
    array = t.contiguous().numpy()
    return f"{'x'.join(map(str, array.shape))} {zlib.crc32(array.tobytes()):08x}"


def golden_lines(name):
    return [line.split("|") for line in (GOLDEN / name).read_text().splitlines()]


class Functional(unittest.TestCase):
    def test_goldens(self):
        calls = vision_cases.calls(F)
        ran = 0
        for picture, name, want in golden_lines("vision.txt"):
            if name not in calls:
                continue
            ran += 1
            got = calls[name](tensor(vision_cases.PICTURES[picture]))
            self.assertEqual(crc(got), want, f"{picture}: {name}")
        self.assertGreater(ran, 300)

    def test_batches_are_images_of_their_own(self):
        image = tensor(vision_cases.PICTURES["rgb"])
        batch = torch.stack([image, F.hflip(image)])
        for f in (lambda t: F.resize(t, (20, 31)), lambda t: F.adjust_contrast(t, 0.4), F.equalize,
                  lambda t: F.rotate(t, 31.0), lambda t: F.adjust_hue(t, 0.2),
                  lambda t: F.pad(t, 3, (1, 2, 3))):
            both = f(batch)
            for i in range(2):
                self.assertEqual(crc(both[i]), crc(f(batch[i])))

    def test_floats_are_close_to_bytes(self):
        image = tensor(vision_cases.PICTURES["rgb"])
        floats = F.to_tensor(image)
        for f in (lambda t: F.adjust_brightness(t, 0.7), lambda t: F.adjust_saturation(t, 1.5),
                  lambda t: F.adjust_contrast(t, 0.5), lambda t: F.pad(t, (1, 2, 3, 4), 0, "symmetric"),
                  lambda t: F.resize(t, (20, 30), antialias=True), lambda t: F.adjust_hue(t, 0.1),
                  lambda t: F.autocontrast(t), F.invert, lambda t: F.rgb_to_grayscale(t, 3),
                  lambda t: F.gaussian_blur(t, 5, 1.0), lambda t: F.adjust_sharpness(t, 1.7)):
            a, b = f(floats).numpy(), f(image).numpy() / 255.0
            self.assertEqual(a.shape, b.shape)
            self.assertLess(np.abs(a - b).mean(), 0.01)

    def test_values(self):
        image = tensor(vision_cases.PICTURES["rgb"])
        floats = F.to_tensor(image)
        np.testing.assert_array_equal(floats.numpy(), image.numpy().astype(np.float32) / np.float32(255))
        mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        want = (floats.numpy() - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None]
        np.testing.assert_array_equal(F.normalize(floats, mean, std).numpy(), want)
        again = F.normalize(floats, mean, std, inplace=True)
        np.testing.assert_array_equal(floats.numpy(), want)
        self.assertIs(again, floats)
        self.assertEqual(F.convert_image_dtype(image, torch.int16).dtype, torch.int16)
        self.assertEqual(F.convert_image_dtype(image, torch.int16).max().item(), 255 * 128)
        with self.assertRaises(RuntimeError):
            F.convert_image_dtype(floats, torch.int64)

    def test_errors(self):
        image = tensor(vision_cases.PICTURES["rgb"])
        for bad in (lambda: F.resize(image, (0, 5)), lambda: F.resize(image, (1 << 40, 5)),
                    lambda: F.crop(image, 0, 0, -1, 4), lambda: F.pad(image, -30),
                    lambda: F.adjust_hue(image, 0.6), lambda: F.adjust_brightness(image, -1.0),
                    lambda: F.posterize(image, 9), lambda: F.equalize(F.to_tensor(image)),
                    lambda: F.rotate(image, float("nan")), lambda: F.affine(image, 0, [0, 0], 0.0, [0, 0]),
                    lambda: F.gaussian_blur(image, 4), lambda: F.gaussian_blur(image, 3, -1.0),
                    lambda: F.five_crop(image, 100), lambda: F.pad(image, 1, (1, 2)),
                    lambda: F.resize(image, 20, max_size=20), lambda: F.invert(torch.zeros(2, 3, 4)),
                    lambda: F.normalize(F.to_tensor(image), (1.0, 2.0), (1.0,)),
                    lambda: F.erase(image, 40, 0, 10, 10, 0), lambda: F.crop(torch.zeros(3), 0, 0, 1, 1),
                    lambda: F.resize(torch.zeros(3, 4, 4, device="meta"), 2)):
            with self.assertRaises((RuntimeError, ValueError)):
                bad()

    def test_grid(self):
        batch = torch.arange(5 * 3 * 4 * 6).reshape(5, 3, 4, 6).float() / 360
        grid = utils.make_grid(batch, nrow=2, padding=1, pad_value=0.5)
        self.assertEqual(tuple(grid.shape), (3, 3 * 5 + 1, 2 * 7 + 1))
        self.assertEqual(grid[:, 6:10, 8:14].numpy().tolist(), batch[3].numpy().tolist())
        self.assertEqual(grid[0, 0, 0].item(), 0.5)
        ranged = utils.make_grid(batch, normalize=True, scale_each=True, padding=0, nrow=5)
        self.assertEqual((ranged.min().item(), ranged.max().item()), (0.0, 1.0))
        self.assertEqual(tuple(utils.make_grid(torch.zeros(7, 9)).shape), (3, 7, 9))


class Transforms(unittest.TestCase):
    def test_goldens(self):
        """The same seed gives the same pixels, and the printed forms are torchvision's."""
        made, ran = vision_cases.transforms(transforms), 0
        for picture, name, want in golden_lines("vision.txt"):
            if not name[0].isdigit():
                continue
            ran += 1
            got = []
            for seed in vision_cases.SEEDS:
                torch.manual_seed(seed)
                result = made[name](tensor(vision_cases.PICTURES[picture]))
                got += [crc(t) for t in (result if isinstance(result, tuple) else [result])]
            self.assertEqual(";".join(got), want, f"{picture}: {name}")
        self.assertGreater(ran, 50)

    def test_composed_in_c(self):
        image = tensor(vision_cases.PICTURES["rgb"])
        t = transforms.Compose([transforms.RandomResizedCrop(32), transforms.RandomHorizontalFlip(),
                                transforms.RandomApply([transforms.ColorJitter(0.4)], 0.5),
                                transforms.ToTensor()])
        for seed in range(4):
            torch.manual_seed(seed)
            here = t(image)
            torch.manual_seed(seed)
            np.testing.assert_array_equal(t.forward(image).numpy(), here.numpy())

    def test_attributes_may_be_set(self):
        image = tensor(vision_cases.PICTURES["rgb"])
        t = transforms.RandomHorizontalFlip(0.0)
        self.assertEqual(crc(t(image)), crc(image))
        t.p = 1.0
        self.assertEqual(crc(t(image)), crc(F.hflip(image)))

    def test_get_params(self):
        image = tensor(vision_cases.PICTURES["rgb"])
        torch.manual_seed(3)
        box = transforms.RandomCrop.get_params(image, (20, 30))
        torch.manual_seed(3)
        self.assertEqual(crc(F.crop(image, *box)), crc(transforms.RandomCrop((20, 30))(image)))

    def test_of_arrays_and_any_callable(self):
        array = vision_cases.PICTURES["rgb"]
        t = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: x * 2), torch.neg])
        np.testing.assert_array_equal(t(array).numpy(), -2 * F.to_tensor(tensor(array)).numpy())
        white = transforms.LinearTransformation(torch.eye(12) * 2, torch.ones(12))
        np.testing.assert_array_equal(white(torch.full((3, 2, 2), 3.0)).numpy(), np.full((3, 2, 2), 4.0))
        for chosen in (transforms.RandomChoice([transforms.Resize(9), transforms.CenterCrop(9)]),
                       transforms.RandomOrder([transforms.Resize(9), transforms.CenterCrop(9)])):
            self.assertEqual(min(chosen(array).shape[1:]), 9)
            self.assertEqual(min(chosen.forward(array).shape[1:]), 9)

    def test_errors(self):
        for bad in (lambda: transforms.Resize((1, 2, 3)), lambda: transforms.Pad(1, 0, "wrap"),
                    lambda: transforms.ColorJitter(-1), lambda: transforms.ColorJitter(hue=(0, 0.6)),
                    lambda: transforms.RandomAffine(10, (2, 0)), lambda: transforms.GaussianBlur(4),
                    lambda: transforms.RandomErasing(2), lambda: transforms.RandomRotation(-1),
                    lambda: transforms.AutoAugment("imagenet")):
            with self.assertRaises(ValueError):
                bad()
        with self.assertRaisesRegex(RuntimeError, "random_crop: too large"):
            transforms.RandomCrop(100)(tensor(vision_cases.PICTURES["rgb"]))
        with self.assertRaises(ValueError):
            transforms.RandomHorizontalFlip(2.0)(tensor(vision_cases.PICTURES["rgb"]))


@unittest.skipUnless(torch._native.lib.mt_has(b"jpeg") and torch._native.lib.mt_has(b"png"),
                     "built without JPEG or PNG")
class Files(unittest.TestCase):
    def setUp(self):
        self.files = {n: (rgb, gray, base64.b64decode(data))
                      for n, rgb, gray, data in golden_lines("vision_files.txt")}

    def test_decoded_as_pillow_does(self):
        for name, (rgb, gray, data) in self.files.items():
            with self.subTest(name):
                self.assertEqual(crc(io.decode_image(data, io.ImageReadMode.RGB)), rgb)
                if "_16" not in name or "gray" not in name:
                    self.assertEqual(crc(io.decode_image(data, io.ImageReadMode.GRAY)), gray)

    def test_modes(self):
        channels = {"png_rgba": 4, "png_gray_alpha": 2, "png_gray": 1, "png_palette_trns": 4,
                    "png_palette_8": 3, "jpeg_gray": 1, "jpeg_420": 3}
        for name, n in channels.items():
            data = self.files[name][2]
            self.assertEqual(io.decode_image(data).shape[0], n)
            for mode in list(io.ImageReadMode)[1:]:
                self.assertEqual(io.decode_image(data, mode).shape[0], mode.value)

    def test_orientation(self):
        data = self.files["jpeg_orientation_6"][2]
        plain = io.decode_image(data)
        turned = io.decode_image(data, apply_exif_orientation=True)
        np.testing.assert_array_equal(turned.numpy(), np.rot90(plain.numpy(), -1, (1, 2)))

    def test_every_truncation_is_an_error(self):
        for name, (_, _, data) in self.files.items():
            whole = io.decode_image(data)
            for n in range(len(data)):
                try:
                    got = io.decode_image(data[:n])
                except RuntimeError as e:
                    self.assertIn("decode_image: ", str(e))
                else:  # only what comes after the last pixel is missing
                    self.assertEqual(crc(got), crc(whole), f"{name} cut to {n}")
                    self.assertGreater(n, len(data) - 40, f"{name} cut to {n}")

    def test_damaged_files(self):
        rng = np.random.RandomState(3)
        for name, (_, _, data) in self.files.items():
            for _ in range(60):
                bad = bytearray(data)
                for at in rng.randint(0, len(bad), rng.randint(1, 6)):
                    bad[at] = rng.randint(256)
                try:
                    io.decode_image(bytes(bad), max_pixels=1 << 20)
                except RuntimeError as e:
                    self.assertIn("decode_image: ", str(e))

    def test_bombs_are_refused_before_memory_is_taken(self):
        data = bytearray(self.files["ppm"][2])
        huge = data.replace(b"21 13", b"1000000 1000000")
        with self.assertRaisesRegex(RuntimeError, "too large.*max_pixels"):
            io.decode_image(bytes(huge))
        with self.assertRaisesRegex(RuntimeError, "too large"):
            io.decode_image(self.files["png_rgb"][2], max_pixels=100)
        with self.assertRaisesRegex(RuntimeError, "not an image"):
            io.decode_image(b"GIF89a")
        with self.assertRaises(OSError):
            io.read_image("/nonexistent/image.png")

    def test_writing(self):
        image = tensor(vision_cases.PICTURES["rgb"])
        for level in (0, 6, 9):
            self.assertEqual(crc(io.decode_image(io.encode_png(image, level))), crc(image))
        for n in (1, 2, 4):
            planes = tensor(vision_cases.picture(5, 7, n))
            self.assertEqual(crc(io.decode_image(io.encode_png(planes))), crc(planes))
        smooth = F.resize(image, (90, 120))
        near = io.decode_image(io.encode_jpeg(smooth, 95)).numpy().astype(int)
        self.assertLess(np.abs(near - smooth.numpy()).mean(), 8)
        self.assertLess(len(io.encode_jpeg(smooth, 10)), len(io.encode_jpeg(smooth, 95)))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.png")
            io.write_png(image, path)
            self.assertEqual(crc(io.read_image(path)), crc(image))
            utils.save_image(F.to_tensor(image), path)
            self.assertEqual(crc(io.read_image(path)), crc(image))
            utils.save_image([F.to_tensor(image)] * 3, os.path.join(folder, "b.jpg"))
            with self.assertRaisesRegex(ValueError, "extension"):
                utils.save_image(F.to_tensor(image), os.path.join(folder, "b.gif"))
        for bad in (lambda: io.encode_jpeg(image, 0), lambda: io.encode_png(image, 10),
                    lambda: io.encode_png(F.to_tensor(image)), lambda: io.encode_png(torch.zeros(
                        5, 2, 2, dtype=torch.uint8)), lambda: io.encode_jpeg(image[:0])):
            with self.assertRaises(RuntimeError):
                bad()

    @unittest.skipUnless((SHARED / "manifest.json").is_file(), "the shared photos are not here")
    def test_photos(self):
        seen = 0
        for entry in json.loads((SHARED / "manifest.json").read_text())["files"]:
            t = io.read_image(str(SHARED / entry["file"]), io.ImageReadMode.RGB)
            want = entry["decoded"]
            self.assertEqual(tuple(t.shape), (3, want["height"], want["width"]))
            if "rgb_crc32" in want:
                rows = np.ascontiguousarray(t.numpy().transpose(1, 2, 0)).tobytes()
                self.assertEqual(f"{zlib.crc32(rows):08x}", want["rgb_crc32"], entry["file"])
                seen += 1
        self.assertGreater(seen, 5)


if __name__ == "__main__":
    leak_check.main()
