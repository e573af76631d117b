#include "onnx/export/export.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <climits>
#include <optional>

#include "core/fail.h"
#include "onnx/export/translate.h"

namespace onnxray {

namespace {

using exporting::kind_of;
using exporting::Translation;
using exporting::Value;
using exporting::Values;
using exporting::Writer;

constexpr int64_t kOpset = 18;     // the first with ScatterElements' and Reduce's present forms
constexpr int64_t kIrVersion = 8;  // what came with it

void declare(onnx::ValueInfoProto& info, const std::string& name, int32_t type, const Shape& shape) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape();  // a scalar has a shape too
  for (const int64_t extent : shape) tensor.mutable_shape()->add_dim()->set_dim_value(extent);
}

/// One program on its way into the graph.
class ProgramWriter {
 public:
  ProgramWriter(const Program& program, onnx::GraphProto& graph, Writer::Store& store)
      : program_(program),
        graph_(graph),
        store_(store),
        values_(program.variables.size()),
        uses_(program.variables.size(), 0) {
    for (const Step& step : program.steps) {
      for (const Var v : step.inputs) ++uses_[static_cast<size_t>(v.id)];
    }
  }

  void set(Var v, Value value) { values_[static_cast<size_t>(v.id)] = std::move(value); }

  Value get(Writer& w, Var v) const {
    if (program_.is_constant(v)) return w.constant(*program_[v].constant, kind_of(program_[v].dtype));
    return *values_[static_cast<size_t>(v.id)];
  }

  void run() {
    Writer w(graph_, store_);
    write_block(w, Block::once);
    if (has_loop()) write_loop(w);
    write_block(w, Block::finish);
  }

 private:
  bool has_loop() const {
    return std::ranges::any_of(program_.steps, [](const Step& s) { return s.block == Block::repeat; });
  }

  void write_block(Writer& w, Block block) {
    for (const Step& step : program_.steps) {
      if (step.block == block) write(w, step);
    }
  }

  void write(Writer& w, const Step& step) {
    Translation t{w, {}, {}, {}};
    for (const Var v : step.inputs) t.in.push_back(get(w, v));
    for (const Var v : step.outputs) {
      t.shapes.push_back(program_[v].shape);
      t.dtypes.push_back(program_[v].dtype);
    }
    t.reads_winner = step.outputs.size() > 1 && uses_[static_cast<size_t>(step.outputs[1].id)] > 0;
    Values results = exporting::translate(step.primitive, t);
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].name.empty() && !results[i].is_winner)
        results[i] = w.cast(results[i], kind_of(t.dtypes[i]));
      set(step.outputs[i], std::move(results[i]));
    }
  }

  /// The block `repeat` as the body of an ONNX Loop, which may read what stands before the loop.
  void write_loop(Writer& w) {
    onnx::GraphProto body;
    body.set_name(w.fresh_name());
    Writer inner(body, store_);
    const Value trip{w.fresh_name(), exporting::Kind::integer, {}},
        go{w.fresh_name(), exporting::Kind::boolean, {}};
    declare(*body.add_input(), trip.name, w.onnx_type(trip.kind), {});
    declare(*body.add_input(), go.name, w.onnx_type(go.kind), {});
    if (program_.step_index) set(program_.step_index, trip);
    Values carried;
    std::vector<std::string> initial;
    for (const LoopVariable& variable : program_.loop) {
      const Shape& shape = program_[variable.current].shape;
      initial.push_back(w.expand(get(w, variable.initial), shape).name);
      carried.push_back({w.fresh_name(), kind_of(program_[variable.current].dtype), shape});
      declare(*body.add_input(), carried.back().name, w.onnx_type(carried.back().kind), shape);
      set(variable.current, carried.back());
    }
    write_block(inner, Block::repeat);
    const auto give = [&](const Value& value, exporting::Kind kind, const Shape& shape) {
      const std::string name = w.fresh_name();
      inner.named(value, name, w.onnx_type(kind));
      declare(*body.add_output(), name, w.onnx_type(kind), shape);
    };
    give(go, go.kind, {});
    for (size_t i = 0; i < carried.size(); ++i) {
      const Value next = inner.expand(get(inner, program_.loop[i].next), carried[i].shape);
      give(next, carried[i].kind, carried[i].shape);
    }
    append_loop(w, std::move(body), initial, carried);
  }

  void append_loop(Writer& w, onnx::GraphProto body, const std::vector<std::string>& initial,
                   Values& carried) {
    const Value trips = w.scalar(static_cast<double>(program_.trips), exporting::Kind::integer);
    onnx::NodeProto& node = *graph_.add_node();
    node.set_op_type("Loop");
    node.set_name(w.fresh_name());
    node.add_input(trips.name);
    node.add_input("");  // no condition but the count
    for (const std::string& name : initial) node.add_input(name);
    for (size_t i = 0; i < carried.size(); ++i) {
      carried[i].name = w.fresh_name();
      node.add_output(carried[i].name);
      set(program_.loop[i].current, carried[i]);
    }
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name("body");
    attribute.set_type(onnx::AttributeProto::GRAPH);
    *attribute.mutable_g() = std::move(body);
  }

  const Program& program_;
  onnx::GraphProto& graph_;
  Writer::Store& store_;
  std::vector<std::optional<Value>> values_;
  std::vector<int64_t> uses_;
};

}  // namespace

struct ModelExporter::Impl {
  onnx::ModelProto model;
  Writer::Store store;
  std::map<std::string, Value> inputs;
};

ModelExporter::ModelExporter() : impl_(std::make_unique<Impl>()) {
  onnx::ModelProto& model = impl_->model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("onnxray");
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOpset);
  model.mutable_graph()->set_name("explained");
  impl_->store.constants = model.mutable_graph();
}
ModelExporter::~ModelExporter() = default;

void ModelExporter::add(const Program& program, const std::vector<Output>& outputs) {
  onnx::GraphProto& graph = *impl_->model.mutable_graph();
  Writer w(graph, impl_->store);
  ProgramWriter writer(program, graph, impl_->store);
  // Inside, reals have one type; what the file declares stays at the rim.
  for (const NamedVar& input : program.inputs) {
    const Variable& variable = program[input.var];
    const auto [it, is_new] = impl_->inputs.try_emplace(input.name);
    if (is_new) {
      declare(*graph.add_input(), input.name, exporting::onnx_type_of(variable.dtype), variable.shape);
      it->second = {input.name, kind_of(variable.dtype), variable.shape};
      const bool is_inner = exporting::onnx_type_of(variable.dtype) == w.onnx_type(it->second.kind);
      if (!is_inner)
        it->second = w.node("Cast", {it->second}, it->second.kind, variable.shape,
                            {{"to", int64_t{w.onnx_type(it->second.kind)}}});
    }
    writer.set(input.var, it->second);
  }
  writer.run();
  for (const Output& output : outputs) {
    const Variable& variable = program[output.var];
    w.named(writer.get(w, output.var), output.name, exporting::onnx_type_of(variable.dtype));
    declare(*graph.add_output(), output.name, exporting::onnx_type_of(variable.dtype), variable.shape);
  }
}

std::string ModelExporter::serialise(const std::string& description) const {
  onnx::ModelProto& model = impl_->model;
  model.mutable_graph()->set_doc_string(description);
  require(model.ByteSizeLong() < static_cast<size_t>(INT_MAX), ErrorCode::unsupported,
          "the exported model would have {} MiB, and an ONNX file may have 2047: choose fewer methods",
          model.ByteSizeLong() >> 20);
  return model.SerializeAsString();
}

}  // namespace onnxray
