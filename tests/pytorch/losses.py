# SPDX-License-Identifier: MIT
"""Losses, likelihoods, divergences, and penalties on a discriminator's slope."""
import math

import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from case import Layer, function


def loss(f, *inputs):
    return function(f, *inputs, channels=-1)


def below(count, *shape):
    return lambda: torch.randint(count, shape)


def between(low, high, *shape):
    return lambda: torch.empty(shape).uniform_(low, high)


def ones_and_zeros(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def minimax(real, fake):
    return ones_and_zeros(real, 1) + ones_and_zeros(fake, 0)


def halves(x):
    return x.chunk(2, -1)


def gaussian_log_prob(parameters, x):
    mean, log_scale = halves(parameters)
    variance = log_scale.clamp(min=-7).exp().square()
    return -F.gaussian_nll_loss(mean, x, variance, full=True, eps=0, reduction="none").flatten(1).sum(1)


def laplace_log_prob(parameters, x):
    mean, log_scale = halves(parameters)
    return torch.distributions.Laplace(mean, log_scale.clamp(min=-7).exp()).log_prob(x).flatten(1).sum(1)


def normal(encoded):
    mean, log_variance = halves(encoded)
    return Normal(mean, (0.5 * log_variance.clamp(-30, 20)).exp())


class Critic(nn.Sequential):
    """Without normalisation over the batch, as penalties need."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3, 2, 1), nn.Tanh(), nn.GroupNorm(2, 8), nn.LeakyReLU(0.2),
                         nn.Conv2d(8, 6, 3, 1, 1), nn.Softplus(), nn.Conv2d(6, 1, (3, 4)))


def squared_slope(critic, x):
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return slope.flatten(1).square().sum(1)


def gradient_penalty(critic, real, fake, u):
    x = (u * real + (1 - u) * fake).detach().requires_grad_()
    return 10 * (squared_slope(critic, x).sqrt() - 1).square().mean()


def r1(critic, real):
    return 10 / 2 * squared_slope(critic, real.detach().requires_grad_()).mean()


def penalised(penalty, *inputs):
    return Layer(Critic, *inputs, forward=penalty, output=(), inference=False)


CASES = {
    "mse": loss(F.mse_loss, (3, 5, 7), (3, 5, 7)),
    "mae": loss(F.l1_loss, (3, 5, 7), (3, 5, 7)),
    "bce_with_logits": loss(F.binary_cross_entropy_with_logits, (2, 17), between(0, 1, 2, 17)),
    "cross_entropy": loss(F.cross_entropy, (13, 11), below(11, 13)),
    "cross_entropy_of_tokens": loss(lambda x, k: F.cross_entropy(x.flatten(0, 1), k.flatten()),
                                    (2, 5, 33), below(33, 2, 5)),

    "minimax_discriminator": loss(minimax, (7,), (7,)),
    "minimax_generator": loss(lambda fake: torch.log(1 - torch.sigmoid(fake)).mean(), (7,)),
    "non_saturating_generator": loss(lambda fake: ones_and_zeros(fake, 1), (7,)),
    "least_squares_discriminator": loss(lambda real, fake: 0.5 * ((real - 1).square().mean() + fake.square().mean()),
                                        (5,), (5,)),
    "least_squares_generator": loss(lambda fake: 0.5 * (fake - 1).square().mean(), (5,)),
    "hinge_discriminator": loss(lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), (9,), (9,)),
    "hinge_generator": loss(lambda fake: -fake.mean(), (9,)),
    "wasserstein_discriminator": loss(lambda real, fake: fake.mean() - real.mean(), (4,), (4,)),

    "gradient_penalty": penalised(gradient_penalty, (3, 3, 6, 7), (3, 3, 6, 7)),
    "r1": penalised(r1, (3, 3, 6, 7)),

    "bernoulli": loss(lambda l, x: -F.binary_cross_entropy_with_logits(l, x, reduction="none").flatten(1).sum(1),
                      (3, 4, 5), between(0, 1, 3, 4, 5)),
    "gaussian": loss(gaussian_log_prob, (3, 4, 6), (3, 4, 3)),
    "laplace": loss(laplace_log_prob, (3, 4, 6), (3, 4, 3)),
    "categorical": loss(lambda l, x: -F.cross_entropy(l.flatten(0, 1), x.flatten(), reduction="none").view(3, 5).sum(1),
                        (3, 5, 7), below(7, 3, 5)),

    "kl_to_standard_normal": loss(
        lambda q: kl_divergence(normal(q), Normal(torch.zeros_like(halves(q)[0]), 1.0)).sum(-1), (5, 14)),
    "kl_between_normals": loss(lambda q, p: kl_divergence(normal(q), normal(p)).sum(-1), (5, 14), (5, 14)),
    "normal_log_prob": loss(lambda q, z: normal(q).log_prob(z).sum(-1), (5, 14), (5, 7)),
    "importance_weighted_bound": loss(lambda w: w.logsumexp(-1) - math.log(9), (4, 9)),
}
