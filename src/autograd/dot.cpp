// The recorded graph as Graphviz text: breadth first from the root, so that a limit keeps what is
// near.
#include "autograd/dot.h"

#include <unordered_map>

#include "autograd/meta.h"
#include "core/error.h"
#include "core/shape.h"

namespace mt {
namespace {

// Text between double quotes of DOT.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) >= ' ') {
      out += c;
    }
  }
  return out + '"';
}

std::string described(const Dims& sizes, DType dtype) {
  std::string text = shape_string(sizes);
  if (dtype != DType::kFloat32) (text += ' ') += dtype_name(dtype);
  return text;
}

class Drawing {
 public:
  Drawing(const std::vector<std::pair<std::string, Tensor>>& names, size_t max_nodes)
      : max_nodes_(max_nodes) {
    for (const auto& [name, t] : names) names_.emplace(t.impl(), name);
    text_ =
        "digraph minitorch {\n  node [shape=box, style=filled, fillcolor=\"#eeeeee\", "
        "fontname=\"monospace\", fontsize=10];\n  edge [fontname=\"monospace\", fontsize=9];\n";
  }

  std::string draw(const Tensor& root) {
    const Ref<Node> node = root.requires_grad() ? grad_fn(root) : Ref<Node>();
    if (!node) {
      leaf(root.impl());
      return text_ + "}\n";
    }
    const auto named = names_.find(root.impl());
    const std::string title = named == names_.end() ? "" : named->second + "\n";
    text_ += "  root [label=" + quoted(title + described(root.sizes(), root.dtype())) +
             ", shape=ellipse, fillcolor=\"#c8e6c9\"];\n";
    queue_.push_back(node.get());
    ids_.emplace(node.get(), 0);
    text_ += "  n0 -> root;\n";
    for (size_t i = 0; i < queue_.size(); ++i) visit(i);  // grows while it is walked
    return text_ + "}\n";
  }

 private:
  void visit(size_t i) {
    const Node& node = *queue_[i];
    const std::string to = cat("n", i);
    text_ += "  " + to + " [label=" + quoted(node.display_name()) + "];\n";
    for (const Edge& e : node.edges) {
      if (e.leaf) {
        text_ += "  " + leaf(e.leaf.get()) + " -> " + to + ";\n";
      } else if (e.node) {
        const OutputMeta& m = e.node->outputs[static_cast<int>(e.nr)];
        text_ += "  " + id(e.node.get()) + " -> " + to +
                 " [label=" + quoted(described(m.sizes, m.dtype)) + "];\n";
      }
    }
  }

  std::string id(const Node* node) {
    const auto found = ids_.find(node);
    if (found != ids_.end()) return cat("n", found->second);
    if (max_nodes_ != 0 && queue_.size() >= max_nodes_) {
      if (!cut_) text_ += "  more [label=\"...\", shape=plaintext, style=solid];\n";
      cut_ = true;
      return "more";
    }
    ids_.emplace(node, queue_.size());
    queue_.push_back(node);
    return cat("n", queue_.size() - 1);
  }

  std::string leaf(const TensorImpl* t) {
    const auto [at, is_new] = leaves_.emplace(t, leaves_.size());
    std::string id = cat("leaf", at->second);
    if (is_new) {
      const auto named = names_.find(t);
      const std::string name = named != names_.end() ? named->second
                               : t->is_parameter     ? "parameter"
                                                     : "tensor";
      text_ += "  " + id + " [label=" + quoted(name + "\n" + described(t->sizes, t->dtype)) +
               ", shape=ellipse, fillcolor=" + (t->is_parameter ? "\"#bbdefb\"" : "\"#ffe0b2\"") +
               "];\n";
    }
    return id;
  }

  const size_t max_nodes_;
  std::unordered_map<const TensorImpl*, std::string> names_;
  std::unordered_map<const Node*, size_t> ids_;
  std::unordered_map<const TensorImpl*, size_t> leaves_;
  std::vector<const Node*> queue_;
  bool cut_ = false;
  std::string text_;
};

}  // namespace

std::string graph_dot(const Tensor& root, const std::vector<std::pair<std::string, Tensor>>& names,
                      size_t max_nodes) {
  return Drawing(names, max_nodes).draw(root);
}

}  // namespace mt
