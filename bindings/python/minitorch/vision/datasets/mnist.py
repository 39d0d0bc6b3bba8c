"""MNIST and the sets of its format: IDX files, packed or not, in root/<name>/raw or in root itself."""
from __future__ import annotations

import os
import string
import warnings

from ..._native import ffi, lib as _lib
from ...utils.data import _native
from .utils import download_and_extract_archive, extract_archive, unpacked_name
from .vision import VisionDataset


class MNIST(VisionDataset):
    """Handwritten digits, 28 by 28. `data` is uint8 (n, 28, 28), `targets` int64 (n,). download=True gets
    what is missing; `mirrors` are the addresses of folders to try instead of the usual ones.
    """

    mirrors = ["http://yann.lecun.com/exdb/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"]
    resources = [("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
                 ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
                 ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
                 ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c")]
    classes = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six",
               "7 - seven", "8 - eight", "9 - nine"]
    _name = "MNIST"  # of the data set that a subclass of the user's is, too

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False, *,
                 mirrors=None):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if mirrors is not None:
            self.mirrors = list(mirrors)
        if download:
            self.download()
        self.data, self.targets = self._load_data()

    def _load_data(self):
        split = getattr(self, "split", None)
        images, targets = _native.data(_native.dataset(
            _lib.mt_dataset_mnist, os.fsencode(self.root), self._name.encode(),
            ffi.NULL if split is None else split.encode(), bool(self.train)))
        return images.squeeze(1), targets

    def __getitem__(self, index) -> tuple[Any, Any]:
        return self._transformed(self.data[index].unsqueeze(0), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def _native(self):
        if not _native.is_own(self, MNIST):
            return None
        try:
            images, targets = self.data.unsqueeze(1), self.targets.long()
        except AttributeError:  # something of the user's own
            return None
        if images.ndim != 4 or targets.ndim != 1 or len(images) != len(targets):
            return None
        return self._with_transform(lambda: _native.tensors([images, targets]))

    @property
    def raw_folder(self) -> str:
        return os.path.join(self.root, self._name, "raw")

    @property
    def processed_folder(self) -> str:
        return os.path.join(self.root, self._name, "processed")

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def _has(self, name):
        return any(os.path.isfile(os.path.join(folder, file))
                   for folder in (self.raw_folder, self.root)
                   for file in (name, unpacked_name(name)))

    def download(self) -> None:
        """Gets the files that are not there, from the first mirror that has them."""
        for name, md5 in self.resources:
            if not self._has(name):
                download_and_extract_archive([m.rstrip("/") + "/" + name for m in self.mirrors],
                                             self.raw_folder, filename=name, md5=md5)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"

    def _old_name(self, old, new):
        warnings.warn(f"{old} has been renamed {new}", stacklevel=3)
        return getattr(self, new)

    train_labels = property(lambda self: self._old_name("train_labels", "targets"))
    test_labels = property(lambda self: self._old_name("test_labels", "targets"))
    train_data = property(lambda self: self._old_name("train_data", "data"))
    test_data = property(lambda self: self._old_name("test_data", "data"))


class FashionMNIST(MNIST):
    """Clothes in MNIST's format."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
                 ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
                 ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
                 ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310")]
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
               "Ankle boot"]
    _name = "FashionMNIST"


class KMNIST(MNIST):
    """Characters of old Japanese script in MNIST's format."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
                 ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
                 ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
                 ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134")]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
    _name = "KMNIST"


class EMNIST(MNIST):
    """Letters and digits in MNIST's format, in six splits."""

    url = "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    mirrors = ["https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/"]
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    _merged_classes = set("cijklmopsuvwxyz")
    _all_classes = set(string.digits + string.ascii_letters)
    classes_split_dict = {"byclass": sorted(_all_classes),
                          "bymerge": sorted(_all_classes - _merged_classes),
                          "balanced": sorted(_all_classes - _merged_classes),
                          "letters": ["N/A"] + list(string.ascii_lowercase),
                          "digits": list(string.digits),
                          "mnist": list(string.digits)}
    _name = "EMNIST"

    def __init__(self, root, split, **kwargs):
        if split not in self.splits:
            raise ValueError(f"Unknown value '{split}' for argument split. Valid values are "
                             f"{{{', '.join(self.splits)}}}.")
        self.split = split
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[split]

    def download(self) -> None:
        kind = "train" if self.train else "test"
        names = [f"emnist-{self.split}-{kind}-{part}-ubyte" for part in ("images-idx3", "labels-idx1")]
        if all(self._has(name + ".gz") for name in names):
            return
        download_and_extract_archive([m.rstrip("/") + "/gzip.zip" for m in self.mirrors],
                                     self.raw_folder, filename="gzip.zip", md5=self.md5)
        folder = os.path.join(self.raw_folder, "gzip")
        for name in names:
            extract_archive(os.path.join(folder, name + ".gz"), self.raw_folder)
