#include "core/primitive.h"

#include "core/checked.h"

namespace onnxray {

Shape window_output(const Window& window, std::span<const int64_t> in) {
  const size_t rank = window.kernel.size();
  require(in.size() == rank && window.strides.size() == rank && window.dilations.size() == rank &&
              window.pads_begin.size() == rank && window.pads_end.size() == rank,
          ErrorCode::bad_file, "a window over {} spatial axes meets a tensor with {}", rank, in.size());
  constexpr int64_t kMostTaps = 1 << 24;
  require(element_count(window.kernel) <= kMostTaps, ErrorCode::unsupported,
          "a kernel {} of more than {} entries", to_string(window.kernel), kMostTaps);
  Shape out(rank);
  for (size_t i = 0; i < rank; ++i) {
    require(window.kernel[i] > 0 && window.strides[i] > 0 && window.dilations[i] > 0, ErrorCode::bad_file,
            "kernel, stride and dilation must be positive (axis {})", i);
    require(window.pads_begin[i] >= 0 && window.pads_end[i] >= 0, ErrorCode::bad_file,
            "padding must not be negative (axis {})", i);
    const int64_t reach = checked_sum(checked_product(window.dilations[i], window.kernel[i] - 1), 1);
    const int64_t padded = checked_sum(checked_sum(in[i], window.pads_begin[i]), window.pads_end[i]);
    require(padded >= reach, ErrorCode::bad_file, "a window of {} does not fit into {} padded elements",
            reach, padded);
    out[i] = (padded - reach) / window.strides[i] + 1;
  }
  return out;
}

AxisTable transposed(const AxisTable& table) {
  AxisTable result{.in = table.out, .out = table.in, .offsets = {}, .index = {}, .weight = {}};
  std::vector<std::vector<std::pair<int64_t, double>>> rows(static_cast<size_t>(table.in));
  for (int64_t o = 0; o < table.out; ++o) {
    for (int64_t k = table.offsets[static_cast<size_t>(o)]; k < table.offsets[static_cast<size_t>(o) + 1];
         ++k) {
      const auto at = static_cast<size_t>(k);
      rows[static_cast<size_t>(table.index[at])].emplace_back(o, table.weight[at]);
    }
  }
  result.offsets.push_back(0);
  for (const auto& row : rows) {
    for (const auto& [index, weight] : row) {
      result.index.push_back(index);
      result.weight.push_back(weight);
    }
    result.offsets.push_back(static_cast<int64_t>(result.index.size()));
  }
  return result;
}

namespace {

struct NameVisitor {
  std::string_view operator()(const Elementwise&) const { return "elementwise"; }
  std::string_view operator()(const Convolution&) const { return "convolution"; }
  std::string_view operator()(const ConvolutionInput&) const { return "convolution_input"; }
  std::string_view operator()(const SplitConvolution&) const { return "split_convolution"; }
  std::string_view operator()(const SplitConvolutionInput&) const { return "split_convolution_input"; }
  std::string_view operator()(const ConvolutionWeight&) const { return "convolution_weight"; }
  std::string_view operator()(const MatMul&) const { return "matmul"; }
  std::string_view operator()(const FormProducts&) const { return "form_products"; }
  std::string_view operator()(const Reduce&) const { return "reduce"; }
  std::string_view operator()(const ArgReduce&) const { return "arg_reduce"; }
  std::string_view operator()(const TopK&) const { return "top_k"; }
  std::string_view operator()(const Softmax&) const { return "softmax"; }
  std::string_view operator()(const CumSum&) const { return "cum_sum"; }
  std::string_view operator()(const MaxPool&) const { return "max_pool"; }
  std::string_view operator()(const MaxPoolScatter&) const { return "max_pool_scatter"; }
  std::string_view operator()(const MaxPoolGather&) const { return "max_pool_gather"; }
  std::string_view operator()(const SumPool&) const { return "sum_pool"; }
  std::string_view operator()(const SumPoolInput&) const { return "sum_pool_input"; }
  std::string_view operator()(const Reshape&) const { return "reshape"; }
  std::string_view operator()(const Transpose&) const { return "transpose"; }
  std::string_view operator()(const Broadcast&) const { return "broadcast"; }
  std::string_view operator()(const Slice&) const { return "slice"; }
  std::string_view operator()(const Place&) const { return "place"; }
  std::string_view operator()(const Concat&) const { return "concat"; }
  std::string_view operator()(const Gather&) const { return "gather"; }
  std::string_view operator()(const GatherAdjoint&) const { return "gather_adjoint"; }
  std::string_view operator()(const RavelIndex&) const { return "ravel_index"; }
  std::string_view operator()(const GatherElements&) const { return "gather_elements"; }
  std::string_view operator()(const ScatterElements&) const { return "scatter_elements"; }
  std::string_view operator()(const AxisMap&) const { return "axis_map"; }
  std::string_view operator()(const Noise&) const { return "noise"; }
};

std::string window_text(const Window& window) {
  return fmt::format("kernel={} strides={} dilations={} pads={}:{}", to_string(window.kernel),
                     to_string(window.strides), to_string(window.dilations), to_string(window.pads_begin),
                     to_string(window.pads_end));
}

std::string_view reduce_name(Reduce::Kind kind) {
  switch (kind) {
    case Reduce::Kind::sum: return "sum";
    case Reduce::Kind::max: return "max";
    case Reduce::Kind::min: return "min";
    case Reduce::Kind::prod: return "prod";
  }
  return "?";
}

/// The form of weights of this name.
std::string form_text(const WeightForm& form, char w) {
  switch (form.kind) {
    case WeightForm::Kind::whole: return fmt::format("{}", w);
    case WeightForm::Kind::positive: return fmt::format("{}+", w);
    case WeightForm::Kind::negative: return fmt::format("{}-", w);
    case WeightForm::Kind::magnitude: return fmt::format("|{}|", w);
    case WeightForm::Kind::square: return fmt::format("{}^2", w);
    case WeightForm::Kind::raised: return fmt::format("{}+{:g}{}+", w, form.gamma, w);
  }
  return "?";
}

/// Nothing for the whole weights.
std::string form_suffix(const WeightForm& form, char w) {
  return form == WeightForm{} ? "" : " " + form_text(form, w);
}

struct TextVisitor {
  std::string operator()(const Elementwise& p) const {
    return fmt::format("{{{}}}", onnxray::to_string(p.expression));
  }
  std::string operator()(const Convolution& p) const {
    return fmt::format("{} groups={}{}{}", window_text(p.window), p.groups, p.winograd ? " winograd" : "",
                       form_suffix(p.form, 'w'));
  }
  std::string operator()(const ConvolutionInput& p) const {
    return fmt::format("{} groups={}{}{}", window_text(p.window), p.groups, p.winograd ? " winograd" : "",
                       form_suffix(p.form, 'w'));
  }
  std::string operator()(const SplitConvolution& p) const {
    return fmt::format("{} w {}", window_text(p.window), form_text(p.part, 'w'));
  }
  std::string operator()(const SplitConvolutionInput& p) const {
    return fmt::format("{} w+ w-", window_text(p.window));
  }
  std::string operator()(const ConvolutionWeight& p) const {
    return fmt::format("{} groups={}", window_text(p.window), p.groups);
  }
  std::string operator()(const MatMul& p) const {
    return fmt::format("{}{}{}", p.transpose_a ? "a^T " : "", p.transpose_b ? "b^T" : "",
                       form_suffix(p.form, 'b'));
  }
  std::string operator()(const FormProducts& p) const {
    std::vector<std::string> forms;
    for (const WeightForm& form : p.forms) forms.push_back(form_text(form, 'b'));
    return fmt::format("{}{}", fmt::join(forms, " "), p.transpose_b ? " b^T" : "");
  }
  std::string operator()(const Reduce& p) const {
    return fmt::format("{} axes={}", reduce_name(p.kind), onnxray::to_string(p.axes));
  }
  std::string operator()(const ArgReduce& p) const {
    return fmt::format("{} axis={}", p.largest ? "max" : "min", p.axis);
  }
  std::string operator()(const TopK& p) const {
    return fmt::format("{} {} axis={}", p.largest ? "largest" : "smallest", p.count, p.axis);
  }
  std::string operator()(const Softmax& p) const {
    return fmt::format("axis={}{}", p.axis, p.logarithm ? " log" : "");
  }
  std::string operator()(const CumSum& p) const {
    return fmt::format("axis={}{}{}", p.axis, p.exclusive ? " exclusive" : "", p.reverse ? " reverse" : "");
  }
  std::string operator()(const MaxPool& p) const { return window_text(p.window); }
  std::string operator()(const MaxPoolScatter& p) const { return window_text(p.window); }
  std::string operator()(const MaxPoolGather& p) const { return window_text(p.window); }
  std::string operator()(const SumPool& p) const { return window_text(p.window); }
  std::string operator()(const SumPoolInput& p) const { return window_text(p.window); }
  std::string operator()(const Reshape&) const { return {}; }
  std::string operator()(const Transpose& p) const { return onnxray::to_string(p.permutation); }
  std::string operator()(const Broadcast&) const { return {}; }
  std::string operator()(const Slice& p) const {
    return fmt::format("starts={} steps={}", onnxray::to_string(p.starts), onnxray::to_string(p.steps));
  }
  std::string operator()(const Place& p) const {
    return fmt::format("starts={} steps={} fill={:g}", onnxray::to_string(p.starts),
                       onnxray::to_string(p.steps), p.fill);
  }
  std::string operator()(const Concat& p) const { return fmt::format("axis={}", p.axis); }
  std::string operator()(const Gather& p) const { return fmt::format("axis={}", p.axis); }
  std::string operator()(const GatherAdjoint& p) const { return fmt::format("axis={}", p.axis); }
  std::string operator()(const RavelIndex& p) const { return "in " + onnxray::to_string(p.extents); }
  std::string operator()(const GatherElements& p) const { return fmt::format("axis={}", p.axis); }
  std::string operator()(const ScatterElements& p) const { return fmt::format("axis={}", p.axis); }
  std::string operator()(const AxisMap& p) const {
    return fmt::format("axis={} {}->{}", p.axis, p.table->in, p.table->out);
  }
  std::string operator()(const Noise& p) const {
    return fmt::format("{} seed={}", p.kind == Noise::Kind::normal ? "normal" : "uniform", p.seed);
  }
};

}  // namespace

namespace {

template <class P>
concept WeightProduct = requires(P& p) {
  p.form;
};

}  // namespace

WeightForm form_of(const Primitive& primitive) {
  return std::visit(
      []<class P>(const P& p) {
        if constexpr (WeightProduct<P>)
          return p.form;
        else
          return WeightForm{};
      },
      primitive);
}

Primitive with_form(Primitive product, const WeightForm& form) {
  std::visit(
      [&]<class P>(P& p) {
        if constexpr (WeightProduct<P>) p.form = form;
      },
      product);
  return product;
}

bool only_moves(const Primitive& primitive) {
  return std::visit(
      []<class P>(const P&) {
        return std::is_same_v<P, Reshape> || std::is_same_v<P, Transpose> || std::is_same_v<P, Broadcast> ||
               std::is_same_v<P, Slice> || std::is_same_v<P, Place> || std::is_same_v<P, Concat>;
      },
      primitive);
}

std::string_view name_of(const Primitive& primitive) { return std::visit(NameVisitor{}, primitive); }
std::string attributes_text(const Primitive& primitive) { return std::visit(TextVisitor{}, primitive); }

}  // namespace onnxray
