# SPDX-License-Identifier: MIT
"""Metrics, beside scikit-image, SciPy, scikit-learn, and their formulas in NumPy where these have none."""
import sys

import numpy as np
import torch

import tensorfile
from case import arrays, representable, seed, tensors

try:
    from scipy import linalg, ndimage
    from skimage import metrics as images
    from sklearn import calibration, metrics
except ImportError as missing:
    sys.exit(print(f"skipped: {missing} (Debian: apt install python3-skimage python3-scipy python3-sklearn)") or 77)


class Case:
    """Two tensors, x and y, and what a function of them in double gives, as a dict of numbers and lists."""

    tolerance, own_errors = {torch.float32: 1e-6, torch.float64: 1e-9}, 0

    def __init__(self, function, make):
        self.function, self.make = function, make

    def draw(self, name):
        torch.set_default_dtype(torch.float64)
        seed(name)
        self.inputs = {key: representable(x) for key, x in zip("xy", self.make())}

    def write(self, folder, dtype):
        tensorfile.write(folder / "values.safetensors", arrays({key: x.to(dtype) for key, x in self.inputs.items()}))

    def got(self, folder, dtype):
        return tensors(folder / "results.safetensors")

    def expected(self, dtype, folder):
        results = self.function(**{key: x.double().numpy() for key, x in self.inputs.items()})
        return {key: torch.from_numpy(np.atleast_1d(np.asarray(x, dtype=float))) for key, x in results.items()}


def frames(*shape):
    """Smooth ones, and how they are predicted with an error."""
    y = torch.from_numpy(ndimage.gaussian_filter(torch.rand(shape).numpy(), (0, 0, 2, 2, 0)))
    y = (y - y.min()) / (y.max() - y.min())
    return (y + 0.2 * torch.randn(shape)).clamp(0, 1), y


def each_frame(function, x, y):
    return np.mean([function(a, b) for a, b in zip(x.reshape(-1, *x.shape[2:]), y.reshape(-1, *y.shape[2:]))])


def errors(x, y):
    """OpenSTL sums over a frame after it has averaged over frames."""
    return {"mse": np.mean((x - y) ** 2), "mse_openstl": np.mean((x - y) ** 2, axis=(0, 1)).sum(),
            "mae": np.mean(np.abs(x - y)), "mae_openstl": np.mean(np.abs(x - y), axis=(0, 1)).sum(),
            "psnr": each_frame(lambda a, b: images.peak_signal_noise_ratio(b, a, data_range=1), x, y),
            "psnr_of_errors": images.peak_signal_noise_ratio(y, x, data_range=2)}


def ssim(x, y):
    """As Wang et al., and as OpenSTL calls it."""
    wang = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)
    of = lambda **how: each_frame(lambda a, b: images.structural_similarity(a, b, channel_axis=-1, **how), x, y)
    return {"wang": of(**wang), "openstl": of(data_range=2)}


def features(n, m, width):
    mix = torch.randn(width, width)
    return torch.randn(n, width) @ mix, 0.5 * torch.randn(m, width) @ mix + torch.rand(width)


def distances(x, y):
    s1, s2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(s1 @ s2)
    k = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    without_diagonal = lambda a: (k(a, a).sum() - np.trace(k(a, a))) / (len(a) * (len(a) - 1))
    return {"frechet": np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(s1 + s2 - 2 * root.real),
            "kernel": without_diagonal(x) + without_diagonal(y) - 2 * k(x, y).mean()}


def crps(x, y):
    error, pairs = np.abs(x - y).mean(0), np.abs(x[:, None] - x[None]).sum((0, 1))
    n = len(x)
    return {"fair": np.mean(error - pairs / (2 * n * (n - 1))), "standard": np.mean(error - pairs / (2 * n * n))}


def reliability(x, y):
    x, y = x.ravel(), y.ravel()
    frequency, probability = calibration.calibration_curve(y, x, n_bins=10)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], x), minlength=10)
    counts = counts[counts > 0]
    return {"probability": probability, "frequency": frequency, "brier": metrics.brier_score_loss(y, x),
            "error": np.sum(counts * np.abs(frequency - probability)) / len(x)}


def forecasts():
    """Some probabilities lie on the edges of bins."""
    x = torch.cat([torch.rand(300), torch.arange(0, 41) / 40, torch.tensor([0.5] * 9)]).reshape(-1, 5)
    return x, (torch.rand(x.shape) < 0.8 * representable(x)).double()


def roc(x, y):
    false_positives, true_positives, thresholds = metrics.roc_curve(y.ravel(), x.ravel(), drop_intermediate=False)
    return {"false_positive_rate": false_positives, "true_positive_rate": true_positives,
            "thresholds": thresholds[1:], "area": metrics.roc_auc_score(y.ravel(), x.ravel())}


def scores(digits):
    y = (torch.rand(23, 11) < 0.3).double()
    return torch.round(torch.randn(23, 11) + y, decimals=digits), y


def events(x, y):
    p, o = x >= 0.75, y >= 0.75
    share = lambda e, n: ndimage.uniform_filter(e.astype(float), (1, 1, n, n, 1), mode="constant")
    def fss(n):
        a, b = share(p, n), share(o, n)
        return 1 - np.sum((a - b) ** 2) / np.sum(a ** 2 + b ** 2)
    return {"csi": metrics.jaccard_score(o.ravel(), p.ravel()), "pod": metrics.recall_score(o.ravel(), p.ravel()),
            "far": 1 - metrics.precision_score(o.ravel(), p.ravel()), "fss_1": fss(1), "fss_3": fss(3), "fss_9": fss(9)}


def centroids(x):
    return {"path": np.ravel([ndimage.center_of_mass(np.maximum(frame - 0.25, 0).sum(-1)) for frame in x])}


CASES = {
    "errors": Case(errors, lambda: frames(3, 4, 17, 13, 3)),
    "ssim": Case(ssim, lambda: frames(2, 3, 23, 31, 1)),
    "ssim_colour": Case(ssim, lambda: frames(2, 2, 11, 19, 3)),
    "distances": Case(distances, lambda: features(200, 150, 12)),
    "distances_of_few": Case(distances, lambda: features(8, 9, 3)),
    "crps": Case(crps, lambda: (torch.randn(7, 3, 5, 4), torch.randn(3, 5, 4))),
    "reliability": Case(reliability, forecasts),
    "roc": Case(roc, lambda: scores(9)),
    "roc_with_ties": Case(roc, lambda: scores(1)),
    "events": Case(events, lambda: frames(2, 3, 12, 17, 2)),
    "centroids": Case(centroids, lambda: (torch.rand(4, 9, 11, 2),)),
}
