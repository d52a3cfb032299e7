"""What distinguishes generated pictures from real ones, in numbers; each beside the same number of real pictures.

Pictures are tensors (n, C, h, w) with intensities in [0, 1]; those of glyphs have one channel, ink 1 on paper 0.
"""

import numpy as np
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist, pdist
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from torch.nn.functional import avg_pool2d

TREES = 200
FOLDS = 5
COPY_OF_BITS = (3 / 256) ** 0.5  # three pixels of a glyph: nearer than that to a training picture is a copy
COPY_IN_COLOUR = 0.3  # of the picture's own root mean square: dark pictures are near each other without being copies


def greyness(pictures):
    """Mean of min(x, 1-x): 0 for black and white, 0.5 for grey."""
    return float(torch.minimum(pictures, 1 - pictures).mean())


def ink(pictures):
    """The share of pixels that are ink, that is above 0.5."""
    return float((pictures > 0.5).double().mean())


def isolated_ink(pictures):
    """The share of ink pixels with no ink among their eight neighbours: noise, since strokes hang together."""
    inked = (pictures > 0.5).float()
    around = avg_pool2d(inked, 3, stride=1, padding=1, divisor_override=1) - inked
    return float(((around == 0) & (inked > 0)).sum() / inked.sum().clamp(min=1))


def distinct(pictures, same=1e-3):
    """How many different pictures there are, those within `same` of each other in every pixel being one."""
    chains = linkage(np.asarray(pictures.flatten(1), dtype=np.float64), "single", "chebyshev")
    return int(fcluster(chains, same, "distance").max())


def spread(pictures):
    """Standard deviation over the pictures of each pixel, root-mean-squared over the pixels."""
    return float(pictures.var(0).mean().sqrt())


def edge_energy(pictures):
    """Mean square of the difference of neighbouring pixels."""
    down, right = pictures.diff(dim=2), pictures.diff(dim=3)
    return float((down.square().mean() + right.square().mean()) / 2)


def pattern_features(pictures):
    """Of one-channel pictures: how often each 2 × 2 pattern of ink occurs, and the share of ink in each 4 × 4 block."""
    b = (pictures > 0.5).long()
    code = b[..., :-1, :-1] + 2 * b[..., :-1, 1:] + 4 * b[..., 1:, :-1] + 8 * b[..., 1:, 1:]
    histogram = torch.stack([(code == k).float().mean((1, 2, 3)) for k in range(16)], dim=1)
    return torch.cat([histogram, avg_pool2d(b.float(), 4).flatten(1)], dim=1).numpy()


def colour_features(pictures):
    """Of pictures in colour: the mean of each 4 × 4 block, the edge energies across and down, the mean colour."""
    edges = [pictures.diff(dim=dim).square().mean((1, 2, 3)) for dim in (2, 3)]
    return torch.cat([avg_pool2d(pictures, 4).flatten(1), torch.stack(edges, 1), pictures.mean((2, 3))], dim=1).numpy()


def features(pictures):
    """`pattern_features` for one channel, `colour_features` for three."""
    return pattern_features(pictures) if pictures.shape[1] == 1 else colour_features(pictures)


def real_or_made(real, made, seed=0, features=features):
    """How well a random forest distinguishes generated from real pictures, unseen ones: AUC, 0.5 not at all, 1 always.

    By 5-fold cross-validation on features(pictures), (n, d) NumPy; the standard deviation of 300 against 300 pictures
    that are alike is 0.024.
    """
    x = np.concatenate([features(real), features(made)])
    y = np.repeat([0, 1], [len(real), len(made)])
    forest = RandomForestClassifier(TREES, random_state=seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return float(roc_auc_score(y, cross_val_predict(forest, x, y, cv=folds, method="predict_proba")[:, 1]))


def nearest(pictures, training):
    """(index, distance) of the nearest training picture of each, distance by root mean square over pixels."""
    flat, known = (np.asarray(p.flatten(1), dtype=np.float64) for p in (pictures, training))
    index, distance = [], []
    for part in np.array_split(flat, max(1, len(flat) // 100)):
        d = cdist(part, known)  # by differences, not by products: identical pictures are at distance 0
        index.append(d.argmin(1))
        distance.append(d.min(1))
    return np.concatenate(index), np.concatenate(distance) / np.sqrt(flat.shape[1])


def pairwise_distance(pictures):
    """Mean root-mean-square distance of two of the pictures."""
    flat = np.asarray(pictures.flatten(1), dtype=np.float64)
    return float(pdist(flat).mean() / np.sqrt(flat.shape[1]))


def appearance(pictures, train):
    """How pictures (n, C, h, w) look and how near they are to training pictures, as a dict of plain numbers.

    nearest is the median distance to a training picture, copies the share within COPY_… of one. Pictures of one channel
    are read as black and white for both.
    """
    if pictures.shape[1] == 1:
        own = {"greyness": greyness(pictures), "ink": ink(pictures), "isolated_ink": isolated_ink(pictures)}
        _, distance = nearest((pictures > 0.5).float(), (train > 0.5).float())
        copied = distance <= COPY_OF_BITS
    else:
        own = {"spread": spread(pictures), "edge_energy": edge_energy(pictures)}
        _, distance = nearest(pictures, train)
        copied = distance <= COPY_IN_COLOUR * pictures.square().mean((1, 2, 3)).sqrt().numpy()
    return own | {
        "samples": len(pictures),
        "distinct": distinct(pictures),
        "pairwise": pairwise_distance(pictures),
        "nearest": float(np.median(distance)),
        "copies": float(copied.mean()),
    }


def measures(pictures, train, test, seed=0):
    """`appearance`, and auc: that of `real_or_made` against as many test pictures."""
    return appearance(pictures, train) | {"auc": real_or_made(test[: len(pictures)], pictures[: len(test)], seed)}


def reference(train, test, n, seed=0):
    """The same of n test pictures; auc tells them from n random training pictures, as a perfect model would draw."""
    drawn = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))[:n]]
    return appearance(test[:n], train) | {"auc": real_or_made(test[:n], drawn, seed)}


def share_of_clusters(real, *others, clusters=12, seed=0):
    """The share of each set of pictures in each of the k-means clusters of the real ones: (1 + len(others), clusters).

    Clusters are of colour and brightness: the mean and the spread of each channel.
    """

    def colours(pictures):
        return torch.cat([pictures.mean((2, 3)), pictures.std((2, 3))], dim=1).double().numpy()

    found = KMeans(clusters, n_init=10, random_state=seed).fit(colours(real))
    counts = [np.bincount(found.predict(colours(p)), minlength=clusters) for p in (real, *others)]
    return np.array([c / c.sum() for c in counts])


def total_variation(p, q):
    """½ Σ |p - q| of two distributions: the share that would have to move."""
    return float(np.abs(np.asarray(p) - np.asarray(q)).sum() / 2)
