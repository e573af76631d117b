#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/program.h"

namespace onnxray {

/// Which entry of the inputs an element is made of. Entries have numbers across all inputs.
struct EntryOrigin {
  static constexpr int64_t kNone = -1, kSeveral = -2;
  int64_t entry = kNone;
  bool compared = false;  ///< it decided by a comparison, and is no part of the value
  bool operator==(const EntryOrigin&) const = default;
};

/// The origins of a variable's elements in row-major order, as far as data movement and arithmetic tell.
struct EntryOrigins {
  enum class Kind : uint8_t { none, each, several } kind = Kind::none;
  std::vector<EntryOrigin> elements;  ///< where each has its own
  bool compared = false;              ///< where all come of several, by comparisons alone

  EntryOrigin at(int64_t i) const {
    if (kind == Kind::each) return elements[static_cast<size_t>(i)];
    return kind == Kind::none ? EntryOrigin{} : EntryOrigin{EntryOrigin::kSeveral, compared};
  }
  bool operator==(const EntryOrigins&) const = default;
};

/// Which of two entries makes a product of both; kSeveral where neither does alone.
using OriginOfProduct = std::function<int64_t(int64_t a, int64_t b)>;

/// The origins of a step's results. An element of two entries comes of several, unless it only compared one
/// of them, or selected by it.
EntryOrigins origins_of_results(const Program& program, const Step& step,
                                std::span<const EntryOrigins* const> operands,
                                const OriginOfProduct& of_product);

}  // namespace onnxray
