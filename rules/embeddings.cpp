#include "rules/embeddings.h"

#include <algorithm>
#include <optional>

#include "rules/row_modulation.h"

namespace onnxray {

namespace {

size_t at(ValueId id) { return static_cast<size_t>(id); }

bool contains(const std::vector<bool>& flags, ValueId id) { return id != kNoValue && flags[at(id)]; }

bool has_real_type(const Graph& graph, ValueId id) {
  return is_floating(graph[id].dtype.value_or(DType::f32));
}

/// Inputs that reach an output of the graph otherwise than by choosing rows of constants.
std::set<ValueId> inputs_read_otherwise(const Graph& graph) {
  std::vector<bool> read(graph.values.size(), false);
  for (const ValueId id : graph.outputs) read[at(id)] = true;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    if (is_gather_of_constant(graph, node) ||
        std::ranges::none_of(node.outputs, [&](ValueId id) { return contains(read, id); }))
      continue;
    for (const ValueId id : node.inputs) {
      if (id != kNoValue) read[at(id)] = true;
    }
  }
  std::set<ValueId> found;
  for (const InputInfo& input : graph.inputs) {
    if (read[at(input.value)]) found.insert(input.value);
  }
  return found;
}

/// Where rows of a table lie in a value.
struct Rows {
  ValueId index = kNoValue;
  int64_t axis = 0, rank = 0;
  int64_t width = 1;  ///< numbers of a row
};

class Finder {
 public:
  Finder(const Graph& graph, const OpRegistry& ops)
      : graph_(graph), ops_(ops), moving_(moving_values(graph)), decided_(graph.values.size(), false) {
    result_.is_real.assign(graph.values.size(), false);
    for (const InputInfo& input : graph.inputs)
      result_.is_real[at(input.value)] = moving_[at(input.value)] && has_real_type(graph, input.value);
  }

  Embeddings run() {
    for (const Node& node : graph_.nodes) {
      follow(node);
      if (const auto rows = rows_of(node)) add(node.outputs[0], *rows);
    }
    return std::move(result_);
  }

 private:
  bool moves(ValueId id) const { return contains(moving_, id); }
  bool is_real(ValueId id) const { return contains(result_.is_real, id); }
  const Shape& shape(ValueId id) const { return *graph_[id].shape; }

  /// A real value makes real ones, and decides what it is cast to, compared for and so on.
  void follow(const Node& node) {
    // A grid hands on what it rounds, whatever its scale comes of.
    const bool real = is_grid(ops_, node)
                          ? is_real(node.inputs[0])
                          : std::ranges::any_of(node.inputs, [&](ValueId id) { return is_real(id); });
    const bool decided =
        real || std::ranges::any_of(node.inputs, [&](ValueId id) { return contains(decided_, id); });
    for (const ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      result_.is_real[at(id)] = real && has_real_type(graph_, id);
      decided_[at(id)] = decided;
    }
  }

  std::optional<Rows> rows_of(const Node& node) {
    if (std::ranges::none_of(node.inputs, [&](ValueId id) { return moves(id); })) return std::nullopt;
    if (is_gather_of_constant(graph_, node)) return gathered(node);
    if (const auto rows = rows_of_integers(node)) return rows;
    return one_hot_product(node);
  }

  /// Integers of a table are the rows of a quantised embedding where they have some width, else ids again.
  std::optional<Rows> gathered(const Node& node) {
    const Tensor& table = *graph_.constant(node.inputs[0]);
    const bool real = is_floating(table.dtype());
    if (table.shape().empty() || (!real && table.shape().size() < 2)) return std::nullopt;
    const int64_t axis = normalise_axis(int_attribute(node, "axis", 0), table.shape().size());
    const int64_t extent = std::max<int64_t>(table.shape()[static_cast<size_t>(axis)], 1);
    const Rows rows{node.inputs[1], axis, std::ssize(shape(node.inputs[1])), table.size() / extent};
    if (real) return rows;
    integer_rows_[node.outputs[0]] = rows;
    return std::nullopt;
  }

  /// Rows of integers where they become real.
  std::optional<Rows> rows_of_integers(const Node& node) {
    const ValueId out = node.outputs[0];
    for (const ValueId id : node.inputs) {
      const auto found = integer_rows_.find(id);
      if (found == integer_rows_.end() || out == kNoValue || shape(out) != shape(id) || is_real(out))
        continue;
      const Rows rows = found->second;
      if (has_real_type(graph_, out)) return rows;
      integer_rows_[out] = rows;
    }
    return std::nullopt;
  }

  /// [..., V], each row of which tells by comparisons which id it stands for, times a constant matrix.
  std::optional<Rows> one_hot_product(const Node& node) {
    const bool product = node.op == "MatMul" || (node.op == "Gemm" && int_attribute(node, "transA", 0) == 0);
    if (!product || is_real(node.inputs[0]) || !moves(node.inputs[0]) || moves(node.inputs[1]))
      return std::nullopt;
    const Shape &hot = shape(node.inputs[0]), &out = shape(node.outputs[0]);
    if (hot.empty() || hot.size() != out.size()) return std::nullopt;
    const EntryOrigins& origins = this->origins().of(node.inputs[0]);
    if (origins.kind != EntryOrigins::Kind::each) return std::nullopt;
    for (int64_t i = 0; i < std::ssize(origins.elements); ++i) {
      const EntryOrigin origin = origins.at(i);
      if (origin.entry < 0 || !origin.compared || origin != origins.at(i - i % hot.back()))
        return std::nullopt;
    }
    return Rows{node.inputs[0], 0, std::ssize(hot) - 1, out.back()};
  }

  void add(ValueId vectors, const Rows& rows) {
    if (modulation()(vectors, rows.width)) return add_constant(vectors, "they turn or scale activations");
    Embedding embedding{vectors, rows.index, rows.axis, rows.rank};
    const EntryOrigins& origins = this->origins().of(rows.index);
    const Shape& index = shape(rows.index);
    const int64_t step = std::ssize(index) > rows.rank ? index.back() : 1, count = element_count(index);
    bool any = count == 0, one_each = true, compared = true;
    for (int64_t i = 0; i < count; i += step) {
      const EntryOrigin origin = origins.at(i);
      embedding.entries.push_back(origin.entry >= 0 ? this->origins().entry(origin.entry) : InputEntry{});
      any = any || origin.entry != EntryOrigin::kNone;
      if (origin.entry != EntryOrigin::kSeveral) continue;
      one_each = false;
      compared = compared && origin.compared;
    }
    if (!any) return;
    if (!one_each && contains(decided_, rows.index))
      return add_constant(vectors, "computations on real values choose them");
    if (!one_each && compared)
      return add_constant(vectors, "comparisons among ids choose them, as where positions are counted");
    embedding.is_traced = one_each && count > 0;
    if (!embedding.is_traced) embedding.entries.clear();
    const auto& masks = this->origins().gave_way();
    embedding.masks.assign(masks.begin(), masks.end());
    result_.is_real[at(vectors)] = true;
    result_.found.push_back(std::move(embedding));
  }

  void add_constant(ValueId vectors, std::string why) {
    result_.constants.push_back({vectors, std::move(why)});
  }

  ValueOrigins& origins() {
    if (!origins_) {
      origins_.emplace(graph_, ops_);
      origins_->set_masks(inputs_read_otherwise(graph_));
    }
    return *origins_;
  }

  const RowModulation& modulation() {
    if (!modulation_) modulation_.emplace(graph_, ops_, moving_);
    return *modulation_;
  }

  const Graph& graph_;
  const OpRegistry& ops_;
  std::vector<bool> moving_;
  std::vector<bool> decided_;  // by value: real values make or decide it
  std::map<ValueId, Rows> integer_rows_;
  std::optional<ValueOrigins> origins_;
  std::optional<RowModulation> modulation_;
  Embeddings result_;
};

}  // namespace

Embeddings find_embeddings(const Graph& graph, const OpRegistry& ops) { return Finder(graph, ops).run(); }

bool is_read_as_number(const Graph& graph, ValueId input, ValueId output) {
  if (!has_real_type(graph, input)) return false;
  std::vector<bool> real(graph.values.size(), false);
  real[at(input)] = true;
  for (const Node& node : graph.nodes) {
    if (std::ranges::none_of(node.inputs, [&](ValueId id) { return contains(real, id); })) continue;
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) real[at(id)] = has_real_type(graph, id);
    }
  }
  return real[at(output)];
}

}  // namespace onnxray
