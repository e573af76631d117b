#include "methods/explained.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "core/fail.h"
#include "rules/embeddings.h"

namespace onnxray {

namespace {

/// Everything that belongs to one input before it is known whether that is explained.
struct Candidate {
  ValueId input = kNoValue;
  std::vector<std::pair<ValueId, ExplainedPart>> rows;  ///< by the value that holds them
  std::vector<ValueId> masks;
};

bool is_real(const Graph& graph, ValueId id) { return is_floating(*graph[id].dtype); }

bool is_graph_input(const Graph& graph, ValueId id) {
  return std::ranges::find(graph.inputs, id, &InputInfo::value) != graph.inputs.end();
}

std::string names_of(const Graph& graph, const std::vector<ValueId>& values) {
  std::vector<std::string> names;
  for (const ValueId id : values) names.push_back("'" + graph[id].name + "'");
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<bool> values_before(const Graph& graph, ValueId output) {
  std::vector<bool> needed(graph.values.size(), false);
  const auto is_needed = [&](ValueId id) { return id != kNoValue && needed[static_cast<size_t>(id)]; };
  needed[static_cast<size_t>(output)] = true;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    if (std::ranges::none_of(graph.nodes[n].outputs, is_needed)) continue;
    for (const ValueId id : graph.nodes[n].inputs) {
      if (id != kNoValue) needed[static_cast<size_t>(id)] = true;
    }
  }
  return needed;
}

/// Rows by what chooses them: entries of an input, or where no single ones do, those of the index.
std::vector<Candidate> candidates_of(const Graph& graph, const std::vector<Embedding>& embeddings) {
  std::vector<Candidate> all;
  const auto add = [&](ValueId input, const Embedding& e, std::vector<int64_t> entries) {
    auto known = std::ranges::find(all, input, &Candidate::input);
    if (known == all.end()) known = all.insert(all.end(), {input, {}, e.masks});
    known->rows.push_back({e.vectors, {0, true, e.row_axis, e.row_rank, std::move(entries)}});
  };
  for (const Embedding& e : embeddings) {
    if (!e.is_traced) {
      const Shape& index = *graph[e.index].shape;
      std::vector<int64_t> own(static_cast<size_t>(
          count_between(index, 0, std::min(index.size(), static_cast<size_t>(e.row_rank)))));
      std::iota(own.begin(), own.end(), 0);
      add(e.index, e, std::move(own));
      continue;
    }
    std::map<ValueId, std::vector<int64_t>> by_input;
    for (size_t row = 0; row < e.entries.size(); ++row) {
      const auto& [input, entry] = e.entries[row];
      if (input == kNoValue) continue;
      by_input.try_emplace(input, e.entries.size(), -1).first->second[row] = entry;
    }
    for (auto& [input, entries] : by_input) add(input, e, std::move(entries));
  }
  return all;
}

/// 1 at the entries of a real input that choose no rows.
Tensor numbers_among(const Shape& shape, const Candidate& candidate) {
  Tensor is_number = Tensor::filled(DType::f64, shape, 1);
  const auto flags = is_number.mutable_data<double>();
  for (const auto& [value, part] : candidate.rows) {
    for (const int64_t entry : part.entries) {
      if (entry >= 0) flags[static_cast<size_t>(entry)] = 0;
    }
  }
  return is_number;
}

bool any(const Tensor& flags) {
  if (flags.size() == 0) return false;
  const auto all = flags.data<double>();
  return std::ranges::find(all, 1.0) != all.end();
}

/// What the choice of rows takes for granted. Integers that index a table are nothing else.
Assumption assumption_of(const Graph& graph, const Candidate& candidate, bool has_numbers) {
  std::vector<ValueId> rows;
  for (const auto& [value, part] : candidate.rows) rows.push_back(value);
  const bool is_input = is_graph_input(graph, candidate.input), real = is_real(graph, candidate.input);
  std::string value = "explained at the rows " + names_of(graph, rows) + " that they choose";
  if (has_numbers) value += "; its other entries are numbers";
  std::string why =
      real ? "it is cast to integers that index constant tables" : "its integers index constant tables";
  if (!is_input) why = "no single entries of the model's inputs choose these rows";
  if (!candidate.masks.empty())
    why += "; " + names_of(graph, candidate.masks) + " is taken for a mask of them";
  return {fmt::format("ids of '{}'", graph[candidate.input].name), std::move(value), std::move(why), "at",
          is_input && !real && candidate.masks.empty()};
}

/// Collects what is explained, in the order of add().
class Collector {
 public:
  Collector(const Graph& graph, ValueId output) : graph_(graph), output_(output) {}

  void add_numbers(ValueId input) { result_.inputs.push_back({input, {{.value = number_of(input)}}}); }

  void add_ids(const Candidate& ids) {
    ExplainedInput explained{ids.input};
    if (is_graph_input(graph_, ids.input) && is_read_as_number(graph_, ids.input, output_))
      explained.is_number = numbers_among(*graph_[ids.input].shape, ids);
    if (any(explained.is_number))
      explained.parts.push_back({.value = number_of(ids.input)});
    else
      explained.is_number = {};
    for (auto [value, part] : ids.rows) {
      part.value = number_of(value);
      explained.parts.push_back(std::move(part));
    }
    assume(result_.assumptions, assumption_of(graph_, ids, explained.is_number.size() > 0));
    result_.inputs.push_back(std::move(explained));
  }

  void note_constants(const std::vector<ConstantRows>& constants) {
    const std::vector<bool> needed = values_before(graph_, output_);
    for (const auto& [rows, why] : constants) {
      if (needed[static_cast<size_t>(rows)])
        assume(result_.assumptions, {fmt::format("rows '{}'", graph_[rows].name), "constants", why, "at"});
    }
  }

  Explained take() { return std::move(result_); }

 private:
  size_t number_of(ValueId value) {
    const auto known = std::ranges::find(result_.values, value);
    const auto number = static_cast<size_t>(known - result_.values.begin());
    if (known == result_.values.end()) result_.values.push_back(value);
    return number;
  }

  const Graph& graph_;
  ValueId output_;
  Explained result_;
};

void check_are_inputs(const Graph& graph, const std::vector<std::string>& names) {
  std::vector<ValueId> inputs;
  for (const InputInfo& input : graph.inputs) inputs.push_back(input.value);
  for (const std::string& name : names) {
    const bool known = std::ranges::any_of(inputs, [&](ValueId id) { return graph[id].name == name; });
    require(known, ErrorCode::usage, "attribute: the model has no input '{}'; it has {}", name,
            names_of(graph, inputs));
  }
}

void check_can_be_explained(const Graph& graph, const std::vector<Candidate>& candidates,
                            const std::vector<std::string>& names) {
  for (const InputInfo& input : graph.inputs) {
    const std::string& name = graph[input.value].name;
    if (std::ranges::find(names, name) == names.end()) continue;
    const bool decides_shapes = graph.constant(input.value) != nullptr,
               chooses = std::ranges::find(candidates, input.value, &Candidate::input) != candidates.end();
    require(!decides_shapes && (chooses || is_real(graph, input.value)), ErrorCode::unsupported,
            "attribute: nothing can be attributed to the input '{}': it {}", name,
            decides_shapes ? "decides shapes" : "holds integers that choose no embeddings");
  }
}

}  // namespace

bool ExplainedInput::holds_ids() const {
  return std::ranges::any_of(parts, [](const ExplainedPart& part) { return part.is_rows; });
}

Explained find_explained(const Graph& graph, const OpRegistry& ops, ValueId output, ValueId at,
                         const std::vector<std::string>& only, const std::vector<std::string>& except) {
  Collector collector(graph, output);
  if (at != kNoValue) {
    require(only.empty(), ErrorCode::usage, "at and attribute both say what to attribute to");
    collector.add_numbers(at);
    return collector.take();
  }
  const Embeddings embeddings = find_embeddings(graph, ops);
  const std::vector<Candidate> candidates = candidates_of(graph, embeddings.found);
  check_are_inputs(graph, only);
  check_are_inputs(graph, except);
  check_can_be_explained(graph, candidates, only);
  const auto is_wanted = [&](ValueId id) {
    const std::string& name = graph[id].name;
    return (only.empty() || std::ranges::find(only, name) != only.end()) &&
           std::ranges::find(except, name) == except.end();
  };
  for (const InputInfo& input : graph.inputs) {
    if (graph.constant(input.value) || !is_real(graph, input.value) || !is_wanted(input.value)) continue;
    const auto ids = std::ranges::find(candidates, input.value, &Candidate::input);
    if (ids == candidates.end())
      collector.add_numbers(input.value);
    else
      collector.add_ids(*ids);
  }
  for (const Candidate& ids : candidates) {
    if (!is_real(graph, ids.input) && is_wanted(ids.input)) collector.add_ids(ids);
  }
  collector.note_constants(embeddings.constants);
  return collector.take();
}

}  // namespace onnxray
