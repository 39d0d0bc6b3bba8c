#!/usr/bin/python3
"""Writes vision.txt (checksums of what torchvision 0.14 makes of closed-form PIL images) and
vision_files.txt (small image files with the checksum of what Pillow 9.4 decodes them to). Needs
torchvision and Pillow; the tests need neither.
"""
import base64
import io
import pathlib
import struct
import sys
import zlib

import numpy as np
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))
import vision_cases  # noqa: E402


def crc(array):
    """Shape and checksum of an image as planes."""
    array = np.asarray(array)
    array = array[:, :, None] if array.ndim == 2 else array
    planes = np.ascontiguousarray(array.transpose(2, 0, 1))
    return f"{'x'.join(map(str, planes.shape))} {zlib.crc32(planes.tobytes()):08x}"


def pil(array):
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(array, depth, color, interlaced=False, extra=b""):
    """A PNG of rows (height, width, channels) of `depth` bits, which Pillow cannot write itself."""
    height, width = array.shape[:2]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]
    raw = b""
    for x, y, dx, dy in passes:
        part = array[y::dy, x::dx]
        if part.size == 0:
            continue
        for row in part.reshape(part.shape[0], -1):
            if depth == 16:
                packed = row.astype(">u2").tobytes()
            elif depth == 8:
                packed = row.astype(np.uint8).tobytes()
            else:
                bits = "".join(f"{int(v):0{depth}b}" for v in row)
                bits += "0" * (-len(bits) % 8)
                packed = int(bits, 2).to_bytes(len(bits) // 8, "big")
            raw += b"\0" + packed
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(raw, 9)) +
            chunk(b"IEND", b""))


def saved(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def files():
    rgb = vision_cases.picture(13, 21, 3)
    gray = vision_cases.picture(13, 21, 1)
    four = vision_cases.picture(13, 21, 4)
    im = Image.fromarray(rgb)
    exif = Image.Exif()
    exif[0x0112] = 6
    palette = chunk(b"PLTE", bytes((i * 37 + c * 91) % 256 for i in range(11) for c in range(3)))
    return {
        "jpeg_420": saved(im, "JPEG", quality=80),
        "jpeg_444": saved(im, "JPEG", quality=95, subsampling=0),
        "jpeg_422_progressive": saved(im, "JPEG", quality=70, subsampling=1, progressive=True),
        "jpeg_gray": saved(pil(gray), "JPEG"),
        "jpeg_cmyk": saved(Image.fromarray(four, "CMYK"), "JPEG"),
        "jpeg_orientation_6": saved(im, "JPEG", exif=exif),
        "jpeg_restart": saved(im, "JPEG", restart_marker_blocks=1),
        "png_rgb": saved(im, "PNG"),
        "png_rgba": saved(Image.fromarray(four, "RGBA"), "PNG"),
        "png_gray": saved(pil(gray), "PNG"),
        "png_gray_alpha": saved(Image.fromarray(four[:, :, :2].copy(), "LA"), "PNG"),
        "png_gray_1": png(gray % 2, 1, 0),
        "png_gray_2": png(gray % 4, 2, 0),
        "png_gray_4": png(gray % 16, 4, 0),
        "png_gray_16": png(gray.astype(int) * 3, 16, 0),
        "png_rgb_16": png(rgb.astype(int) * 257 - 3 * (rgb > 0), 16, 2),
        "png_rgba_16": png(four.astype(int) * 200, 16, 6),
        "png_gray_alpha_16": png(four[:, :, :2].astype(int) * 200, 16, 4),
        "png_palette_8": png(gray % 11, 8, 3, extra=palette),
        "png_palette_4": png(gray % 11, 4, 3, extra=palette),
        "png_palette_trns": png(gray % 11, 4, 3, extra=palette + chunk(b"tRNS", bytes(range(0, 99, 9)))),
        "png_gray_trns": png(gray, 8, 0, extra=chunk(b"tRNS", b"\0\7")),
        "png_rgb_interlaced": png(rgb, 8, 2, True),
        "png_gray_1_interlaced": png(gray % 2, 1, 0, True),
        "png_rgb_16_interlaced": png(rgb.astype(int) * 250, 16, 2, True),
        "bmp_24": saved(im, "BMP"),
        "bmp_8": saved(im.quantize(16), "BMP"),
        "bmp_32": saved(Image.fromarray(four, "RGBA"), "BMP"),
        "ppm": saved(im, "PPM"),
        "pgm": saved(pil(gray), "PPM"),
        "pgm_maxval": b"P5\n# a comment\n21 13 100\n" + (gray % 101).tobytes(),
    }


def main():
    lines = []
    for picture, array in vision_cases.PICTURES.items():
        for name, call in vision_cases.calls(F).items():
            try:
                lines.append(f"{picture}|{name}|{crc(call(pil(array)))}")
            except (ValueError, RuntimeError) as e:  # a kernel larger than the picture
                print("left out:", picture, name, e)
        for name, call in vision_cases.transforms(T).items() if picture != "tiny" else ():
            results = []
            for seed in vision_cases.SEEDS:
                torch.manual_seed(seed)
                result = call(pil(array))
                result = result if isinstance(result, (tuple, list)) else [result]
                results += [np.asarray(r) if not isinstance(r, torch.Tensor) else
                            r.permute(1, 2, 0).numpy() for r in result]
            lines.append(f"{picture}|{name}|" + ";".join(map(crc, results)))
    (HERE / "vision.txt").write_text("\n".join(lines) + "\n")
    lines = []
    for name, data in files().items():
        image = Image.open(io.BytesIO(data))
        lines.append(f"{name}|{crc(image.convert('RGB'))}|{crc(image.convert('L'))}|"
                     f"{base64.b64encode(data).decode()}")
    (HERE / "vision_files.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
