"""CIFAR-10 and CIFAR-100, of the Python or the binary version."""
from __future__ import annotations

import os

import numpy as np

from ..._native import lib as _lib
from ..._numpy import from_numpy
from ...utils.data import _native
from .utils import download_and_extract_archive
from .vision import VisionDataset


class CIFAR10(VisionDataset):
    """Photos of 32 by 32 in 10 classes. `data` is an array (n, 32, 32, 3), `targets` a list. The batches lie
    in root/cifar-10-batches-py (or -bin), or in root itself; what is pickled is read without running it.
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    _n_classes = 10

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False, *,
                 mirrors=None):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        self._mirrors = None if mirrors is None else list(mirrors)
        if download:
            self.download()
        handle = self._load(train)
        images, targets = _native.data(handle)
        self.data = images.numpy().transpose(0, 2, 3, 1)
        self.targets = targets.tolist()
        self.classes = _classes(handle)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def _load(self, train):
        return _native.dataset(_lib.mt_dataset_cifar, os.fsencode(self.root), self._n_classes, bool(train))

    def __getitem__(self, index) -> tuple[Any, Any]:
        image = from_numpy(np.ascontiguousarray(self.data[index].transpose(2, 0, 1)))
        return self._transformed(image, self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def _native(self):
        if not _native.is_own(self, CIFAR10):
            return None
        data, targets = self.data, np.asarray(self.targets)
        if not isinstance(data, np.ndarray) or data.ndim != 4 or targets.ndim != 1 \
                or targets.dtype.kind not in "iu" or len(data) != len(targets):
            return None
        images = from_numpy(np.ascontiguousarray(data.transpose(0, 3, 1, 2)))
        labels = from_numpy(targets.astype(np.int64))
        return self._with_transform(lambda: _native.tensors([images, labels]))

    def download(self) -> None:
        """Gets the archive unless both parts are there."""
        from ..._runtime import Error
        try:
            self._load(True)
            self._load(False)
            return
        except Error:
            pass
        urls = [self.url] if self._mirrors is None else [m.rstrip("/") + "/" + self.filename
                                                        for m in self._mirrors]
        download_and_extract_archive(urls, self.root, filename=self.filename, md5=self.tgz_md5)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"


class CIFAR100(CIFAR10):
    """100 classes (the fine labels)."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    _n_classes = 100


def _classes(handle):
    from ..._lists import strings
    from ..._runtime import _check, _new
    out = _new("mt_strings **")
    _check(_lib.mt_dataset_classes(out, handle))
    return strings(out[0])
