// Image data sets on folders made here: torchvision's order, odd content, missing and damaged
// files.
#include "vision/datasets.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "vision/image_file.h"

namespace mt::vision {
namespace {

namespace fs = std::filesystem;

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/mt_datasets_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root = name;
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((fs::path(root) / name).parent_path());
    std::ofstream(fs::path(root) / name, std::ios::binary) << text;
  }
  void image(const std::string& name, uint8_t value) const {
    std::string text = "P6\n2 1\n255\n";
    text.append(6, static_cast<char>(value));
    write(name, text);
  }
  static std::string message(const std::function<void()>& f) {
    try {
      f();
    } catch (const Error& e) {
      return e.message();
    }
    return "no error";
  }
  std::string root;
};

TEST_F(Folder, OrderIsTorchvisions) {
  image("b/2.ppm", 1);
  image("b/10.PPM", 2);
  image("b/sub-x/1.ppm", 3);
  image("b/sub/1.ppm", 4);
  image("a/z.ppm", 5);
  write("a/notes.txt", "no image");
  write("README", "no folder");
  const data::DatasetRef d = image_folder(root);
  std::vector<std::string> paths, classes;
  std::vector<int64_t> targets;
  ASSERT_TRUE(d->paths(paths) && d->classes(classes) && d->targets(targets));
  EXPECT_EQ(classes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(targets, (std::vector<int64_t>{0, 1, 1, 1, 1}));
  std::vector<std::string> tails;
  for (const std::string& p : paths) tails.push_back(p.substr(root.size()));
  EXPECT_EQ(tails, (std::vector<std::string>{"/a/z.ppm", "/b/10.PPM", "/b/2.ppm", "/b/sub/1.ppm",
                                             "/b/sub-x/1.ppm"}));
  const data::Sample s = d->get(3);
  EXPECT_EQ(s[0].sizes(), Dims({3, 1, 2}));
  EXPECT_EQ(s[0].data_as<uint8_t>()[0], 4);
  EXPECT_EQ(*s[1].data_as<int64_t>(), 1);
}

TEST_F(Folder, OddContent) {
  if (!has_jpeg() || !has_png()) GTEST_SKIP() << "this build has no JPEG or no PNG";
  EXPECT_NE(message([&] { image_folder(root); }).find("no class"), std::string::npos);
  fs::create_directories(root + "/empty");
  image("full/1.ppm", 1);
  EXPECT_NE(message([&] { image_folder(root); }).find("classes empty have no file"),
            std::string::npos);
  fs::create_directory_symlink(root + "/empty", root + "/empty/itself");  // no endless walk
  fs::create_symlink("nowhere.ppm", root + "/empty/link.ppm");
  write("empty/broken.ppm", "P6\n9999999 9999999\n255\n");
  write("empty/cut.jpg", "\xFF\xD8\xFF");
  write("empty/none.png", "");
  const data::DatasetRef d = image_folder(root);
  ASSERT_EQ(d->size(), 5);
  for (int64_t i = 0; i < 4; ++i) {
    const std::string text = message([&] { d->get(i); });
    EXPECT_NE(text.find(root), std::string::npos) << text;
  }
  EXPECT_EQ(d->get(4)[0].numel(), 6);
  EXPECT_NE(message([&] { image_folder(root + "/full/1.ppm"); }).find("cannot read folder"),
            std::string::npos);
}

std::string idx(const std::string& sizes, const std::string& values) {
  std::string out("\0\0\x08", 3);
  out.push_back(static_cast<char>(sizes.size()));
  for (char n : sizes) out.append("\0\0\0", 3).push_back(n);
  return out + values;
}

TEST_F(Folder, MnistFilesInBothPlaces) {
  const std::string images = idx("\2\2\3", "abcdefghijkl"), labels = idx("\2", "\7\1");
  for (const std::string place : {"KMNIST/raw/", ""}) {
    write(place + "t10k-images-idx3-ubyte", images);
    write(place + "t10k-labels-idx1-ubyte", labels);
    const data::DatasetRef d = mnist(root, "KMNIST", "", false);
    EXPECT_EQ(d->size(), 2);
    EXPECT_EQ(d->get(1)[0].sizes(), Dims({1, 2, 3}));
    EXPECT_EQ(*d->get(0)[1].data_as<int64_t>(), 7);
    fs::remove_all(root + "/KMNIST");
  }
  EXPECT_NE(message([&] { mnist(root, "KMNIST", "", true); }).find("file not found: 'train-images"),
            std::string::npos);
  EXPECT_NE(message([&] { mnist(root, "QMNIST", "", true); }).find("unknown data set"),
            std::string::npos);
  write("t10k-labels-idx1-ubyte", idx("\2", "\7\x0A"));
  EXPECT_NE(message([&] { mnist(root, "MNIST", "", false); }).find("label 1 is 10"),
            std::string::npos);
  write("t10k-labels-idx1-ubyte", idx("\3", "\1\1\1"));
  EXPECT_NE(message([&] { mnist(root, "MNIST", "", false); }).find("count mismatch"),
            std::string::npos);
  write("t10k-labels-idx1-ubyte", images);
  EXPECT_NE(message([&] { mnist(root, "MNIST", "", false); }).find("wrong file"),
            std::string::npos);
  write("t10k-images-idx3-ubyte", images.substr(0, 20));
  EXPECT_NE(message([&] { mnist(root, "MNIST", "", false); }).find("truncated"), std::string::npos);
}

TEST_F(Folder, Cifar) {
  std::string record(3073, '\1');
  write("cifar-10-batches-bin/test_batch.bin", record + record);
  const data::DatasetRef d = cifar(root, 10, false);
  EXPECT_EQ(d->size(), 2);
  std::vector<std::string> classes;
  ASSERT_TRUE(d->classes(classes));
  EXPECT_EQ(classes[1], "automobile");
  EXPECT_EQ(d->get(0)[0].sizes(), Dims({3, 32, 32}));
  EXPECT_NE(message([&] { cifar(root, 10, true); }).find("'data_batch_1'"), std::string::npos);
  EXPECT_NE(message([&] { cifar(root, 20, true); }).find("10 or 100"), std::string::npos);
  write("train.bin", std::string(1, '\0') + std::string(1, '\x63') + record.substr(1));
  const data::DatasetRef fine = cifar(root, 100, true);
  ASSERT_TRUE(fine->classes(classes));
  EXPECT_EQ(classes.size(), 100u);
  EXPECT_EQ(classes[99], "worm");
}

}  // namespace
}  // namespace mt::vision
