#pragma once

#include "core/plan.h"

namespace onnxray {

/// What a byte moved costs in flops: about what a core or a device computes meanwhile.
constexpr double kFlopsPerByte = 10;

/// What running something takes, counted from shapes alone.
struct Cost {
  double flops = 0;  ///< a multiplication and an addition are two; taps that fall on padding count
  double bytes = 0;  ///< operands read (of a slice or gather, what it takes) and results written, each once
  Cost& operator+=(const Cost& o) {
    flops += o.flops;
    bytes += o.bytes;
    return *this;
  }
};

/// One run of one step. Steps that only move data have no flops.
Cost cost_of(const Program& program, const Step& step, const PlanOptions& options);

/// One run of the plan: steps of the loop as often as it has trips, views for nothing.
Cost cost_of(const Plan& plan);

/// Memory that a plan takes besides what its backend packs for itself.
struct PlanMemory {
  int64_t constants = 0;  ///< weights and tables that steps read
  int64_t arena = 0;
  int64_t inputs = 0, outputs = 0;
  int64_t total() const { return constants + arena + inputs + outputs; }
};
PlanMemory memory_of(const Plan& plan);

/// Whether the backend makes copies of its own of the constants that the step reads.
bool packs_weights(const Program& program, const Step& step, const PlanOptions& options);

/// What a plan takes: memory_of, the copies of constants that its backend packs for its products, and what
/// their kernels keep and work on.
int64_t planned_bytes(const Plan& plan);

}  // namespace onnxray
