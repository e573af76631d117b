#pragma once

#include <map>
#include <set>

#include "core/entry_origins.h"
#include "ops/op.h"

namespace onnxray {

/// An entry of a graph input, row-major.
struct InputEntry {
  ValueId input = kNoValue;
  int64_t entry = 0;
};

/// Which input entries the elements of a graph's values are made of, found node by node where it is asked
/// for. The nodes are lowered for that, as far as single entries can be told apart.
class ValueOrigins {
 public:
  /// A specialised graph; it must outlive this.
  ValueOrigins(const Graph& graph, const OpRegistry& ops);

  const EntryOrigins& of(ValueId value);
  /// Of an entry number >= 0.
  InputEntry entry(int64_t number) const;

  /// Inputs that only mask: where a product joins an entry of them with one of another input, that is what
  /// it is made of. Of two that are masks, or none, the first factor's input is taken.
  void set_masks(std::set<ValueId> masks) { masks_ = std::move(masks); }
  /// The inputs that gave way in products that were met so far.
  const std::set<ValueId>& gave_way() const { return gave_way_; }

 private:
  EntryOrigins of_input(ValueId input) const;
  std::vector<size_t> nodes_before(ValueId value);
  void visit(const Node& node);
  int64_t of_product(int64_t a, int64_t b);

  const Graph& graph_;
  const OpRegistry& ops_;
  std::vector<int32_t> producers_;
  std::vector<std::pair<int64_t, ValueId>> first_entry_;  // of each input, ascending
  std::map<ValueId, EntryOrigins> known_;
  std::set<ValueId> masks_, gave_way_;
};

}  // namespace onnxray
