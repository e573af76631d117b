#include <cmath>

#include "core/fail.h"
#include "ops/families.h"
#include "ops/ml_scores.h"

namespace onnxray {

namespace {

// Linear models and feature preparation of ai.onnx.ml, as scikit-learn's converters write them, by standard
// operators.

constexpr const char* kDomain = "ai.onnx.ml";
constexpr int64_t kFloat = 1, kInt64 = 7;  ///< ONNX element types

ValueId floats(ExpandContext& c, std::string_view name, const Shape& shape, DType dtype = DType::f32) {
  const std::vector<double> given = floats_attribute(c.node, name);
  require(static_cast<int64_t>(given.size()) == element_count(shape), ErrorCode::bad_file,
          "{} has {} numbers where {} are needed", name, given.size(), element_count(shape));
  return c.constant(Tensor::of<double>(shape, given).to(dtype));
}

ValueId number(ExpandContext& c, double value) {
  return c.constant(Tensor::scalar(static_cast<float>(value)));
}

/// Input i as rows [N, F] of f32; one row where it has one axis.
ValueId rows(ExpandContext& c, size_t i) {
  const Shape shape = c.shape(i);  // a copy: added nodes move the graph's values
  require(shape.size() == 1 || shape.size() == 2, ErrorCode::bad_file,
          "its input {} is no table: [N,F] is needed", to_string(shape));
  const ValueId x = c.dtype(i) == DType::f32 ? c.input(i) : c.add("Cast", {c.input(i)}, {{"to", kFloat}});
  return shape.size() == 2 ? x : c.add("Unsqueeze", {x, c.ints({0})});
}
int64_t features(ExpandContext& c, size_t i) {
  require(!c.shape(i).empty(), ErrorCode::bad_file, "its input {} is no table: [N,F] is needed", i);
  return c.shape(i).back();
}

// x W^T + b: [N, count], W [count, F]
ValueId affine(ExpandContext& c, int64_t count) {
  const ValueId w = floats(c, "coefficients", {count, features(c, 0)});
  std::vector<ValueId> operands{rows(c, 0), w};
  if (!floats_attribute(c.node, "intercepts").empty()) operands.push_back(floats(c, "intercepts", {count}));
  return c.add("Gemm", operands, {{"transB", int64_t{1}}});
}

// y = (x - offset) scale
void expand_scaler(ExpandContext& c) {
  const auto factor = [&](std::string_view name) {
    const bool one = floats_attribute(c.node, name).size() == 1;
    return floats(c, name, one ? Shape{1} : Shape{features(c, 0)});
  };
  ValueId y = c.dtype(0) == DType::f32 ? c.input(0) : c.add("Cast", {c.input(0)}, {{"to", kFloat}});
  if (has_attribute(c.node, "offset")) y = c.add("Sub", {y, factor("offset")});
  if (has_attribute(c.node, "scale")) y = c.add("Mul", {y, factor("scale")});
  c.set(0, y);
}

void expand_linear_regressor(ExpandContext& c) {
  const ValueId y = affine(c, int_attribute(c.node, "targets", 1));
  c.set(0, transformed_scores(c, y, string_attribute(c.node, "post_transform", "NONE")));
}

void expand_linear_classifier(ExpandContext& c) {
  const int64_t width = features(c, 0);
  const auto numbers = std::ssize(floats_attribute(c.node, "coefficients"));
  require(width > 0 && numbers % width == 0 && numbers > 0, ErrorCode::bad_file,
          "{} coefficients for {} features", numbers, width);
  const ValueId scores = affine(c, numbers / width);
  if (numbers / width > 1) return set_classifier_outputs(c, scores, scores, "classlabels_ints");
  set_binary_outputs(c, scores, 0, string_attribute(c.node, "post_transform", "NONE") == "LOGISTIC",
                     "classlabels_ints");
}

// x / max(x), x / sum |x| or x / sqrt(sum x^2) by row; a row of zeros stays
void expand_normalizer(ExpandContext& c) {
  const std::string norm = string_attribute(c.node, "norm", "MAX");
  const char* reduction = norm == "MAX" ? "ReduceMax" : norm == "L1" ? "ReduceL1" : "ReduceL2";
  require(norm == "MAX" || norm == "L1" || norm == "L2", ErrorCode::bad_file, "norm {}", norm);
  const ValueId x = rows(c, 0);
  const ValueId size = c.add(reduction, {x, c.ints({1})});
  const ValueId is_zero = c.add("Equal", {size, number(c, 0)});
  const ValueId y = c.add("Div", {x, c.add("Where", {is_zero, number(c, 1), size})});
  c.set(0, c.shape(0).size() == 2 ? y : c.add("Squeeze", {y, c.ints({0})}));
}

// y[.., k] = 1 where x is category k
void expand_one_hot_encoder(ExpandContext& c) {
  const std::vector<int64_t> categories = ints_attribute(c.node, "cats_int64s", kAnyInteger);
  require(!categories.empty(), ErrorCode::unsupported,
          "its categories are text; only integers are supported");
  const auto last = static_cast<int64_t>(c.shape(0).size());
  const ValueId x = c.add("Unsqueeze", {c.add("Cast", {c.input(0)}, {{"to", kInt64}}), c.ints({last})});
  c.set(0, c.add("Cast", {c.add("Equal", {x, c.ints(categories)})}, {{"to", kFloat}}));
}

void expand_feature_vectorizer(ExpandContext& c) {
  std::vector<ValueId> parts;
  for (size_t i = 0; i < c.input_count(); ++i) parts.push_back(rows(c, i));
  c.set(0, c.add("Concat", parts, {{"axis", int64_t{1}}}));
}

// x where it is not the value that stands for a missing one, else what replaces that
void expand_imputer(ExpandContext& c) {
  const bool real = is_floating(c.dtype(0));
  const auto table = [&]() -> ValueId {
    if (!real) return c.ints(ints_attribute(c.node, "imputed_value_int64s", kAnyInteger));
    const auto count = std::ssize(floats_attribute(c.node, "imputed_value_floats"));
    return floats(c, "imputed_value_floats", {count}, c.dtype(0));
  };
  const double missing = float_attribute(c.node, "replaced_value_float", 0);
  ValueId is_missing = kNoValue;
  if (real && std::isnan(missing))
    is_missing = c.add("IsNaN", {c.input(0)});
  else if (real)
    is_missing = c.add("Equal", {c.input(0), number(c, missing)});
  else
    is_missing =
        c.add("Equal", {c.input(0), c.ints({int_attribute(c.node, "replaced_value_int64", 0, kAnyInteger)})});
  c.set(0, c.add("Where", {is_missing, table(), c.input(0)}));
}

// 1 where x > threshold, else 0
void expand_binarizer(ExpandContext& c) {
  const ValueId above = c.add("Greater", {c.input(0), number(c, float_attribute(c.node, "threshold", 0))});
  c.set(0, c.add("Cast", {above}, {{"to", kFloat}}));
}

// The columns of x that y names
void expand_array_feature_extractor(ExpandContext& c) {
  const auto last = static_cast<int64_t>(c.shape(0).size()) - 1;
  const ValueId columns = c.add("Reshape", {c.input(1), c.ints({-1})});
  const ValueId picked = c.add("Gather", {c.input(0), columns}, {{"axis", last}});
  c.set(0, last > 0 ? picked : c.add("Unsqueeze", {picked, c.ints({0})}));
}

/// Keys or values of a label encoder; empty where they are text or absent.
std::vector<double> labels(const Node& node, std::string_view which) {
  const std::string name(which);
  if (const Tensor* t =
          has_attribute(node, name + "_tensor") ? tensor_attribute(node, name + "_tensor") : nullptr)
    return t->to_doubles();
  const std::vector<int64_t> ints = ints_attribute(node, name + "_int64s", kAnyInteger);
  if (!ints.empty()) return {ints.begin(), ints.end()};
  return floats_attribute(node, name + "_floats");
}

// sum over keys k of (x = k) value(k), and the default where no key fits
void expand_label_encoder(ExpandContext& c) {
  const std::vector<double> keys = labels(c.node, "keys"), values = labels(c.node, "values");
  require(!keys.empty() && keys.size() == values.size(), ErrorCode::unsupported,
          "its keys or values are text; only numbers are supported");
  const bool to_ints = has_attribute(c.node, "values_int64s");
  const DType to = to_ints ? DType::i64 : DType::f32;
  const auto list = [&](const std::vector<double>& numbers, DType dtype) {
    return c.constant(Tensor::of<double>({std::ssize(numbers)}, numbers).to(dtype));
  };
  double otherwise = to_ints ? static_cast<double>(int_attribute(c.node, "default_int64", -1, kAnyInteger))
                             : float_attribute(c.node, "default_float", 0);
  if (has_attribute(c.node, "default_tensor")) {
    const Tensor& value = *tensor_attribute(c.node, "default_tensor");
    require(value.size() == 1, ErrorCode::bad_file, "its default must be one number, not {}", value.size());
    otherwise = value.as_double(0);
  }
  const auto last = static_cast<int64_t>(c.shape(0).size());
  const ValueId x = c.add("Unsqueeze", {c.input(0), c.ints({last})});
  const ValueId fits = c.add("Equal", {x, list(keys, c.dtype(0))});
  const ValueId as_int = c.add("Cast", {fits}, {{"to", kInt64}});
  const ValueId first = c.add("ArgMax", {as_int}, {{"axis", last}, {"keepdims", int64_t{0}}});
  const ValueId any = c.add("ReduceMax", {as_int, c.ints({last})}, {{"keepdims", int64_t{0}}});
  const ValueId is_known = c.add("Cast", {any}, {{"to", int64_t{9}}});
  const ValueId other = c.constant(Tensor::scalar(otherwise).to(to));
  c.set(0, c.add("Where", {is_known, c.add("Gather", {list(values, to), first}), other}));
}

/// A map from class to score is the row of scores itself.
void expand_zip_map(ExpandContext& c) { c.set(0, c.add("Identity", {c.input(0)})); }

}  // namespace

std::vector<OpDef> ml_linear_ops() {
  return {
      assembly(kDomain, "Scaler", {1}, expand_scaler),
      assembly(kDomain, "LinearClassifier", {1}, expand_linear_classifier),
      assembly(kDomain, "LinearRegressor", {1}, expand_linear_regressor),
      assembly(kDomain, "Normalizer", {1}, expand_normalizer),
      assembly(kDomain, "OneHotEncoder", {1}, expand_one_hot_encoder),
      assembly(kDomain, "FeatureVectorizer", {1}, expand_feature_vectorizer),
      assembly(kDomain, "Imputer", {1}, expand_imputer),
      assembly(kDomain, "Binarizer", {1}, expand_binarizer),
      assembly(kDomain, "ArrayFeatureExtractor", {1}, expand_array_feature_extractor),
      assembly(kDomain, "LabelEncoder", {1, 2, 4}, expand_label_encoder),
      assembly(kDomain, "ZipMap", {1}, expand_zip_map),
  };
}

}  // namespace onnxray
