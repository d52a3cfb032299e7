"""The judges of pictures on cases with known answers: noise, copies, grey, pictures that are alike."""

import numpy as np
import pytest
import torch

from evaluation import judges


@pytest.fixture
def noise(generator):
    return torch.rand(300, 3, 8, 8, generator=generator)


def test_greyness_and_ink_of_known_images():
    pictures = torch.tensor([0.0, 1.0, 0.5, 0.8]).view(1, 1, 2, 2)
    assert judges.greyness(pictures) == pytest.approx((0 + 0 + 0.5 + 0.2) / 4)
    assert judges.ink(pictures) == 0.5  # 0.5 itself is not ink


def test_isolated_ink_has_no_neighbour_even_across_a_corner():
    picture = torch.zeros(1, 1, 6, 6)
    picture[0, 0, [0, 1, 5], [0, 1, 5]] = 1  # a diagonal stroke of two, and a lone pixel in the corner
    assert judges.isolated_ink(picture) == pytest.approx(1 / 3)
    assert judges.isolated_ink(torch.zeros(1, 1, 6, 6)) == 0


def test_distinct_counts_pictures_that_differ_by_more_than_rounding(noise):
    assert judges.distinct(torch.cat([noise, noise + 1e-5])) == 300
    assert judges.distinct(torch.cat([noise, noise + 0.01])) == 600
    assert judges.distinct(noise[:1].expand(10, -1, -1, -1)) == 1


def test_spread_and_edges_of_uniform_noise_are_those_of_its_distribution(noise):
    assert judges.spread(noise) == pytest.approx((1 / 12) ** 0.5, rel=0.02)
    assert judges.spread(noise[:1].expand(10, -1, -1, -1)) == 0  # over the pictures, not over the pixels
    assert judges.edge_energy(noise) == pytest.approx(2 / 12, rel=0.02)  # variance of a difference of two
    assert judges.pairwise_distance(noise) == pytest.approx((2 / 12) ** 0.5, rel=0.02)


def test_pattern_features_count_the_two_by_two_patterns(generator):
    pictures = torch.randint(0, 2, (3, 1, 8, 8), generator=generator).float()
    found = judges.pattern_features(pictures)[:, :16]
    for picture, histogram in zip(pictures[:, 0].long(), found, strict=True):
        counts = np.zeros(16)
        for i in range(7):
            for j in range(7):
                a, b, c, d = (int(picture[i + di, j + dj]) for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1)))
                counts[a + 2 * b + 4 * c + 8 * d] += 1
        np.testing.assert_allclose(histogram, counts / 49, atol=1e-7)


def test_forest_cannot_tell_pictures_that_are_alike_and_can_tell_darker_ones(noise):
    assert abs(judges.real_or_made(noise[:150], noise[150:]) - 0.5) < 4 * (301 / (12 * 150 * 150)) ** 0.5
    assert judges.real_or_made(noise[:150], noise[150:] * 0.8) > 0.95


def test_nearest_finds_copies_at_distance_zero(noise):
    index, distance = judges.nearest(noise[[5, 7]], noise + 1000 * (torch.arange(300) > 10).view(-1, 1, 1, 1))
    assert index.tolist() == [5, 7]
    assert distance.tolist() == [0, 0]
    _, distance = judges.nearest(noise[:1] + 0.1, noise[:1])
    assert distance[0] == pytest.approx(0.1, abs=1e-6)


def test_measures_tell_copies_from_new_pictures(noise, generator):
    train, test, new = noise[:150], noise[150:225], noise[225:]
    change = torch.randn(75, 3, 8, 8, generator=generator)
    assert judges.measures(train[:75] + 0.12 * change, train, test)["copies"] == 1  # their root mean square is 0.58
    assert judges.measures(train[:75] + 0.25 * change, train, test)["copies"] == 0
    assert judges.measures(0.1 * new, train, test)["copies"] == 0  # dark, and as far from all as their brightness
    alike, real = judges.measures(new, train, test), judges.reference(train, test, 75)
    assert alike["copies"] == real["copies"] == 0
    assert alike["nearest"] == pytest.approx(real["nearest"], rel=0.02)


def test_copy_of_bits_differs_in_three_pixels_at_most(generator):
    train = torch.randint(0, 2, (50, 1, 16, 16), generator=generator).float()
    for pixels, copies in ((3, 1), (4, 0)):
        changed = train[:20].flatten(1).clone()
        changed[:, :pixels] = 1 - changed[:, :pixels]
        assert judges.appearance(changed.view(-1, 1, 16, 16), train)["copies"] == copies


def test_reference_cannot_tell_real_from_real(noise):
    """And no picture is on both sides: a forest that has seen the twin of a picture says the opposite of the truth."""
    real = judges.reference(noise[:150], noise[150:], 150)
    assert abs(real["auc"] - 0.5) < 4 * (301 / (12 * 150 * 150)) ** 0.5


def test_shares_of_clusters_show_what_is_missing(generator):
    dark, light = (torch.rand(200, 3, 4, 4, generator=generator) * 0.2 + m for m in (0.1, 0.7))
    real, made = torch.cat([dark, light]), torch.cat([dark[:100], light[:20]])
    shares = judges.share_of_clusters(real, made, clusters=2)
    assert sorted(shares[0].tolist()) == [0.5, 0.5]
    assert judges.total_variation(*shares) == pytest.approx(100 / 120 - 0.5)


def test_total_variation_is_the_share_that_has_to_move():
    assert judges.total_variation([0.5, 0.5, 0], [0.5, 0.25, 0.25]) == 0.25
    assert judges.total_variation([1, 0], [0, 1]) == 1
