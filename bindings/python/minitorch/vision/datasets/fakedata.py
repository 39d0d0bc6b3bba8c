"""Random images for trying things out."""
from __future__ import annotations

from ..._native import lib as _lib
from ..._runtime import _new
from ...utils.data import _native
from .vision import VisionDataset


class FakeData(VisionDataset):
    """Images and labels that depend on the index and random_offset only."""

    def __init__(self, size=1000, image_size=(3, 224, 224), num_classes=10, transform=None,
                 target_transform=None, random_offset=0):
        super().__init__(None, transform=transform, target_transform=target_transform)
        self.size, self.num_classes = size, num_classes
        self.image_size, self.random_offset = image_size, random_offset

    def _images(self):
        shape = _new("int64_t[]", list(self.image_size))
        return _native.dataset(_lib.mt_dataset_fake, self.size, shape, len(shape), self.num_classes,
                               self.random_offset)

    def __getitem__(self, index) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        image, target = _native.get(self._images(), index)
        image, target = self._transformed(image, target)
        return image, target.item()

    def __len__(self) -> int:
        return self.size

    def _native(self):
        return self._with_transform(self._images) if _native.is_own(self, FakeData) else None
