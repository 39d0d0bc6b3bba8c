// Image data sets whose samples are arrays in a few files, or made up: MNIST's kin, CIFAR and
// FakeData. The folders of files are in image_folder.cpp.
#include "vision/datasets.h"

#include <sys/stat.h>

#include <cstring>

#include "core/error.h"
#include "core/random.h"
#include "data/files.h"
#include "io/zip.h"
#include "kernels/random.h"
#include "ops/arithmetic.h"
#include "ops/common.h"
#include "ops/join.h"
#include "ops/view.h"

namespace mt::vision {
namespace {

bool is_file(const std::string& path) {
  struct stat s;
  return stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode);
}

// The first of root/folder/name+ending that is there.
std::string find_file(std::string_view what, const std::string& root,
                      const std::vector<std::string>& folders,
                      const std::vector<std::string>& names, std::string_view fix) {
  for (const std::string& folder : folders) {
    for (const std::string& name : names) {
      std::string path = root;
      path.append(folder.empty() ? "" : "/").append(folder).append("/").append(name);
      if (is_file(path)) return path;
    }
  }
  std::string places;
  for (const std::string& folder : folders) {
    places.append(places.empty() ? "" : " or ").append("'").append(root);
    places.append(folder.empty() ? "" : "/").append(folder).append("'");
  }
  fail(Status::kIo, what, ": file not found: '", names[0], "' in ", places,
       ": must be there, as it is or packed; ", fix);
}

// Names divided by spaces.
std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::vector<std::string> letters(std::string_view each) {
  std::vector<std::string> out;
  for (char c : each) out.emplace_back(1, c);
  return out;
}

struct MnistKind {
  std::string_view name;
  std::vector<std::string> classes;
};

std::vector<std::string> emnist_classes(std::string_view split) {
  constexpr std::string_view kDigits = "0123456789", kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const std::string start = cat(kDigits, kUpper);
  if (split == "byclass") return letters(start + "abcdefghijklmnopqrstuvwxyz");
  // Capitals that look like their small letters stand for both.
  if (split == "bymerge" || split == "balanced") return letters(start + "abdefghnqrt");
  if (split == "letters") {
    std::vector<std::string> out = letters("abcdefghijklmnopqrstuvwxyz");
    out.insert(out.begin(), "N/A");
    return out;
  }
  if (split == "digits" || split == "mnist") return letters(kDigits);
  fail(Status::kInvalidArgument, "EMNIST: unknown split: '", split,
       "' given: must be byclass, bymerge, balanced, letters, digits or mnist");
}

std::vector<std::string> mnist_classes(std::string_view name, std::string_view split) {
  if (name == "EMNIST") return emnist_classes(split);
  if (name == "MNIST") {
    std::vector<std::string> out = split_names("zero one two three four five six seven eight nine");
    for (size_t i = 0; i < out.size(); ++i) out[i] = cat(i, " - ", out[i]);
    return out;
  }
  if (name == "FashionMNIST") {
    return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  }
  if (name == "KMNIST") return split_names("o ki su tsu na ha ma ya re wo");
  fail(Status::kInvalidArgument, "mnist: unknown data set: '", name,
       "' given: must be MNIST, FashionMNIST, KMNIST or EMNIST");
}

// Images (n, channels, height, width) and labels, checked against each other and the classes.
data::DatasetRef labelled(std::string_view what, const Tensor& images, const Tensor& labels,
                          std::vector<std::string> classes, const std::string& path) {
  const auto* p = labels.data_as<uint8_t>();
  const int64_t n = labels.numel();
  if (images.size(0) != n) {
    fail(Status::kFormat, what, ": count mismatch: ", images.size(0), " images, ", n,
         " labels in '", path, "': must be of one set");
  }
  const Tensor targets = Tensor::empty({{n}}, DType::kInt64);
  for (int64_t i = 0; i < n; ++i) {
    targets.data_as<int64_t>()[i] = p[i];
    if (p[i] < classes.size()) continue;
    fail(Status::kFormat, what, ": bad label: '", path, "': label ", i, " is ",
         static_cast<int>(p[i]), ": must be less than ", classes.size());
  }
  return data::tensor_dataset({images, targets}, std::move(classes));
}

constexpr std::string_view kCifar10 = "airplane automobile bird cat deer dog frog horse ship truck";
constexpr std::string_view kCifar100 =
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
    "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch "
    "crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo "
    "keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse "
    "mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy "
    "porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper "
    "snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television "
    "tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm";

class FakeDataset final : public data::Dataset {
 public:
  explicit FakeDataset(FakeData o) : o_(std::move(o)) {}
  int64_t size() const override { return o_.size; }
  data::Sample get(int64_t index) const override {
    Generator g(static_cast<uint64_t>(index + o_.random_offset));
    const Tensor floats = Tensor::empty(o_.image_size, DType::kFloat32);
    fill_normal(DType::kFloat32, floats.data(), floats.numel(), 0, 1, g);
    int64_t label;
    fill_random(DType::kInt64, &label, 1, 0, o_.num_classes, g);
    return {converted(mul(floats, Tensor::from_scalar(255.0)), DType::kUInt8),
            data::label_tensor(label)};
  }

 private:
  FakeData o_;
};

}  // namespace

data::DatasetRef mnist(const std::string& root, std::string_view name, std::string_view split,
                       bool train) {
  std::vector<std::string> classes = mnist_classes(name, split);
  if (name != "EMNIST" && !split.empty()) {
    fail(Status::kInvalidArgument, name, ": unknown split: '", split,
         "' given: only EMNIST has splits");
  }
  const std::string prefix = name == "EMNIST" ? cat("emnist-", split, train ? "-train" : "-test")
                                              : std::string(train ? "train" : "t10k");
  const std::vector<std::string> folders{cat(name, "/raw"), ""};
  const auto find = [&](std::string_view part) {
    std::vector<std::string> names{cat(prefix, "-", part), cat(prefix, "-", part, ".gz")};
    std::string dotted = names[0];  // as some copies are named: train-images.idx3-ubyte
    dotted[dotted.find("-idx")] = '.';
    names.push_back(dotted);
    names.push_back(dotted + ".gz");
    return find_file(name, root, folders, names, "use download in Python, or put it there");
  };
  const std::string image_path = find("images-idx3-ubyte"), label_path = find("labels-idx1-ubyte");
  const Tensor images = load_idx(image_path), labels = load_idx(label_path);
  const auto check = [&](const std::string& path, const Tensor& t, int dims) {
    if (t.dtype() == DType::kUInt8 && t.dim() == dims) return;
    fail(Status::kFormat, name, ": wrong file: '", path, "' holds ", dtype_name(t.dtype()), " ",
         shape_string(t.sizes()), ": must be uint8 of ", dims, " dims");
  };
  check(image_path, images, 3);
  check(label_path, labels, 1);
  return labelled(name, unsqueeze(images, 1), labels, std::move(classes), label_path);
}

data::DatasetRef cifar(const std::string& root, int64_t classes, bool train) {
  if (classes != 10 && classes != 100) {
    fail(Status::kInvalidArgument, "cifar: bad number of classes: ", classes,
         " given: must be 10 or 100");
  }
  const bool ten = classes == 10;
  const std::string name = cat("CIFAR", classes);
  const std::vector<std::string> folders =
      ten ? std::vector<std::string>{"cifar-10-batches-py", "cifar-10-batches-bin", ""}
          : std::vector<std::string>{"cifar-100-python", "cifar-100-binary", ""};
  std::vector<std::string> files;
  if (!ten) {
    files.emplace_back(train ? "train" : "test");
  } else if (!train) {
    files.emplace_back("test_batch");
  } else {
    for (int i = 1; i <= 5; ++i) files.push_back(cat("data_batch_", i));
  }
  std::vector<Tensor> images, labels;
  std::string path;
  for (const std::string& file : files) {
    path = find_file(name, root, folders, {file, file + ".bin"},
                     "use download in Python, or unpack the archive there");
    Labelled found = load_cifar(path, classes);
    images.push_back(std::move(found.images));
    labels.push_back(std::move(found.labels));
  }
  return labelled(name, images.size() == 1 ? images[0] : mt::cat(images),
                  labels.size() == 1 ? labels[0] : mt::cat(labels),
                  split_names(ten ? kCifar10 : kCifar100), path);
}

data::DatasetRef fake_data(FakeData o) {
  const auto& s = o.image_size;
  if (s.size() != 3 || s[0] < 1 || s[0] > 4 || s[1] < 1 || s[2] < 1) {
    fail(Status::kShape, "fake data: bad image size: ", shape_string(s),
         ": must be channels (1 to 4), height, width");
  }
  if (o.size < 0 || o.num_classes < 1) {
    fail(Status::kInvalidArgument, "fake data: value out of range: size ", o.size, ", num_classes ",
         o.num_classes, ": must not be negative, and at least one class");
  }
  return data::DatasetRef::adopt(new FakeDataset(std::move(o)));
}

}  // namespace mt::vision
