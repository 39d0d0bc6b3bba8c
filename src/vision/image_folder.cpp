// Image files with labels, and folders of them in torchvision's order.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "vision/datasets.h"
#include "vision/image_file.h"

namespace mt::vision {
namespace {

class ImageFiles final : public data::Dataset {
 public:
  ImageFiles(std::vector<std::string> paths, std::vector<int64_t> targets,
             std::vector<std::string> classes)
      : paths_(std::move(paths)), targets_(std::move(targets)), classes_(std::move(classes)) {}
  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  data::Sample get(int64_t index) const override {
    const auto i = static_cast<size_t>(index);
    return {read_image(paths_[i]), data::label_tensor(targets_[i])};
  }
  bool classes(std::vector<std::string>& out) const override {
    out = classes_;
    return !classes_.empty();
  }
  bool targets(std::vector<int64_t>& out) const override {
    out = targets_;
    return true;
  }
  bool paths(std::vector<std::string>& out) const override {
    out = paths_;
    return true;
  }

 private:
  std::vector<std::string> paths_;
  std::vector<int64_t> targets_;
  std::vector<std::string> classes_;
};

constexpr const char* kOp = "image_folder";

struct Entries {
  std::vector<std::string> folders, files;  // sorted
  dev_t device;
  ino_t inode;
};

Entries list_folder(const std::string& path) {
  const auto refuse = [&] {
    fail(Status::kIo, kOp, ": cannot read folder: '", path, "': ", std::strerror(errno),
         ": must be a folder of a folder for each class");
  };
  struct stat s;
  Entries out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  if (!dir || fstat(dirfd(dir.get()), &s) != 0) refuse();
  out.device = s.st_dev;
  out.inode = s.st_ino;
  errno = 0;
  while (const dirent* e = readdir(dir.get())) {
    const std::string name = e->d_name;
    if (name == "." || name == "..") continue;
    if (stat((path + "/" + name).c_str(), &s) != 0) s.st_mode = S_IFREG;  // a dangling link, say
    (S_ISDIR(s.st_mode) ? out.folders : out.files).push_back(name);
    errno = 0;
  }
  if (errno != 0) refuse();
  std::sort(out.folders.begin(), out.folders.end());
  std::sort(out.files.begin(), out.files.end());
  return out;
}

bool ends_with_one(std::string name, const std::vector<std::string>& extensions) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::any_of(extensions.begin(), extensions.end(), [&](const std::string& e) {
    return name.size() >= e.size() && name.compare(name.size() - e.size(), e.size(), e) == 0;
  });
}

// All folders under `top`, by their paths; one that contains itself (by a link) is entered once.
void walk(const std::string& path, std::vector<std::pair<std::string, Entries>>& out,
          std::vector<std::pair<dev_t, ino_t>>& above) {
  Entries e;
  try {
    e = list_folder(path);
  } catch (const Error&) {
    if (above.empty()) throw;
    return;  // as torchvision passes over what it may not enter
  }
  const std::pair here(e.device, e.inode);
  if (std::find(above.begin(), above.end(), here) != above.end()) return;
  above.push_back(here);
  for (const std::string& folder : e.folders) walk(path + "/" + folder, out, above);
  above.pop_back();
  out.emplace_back(path, std::move(e));
}

}  // namespace

data::DatasetRef image_files(std::vector<std::string> paths, std::vector<int64_t> targets,
                             std::vector<std::string> classes) {
  if (paths.size() != targets.size()) {
    fail(Status::kInvalidArgument, "image files: count mismatch: ", paths.size(), " paths, ",
         targets.size(), " targets: must be as many");
  }
  return data::DatasetRef::adopt(
      new ImageFiles(std::move(paths), std::move(targets), std::move(classes)));
}

data::DatasetRef image_folder(const std::string& root, std::vector<std::string> extensions) {
  if (extensions.empty()) {
    extensions = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"};
  }
  std::vector<std::string> classes = list_folder(root).folders, paths;
  if (classes.empty()) {
    fail(Status::kIo, kOp, ": no class: '", root,
         "' has no folder: must have one for each class, with its images");
  }
  std::vector<int64_t> targets;
  std::string without;
  for (size_t c = 0; c < classes.size(); ++c) {
    std::vector<std::pair<std::string, Entries>> folders;
    std::vector<std::pair<dev_t, ino_t>> above;
    walk(root + "/" + classes[c], folders, above);
    std::sort(folders.begin(), folders.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    const size_t before = paths.size();
    for (const auto& [folder, entries] : folders) {
      for (const std::string& file : entries.files) {
        if (!ends_with_one(file, extensions)) continue;
        paths.push_back(folder + "/" + file);
        targets.push_back(static_cast<int64_t>(c));
      }
    }
    if (paths.size() == before) without.append(without.empty() ? "" : ", ").append(classes[c]);
  }
  if (!without.empty()) {
    std::string known;
    for (const std::string& e : extensions) known.append(known.empty() ? "" : ", ").append(e);
    fail(Status::kIo, kOp, ": no image: in '", root, "', classes ", without,
         " have no file: each must have one that ends with ", known);
  }
  return image_files(std::move(paths), std::move(targets), std::move(classes));
}

}  // namespace mt::vision
