"""torchvision.datasets: images are uint8 tensors (C, H, W), which the transforms treat as torchvision's
treat PIL images.
"""
from .cifar import CIFAR10, CIFAR100
from .fakedata import FakeData
from .folder import DatasetFolder, ImageFolder
from .mnist import EMNIST, KMNIST, MNIST, FashionMNIST
from .vision import VisionDataset

__all__ = ["CIFAR10", "CIFAR100", "DatasetFolder", "EMNIST", "FakeData", "FashionMNIST", "ImageFolder",
           "KMNIST", "MNIST", "VisionDataset"]
