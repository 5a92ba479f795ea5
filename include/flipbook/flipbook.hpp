// SPDX-License-Identifier: MIT
#pragma once

/// All of the library but what needs FFmpeg, io/video*.hpp and data/video*.hpp, and metrics/frechet.hpp, since
/// Eigen's decompositions are long to compile.

#include <flipbook/core/isa.hpp>  // first, since it refuses compilers that are too old

#include <flipbook/backend/cpu/runtime/arithmetic.hpp>
#include <flipbook/backend/cpu/runtime/isa.hpp>

#include <flipbook/core/eigen.hpp>
#include <flipbook/core/error.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/core/memory.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/core/print.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/scalar.hpp>
#include <flipbook/core/shape.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/core/window.hpp>
#include <flipbook/core/xtensor.hpp>

#include <flipbook/autodiff/list.hpp>
#include <flipbook/autodiff/multiply_adds.hpp>
#include <flipbook/autodiff/parameter.hpp>
#include <flipbook/autodiff/recompute.hpp>
#include <flipbook/autodiff/tape.hpp>
#include <flipbook/autodiff/variable.hpp>

#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/attention/rotary.hpp>
#include <flipbook/ops/conv/conv.hpp>
#include <flipbook/ops/dropout/dropout.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/functions.hpp>
#include <flipbook/ops/elementwise/fused.hpp>
#include <flipbook/ops/elementwise/map.hpp>
#include <flipbook/ops/elementwise/straight_through.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/embedding/embedding.hpp>
#include <flipbook/ops/gather/gather.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/matmul/matmul.hpp>
#include <flipbook/ops/norm/norm.hpp>
#include <flipbook/ops/recurrent/gru.hpp>
#include <flipbook/ops/recurrent/lstm.hpp>
#include <flipbook/ops/reduce/max.hpp>
#include <flipbook/ops/reduce/over_ranks.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/resample/blocks.hpp>
#include <flipbook/ops/resample/linear.hpp>
#include <flipbook/ops/resample/patches.hpp>
#include <flipbook/ops/resample/placement.hpp>
#include <flipbook/ops/resample/pool.hpp>
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/ops/scan/cumsum.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/permute.hpp>
#include <flipbook/ops/shape/repeat.hpp>
#include <flipbook/ops/shape/reshape.hpp>
#include <flipbook/ops/softmax/softmax.hpp>
#include <flipbook/ops/sort/sort.hpp>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/attention.hpp>
#include <flipbook/nn/cells.hpp>
#include <flipbook/nn/conditioning.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/dropout.hpp>
#include <flipbook/nn/embedding.hpp>
#include <flipbook/nn/evaluating.hpp>
#include <flipbook/nn/layer.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/per_frame.hpp>
#include <flipbook/nn/position.hpp>
#include <flipbook/nn/recompute.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/nn/space_time.hpp>
#include <flipbook/nn/spatio_temporal_lstm.hpp>
#include <flipbook/nn/spectral_norm.hpp>
#include <flipbook/nn/summary.hpp>
#include <flipbook/nn/transformer.hpp>
#include <flipbook/nn/unet.hpp>

#include <flipbook/loss/adversarial.hpp>
#include <flipbook/loss/elbo.hpp>
#include <flipbook/loss/penalty.hpp>
#include <flipbook/loss/regression.hpp>

#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/discretized_logistic_mixture.hpp>
#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/likelihood/laplace.hpp>
#include <flipbook/likelihood/likelihood.hpp>
#include <flipbook/likelihood/sampling.hpp>

#include <flipbook/latent/categorical.hpp>
#include <flipbook/latent/diagonal_gaussian.hpp>

#include <flipbook/quantizer/finite_scalar.hpp>
#include <flipbook/quantizer/lookup_free.hpp>
#include <flipbook/quantizer/quantizer.hpp>
#include <flipbook/quantizer/residual.hpp>
#include <flipbook/quantizer/vector.hpp>

#include <flipbook/log/csv.hpp>
#include <flipbook/log/json_lines.hpp>
#include <flipbook/log/log.hpp>
#include <flipbook/log/page.hpp>
#include <flipbook/log/tensorboard.hpp>

#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/one_pass.hpp>
#include <flipbook/models/autoregressive/simvp.hpp>
#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/models/flow/diffusion_forcing.hpp>
#include <flipbook/models/flow/flow.hpp>
#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/models/flow/latent_flow.hpp>
#include <flipbook/models/flow/path.hpp>
#include <flipbook/models/flow/pyramid.hpp>
#include <flipbook/models/flow/rectified_flow.hpp>
#include <flipbook/models/flow/solver.hpp>
#include <flipbook/models/gan/adversarial.hpp>
#include <flipbook/models/gan/augmentation.hpp>
#include <flipbook/models/gan/conditional.hpp>
#include <flipbook/models/gan/dcgan.hpp>
#include <flipbook/models/gan/discriminators.hpp>
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/models/gan/mocogan.hpp>
#include <flipbook/models/gan/regulariser.hpp>
#include <flipbook/models/gan/training.hpp>
#include <flipbook/models/gan/video_gan.hpp>
#include <flipbook/models/gan/view.hpp>
#include <flipbook/models/state_space/frames.hpp>
#include <flipbook/models/state_space/parts.hpp>
#include <flipbook/models/state_space/rssm.hpp>
#include <flipbook/models/state_space/state_space.hpp>
#include <flipbook/models/state_space/svg.hpp>
#include <flipbook/models/state_space/vrnn.hpp>
#include <flipbook/models/tokens/in_latents.hpp>
#include <flipbook/models/tokens/prior_training.hpp>
#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/models/vae/vae_gan.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/models/vae/vq_vae.hpp>

#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/average.hpp>
#include <flipbook/optim/clip.hpp>
#include <flipbook/optim/optimizer.hpp>
#include <flipbook/optim/rmsprop.hpp>
#include <flipbook/optim/schedule.hpp>
#include <flipbook/optim/sgd.hpp>

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/data/augmented.hpp>
#include <flipbook/data/cached.hpp>
#include <flipbook/data/combined.hpp>
#include <flipbook/data/data_loader.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/fft.hpp>
#include <flipbook/data/fixed_camera.hpp>
#include <flipbook/data/fluid_flow.hpp>
#include <flipbook/data/gravity_sprites.hpp>
#include <flipbook/data/gray_scott.hpp>
#include <flipbook/data/idx.hpp>
#include <flipbook/data/image_folder.hpp>
#include <flipbook/data/labelled_sprites.hpp>
#include <flipbook/data/maze.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/data/navier_stokes.hpp>
#include <flipbook/data/normalisation.hpp>
#include <flipbook/data/paint.hpp>
#include <flipbook/data/pendulum.hpp>
#include <flipbook/data/rain.hpp>
#include <flipbook/data/split.hpp>
#include <flipbook/data/sprite.hpp>
#include <flipbook/data/stochastic_sprites.hpp>
#include <flipbook/data/subsequences.hpp>
#include <flipbook/data/tensor_dataset.hpp>
#include <flipbook/data/walker.hpp>

#include <flipbook/distributed/collectives.hpp>
#include <flipbook/distributed/communicator.hpp>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/colour_map.hpp>
#include <flipbook/io/file.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>
#include <flipbook/io/gzip.hpp>
#include <flipbook/io/image.hpp>
#include <flipbook/io/jpeg.hpp>
#include <flipbook/io/json.hpp>
#include <flipbook/io/npy.hpp>
#include <flipbook/io/palette.hpp>
#include <flipbook/io/pixels.hpp>
#include <flipbook/io/png.hpp>
#include <flipbook/io/safetensors.hpp>
#include <flipbook/io/stored.hpp>

#include <flipbook/train/checkpoint.hpp>
#include <flipbook/train/gradient_average.hpp>
#include <flipbook/train/history.hpp>
#include <flipbook/train/interrupt.hpp>
#include <flipbook/train/plan_memory.hpp>
#include <flipbook/train/progress.hpp>
#include <flipbook/train/snapshot.hpp>
#include <flipbook/train/step_memory.hpp>
#include <flipbook/train/train_step.hpp>
#include <flipbook/train/trainer.hpp>
#include <flipbook/train/weights.hpp>

#include <flipbook/metrics/best_of.hpp>
#include <flipbook/metrics/calibration.hpp>
#include <flipbook/metrics/codes.hpp>
#include <flipbook/metrics/curve.hpp>
#include <flipbook/metrics/ensemble.hpp>
#include <flipbook/metrics/error.hpp>
#include <flipbook/metrics/forecast.hpp>
#include <flipbook/metrics/kernel_distance.hpp>
#include <flipbook/metrics/likelihood.hpp>
#include <flipbook/metrics/metric.hpp>
#include <flipbook/metrics/roc.hpp>
#include <flipbook/metrics/sprites.hpp>
#include <flipbook/metrics/ssim.hpp>

#include <flipbook/testing/gradients.hpp>
