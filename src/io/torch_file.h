// PyTorch's own files (.pth, .pt, .bin) without Python: the zip archive of torch.save since 1.6,
// the stream before it, and the tar archive of the time before 0.1.10. Tensors that shared a
// storage when they were saved share it again; all tensors come to the CPU. Whole models,
// TorchScript programs, quantized and sparse tensors are refused with a message that says what the
// file is.
#pragma once

#include "io/value.h"
#include "io/zip.h"

namespace mt {

bool is_torch_zip(const ZipReader& zip);
ValueRef read_torch_zip(std::string_view op, ByteSource& source, ZipReader& zip);

bool is_torch_stream(ByteSource& source);
ValueRef read_torch_stream(std::string_view op, ByteSource& source);

bool is_tar(ByteSource& source);
ValueRef read_torch_tar(std::string_view op, ByteSource& source);

// The zip form, which PyTorch 1.6 and later load.
void write_torch_zip(std::string_view op, ByteSink& sink, const Value& value);

}  // namespace mt
