"""Images as points: a Gaussian fitted to numbers, glyphs mapped into the plane, and how dense the map is where.

An image of d pixels is a point in d dimensions. UMAP (McInnes et al. 2018) puts the points in a plane so that close
ones stay close. It keeps neighbours, not densities or distances: what the plane shows must be checked in pixel space.
"""

import numpy as np
from scipy.ndimage import maximum_filter
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, roc_auc_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KernelDensity, KNeighborsClassifier

BANDWIDTHS = np.geomspace(0.05, 1.0, 12)  # of the kernel density, in units of the map


def fit_gaussian(x):
    """Maximum likelihood of a Gaussian for samples x (..., n): mean and variance, each (...).

    The variance is 1/n Σ (x - μ̂)², whose expectation is (n-1)/n σ²: too small, because μ̂ was fitted too.
    """
    mean = x.mean(-1)
    return mean, ((x - mean[..., None]) ** 2).mean(-1)


# --- the map ----------------------------------------------------------------------------------------------------------


def fit_umap(points, seed, n_neighbors=15, min_dist=0.1):
    """UMAP fitted to points (n, d): its embedding_ is (n, 2), its transform maps others. Imported late: it compiles."""
    from umap import UMAP

    return UMAP(n_neighbors=n_neighbors, min_dist=min_dist, random_state=seed, n_jobs=1).fit(points)


def fit_pca(points):
    """The first two principal components of points (n, d): the flat map to compare with, (n, 2)."""
    return PCA(2, random_state=0).fit_transform(points)


def separability(points, labels, seed=0):
    """How well two labels (n,) of 0 and 1 can be distinguished by place, points (n, d): a dict of plain numbers.

    neighbours: balanced accuracy of 15 nearest neighbours, 0.5 by chance (never plain accuracy: one label is three
    times as frequent); line: AUC of logistic regression; silhouette: from -1 to 1; the adjusted Rand index of two
    clusters by k-means and by a Gaussian mixture, 0 by chance. By 5-fold cross-validation where labels are fitted.
    """
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    neighbours = KNeighborsClassifier(15)
    line = LogisticRegression(max_iter=2000)
    probability = cross_val_predict(line, points, labels, cv=folds, method="predict_proba")[:, 1]
    two_means = KMeans(2, n_init=10, random_state=seed).fit_predict(points)
    two_gaussians = GaussianMixture(2, n_init=5, random_state=seed, reg_covar=1e-3).fit_predict(points)
    return {
        "neighbours": float(cross_val_score(neighbours, points, labels, cv=folds, scoring="balanced_accuracy").mean()),
        "line": float(roc_auc_score(labels, probability)),
        "silhouette": float(silhouette_score(points, labels)),
        "rand_index_k_means": float(adjusted_rand_score(labels, two_means)),
        "rand_index_gaussians": float(adjusted_rand_score(labels, two_gaussians)),
    }


# --- the density of the map -------------------------------------------------------------------------------------------


def fit_density(points):
    """A Gaussian kernel density estimate of points (n, 2), its bandwidth the most likely one in 5-fold validation."""
    return GridSearchCV(KernelDensity(), {"bandwidth": BANDWIDTHS}, cv=5).fit(points).best_estimator_


def log_density_of_held_out(points, held_out):
    """Mean log-density in nats of held-out points (m, 2) under four estimates from points (n, 2), by name."""
    sides = np.ptp(np.concatenate([points, held_out]), axis=0)
    return {
        "kernels": float(fit_density(points).score(held_out) / len(held_out)),
        "two Gaussians": float(GaussianMixture(2, n_init=5, random_state=0).fit(points).score(held_out)),
        "one Gaussian": float(GaussianMixture(1).fit(points).score(held_out)),
        "a box": float(-np.log(sides).sum()),
    }


def peaks(density, points, n=2, apart=2.0, cells=200):
    """The n highest maxima of a fitted density in the window of the points, `apart` from each other: (n, 2)."""
    axes = [np.linspace(*bounds, cells) for bounds in zip(points.min(0), points.max(0), strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    height = density.score_samples(grid.reshape(-1, 2)).reshape(cells, cells)
    maxima = grid[height == maximum_filter(height, 9)]
    maxima = maxima[np.argsort(-density.score_samples(maxima))]
    chosen = []
    for place in maxima:
        if all(np.linalg.norm(place - other) >= apart for other in chosen):
            chosen.append(place)
    return np.array(chosen[:n])
