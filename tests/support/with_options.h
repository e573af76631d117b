#pragma once

#include <functional>
#include <memory>

#include "core/backend.h"

namespace onnxray::test {

/// A backend that asks for other plans than it does by itself.
class WithOptions final : public Backend {
 public:
  WithOptions(std::unique_ptr<Backend> inner, std::function<void(PlanOptions&)> change)
      : inner_(std::move(inner)), change_(std::move(change)) {}
  std::string_view name() const override { return inner_->name(); }
  std::string description() const override { return inner_->description(); }
  PlanOptions plan_options() const override {
    PlanOptions options = inner_->plan_options();
    change_(options);
    return options;
  }
  std::unique_ptr<Executable> compile(const Plan& plan) override { return inner_->compile(plan); }

 private:
  std::unique_ptr<Backend> inner_;
  std::function<void(PlanOptions&)> change_;
};

}  // namespace onnxray::test
