"""Data sets of files in folders: root/class/.../file."""
from __future__ import annotations

import os

from ..._lists import make_strings
from ..._native import lib as _lib
from ..._runtime import _new
from ...utils.data import _native
from ..io import ImageReadMode, read_image
from .vision import VisionDataset

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def has_file_allowed_extension(filename, extensions) -> bool:
    return filename.lower().endswith(extensions if isinstance(extensions, str) else tuple(extensions))


def is_image_file(filename) -> bool:
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def find_classes(directory) -> tuple[list[str], dict[str, int]]:
    """The folders in a folder, sorted, and their numbers."""
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: i for i, name in enumerate(classes)}


def make_dataset(directory, class_to_idx=None, extensions=None,
                 is_valid_file=None) -> list[tuple[str, int]]:
    """[(path, class)] of the files that have one of the extensions, or that is_valid_file takes."""
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        class_to_idx = find_classes(directory)[1]
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    if extensions is not None:
        def is_valid_file(path):
            return has_file_allowed_extension(path, extensions)

    samples, empty = [], []
    for name in sorted(class_to_idx):
        before = len(samples)
        top = os.path.join(directory, name)
        for folder, _, files in sorted(_walk(top)):
            paths = (os.path.join(folder, f) for f in sorted(files))
            samples += [(path, class_to_idx[name]) for path in paths if is_valid_file(path)]
        if len(samples) == before:
            empty.append(name)
    if empty:
        text = f"Found no valid file for the classes {', '.join(sorted(empty))}. "
        if extensions is not None:
            known = extensions if isinstance(extensions, str) else ", ".join(extensions)
            text += f"Supported extensions are: {known}"
        raise FileNotFoundError(text)
    return samples


def _walk(top):
    """os.walk that follows links, but enters no folder inside of itself."""
    for folder, folders, files in os.walk(top, followlinks=True):
        yield folder, folders, files
        real = os.path.realpath(folder) + os.sep
        folders[:] = [f for f in folders
                      if not real.startswith(os.path.realpath(os.path.join(folder, f)) + os.sep)]


def default_loader(path) -> Tensor:
    """The image file as a uint8 tensor (3, H, W)."""
    return read_image(path, ImageReadMode.RGB)


class DatasetFolder(VisionDataset):
    """Files of any kind, read by `loader`. `samples` are (path, class), `targets` the classes."""

    def __init__(self, root, loader, extensions=None, transform=None, target_transform=None,
                 is_valid_file=None):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, self.class_to_idx, extensions, is_valid_file)
        self.loader, self.extensions = loader, extensions
        self.targets = [target for _, target in self.samples]

    @staticmethod
    def make_dataset(directory, class_to_idx, extensions=None,
                     is_valid_file=None) -> list[tuple[str, int]]:
        if class_to_idx is None:
            raise ValueError("The class_to_idx parameter cannot be None.")
        return make_dataset(directory, class_to_idx, extensions, is_valid_file)

    def find_classes(self, directory) -> tuple[list[str], dict[str, int]]:
        return find_classes(directory)

    def __getitem__(self, index) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)

    def _native(self):
        if self.loader is not default_loader or not _native.is_own(self, DatasetFolder):
            return None
        if not all(type(target) is int for _, target in self.samples):
            return None
        return self._with_transform(self._files)

    _known = None  # the samples and the C data set made of them, which takes time for millions

    def _files(self):
        if self._known is None or self._known[0] != self.samples:
            targets = _new("int64_t[]", [target for _, target in self.samples])
            paths = make_strings([os.fspath(path) for path, _ in self.samples])
            self._known = list(self.samples), _native.dataset(_lib.mt_dataset_image_files, paths, targets,
                                                              len(self.samples))
        return self._known[1]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_known"}


class ImageFolder(DatasetFolder):
    """Image files; `imgs` is another name of `samples`."""

    def __init__(self, root, transform=None, target_transform=None, loader=default_loader,
                 is_valid_file=None):
        super().__init__(root, loader, IMG_EXTENSIONS if is_valid_file is None else None,
                         transform=transform, target_transform=target_transform,
                         is_valid_file=is_valid_file)
        self.imgs = self.samples
