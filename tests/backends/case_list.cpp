#include <cmath>
#include <limits>

#include "tests/backends/cases.h"

namespace onnxray::test {

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Cases = std::vector<PrimitiveCase>;

void add_convolutions(Cases& cases) {
  for (const WindowCase& w : convolution_windows()) {
    const Tensor x = random_tensor(w.x, 1), weight = random_tensor(weight_shape(w), 2),
                 g = random_tensor(result_shape(w), 3);
    const Tensor bias = random_tensor({w.channels}, 4);
    cases.push_back(make_case("convolution " + w.name, {x, weight}, [&](Builder& b, const auto& v) {
      b.convolution(v[0], v[1], {}, w.window, w.groups);
    }));
    cases.push_back(
        make_case("convolution with bias " + w.name, {x, weight, bias},
                  [&](Builder& b, const auto& v) { b.convolution(v[0], v[1], v[2], w.window, w.groups); }));
    cases.push_back(make_case("convolution_input " + w.name, {g, weight}, [&](Builder& b, const auto& v) {
      b.convolution_input(v[0], v[1], w.window, w.groups, w.x);
    }));
    cases.push_back(make_case("convolution_weight " + w.name, {x, g}, [&](Builder& b, const auto& v) {
      b.convolution_weight(v[0], v[1], w.window, w.groups, weight_shape(w));
    }));
  }
}

/// Winners that a MaxPool could have had, padding included.
Tensor any_winners(const Shape& shape, const Window& window) {
  const int64_t taps = element_count(window.kernel);
  return random_integers(shape, 9, 0, taps, taps <= 256 ? DType::u8 : DType::i64);
}

void add_pools(Cases& cases) {
  for (WindowCase w : pool_windows()) {
    w.channels = w.x[1];
    const Shape out = result_shape(w);
    const Tensor x = random_tensor(w.x, 5), g = random_tensor(out, 6), winner = any_winners(out, w.window);
    const Tensor ties = random_integers(w.x, 7, -2, 3, DType::f32);
    cases.push_back(
        make_case("max_pool " + w.name, {x}, [&](Builder& b, const auto& v) { b.max_pool(v[0], w.window); }));
    cases.push_back(make_case("max_pool with ties " + w.name, {ties},
                              [&](Builder& b, const auto& v) { b.max_pool(v[0], w.window); }));
    cases.push_back(make_case("max_pool_scatter " + w.name, {g, winner}, [&](Builder& b, const auto& v) {
      b.max_pool_scatter(v[0], v[1], w.window, w.x);
    }));
    cases.push_back(make_case("max_pool_gather " + w.name, {x, winner},
                              [&](Builder& b, const auto& v) { b.max_pool_gather(v[0], v[1], w.window); }));
    cases.push_back(
        make_case("sum_pool " + w.name, {x}, [&](Builder& b, const auto& v) { b.sum_pool(v[0], w.window); }));
    cases.push_back(make_case("sum_pool_input " + w.name, {g},
                              [&](Builder& b, const auto& v) { b.sum_pool_input(v[0], w.window, w.x); }));
  }
  const Window window{{2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
  const Tensor special = Tensor::of<float>({1, 1, 2, 3}, {1, kNaN, -kInfinity, 2, -kInfinity, -kInfinity});
  cases.push_back(make_case("max_pool of NaN and -inf", {special},
                            [&](Builder& b, const auto& v) { b.max_pool(v[0], window); }));
  const Tensor bytes = random_integers({2, 3, 6, 5}, 8, 0, 256, DType::u8);
  cases.push_back(
      make_case("max_pool of bytes", {bytes}, [&](Builder& b, const auto& v) { b.max_pool(v[0], window); }));
}

void add_split_convolutions(Cases& cases) {
  for (const WindowCase& w : convolution_windows()) {
    if (w.groups != 1) continue;
    const Tensor x = random_tensor(w.x, 1), weight = random_tensor(weight_shape(w), 2),
                 p = random_tensor(result_shape(w), 3), n = random_tensor(result_shape(w), 4),
                 bias = random_tensor({w.channels}, 5);
    cases.push_back(
        make_case("split_convolution " + w.name, {x, weight, bias}, [&](Builder& b, const auto& v) {
          b.split_convolution(v[0], v[1], v[2], w.window, {WeightForm::Kind::raised, 0.25});
        }));
    cases.push_back(make_case(
        "split_convolution_input " + w.name, {p, n, weight},
        [&](Builder& b, const auto& v) { b.split_convolution_input(v[0], v[1], v[2], w.window, w.x); }));
  }
}

void add_matmuls(Cases& cases) {
  struct Sizes {
    std::string name;
    Shape a, b;
    bool ta = false, tb = false;
    Shape bias = {};
  };
  const std::vector<Sizes> all{
      {"2-D", {5, 7}, {7, 6}},
      {"2-D a^T", {7, 5}, {7, 6}, true, false},
      {"2-D b^T", {5, 7}, {6, 7}, false, true},
      {"2-D a^T b^T", {7, 5}, {6, 7}, true, true},
      {"row times matrix", {1, 40}, {40, 30}},
      {"matrix times column", {40, 30}, {30, 1}},
      {"one inner place", {5, 1}, {1, 6}},
      {"row bias", {5, 7}, {7, 6}, false, false, {6}},
      {"full bias, b^T", {5, 7}, {6, 7}, false, true, {5, 6}},
      {"column bias", {5, 7}, {7, 6}, false, false, {5, 1}},
      {"batched", {3, 5, 7}, {3, 7, 6}},
      {"batched b^T with row bias", {3, 5, 7}, {3, 6, 7}, false, true, {6}},
      {"attention", {2, 3, 9, 8}, {2, 3, 9, 8}, false, true},
      {"shared right side", {2, 3, 5, 7}, {7, 6}},
      {"shared left side", {5, 7}, {4, 7, 6}},
      {"batches that broadcast", {2, 1, 5, 7}, {3, 7, 6}, false, false, {3, 1, 6}},
      {"nothing inside", {2, 0}, {0, 3}},
  };
  for (const Sizes& s : all) {
    std::vector<Tensor> in{random_tensor(s.a, 11), random_tensor(s.b, 12)};
    if (!s.bias.empty()) in.push_back(random_tensor(s.bias, 13));
    cases.push_back(make_case("matmul " + s.name, in, [&](Builder& b, const auto& v) {
      b.matmul(v[0], v[1], s.ta, s.tb, v.size() > 2 ? v[2] : Var{});
    }));
  }
  const Tensor a = random_integers({4, 5}, 14, -9, 9), b_ = random_integers({5, 3}, 15, -9, 9);
  cases.push_back(
      make_case("matmul of integers", {a, b_}, [](Builder& b, const auto& v) { b.matmul(v[0], v[1]); }));
}

void add_form_products(Cases& cases) {
  using Kind = WeightForm::Kind;
  const std::vector<WeightForm> all{{Kind::whole, 0},     {Kind::positive, 0}, {Kind::negative, 0},
                                    {Kind::magnitude, 0}, {Kind::square, 0},   {Kind::raised, 0.25}};
  for (const bool transposed : {false, true}) {
    const Tensor w = random_tensor(transposed ? Shape{9, 23} : Shape{23, 9}, 16);
    const std::string direction = transposed ? " b^T" : " b";
    std::vector<Tensor> in;
    for (size_t i = 0; i < all.size(); ++i)
      in.push_back(random_tensor({static_cast<int64_t>(i) + 1, 23}, 17 + i));
    in.push_back(w);
    cases.push_back(make_case("form_products, every form," + direction, in, [&](Builder& b, const auto& v) {
      b.form_products(std::span(v).first(all.size()), v.back(), transposed, all);
    }));
    cases.push_back(make_case("form_products of one" + direction, {in[2], w}, [&](Builder& b, const auto& v) {
      b.form_products(std::span(v).first(1), v.back(), transposed, {all[1]});
    }));
  }
}

void add_reductions(Cases& cases) {
  // |x| averages 1 geometrically, so that no product leaves the range of float.
  const Tensor x = random_tensor({2, 3, 5, 4}, 21, 2.7), wide = random_tensor({3, 1500}, 22);
  const Tensor whole = random_integers({3, 4, 5}, 23, -5, 6),
               ties = random_integers({3, 4, 5}, 23, -2, 3, DType::f32);
  const std::vector<std::vector<int64_t>> axes{{0}, {1}, {3}, {2, 3}, {0, 2}, {1, 3}, {0, 1, 2, 3}};
  for (const auto kind : {Reduce::Kind::sum, Reduce::Kind::max, Reduce::Kind::min, Reduce::Kind::prod}) {
    const std::string name = "reduce kind " + std::to_string(static_cast<int>(kind));
    for (const auto& a : axes) {
      cases.push_back(make_case(name + " over " + to_string(a), {x},
                                [&](Builder& b, const auto& v) { b.reduce(kind, v[0], a); }));
    }
    cases.push_back(make_case(name + " of integers", {whole},
                              [&](Builder& b, const auto& v) { b.reduce(kind, v[0], {1}); }));
    cases.push_back(make_case(name + " of nothing", {random_tensor({2, 0, 3}, 1)},
                              [&](Builder& b, const auto& v) { b.reduce(kind, v[0], {1}); }));
  }
  cases.push_back(
      make_case("reduce sum of long rows", {wide}, [](Builder& b, const auto& v) { b.sum(v[0], {1}); }));
  for (const int64_t axis : {0, 1, 2}) {
    const std::string at = " along " + std::to_string(axis);
    for (const bool flag : {false, true}) {
      const std::string other = flag ? ", flag" : "";
      cases.push_back(make_case("arg_max" + at + other, {ties},
                                [&](Builder& b, const auto& v) { b.arg_reduce(v[0], axis, true, flag); }));
      cases.push_back(make_case("arg_min" + at + other, {whole},
                                [&](Builder& b, const auto& v) { b.arg_reduce(v[0], axis, false, flag); }));
      cases.push_back(make_case("softmax" + at + other, {x},
                                [&](Builder& b, const auto& v) { b.softmax(v[0], axis + 1, flag); }));
      cases.push_back(make_case("cum_sum" + at + other, {x},
                                [&](Builder& b, const auto& v) { b.cum_sum(v[0], axis, flag, false); }));
      cases.push_back(make_case("cum_sum reversed" + at + other, {whole},
                                [&](Builder& b, const auto& v) { b.cum_sum(v[0], axis, flag, true); }));
    }
  }
  for (const int64_t axis : {0, 1, 2}) {
    for (const bool largest : {true, false}) {
      const std::string at =
          (largest ? " largest" : " smallest") + std::string(" along ") + std::to_string(axis);
      cases.push_back(make_case("top_k" + at, {ties},
                                [&](Builder& b, const auto& v) { b.top_k(v[0], axis, 2, largest); }));
      cases.push_back(make_case("top_k of integers, all" + at, {whole}, [&](Builder& b, const auto& v) {
        b.top_k(v[0], axis, b.shape(v[0])[static_cast<size_t>(axis)], largest);
      }));
    }
  }
  const Tensor special =
      Tensor::of<float>({2, 4}, {1, kNaN, -kInfinity, kNaN, -kInfinity, 2, kInfinity, -0.0f});
  for (const bool largest : {true, false}) {
    cases.push_back(make_case("top_k of NaN and infinities", {special},
                              [&](Builder& b, const auto& v) { b.top_k(v[0], 1, 3, largest); }));
    cases.push_back(make_case("arg_reduce of NaN and infinities", {special},
                              [&](Builder& b, const auto& v) { b.arg_reduce(v[0], 1, largest); }));
    const auto kind = largest ? Reduce::Kind::max : Reduce::Kind::min;
    for (const int64_t axis : {0, 1})
      cases.push_back(make_case("extremum of NaN and infinities", {special},
                                [&](Builder& b, const auto& v) { b.reduce(kind, v[0], {axis}); }));
    for (const int64_t axis : {0, 1})
      cases.push_back(make_case("softmax of NaN and infinities", {special},
                                [&](Builder& b, const auto& v) { b.softmax(v[0], axis, largest); }));
  }
  cases.push_back(make_case("top_k of bytes", {random_integers({3, 9}, 24, 0, 256, DType::u8)},
                            [](Builder& b, const auto& v) { b.top_k(v[0], 1, 4, true); }));
  cases.push_back(make_case("top_k of long rows", {random_tensor({3, 300}, 25)},
                            [](Builder& b, const auto& v) { b.top_k(v[0], 1, 80, true); }));
  const Tensor far = Tensor::of<float>({2, 3}, {1000, 999, -1000, -kInfinity, 0, -1});
  cases.push_back(
      make_case("softmax of large numbers", {far}, [](Builder& b, const auto& v) { b.softmax(v[0], 1); }));
}

void add_movement(Cases& cases) {
  const Tensor x = random_tensor({2, 3, 4, 5}, 31), thin = random_tensor({2, 3, 1, 5}, 32),
               flags = random_integers({3, 4}, 33, 0, 2, DType::boolean);
  const Tensor whole = random_integers({3, 4}, 34, -9, 9);
  const auto add = [&](const char* name, std::vector<Tensor> in,
                       const std::function<void(Builder&, const std::vector<Var>&)>& emit) {
    cases.push_back(make_case(name, std::move(in), emit));
  };
  add("reshape", {x}, [](Builder& b, const auto& v) { b.reshape(v[0], {6, 20}); });
  add("reshape to more axes", {x}, [](Builder& b, const auto& v) { b.reshape(v[0], {1, 2, 3, 2, 2, 5}); });
  add("reshape of integers", {whole}, [](Builder& b, const auto& v) { b.reshape(v[0], {2, 6}); });
  add("reshape that copies", {x}, [](Builder& b, const auto& v) {
    b.emit(Reshape{{2, 3, 4, 5}}, {v[0]}, {2, 3, 4, 5}, DType::f32);
  });
  add("transpose to channels-last", {x}, [](Builder& b, const auto& v) { b.transpose(v[0], {0, 2, 3, 1}); });
  add("transpose to channels-first", {x}, [](Builder& b, const auto& v) { b.transpose(v[0], {0, 3, 1, 2}); });
  add("transpose of two axes", {x}, [](Builder& b, const auto& v) { b.transpose(v[0], {0, 2, 1, 3}); });
  add("transpose of booleans", {flags}, [](Builder& b, const auto& v) { b.transpose(v[0], {1, 0}); });
  add("broadcast", {thin}, [](Builder& b, const auto& v) { b.broadcast(v[0], {4, 2, 3, 6, 5}); });
  add("broadcast of a scalar", {Tensor::scalar<int64_t>(7)}, [](Builder& b, const auto& v) {
    b.broadcast(v[0], {3, 2});
  });
  add("slice", {x}, [](Builder& b, const auto& v) {
    b.slice(v[0], {0, 1, 1, 0}, {1, 1, 2, 2}, {2, 2, 2, 3});
  });
  add("slice of channels", {x}, [](Builder& b, const auto& v) { b.slice_axis(v[0], 1, 1, 3); });
  add("slice backwards", {x}, [](Builder& b, const auto& v) {
    b.slice(v[0], {1, 2, 3, 4}, {-1, -2, -1, -2}, {2, 2, 4, 3});
  });
  add("slice of nothing", {x}, [](Builder& b, const auto& v) {
    b.slice(v[0], {0, 0, 0, 0}, {1, 1, 1, 1}, {2, 0, 4, 5});
  });
  add("place", {x}, [](Builder& b, const auto& v) {
    b.place(v[0], {1, 0, 2, 0}, {1, 1, 2, 1}, {4, 3, 9, 6});
  });
  add("place backwards over a fill", {x}, [](Builder& b, const auto& v) {
    b.place(v[0], {1, 4, 3, 4}, {-1, -2, -1, -1}, {2, 5, 4, 5}, 1.5);
  });
  add("place of integers", {whole}, [](Builder& b, const auto& v) {
    b.place(v[0], {1, 1}, {1, 1}, {5, 6}, -3);
  });
  add("concat of channels", {x, thin, x}, [](Builder& b, const auto& v) {
    const Var all[] = {v[0], v[2]};
    b.concat(all, 1);
  });
  add("concat of rows", {x, thin}, [](Builder& b, const auto& v) { b.concat(v, 2); });
  add("concat of batches, one twice", {x}, [](Builder& b, const auto& v) {
    const Var all[] = {v[0], v[0]};
    b.concat(all, 0);
  });
  add("concat of booleans", {flags, flags}, [](Builder& b, const auto& v) { b.concat(v, 1); });
}

void add_gathers(Cases& cases) {
  const Tensor x = random_tensor({3, 5, 4}, 41), whole = random_integers({3, 5, 4}, 42, -9, 9);
  for (const int64_t axis : {0, 1, 2}) {
    const std::string at = " along " + std::to_string(axis);
    const int64_t extent = x.shape()[static_cast<size_t>(axis)];
    const Tensor index = random_integers({2, 3}, 43, -extent, extent, axis == 1 ? DType::i32 : DType::i64);
    Shape gathered = x.shape();
    gathered.erase(gathered.begin() + axis);
    gathered.insert(gathered.begin() + axis, {2, 3});
    const Tensor g = random_tensor(gathered, 44);
    cases.push_back(
        make_case("gather" + at, {x, index}, [&](Builder& b, const auto& v) { b.gather(v[0], v[1], axis); }));
    cases.push_back(make_case("gather of integers" + at, {whole, index},
                              [&](Builder& b, const auto& v) { b.gather(v[0], v[1], axis); }));
    cases.push_back(make_case("gather of one place" + at, {x, Tensor::scalar<int64_t>(-1)},
                              [&](Builder& b, const auto& v) { b.gather(v[0], v[1], axis); }));
    cases.push_back(make_case("gather_adjoint" + at, {g, index}, [&](Builder& b, const auto& v) {
      b.gather_adjoint(v[0], v[1], axis, extent);
    }));
    const Tensor places = random_integers({2, 3, 4}, 45, -extent, extent),
                 updates = random_tensor({2, 3, 4}, 46);
    const Tensor steps = random_integers({2, 3, 4}, 47, -9, 9);
    cases.push_back(make_case("gather_elements" + at, {x, places},
                              [&](Builder& b, const auto& v) { b.gather_elements(v[0], v[1], axis); }));
    for (const auto kind :
         {ScatterElements::Kind::replace, ScatterElements::Kind::add, ScatterElements::Kind::mul,
          ScatterElements::Kind::min, ScatterElements::Kind::max}) {
      const std::string name = "scatter_elements kind " + std::to_string(static_cast<int>(kind)) + at;
      cases.push_back(make_case(name, {x, places, updates}, [&](Builder& b, const auto& v) {
        b.scatter_elements(kind, v[0], v[1], v[2], axis);
      }));
      cases.push_back(
          make_case(name + " of integers", {whole, places, steps},
                    [&](Builder& b, const auto& v) { b.scatter_elements(kind, v[0], v[1], v[2], axis); }));
    }
  }
}

void add_ravel_index(Cases& cases) {
  const Shape extents{3, 5, 4};
  for (const DType dtype : {DType::i64, DType::i32}) {
    std::vector<int64_t> tuples;
    for (int64_t i = 0; i < 12; ++i) {
      for (const int64_t extent : extents) tuples.push_back((7 * i + extent) % (2 * extent) - extent);
    }
    cases.push_back(make_case("ravel_index", {Tensor::of<int64_t>({2, 6, 3}, tuples).to(dtype)},
                              [&](Builder& b, const auto& v) { b.ravel_index(v[0], extents); }));
  }
  cases.push_back(make_case("ravel_index of one axis", {random_integers({4, 1}, 48, -9, 9)},
                            [](Builder& b, const auto& v) { b.ravel_index(v[0], {9}); }));
}

void add_maps_and_noise(Cases& cases) {
  // Linear interpolation of 5 places to 8, with the first place read by no output and the last repeated.
  AxisTable table{.in = 5, .out = 8, .offsets = {0}, .index = {}, .weight = {}};
  for (int64_t o = 0; o < 8; ++o) {
    const double at = 1 + 0.45 * static_cast<double>(o);
    const auto left = std::min<int64_t>(static_cast<int64_t>(at), 4);
    table.index.insert(table.index.end(), {left, std::min<int64_t>(left + 1, 4)});
    table.weight.insert(table.weight.end(), {1 - (at - std::floor(at)), at - std::floor(at)});
    table.offsets.push_back(static_cast<int64_t>(table.index.size()));
  }
  const auto forward = std::make_shared<const AxisTable>(table);
  const auto adjoint = std::make_shared<const AxisTable>(transposed(table));
  for (const int64_t axis : {0, 1, 2, 3}) {
    Shape in{2, 3, 4, 2}, out = in;
    in[static_cast<size_t>(axis)] = 5;
    out[static_cast<size_t>(axis)] = 8;
    const std::string at = " along " + std::to_string(axis);
    cases.push_back(make_case("axis_map" + at, {random_tensor(in, 51)},
                              [&](Builder& b, const auto& v) { b.axis_map(v[0], axis, forward); }));
    cases.push_back(make_case("axis_map transposed" + at, {random_tensor(out, 52)},
                              [&](Builder& b, const auto& v) { b.axis_map(v[0], axis, adjoint); }));
  }
  for (const auto kind : {Noise::Kind::normal, Noise::Kind::uniform}) {
    const std::string name = "noise kind " + std::to_string(static_cast<int>(kind));
    cases.push_back(make_case(name, {Tensor::scalar<int64_t>(3)}, [&](Builder& b, const auto& v) {
      b.noise(kind, 42, v[0], {2, 3, 5, 7});
    }));
    // An odd number of draws each: a pair does not reach into the next sample.
    cases.push_back(make_case(name + " of several samples", {Tensor::of<int64_t>({3}, {4, 0, 9})},
                              [&](Builder& b, const auto& v) {
                                b.noise(kind, 42, v[0], {3, 5, 7});
                              }));
  }
}

}  // namespace

void add_elementwise_cases(Cases& cases);

std::vector<PrimitiveCase> primitive_cases() {
  Cases cases;
  add_convolutions(cases);
  add_pools(cases);
  add_matmuls(cases);
  add_split_convolutions(cases);
  add_form_products(cases);
  add_reductions(cases);
  add_movement(cases);
  add_gathers(cases);
  add_ravel_index(cases);
  add_maps_and_noise(cases);
  add_elementwise_cases(cases);
  return cases;
}

}  // namespace onnxray::test
