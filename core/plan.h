#pragma once

#include <string>
#include <vector>

#include "core/program.h"

namespace onnxray {

/// What a backend asks of the planner.
struct PlanOptions {
  int64_t real_size = 4;       ///< bytes of a real: 4 (float) or 8 (double)
  bool channels_last = false;  ///< activations of sliding windows are held channels-last
  bool separate_bias =
      false;  ///< a bias costs less in the elementwise chain that follows than in the convolution
  bool packs_weights =
      false;  ///< constants of products are copied into an order of the backend's own, but ...
  int64_t product_bytes = 0;   ///< what the backend keeps for a product besides: its code and tables
  bool winograd = false;       ///< adjoints of 3x3 convolutions gain from Winograd's minimal filtering, ...
  int64_t winograd_block = 0;  ///< ... which works on so many bytes of transformed tiles at a time
  int64_t unpacked_rows = 0;   ///< ... matrix products of so many rows read large ones where they lie
  bool reads_forms = false;  ///< ... and of these also elementwise forms, while they read them (FormProducts)
  bool splits_weights = false;  ///< convolutions part their terms by the signs of weights (SplitConvolution)
  int64_t least_mask = 0;   ///< values of so many elements or more that are kept to be compared only are kept
                            ///< as bits (core/optimise/keep_masks.cpp); 0: none
  double trip_work = 0;     ///< what one trip of a loop should do at least, in flops (kFlopsPerByte)
  int64_t cache_bytes = 0;  ///< what a step moves is found in the cache up to so much; 0: unknown
  int64_t least_group = 1;  ///< so many samples at least keep the threads busy
};

/// How one variable lies in memory. Variables may share bytes: views (a reshape), or lives that do not
/// overlap.
struct Placement {
  enum class Home : uint8_t { arena, constant, input } home = Home::arena;
  Strides strides;     ///< in elements
  Var root;            ///< the variable whose bytes these are: itself, or another that this one is a view of
  int64_t offset = 0;  ///< of the root, in bytes from the arena's start; for home == arena
  int64_t bytes = 0;   ///< of the root
  bool bits = false;   ///< one bit per element, the lowest of a byte first (core/bit_masks.h)
};

/// A Program with memory: every step's operands have strides and, in one arena, addresses.
/// Program inputs and outputs are row-major.
struct Plan {
  Program program;  ///< the emitted one, plus copies between layouts (Reshape steps of equal shape)
  PlanOptions options;
  std::vector<Placement> placements;  ///< by variable
  std::vector<bool> is_view;          ///< by step: the output is a view of the input, nothing to run
  int64_t arena_bytes = 0;

  const Placement& operator[](Var v) const { return placements[static_cast<size_t>(v.id)]; }
};

/// Bytes of one element of `dtype` in a running program.
int64_t stored_size(DType dtype, const PlanOptions& options);

/// Assigns layouts, inserts the copies that they need, and packs lives into one arena.
Plan make_plan(Program program, const PlanOptions& options);

}  // namespace onnxray
