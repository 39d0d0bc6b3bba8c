// torchvision's data sets of images: a sample is an image (channels, height, width) of bytes and a
// label, 0-dim int64. Transforms are put on by data/dataset.h's mapped_dataset.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace mt::vision {

// Read as RGB when they are asked for. `classes` may be empty.
data::DatasetRef image_files(std::vector<std::string> paths, std::vector<int64_t> targets,
                             std::vector<std::string> classes = {});

// root/class/.../file. `extensions` (lower case, with the dot) empty: torchvision's.
data::DatasetRef image_folder(const std::string& root, std::vector<std::string> extensions = {});

// name: MNIST, FashionMNIST, KMNIST, EMNIST (which alone has a split).
data::DatasetRef mnist(const std::string& root, std::string_view name, std::string_view split,
                       bool train);

// classes: 10 or 100.
data::DatasetRef cifar(const std::string& root, int64_t classes, bool train);

struct FakeData {
  int64_t size = 1000;
  std::vector<int64_t> image_size{3, 224, 224};
  int64_t num_classes = 10, random_offset = 0;
};
data::DatasetRef fake_data(FakeData o);

}  // namespace mt::vision
