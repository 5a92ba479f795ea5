// SPDX-License-Identifier: MIT
// dlib's side of the timing of benchmarks/pytorch/dcgan.cpp: the same networks, batches and steps.
//
// Where dlib differs:
// - It keeps one gradient per network, so the discriminator takes a step of Adam on the data and another on the samples
//   (as in dlib's own example), where the others add both gradients and take one.
// - The backward pass always computes the gradient with respect to the data and the noise.
// - Its tensor functions are Debian's, compiled for any x86-64; -march=native reaches the products (OpenBLAS selects
//   its kernels at run time) and what dlib has in headers.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <cblas.h>
#include <dlfcn.h>

#include <dlib/dnn.h>
#include <dlib/revision.h>

#include "../pytorch/turns.hpp"

namespace {

constexpr long batch = 64;

template <long Filters, int Stride, int Padding, class Below>
using Conv = dlib::add_layer<dlib::con_<Filters, 4, 4, Stride, Stride, Padding, Padding>, Below>;
template <long Filters, int Stride, int Padding, class Below>
using Transposed = dlib::add_layer<dlib::cont_<Filters, 4, 4, Stride, Stride, Padding, Padding>, Below>;

using Noise = std::array<dlib::matrix<float, 1, 1>, 100>;
using Frame = std::array<dlib::matrix<float>, 3>;

/// @tparam Norm  dlib::bn_con, or dlib::affine with the running statistics
template <template <class> class Norm, long Filters, int Stride, int Padding, class Below>
using Upsampled = dlib::relu<Norm<Transposed<Filters, Stride, Padding, Below>>>;
template <template <class> class Norm>
using Generator = dlib::htan<Transposed<
    3, 2, 1, Upsampled<Norm, 128, 2, 1, Upsampled<Norm, 256, 2, 1, Upsampled<Norm, 512, 1, 0, dlib::input<Noise>>>>>>;

template <long Filters, class Below>
using Downsampled = dlib::leaky_relu<dlib::bn_con<Conv<Filters, 2, 1, Below>>>;
using Discriminator = dlib::loss_binary_log<
    Conv<1, 1, 0, Downsampled<512, Downsampled<256, dlib::leaky_relu<Conv<128, 2, 1, dlib::input<Frame>>>>>>>;

template <class Network>
void without_biases(Network& network) {
  dlib::visit_computational_layers(network, [](auto& layer) {
    if constexpr (requires { layer.disable_bias(); }) layer.disable_bias();
  });
}

/// Both networks, their data and their optimisers.
struct Gan {
  Generator<dlib::bn_con> generator;
  Discriminator discriminator{dlib::leaky_relu_(0.2f), dlib::leaky_relu_(0.2f), dlib::leaky_relu_(0.2f)};
  std::vector<dlib::adam> of_generator = optimizers(generator), of_discriminator = optimizers(discriminator);
  const std::vector<float> real = std::vector<float>(batch, 1), fake = std::vector<float>(batch, -1);
  dlib::tt::tensor_rand random{1};
  dlib::resizable_tensor noise, frames;  // (N, 100, 1, 1), (N, 3, 32, 32)

  Gan() {
    without_biases(generator);
    without_biases(discriminator);
    // A network learns the shape of its input from items that it converts to a tensor.
    const std::vector<Noise> no_noise(batch);
    generator.to_tensor(no_noise.begin(), no_noise.end(), noise);
    Frame black;
    black.fill(dlib::zeros_matrix<float>(32, 32));
    const std::vector<Frame> no_frames(batch, black);
    discriminator.to_tensor(no_frames.begin(), no_frames.end(), frames);
    random.fill_uniform(frames);
    dlib::tt::affine_transform(frames, frames, 2, -1);
  }

  void step() {
    dlib::set_all_learning_rate_multipliers(discriminator, 1);
    improve_discriminator(frames, real);
    random.fill_gaussian(noise);
    const dlib::tensor& samples = generator.forward(noise);
    improve_discriminator(samples, fake);
    // At a multiplier of 0 dlib leaves out the gradients of a convolution's weights, which this step does not need.
    dlib::set_all_learning_rate_multipliers(discriminator, 0);
    discriminator.compute_loss(samples, real.begin());
    discriminator.back_propagate_error(samples);
    generator.back_propagate_error(noise, discriminator.get_final_data_gradient());
    generator.update_parameters(of_generator, learning_rate);
  }

 private:
  static constexpr double learning_rate = 2e-4;

  template <class Network>
  static std::vector<dlib::adam> optimizers(const Network&) {
    return std::vector<dlib::adam>(Network::num_computational_layers, dlib::adam(0, 0.5f, 0.999f));
  }
  void improve_discriminator(const dlib::tensor& x, const std::vector<float>& labels) {
    discriminator.compute_loss(x, labels.begin());
    discriminator.back_propagate_error(x);
    discriminator.update_parameters(of_discriminator, learning_rate);
  }
};

/// The generator with its running statistics, and its noise.
struct Sampler {
  Generator<dlib::affine> generator;
  dlib::resizable_tensor noise;

  explicit Sampler(Gan& gan) {
    gan.random.fill_gaussian(gan.noise);
    gan.generator.forward(gan.noise);  // allocates the parameters
    generator = gan.generator;
    noise = gan.noise;
  }
};

/// The file of the library that computes this process's products.
std::string blas() {
  Dl_info found{};
  dladdr(reinterpret_cast<const void*>(&cblas_sgemm), &found);
  return found.dli_fname == nullptr ? "" : found.dli_fname;
}

}  // namespace

int main(int count, char** arguments) {
  using flipbook::benchmark::Workload;
  if (blas().find("openblas") == std::string::npos) {
    std::fprintf(stderr, "dlib multiplies by '%s'; needs OpenBLAS: scripts/setup dlib\n", blas().c_str());
    return 2;
  }
  if (count > 1 && std::string(arguments[1]) == "--peer") {
    std::printf("dlib %d.%d with %s\n", DLIB_MAJOR_VERSION, DLIB_MINOR_VERSION, openblas_get_config());
    return 0;
  }
  if (count > 2) openblas_set_num_threads(std::atoi(arguments[2]));
  const auto train = [] {
    const auto gan = std::make_shared<Gan>();
    return [gan] { gan->step(); };
  };
  const auto sample = [] {
    Gan gan;
    const auto sampler = std::make_shared<Sampler>(gan);
    return [sampler] { sampler->generator.forward(sampler->noise); };
  };
  // Their arithmetic is that of flipbook's workloads.
  const std::vector<Workload> workloads{{"dcgan_step", batch, 0, train}, {"dcgan_sample", batch, 0, sample}};
  return flipbook::benchmark::take_turns(count, arguments, workloads);
}
