#pragma once

#include <string>
#include <vector>

#include "core/program.h"

namespace onnxray {

/// What a backend asks of the planner.
struct PlanOptions {
  int64_t real_size = 4;       ///< bytes of a real: 4 (float) or 8 (double)
  bool channels_last = false;  ///< activations of sliding windows are held channels-last
};

/// How one variable lies in memory. Variables may share bytes: aliases (a reshape), or lives that do not overlap.
struct Placement {
  enum class Home : uint8_t { arena, constant, input } home = Home::arena;
  Strides strides;     ///< in elements
  int64_t offset = 0;  ///< in bytes from the arena's start; for home == arena
  int64_t bytes = 0;
};

/// A Program with memory: every step's operands have strides and, in one arena, addresses.
/// Program inputs and outputs are row-major.
struct Plan {
  Program program;  ///< may hold more Transpose-free copies (Reshape of equal shape) than the emitted one
  PlanOptions options;
  std::vector<Placement> placements;  ///< by variable
  std::vector<bool> skip;             ///< by step: the output is a view of the input, nothing to run
  int64_t arena_bytes = 0;
};

/// Assigns layouts, inserts the copies that they need, and packs lives into one arena.
Plan make_plan(Program program, const PlanOptions& options);

}  // namespace onnxray
