// Builds error messages from their pieces, independent of the host's locale.
#include "core/error.h"

#include <charconv>

namespace mt {

void TextPart::append_to(std::string& out) const {
  char buffer[32];
  std::to_chars_result end{};
  switch (kind_) {
    case Kind::kText:
      out += text_;
      return;
    case Kind::kChar:
      out += char_;
      return;
    case Kind::kSigned:
      end = std::to_chars(buffer, buffer + sizeof buffer, signed_);
      break;
    case Kind::kUnsigned:
      end = std::to_chars(buffer, buffer + sizeof buffer, unsigned_);
      break;
    case Kind::kDouble:  // six significant digits, as printf's %g
      end = std::to_chars(buffer, buffer + sizeof buffer, double_, std::chars_format::general, 6);
      break;
  }
  out.append(buffer, end.ptr);
}

std::string join_parts(const TextPart* parts, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) parts[i].append_to(out);
  return out;
}

void fail_with(Status status, const TextPart* parts, size_t n) {
  throw Error(status, join_parts(parts, n));
}

}  // namespace mt
