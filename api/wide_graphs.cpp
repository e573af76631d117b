#include "api/wide_graphs.h"

#include <algorithm>

#include "core/fail.h"
#include "methods/wide.h"

namespace onnxray {

const Graph& WideGraphs::graph(int64_t count, std::span<const ValueId> values) {
  const auto known = graphs_.find(count);
  if (known != graphs_.end()) return known->second;
  require(specialisation_.bound.empty(), ErrorCode::unsupported, "an input decides shapes in the model");
  require(!graph_.depends_on_inputs, ErrorCode::unsupported, "the data decides what the model computes");
  Specialisation wider = specialisation_;
  const auto& axes = specialisation_.sample_axes;
  const bool lead = std::ranges::all_of(axes, [](const auto& of_input) { return of_input.second == 0; });
  for (Shape& shape : wider.input_shapes) {
    require(!shape.empty() && shape[0] > 0 && shape[0] == specialisation_.input_shapes[0][0] && lead &&
                (axes.empty() || axes.size() == wider.input_shapes.size()),
            ErrorCode::unsupported, "the inputs do not all have the samples on their first axis");
    // A batch that the file fixes at 1 is widened behind it.
    if (axes.empty()) shape[0] *= count;
  }
  if (!axes.empty()) wider.samples *= count;
  Graph wide = specialise(model_, wider, options_, ops_, folder_);
  if (head_ && !head_->is_kept) separate_head(wide, head_->output);
  const std::string reason = why_not_wide(graph_, wide, count, ops_, values);
  require(reason.empty(), ErrorCode::unsupported, "{}", reason);
  share_constants(graph_, wide);
  return graphs_.emplace(count, std::move(wide)).first->second;
}

}  // namespace onnxray
