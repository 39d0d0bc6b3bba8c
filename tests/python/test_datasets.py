"""minitorch.vision.datasets: layouts of files, folders with odd content, downloads from a server on this
machine that cuts connections, and the real data where the shared folder is present.
"""
import gzip
import hashlib
import http.server
import io
import os
import pathlib
import pickle
import shutil
import struct
import tarfile
import tempfile
import threading
import unittest
import zipfile

import numpy as np

import leak_check
import minitorch as torch
from minitorch.utils.data import DataLoader
from minitorch.vision import datasets, transforms
from minitorch.vision.datasets import folder, utils
from minitorch.vision.io import write_png

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared/data"


def idx(array):
    return struct.pack(">I", 0x800 | array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + \
        array.tobytes()


def digits(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8)


class WithFolder(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root, True)

    def write(self, name, content):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
        return path


class Mnist(WithFolder):
    @leak_check.needs("zip")
    def test_layouts(self):
        images, labels = digits(5)
        for place in ("MNIST/raw/", ""):
            for ending, pack in (("", bytes), (".gz", gzip.compress)):
                self.write(f"{place}train-images-idx3-ubyte{ending}", pack(idx(images)))
                self.write(f"{place}train-labels-idx1-ubyte{ending}", pack(idx(labels)))
                ds = datasets.MNIST(self.root)
                np.testing.assert_array_equal(ds.data.numpy(), images)
                self.assertEqual(ds.targets.tolist(), labels.tolist())
                self.assertEqual((ds.data.dtype, ds.targets.dtype), (torch.uint8, torch.int64))
                image, label = ds[3]
                self.assertEqual((tuple(image.shape), label), ((1, 28, 28), int(labels[3])))
                shutil.rmtree(self.root)
        with self.assertRaisesRegex(OSError, "MNIST: file not found: 'train-images-idx3-ubyte'"):
            datasets.MNIST(self.root)

    def test_emnist(self):
        images, labels = digits(4)
        self.write("EMNIST/raw/emnist-letters-test-images-idx3-ubyte", idx(images))
        self.write("EMNIST/raw/emnist-letters-test-labels-idx1-ubyte", idx(labels + 1))
        ds = datasets.EMNIST(self.root, "letters", train=False)
        self.assertEqual((len(ds), len(ds.classes), ds.class_to_idx["z"]), (4, 27, 26))
        with self.assertRaisesRegex(ValueError, "Unknown value 'letter' for argument split"):
            datasets.EMNIST(self.root, "letter")

    def test_loading_sees_what_the_user_changed(self):
        images, labels = digits(6)
        self.write("train-images-idx3-ubyte", idx(images))
        self.write("train-labels-idx1-ubyte", idx(labels))
        ds = datasets.FashionMNIST(self.root, transform=transforms.ToTensor())
        ds.data, ds.targets = ds.data[:3], torch.tensor([9, 8, 7])
        x, y = next(iter(DataLoader(ds, 3)))
        np.testing.assert_array_equal(x.numpy()[:, 0], images[:3].astype(np.float32) / np.float32(255))
        self.assertEqual(y.tolist(), [9, 8, 7])
        self.assertEqual(str(ds), f"Dataset FashionMNIST\n    Number of datapoints: 3\n"
                         f"    Root location: {self.root}\n    Split: Train\n"
                         "    StandardTransform\nTransform: ToTensor()")
        ds = datasets.FashionMNIST(self.root, target_transform=lambda t: -t)
        self.assertEqual(next(iter(DataLoader(ds, 6)))[1].tolist(), [-int(v) for v in labels])

    @unittest.skipUnless((SHARED / "mnist").is_dir(), "shared/data/mnist is not here")
    @leak_check.needs("zip")
    def test_real(self):
        ds = datasets.MNIST(SHARED / "mnist", transform=transforms.ToTensor())
        self.assertEqual((len(ds), ds.targets[:5].tolist()), (60000, [5, 0, 4, 1, 9]))
        mean = n = 0
        for workers in (0, 2):
            for x, y in DataLoader(ds, 1000, num_workers=workers):
                mean, n = mean + x.double().mean().item(), n + 1
        self.assertAlmostEqual(mean / n, 0.1306604763, places=7)


class Cifar(WithFolder):
    def test_python_and_binary(self):
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (3, 3072), np.uint8)
        for i in range(1, 6):
            self.write(f"cifar-10-batches-py/data_batch_{i}",
                       pickle.dumps({b"data": pixels, b"labels": [i, 0, 9]}, 2))
        ds = datasets.CIFAR10(self.root, transform=transforms.ToTensor())
        self.assertEqual((ds.data.shape, len(ds.targets), ds.targets[:4]), ((15, 32, 32, 3), 15, [1, 0, 9, 2]))
        self.assertEqual(ds.class_to_idx["truck"], 9)
        want = pixels[1].reshape(3, 32, 32)
        np.testing.assert_array_equal(ds.data[4], want.transpose(1, 2, 0))
        x, y = next(iter(DataLoader(ds, 15)))
        np.testing.assert_array_equal(x.numpy()[4], ds[4][0].numpy())
        record = bytes([7, 42]) + want.tobytes()
        self.write("cifar-100-binary/test.bin", record * 2)
        ds = datasets.CIFAR100(self.root, train=False)
        self.assertEqual((ds.targets, ds.classes[42]), ([42, 42], "leopard"))
        np.testing.assert_array_equal(ds[1][0].numpy(), want)
        with self.assertRaisesRegex(OSError, "CIFAR100: file not found: 'train'"):
            datasets.CIFAR100(self.root)
        self.write("cifar-10-batches-py/test_batch", b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.")
        with self.assertRaises(RuntimeError):
            datasets.CIFAR10(self.root, train=False)


class Folders(WithFolder):
    def picture(self, name, value):
        self.write(name, b"")
        write_png(torch.full((3, 4, 5), value, dtype=torch.uint8), os.path.join(self.root, name))

    @leak_check.needs("jpeg", "png")
    def test_image_folder(self):
        for name, value in (("dog/b.png", 1), ("dog/a/2.png", 2), ("cat/1.PNG", 3), ("cat/10.png", 4)):
            self.picture(name, value)
        self.write("cat/readme.txt", b"no image")
        ds = datasets.ImageFolder(self.root)
        self.assertEqual((ds.classes, ds.class_to_idx), (["cat", "dog"], {"cat": 0, "dog": 1}))
        names = [os.path.relpath(path, self.root) for path, _ in ds.imgs]
        self.assertEqual(names, ["cat/1.PNG", "cat/10.png", "dog/b.png", "dog/a/2.png"])
        self.assertEqual((ds.targets, ds.samples is ds.imgs), ([0, 0, 1, 1], True))
        self.assertEqual((tuple(ds[3][0].shape), ds[3][0][0, 0, 0].item(), ds[3][1]), ((3, 4, 5), 2, 1))
        for workers in (0, 2):
            x, y = next(iter(DataLoader(ds, 4, num_workers=workers)))
            self.assertEqual((x[:, 0, 0, 0].tolist(), y.tolist()), ([3, 4, 1, 2], [0, 0, 1, 1]))
        ds.samples[0] = ds.samples[3]  # seen by the next loader
        x, y = next(iter(DataLoader(pickle.loads(pickle.dumps(ds)), 4)))
        self.assertEqual((x[:, 0, 0, 0].tolist(), y.tolist()), ([2, 4, 1, 2], [1, 0, 1, 1]))
        ds = datasets.ImageFolder(self.root, is_valid_file=lambda path: "1" in os.path.basename(path)
                                  or path.endswith("b.png"), loader=os.path.basename)
        self.assertEqual([s for s, _ in ds], ["1.PNG", "10.png", "b.png"])
        ds = datasets.DatasetFolder(self.root, os.path.getsize, (".txt", ".png"))
        self.assertEqual((len(ds), ds[0][1]), (5, 0))
        try:
            import torchvision.datasets as theirs
        except ImportError:
            return
        other = theirs.ImageFolder(self.root)
        self.assertEqual((other.imgs, other.classes), (datasets.ImageFolder(self.root).imgs, ["cat", "dog"]))

    @leak_check.needs("jpeg", "png")
    def test_odd_folders(self):
        with self.assertRaisesRegex(FileNotFoundError, "Couldn't find any class folder"):
            datasets.ImageFolder(self.root)
        self.picture("a/1.png", 1)
        os.mkdir(os.path.join(self.root, "b"))
        with self.assertRaisesRegex(FileNotFoundError, "no valid file for the classes b. Supported"):
            datasets.ImageFolder(self.root)
        os.symlink(self.root, os.path.join(self.root, "b/up"))
        os.symlink("nowhere", os.path.join(self.root, "b/gone.png"))
        for name, content in (("b/cut.jpg", b"\xff\xd8\xff\xe0"), ("b/empty.png", b""), ("b/text.bmp", b"hi")):
            self.write(name, content)
        ds = datasets.ImageFolder(self.root)
        self.assertTrue(all(name.count("/up/") <= 1 for name, _ in ds.samples))
        for workers in (0, 2):
            it, failed = iter(DataLoader(ds, num_workers=workers)), 0
            while True:
                try:
                    next(it)
                except StopIteration:
                    break
                except RuntimeError as e:
                    failed += 1
                    self.assertRegex(str(e), "sample [0-9]+: .*" + self.root)
            self.assertGreaterEqual(failed, 4)
        with self.assertRaises(OSError):
            datasets.ImageFolder(os.path.join(self.root, "missing"))
        with self.assertRaises(ValueError):
            folder.make_dataset(self.root, None, None)

    @leak_check.needs("jpeg", "png")
    def test_pixels_are_torchvision_s(self):
        """Files, random transforms and shuffles: the same seed gives the very same batches."""
        try:
            import torch as their_torch
            import torchvision
            from torch.utils.data import DataLoader as TheirLoader
        except ImportError:
            self.skipTest("torchvision is not installed")
        rng = np.random.default_rng(0)
        for i in range(10):
            pixels = rng.integers(0, 256, (3, 60 + i, 80), np.uint8)
            path = self.write(f"{'ab'[i % 2]}/{i}.png", b"")
            write_png(torch.from_numpy(pixels), path)

        def transform(t):
            return t.Compose([t.RandomResizedCrop(32), t.RandomHorizontalFlip(), t.ColorJitter(.4, .4, .4, .1),
                              t.RandomRotation(10), t.ToTensor(), t.Normalize((.5,) * 3, (.2,) * 3),
                              t.RandomErasing()])

        ours = DataLoader(datasets.ImageFolder(self.root, transform(transforms)), 4, shuffle=True)
        theirs = TheirLoader(torchvision.datasets.ImageFolder(
            self.root, transform(torchvision.transforms)), 4, shuffle=True)
        torch.manual_seed(1)
        their_torch.manual_seed(1)
        for _ in range(2):
            for (x, y), (want_x, want_y) in zip(ours, theirs):
                np.testing.assert_array_equal(x.numpy(), want_x.numpy())
                self.assertEqual(y.tolist(), want_y.tolist())
        self.assertEqual(torch.get_rng_state().tolist(), their_torch.get_rng_state().tolist())

    def test_fake_data(self):
        ds = datasets.FakeData(3, (3, 5, 4), 7, random_offset=2)
        again = datasets.FakeData(5, (3, 5, 4), 7)
        self.assertEqual((ds[0][0].tolist(), ds[0][1]), (again[2][0].tolist(), again[2][1]))
        self.assertRaises(IndexError, lambda: ds[3])
        try:
            import torchvision.datasets as theirs
        except ImportError:
            return
        for i, (picture, label) in enumerate(theirs.FakeData(3, (3, 5, 4), 7, random_offset=2)):
            np.testing.assert_array_equal(ds[i][0].numpy().transpose(1, 2, 0), np.array(picture))
            self.assertEqual(ds[i][1], label)


class Handler(http.server.BaseHTTPRequestHandler):
    """Files from a dict. Answers in `cuts` end after so many bytes; `ranges` False: no resuming."""

    def do_GET(self):
        server = self.server
        server.log.append((self.path, self.headers.get("Range")))
        content = server.files.get(self.path)
        if content is None:
            return self.send_error(404)
        start = 0
        if server.ranges and (wanted := self.headers.get("Range")):
            start = int(wanted[len("bytes="):-1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                return self.end_headers()
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content) if not server.cuts else start + server.cuts.pop(0)
        self.wfile.write(content[start:end])

    def log_message(self, *args):
        pass


class Downloads(WithFolder):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.files, self.server.cuts, self.server.log, self.server.ranges = {}, [], [], True
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.content = os.urandom(300000)
        self.md5 = hashlib.md5(self.content).hexdigest()
        self.server.files["/file.bin"] = self.content

    def get(self, **kwargs):
        kwargs.setdefault("md5", self.md5)
        path = utils.download_url(self.url + "file.bin", self.root, **kwargs)
        with open(path, "rb") as f:
            self.assertEqual(f.read(), self.content)
        self.assertEqual(os.listdir(self.root), ["file.bin"])

    def test_cut_connections_are_resumed(self):
        self.server.cuts = [100000, 0, 50000]
        seen = []
        self.get(progress=lambda done, total: seen.append((done, total)))
        self.assertEqual([r for _, r in self.server.log],
                         [None, "bytes=100000-", "bytes=100000-", "bytes=150000-"])
        self.assertEqual(seen[-1], (300000, 300000))
        self.get()
        self.assertEqual(len(self.server.log), 4)  # it is there: nothing is asked

    def test_a_later_call_goes_on(self):
        part = self.write("file.bin.part", self.content[:200000])
        self.get()
        self.assertEqual([r for _, r in self.server.log], ["bytes=200000-"])
        os.remove(os.path.join(self.root, "file.bin"))
        self.write("file.bin.part", b"x" * 1000)  # of something else: once more from the start
        self.get()
        self.assertFalse(os.path.exists(part))

    def test_a_server_that_cannot_resume(self):
        self.server.ranges, self.server.cuts = False, [100000]
        self.get()

    def test_a_whole_part_is_enough(self):
        self.write("file.bin.part", self.content)
        self.get()

    def test_failures_leave_nothing(self):
        with self.assertRaisesRegex(RuntimeError, "checksum mismatch"):
            utils.download_url(self.url + "file.bin", self.root, md5="0" * 32)
        with self.assertRaisesRegex(RuntimeError, "404"):
            utils.download_url(self.url + "missing", self.root)
        self.server.cuts = [0] * 10
        with self.assertRaisesRegex(RuntimeError, "could not get .*again and again"):
            utils.download_url(self.url + "file.bin", self.root, md5=self.md5)
        self.assertFalse(os.path.exists(os.path.join(self.root, "file.bin")))

    def test_mirrors(self):
        path = utils.download_url([self.url + "missing", "http://127.0.0.1:9/x", self.url + "file.bin"],
                                  self.root, "file.bin", self.md5)
        self.assertTrue(utils.check_integrity(path, self.md5))

    def test_mnist(self):
        images, labels = digits(5)
        resources = []
        for part in ("train", "t10k"):
            for name, array in (("images-idx3", images), ("labels-idx1", labels)):
                name, packed = f"{part}-{name}-ubyte.gz", gzip.compress(idx(array))
                self.server.files["/mirror/" + name] = packed
                resources.append((name, hashlib.md5(packed).hexdigest()))
        cls = type("MNIST", (datasets.MNIST,), {"resources": resources})
        self.server.cuts = [10]
        ds = cls(self.root, download=True, mirrors=[self.url + "nothing", self.url + "mirror/"])
        self.assertEqual(len(ds), 5)
        self.assertTrue(os.path.isfile(os.path.join(self.root, "MNIST/raw/t10k-labels-idx1-ubyte")))
        asked = len(self.server.log)
        cls(self.root, download=True, mirrors=[self.url])
        self.assertEqual(len(self.server.log), asked)

    def test_archives(self):
        images, labels = digits(3)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for part, array in (("images-idx3", images), ("labels-idx1", labels)):
                archive.writestr(f"gzip/emnist-mnist-train-{part}-ubyte.gz", gzip.compress(idx(array)))
        self.server.files["/gzip.zip"] = packed.getvalue()
        cls = type("EMNIST", (datasets.EMNIST,), {"md5": hashlib.md5(packed.getvalue()).hexdigest()})
        self.assertEqual(len(cls(self.root, "mnist", download=True, mirrors=[self.url])), 3)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
                content = pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2]}, 2)
                member = tarfile.TarInfo("cifar-10-batches-py/" + name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        self.server.files["/cifar-10-python.tar.gz"] = packed.getvalue()
        cls = type("CIFAR10", (datasets.CIFAR10,), {"tgz_md5": hashlib.md5(packed.getvalue()).hexdigest()})
        self.assertEqual(len(cls(self.root, download=True, mirrors=[self.url])), 10)

    def test_archives_stay_inside(self):
        for name in ("../outside", "/tmp/mt_outside"):
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as archive:
                archive.addfile(tarfile.TarInfo(name), io.BytesIO())
            path = self.write("x.tar", packed.getvalue())
            with self.assertRaisesRegex(RuntimeError, "outside of the folder"):
                utils.extract_archive(path, os.path.join(self.root, "to"))
        self.assertFalse(os.path.exists(os.path.join(self.root, "outside")))


if __name__ == "__main__":
    leak_check.main()
