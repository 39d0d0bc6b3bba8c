"""The base of the image data sets."""
from __future__ import annotations

import os

from ...utils.data import _native
from ...utils.data.dataset import Dataset


def _lines(transform, head):
    first, *rest = repr(transform).splitlines()
    return [head + first] + [" " * len(head) + line for line in rest]


class StandardTransform:
    """A transform of the image and one of the target."""

    def __init__(self, transform=None, target_transform=None):
        self.transform, self.target_transform = transform, target_transform

    def __call__(self, input, target):
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        body = [type(self).__name__]
        if self.transform is not None:
            body += _lines(self.transform, "Transform: ")
        if self.target_transform is not None:
            body += _lines(self.target_transform, "Target transform: ")
        return "\n".join(body)


class VisionDataset(Dataset):
    """Holds root and transforms. Subclasses define __getitem__ and __len__."""

    def __init__(self, root, transforms=None, transform=None, target_transform=None):
        self.root = os.path.expanduser(root) if isinstance(root, (str, os.PathLike)) else root
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.transform, self.target_transform = transform, target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def __getitem__(self, index) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def _transformed(self, image, target):
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def _with_transform(self, make):
        """The C data set `make` gives, with the transform; None when Python has to do it."""
        if self.target_transform is not None:
            return None
        return _native.transform(make(), self.transform)

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if self.transforms is not None:
            body.append(repr(self.transforms))
        # Lines of a transform of several are not moved, as torchvision prints them.
        return "\n".join([f"Dataset {type(self).__name__}"] + ["    " + line for line in body])

    def extra_repr(self) -> str:
        return ""
