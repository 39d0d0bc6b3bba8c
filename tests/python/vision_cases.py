"""The cases of images that torchvision's goldens are made of: closed-form pictures and calls of the
functional forms. Both the generator (with torchvision) and the test (with this library) run them.
"""
import numpy as np


def picture(height, width, channels):
    """Smooth colors with edges, every value of a byte somewhere."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * (7 + 3 * c) + y * (5 + 2 * c) + (x * y * (c + 1)) // 11 + 60 * ((x // 9 + y // 7) % 2))
              % 256 for c in range(channels)]
    return np.stack(planes, 2).astype(np.uint8)


PICTURES = {"rgb": picture(45, 61, 3), "gray": picture(38, 29, 1), "tiny": picture(3, 2, 3)}
MODES = ("NEAREST", "BILINEAR", "BICUBIC", "BOX", "HAMMING", "LANCZOS")
SIZES = ((24, 33), (80, 40), (1, 1), (7, 200), 20, 100)
FACTORS = (0.0, 0.35, 1.0, 1.6, 3.2)
WARPS = ((10, (3, 4), 1.2, (5, 6)), (0, (0, 0), 0.5, (0, 0)), (-33, (1, 1), 2.0, (30, -20)))


def calls(F):
    """{name: function of an image}"""
    M = F.InterpolationMode
    out = {}
    for mode in MODES:
        for size in SIZES:
            out[f"resize {mode} {size}"] = lambda im, s=size, m=mode: F.resize(im, s, M[m])
    for kind in ("brightness", "contrast", "saturation", "sharpness"):
        for f in FACTORS:
            out[f"adjust_{kind} {f}"] = lambda im, k=kind, f=f: getattr(F, "adjust_" + k)(im, f)
    for f in (-0.5, -0.21, 0.0, 0.13, 0.5):
        out[f"adjust_hue {f}"] = lambda im, f=f: F.adjust_hue(im, f)
    for f in (0.4, 2.2):
        out[f"adjust_gamma {f}"] = lambda im, f=f: F.adjust_gamma(im, f, 1.1)
    for name in ("hflip", "vflip", "invert", "autocontrast", "equalize"):
        out[name] = lambda im, n=name: getattr(F, n)(im)
    for bits in (0, 1, 4, 8):
        out[f"posterize {bits}"] = lambda im, b=bits: F.posterize(im, b)
    for threshold in (0, 100.5, 256):
        out[f"solarize {threshold}"] = lambda im, t=threshold: F.solarize(im, t)
    for size, sigma in ((3, None), ((5, 9), (1.5, 0.7))):
        out[f"gaussian_blur {size} {sigma}"] = lambda im, k=size, s=sigma: F.gaussian_blur(im, k, s)
    for n in (1, 3):
        out[f"to_grayscale {n}"] = lambda im, n=n: F.to_grayscale(im, n)
    for mode in ("constant", "edge", "reflect", "symmetric"):
        for p in (3, (2, 5), (1, 0, 3, 4), (-1, 3, 4, -1)):
            out[f"pad {mode} {p}"] = lambda im, p=p, m=mode: F.pad(im, p, 9, m)
    for box in ((-5, -3, 40, 50), (1, 1, 2, 1), (100, 100, 5, 5)):
        out[f"crop {box}"] = lambda im, b=box: F.crop(im, *b)
    for size in (2, (50, 51), (20, 80), (80, 21)):
        out[f"center_crop {size}"] = lambda im, s=size: F.center_crop(im, s)
    for mode in MODES[:3]:
        for angle in (0, 30, -45.5, 90, 180, 270):
            for expand, center in ((False, None), (True, None), (False, (3, 4))):
                out[f"rotate {mode} {angle} {expand} {center}"] = (
                    lambda im, m=mode, a=angle, e=expand, c=center: F.rotate(im, a, M[m], e, c, 17))
        for w in WARPS:
            out[f"affine {mode} {w}"] = lambda im, m=mode, w=w: F.affine(
                im, w[0], list(w[1]), w[2], list(w[3]), M[m], 17)
        out[f"perspective {mode}"] = lambda im, m=mode: F.perspective(
            im, [[0, 0], [28, 0], [28, 37], [0, 37]], [[5, 3], [21, 4], [25, 28], [2, 33]], M[m], 17)
    return out


SEEDS = (0, 7)


def transforms(T):
    """{name: a transform}; the random ones are run with SEEDS."""
    M = T.InterpolationMode
    out = [
        T.RandomResizedCrop(32), T.RandomResizedCrop((20, 30), (0.5, 1), (2.0, 4.0), M.BICUBIC),
        T.RandomCrop(24, 4), T.RandomCrop((50, 70), None, True, 3, "reflect"),
        T.RandomHorizontalFlip(), T.RandomVerticalFlip(), T.RandomInvert(), T.RandomAutocontrast(),
        T.RandomEqualize(), T.RandomGrayscale(0.5), T.RandomPosterize(3), T.RandomSolarize(100.5),
        T.RandomAdjustSharpness(2.5), T.ColorJitter(0.4, 0.4, 0.4, 0.1), T.ColorJitter(0, (0.5, 2.0), 0, 0.5),
        T.RandomRotation(30), T.RandomRotation((0, 90), M.BILINEAR, True, None, 9),
        T.RandomAffine(30, (0.1, 0.2), (0.5, 1.5), 10),
        T.RandomAffine(0, None, None, (-5, 5, -9, 9), M.BICUBIC, 7, (1, 2)),
        T.RandomPerspective(0.5, 0.9), T.RandomPerspective(0.9, 1.0, M.NEAREST, 3),
        T.AutoAugment(), T.AutoAugment(T.AutoAugmentPolicy.CIFAR10, M.BILINEAR, 5),
        T.AutoAugment(T.AutoAugmentPolicy.SVHN), T.RandAugment(), T.RandAugment(3, 20, 31, M.BILINEAR, 4),
        T.TrivialAugmentWide(), T.FiveCrop(20), T.TenCrop((20, 10), True), T.Pad((1, 2), 3), T.Grayscale(3),
        T.Compose([T.RandomApply([T.ColorJitter(0.4)], 0.6), T.Resize(40), T.CenterCrop(32), T.ToTensor(),
                   T.Normalize((0.5,), (0.3,)), T.RandomErasing(1.0), T.RandomErasing(1.0, value="random")]),
    ]
    return {f"{i} {' '.join(repr(t).split())}": t for i, t in enumerate(out)}
