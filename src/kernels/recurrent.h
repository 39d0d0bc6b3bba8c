// Kernels of one step of recurrent layers: what happens to the gates once the matrix products are
// done. Rows are samples; everything is contiguous and of one dtype, float32 or float64.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace mt {

// The four kinds of cell and how many gates each has.
enum class Cell : uint8_t { kTanh, kRelu, kLstm, kGru };
inline int64_t gates_of(Cell c) { return c == Cell::kLstm ? 4 : c == Cell::kGru ? 3 : 1; }

// One step of `rows` samples with `hidden` features, gates = gates_of(cell).
struct CellStep {
  Cell cell;
  int64_t rows, hidden;
  const void* x;     // [rows, gates, hidden]: the input's part of the gates
  const void* h;     // [rows, gates, hidden]: the hidden state's part
  const void* bias;  // [gates, hidden], added to h's part; or null
  // What backward wants. Lstm: [rows, 4, hidden], the gates i, f, g, o; gru: r, z, n and h's part
  // of n; others: unused.
  void* saved;
  const void* state;    // gru: [rows, hidden], the hidden state before
  void* memory;         // lstm: [rows, hidden], the cell's state, before and after
  void* memory_before;  // lstm: [rows, hidden], a copy of what was there
  void* memory_tanh;    // lstm: [rows, hidden], tanh of what is there after
  void* out;            // [rows, hidden], the new hidden state
};

// Gradients of one step.
struct CellStepBackward {
  Cell cell;
  int64_t rows, hidden;
  const void* saved;
  const void* state;          // gru: the hidden state before; tanh, relu: after
  const void* memory_before;  // lstm
  const void* memory_tanh;    // lstm
  const void* grad;           // [rows, hidden], of the hidden state after
  const void* more;           // [rows, hidden], to be added to grad; or null
  void* memory;               // lstm: of the cell's state, after and then before
  void* x;                    // [rows, gates, hidden], of the input's part of the gates
  void* h;       // gru: [rows, 3, hidden], of the hidden state's part; for the others equal to x
  void* direct;  // gru: [rows, hidden], of the hidden state before, past the gates
};

namespace cpu {
void cell_step(DType dtype, const CellStep& s);
void cell_step_backward(DType dtype, const CellStepBackward& s);
}  // namespace cpu

}  // namespace mt
