#include "tests/sweep/model_case.h"

namespace onnxray::sweep {

namespace {

using onnx::AttributeProto;

/// Nodes of a model that are changed: tests of functions written out have dozens.
constexpr int kMostNodes = 3;

struct Changed {
  std::string what;
  AttributeProto attribute;
};

AttributeProto empty(const std::string& name, AttributeProto::AttributeType type) {
  AttributeProto attribute;
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

void with_lists(std::vector<Changed>& all, const AttributeProto& given) {
  for (int at = 0; at < std::min(given.ints_size(), 4); ++at) {
    for (const int64_t value : odd_integers()) {
      AttributeProto changed = given;
      changed.set_ints(at, value);
      all.push_back({fmt::format("has {} at {}", value, at), changed});
    }
  }
  for (int at = 0; at < std::min(given.floats_size(), 2); ++at) {
    for (const double value : odd_reals()) {
      AttributeProto changed = given;
      changed.set_floats(at, static_cast<float>(value));
      all.push_back({fmt::format("has {} at {}", value, at), changed});
    }
  }
  AttributeProto longer = given, shorter = given, none = given;
  if (given.ints_size() > 0) {
    longer.add_ints(given.ints(0));
    shorter.mutable_ints()->RemoveLast();
  }
  if (given.floats_size() > 0) {
    longer.add_floats(given.floats(0));
    shorter.mutable_floats()->RemoveLast();
  }
  if (given.strings_size() > 0) {
    longer.add_strings(given.strings(0));
    shorter.mutable_strings()->RemoveLast();
  }
  none.clear_ints();
  none.clear_floats();
  none.clear_strings();
  all.insert(all.end(), {{"is longer", longer}, {"is shorter", shorter}, {"is an empty list", none}});
}

void with_other_types(std::vector<Changed>& all, const AttributeProto& given) {
  AttributeProto whole = empty(given.name(), AttributeProto::INT),
                 real = empty(given.name(), AttributeProto::FLOAT),
                 text = empty(given.name(), AttributeProto::STRING),
                 whole_list = empty(given.name(), AttributeProto::INTS),
                 real_list = empty(given.name(), AttributeProto::FLOATS),
                 tensor = empty(given.name(), AttributeProto::TENSOR);
  whole.set_i(1);
  real.set_f(1);
  text.set_s("nonsense");
  whole_list.add_ints(1);
  real_list.add_floats(1);
  tensor.mutable_t()->set_data_type(1);
  tensor.mutable_t()->add_dims(0);
  for (const AttributeProto& other : {whole, real, text, whole_list, real_list, tensor}) {
    if (other.type() != given.type() || other.type() == AttributeProto::STRING)
      all.push_back({fmt::format("is of type {}", static_cast<int>(other.type())), other});
  }
}

std::vector<Changed> changes_of(const AttributeProto& given) {
  std::vector<Changed> all;
  if (given.type() == AttributeProto::INT) {
    for (const int64_t value : odd_integers()) {
      AttributeProto changed = given;
      changed.set_i(value);
      all.push_back({fmt::format("is {}", value), changed});
    }
  }
  if (given.type() == AttributeProto::FLOAT) {
    for (const double value : odd_reals()) {
      AttributeProto changed = given;
      changed.set_f(static_cast<float>(value));
      all.push_back({fmt::format("is {}", value), changed});
    }
  }
  const bool list = given.type() == AttributeProto::INTS || given.type() == AttributeProto::FLOATS ||
                    given.type() == AttributeProto::STRINGS;
  if (list) with_lists(all, given);
  with_other_types(all, given);
  return all;
}

void set_attribute(ModelCase& c, int node, const AttributeProto& attribute) {
  auto& attributes = *c.model.mutable_graph()->mutable_node(node)->mutable_attribute();
  for (AttributeProto& own : attributes) {
    if (own.name() == attribute.name()) {
      own = attribute;
      return;
    }
  }
  *attributes.Add() = attribute;
}

}  // namespace

Variants attribute_variants(const ModelCase& original, const KnownAttributes& known) {
  Variants all;
  const auto& nodes = original.model.graph().node();
  for (int n = 0; n < std::min(nodes.size(), kMostNodes); ++n) {
    std::map<std::string, AttributeProto> attributes;
    if (const auto others = known.find(nodes[n].op_type()); others != known.end())
      attributes = others->second;
    for (const AttributeProto& own : nodes[n].attribute()) attributes[own.name()] = own;
    for (const auto& [name, attribute] : attributes) {
      for (const Changed& changed : changes_of(attribute)) {
        all.push_back({fmt::format("attribute {} of node {} {}", name, n, changed.what),
                       [=](ModelCase& c) { set_attribute(c, n, changed.attribute); }});
      }
    }
    for (int a = 0; a < nodes[n].attribute_size(); ++a) {
      all.push_back({fmt::format("attribute {} of node {} is missing", nodes[n].attribute(a).name(), n),
                     [=](ModelCase& c) {
                       c.model.mutable_graph()->mutable_node(n)->mutable_attribute()->DeleteSubrange(a, 1);
                     }});
    }
  }
  return all;
}

}  // namespace onnxray::sweep
