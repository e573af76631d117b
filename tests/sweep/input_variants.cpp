#include "tests/sweep/model_case.h"

namespace onnxray::sweep {

namespace {

constexpr int64_t kMostElements = 1 << 20;

/// Elements of `from` over and over, in another shape.
Tensor repeated(const Tensor& from, const Shape& shape) {
  Tensor result(from.dtype(), shape);
  const int64_t each = size_of(from.dtype());
  std::byte* out = result.mutable_bytes();
  for (int64_t i = 0; i < result.size() && from.size() > 0; ++i)
    std::copy_n(from.bytes() + i % from.size() * each, each, out + i * each);
  return result;
}

/// ONNX's number of a type.
int element_type(DType type) {
  switch (type) {
    case DType::f32: return 1;
    case DType::u8: return 2;
    case DType::i8: return 3;
    case DType::u16: return 4;
    case DType::i16: return 5;
    case DType::i32: return 6;
    case DType::i64: return 7;
    case DType::boolean: return 9;
    case DType::f16: return 10;
    case DType::f64: return 11;
    case DType::u32: return 12;
    case DType::u64: return 13;
    case DType::bf16: return 16;
  }
  return 0;
}

onnx::TypeProto_Tensor& declared(ModelCase& c, size_t i) {
  return *c.model.mutable_graph()->mutable_input(static_cast<int>(i))->mutable_type()->mutable_tensor_type();
}

/// Declares input i as `value` is, or with extents that are open.
void give(ModelCase& c, size_t i, Tensor value, bool open) {
  auto& type = declared(c, i);
  type.set_elem_type(element_type(value.dtype()));
  type.clear_shape();
  for (const int64_t extent : value.shape()) {
    auto* dim = type.mutable_shape()->add_dim();
    if (!open) dim->set_dim_value(extent);
  }
  c.inputs[i] = std::move(value);
}

void with_extents(Variants& all, size_t i, const Tensor& x) {
  const auto add = [&](const Shape& shape, bool open) {
    double count = 1;
    for (const int64_t extent : shape) count *= static_cast<double>(extent);
    if (count > kMostElements) return;
    all.push_back({fmt::format("input {} is {}{}", i, to_string(shape), open ? ", declared open" : ""),
                   [=](ModelCase& c) { give(c, i, repeated(x, shape), open); }});
  };
  for (size_t a = 0; a < x.shape().size(); ++a) {
    for (const int64_t extent : {int64_t{0}, int64_t{1}, int64_t{2}, x.shape()[a] + 1, int64_t{7}}) {
      Shape shape = x.shape();
      shape[a] = extent;
      for (const bool open : {false, true}) add(shape, open);
    }
    Shape shape = x.shape();
    shape.erase(shape.begin() + static_cast<int64_t>(a));
    add(shape, false);
    for (const int64_t extent : {int64_t{-1}, int64_t{1} << 31, int64_t{1} << 62}) {
      all.push_back(
          {fmt::format("input {} is declared {} along axis {}", i, extent, a), [=](ModelCase& c) {
             give(c, i, x, false);
             declared(c, i).mutable_shape()->mutable_dim(static_cast<int>(a))->set_dim_value(extent);
           }});
    }
  }
  Shape longer = x.shape(), wider = x.shape();
  longer.push_back(1);
  wider.insert(wider.begin(), 1);
  for (const Shape& shape : {longer, wider, Shape{}}) add(shape, false);
}

void with_types(Variants& all, size_t i, const Tensor& x) {
  for (const DType type : {DType::f16, DType::bf16, DType::f32, DType::f64, DType::i8, DType::i32, DType::i64,
                           DType::u8, DType::u64, DType::boolean}) {
    if (type == x.dtype()) continue;
    all.push_back({fmt::format("input {} holds {}", i, name_of(type)),
                   [=](ModelCase& c) { give(c, i, x.to(type), false); }});
  }
  for (const int number : {0, 8, 14, 17, 99}) {
    all.push_back({fmt::format("input {} is declared as type {}", i, number),
                   [=](ModelCase& c) { declared(c, i).set_elem_type(number); }});
  }
}

/// Input i as an initializer, and no longer an input.
void embed(ModelCase& c, size_t i) {
  onnx::GraphProto& graph = *c.model.mutable_graph();
  const Tensor& x = c.inputs[i];
  onnx::TensorProto& value = *graph.add_initializer();
  value.set_name(graph.input(static_cast<int>(i)).name());
  value.set_data_type(element_type(x.dtype()));
  for (const int64_t extent : x.shape()) value.add_dims(extent);
  value.set_raw_data(
      std::string(reinterpret_cast<const char*>(x.bytes()), static_cast<size_t>(x.byte_size())));
  graph.mutable_input()->DeleteSubrange(static_cast<int>(i), 1);
  c.inputs.erase(c.inputs.begin() + static_cast<int64_t>(i));
}

template <class T>
void with_values(Variants& all, size_t i, const Tensor& x, const std::vector<T>& values) {
  std::vector<int64_t> places{0};
  if (x.size() > 1) places.push_back(x.size() - 1);
  if (x.size() > 2) places.push_back(1);
  for (const int64_t place : places) {
    for (const T value : values) {
      const auto change = [=](ModelCase& c) {
        const Tensor one = Tensor::of<T>({}, {value}).to(x.dtype());
        const auto each = static_cast<int64_t>(one.byte_size());
        std::copy_n(one.bytes(), each, c.inputs[i].mutable_bytes() + place * each);
      };
      all.push_back({fmt::format("input {} holds {} at {}", i, value, place), change});
      all.push_back({fmt::format("initializer {} holds {} at {}", i, value, place), [=](ModelCase& c) {
                       change(c);
                       embed(c, i);
                     }});
    }
  }
}

}  // namespace

Variants input_variants(const ModelCase& original) {
  Variants all{{"as it is", [](ModelCase&) {}}};
  const size_t count =
      std::min(original.inputs.size(), static_cast<size_t>(original.model.graph().input_size()));
  for (size_t i = 0; i < count; ++i) {
    const Tensor& x = original.inputs[i];
    if (!original.model.graph().input(static_cast<int>(i)).type().has_tensor_type()) continue;
    with_extents(all, i, x);
    with_types(all, i, x);
    all.push_back({fmt::format("input {} is an initializer", i), [=](ModelCase& c) { embed(c, i); }});
    if (x.size() == 0) continue;
    if (is_floating(x.dtype()))
      with_values(all, i, x, odd_reals());
    else
      with_values(all, i, x, odd_integers());
  }
  all.push_back({"all inputs are initializers", [count](ModelCase& c) {
                   for (size_t i = count; i-- > 0;) embed(c, i);
                 }});
  return all;
}

}  // namespace onnxray::sweep
