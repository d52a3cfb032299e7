"""What the page computes is what the modules compute: the same steps, paths, distances and digits."""

import numpy as np
import pytest
import torch

import samplers
import utils
from evaluation.committed import CHECKPOINTS
from evaluation.metrics import energy_distance, energy_distance_floor, expected_norm, nearest_distances
from experiments import images, two_pixel
from experiments.data import glyphs, sprites
from gmm import WORLDS, GaussianMixture
from small_systems.barebones import generate
from utils import classifier_free_guidance
from web.tables import IMAGES, TWO_PIXEL

pytestmark = pytest.mark.slow
WAYS = [(None, 0.0), *((y, w) for y in (0, 1) for w in (-1.0, 0.0, 2.0))]
SAMPLERS = ("posterior", "beta", "ddim", "dpm_solver")
IMPORT = "const [{ Mixture, exactDenoiser }, S, E, { uniforms }] = await Promise.all(" + (
    "['mixture', 'samplers', 'energy', 'random'].map((name) => import(`/${name}.js`)));"
)


def as_json(mixture):
    return {"means": mixture.means.tolist(), "std": mixture.std.tolist(), "weights": mixture.weights.tolist()}


def path_of(monkeypatch, experiment, denoiser, sampler, x_T, y, noise):
    """The states from x_T to x_0 that the modules give with this noise (T+1, …), indexed by t, in pixel space."""
    schedule, T = experiment.schedule, experiment.config.T
    at = iter(range(T, 0, -1))
    for module in (utils, samplers):
        monkeypatch.setattr(module, "standard_normal", lambda x, _: noise[next(at)].to(x))
    if sampler in ("posterior", "beta"):
        states = utils.reverse_process(denoiser, schedule, x_T, y, None, sampler)
    else:
        states = samplers.SAMPLERS[sampler](denoiser, schedule, samplers.steps_of(T, T), x_T, y, None)
    path = torch.stack([x for s, x in states if s < T])
    return experiment.to_pixels(path.unsqueeze(-2) if path.ndim == 3 else path)


def test_steps_are_those_of_python(sources):
    pairs = [(T, n) for T in (1, 5, 10, 25, 50, 200) for n in range(1, T + 1)]
    theirs = sources.evaluate(f"async (pairs) => {{ {IMPORT} return pairs.map(([T, n]) => S.stepsOf(T, n)); }}", pairs)
    assert theirs == [samplers.steps_of(T, n) for T, n in pairs]


@pytest.mark.parametrize("exactly", [True, False], ids=["exact answer", "network"])
@pytest.mark.parametrize("run", TWO_PIXEL)
def test_paths_are_those_of_python(run, exactly, visit, monkeypatch):
    """To 1e-3 in pixel space: every sampler, label and w, from three x_T with the same noise on the way."""
    experiment = two_pixel.load(CHECKPOINTS / run)
    T, generator = experiment.config.T, torch.Generator().manual_seed(3)
    x_T = torch.randn(3, 1, 2, generator=generator)
    noise = torch.randn(T + 1, 3, 1, 2, generator=generator)
    low, high = (v.tolist() for v in experiment.value_range())
    page = visit()
    page.wait_for_function("globalThis.page")
    for sampler in SAMPLERS:
        for y, w in WAYS:
            labels = None if y is None else torch.full((3,), y)
            if exactly:
                denoiser, x, z = experiment.exact, x_T.double(), noise.double()
            else:
                denoiser, x, z = experiment.learned(), x_T, noise
            if y is not None:
                denoiser = classifier_free_guidance(denoiser, w)
            with torch.no_grad(), monkeypatch.context() as patch:
                ours = path_of(patch, experiment, experiment.clipped(denoiser), sampler, x, labels, z)
            theirs = page.evaluate(
                """async ({ T, what, x, noise }) => {
                  const numbers = { x: Float64Array.from(x), noise: Float64Array.from(noise) };
                  const { path } = await page.ask("path", { ...what, ...numbers, schedule: page.tables.schedules[T] });
                  return path.slice(1).map(([, x]) => [...x]);
                }""",
                {
                    "T": T,
                    "x": x_T.flatten().tolist(),
                    "noise": noise.flatten().tolist(),
                    "what": {
                        "model": None if exactly else run,
                        "mixture": as_json(experiment.mixture),
                        "shape": [1, 2],
                        "nullLabel": 2,
                        "y": y,
                        "w": w,
                        "steps": samplers.steps_of(T, T),
                        "sampler": sampler,
                        "low": low,
                        "high": high,
                    },
                },
            )
            theirs = (torch.tensor(theirs).view(T, 3, 2) - experiment.shift) / experiment.scale
            assert float((theirs - ours.view(T, 3, 2)).abs().max()) < 1e-3, (sampler, y, w)


@pytest.mark.parametrize("t", [1, 20, 50])
def test_score_field_is_not_clipped(t, visit):
    """Far outside the world, too, where x̂_0 of the samplers is held within it."""
    experiment = two_pixel.load(CHECKPOINTS / "homework-T50")
    x = torch.tensor([[-3.1, -3.1], [3.0, 0.2], [0.1, 0.3]], dtype=torch.float64)
    page = visit()
    page.wait_for_function("globalThis.page")
    what = {
        "mixture": as_json(experiment.mixture),
        "model": None,
        "y": None,
        "w": 0,
        "t": t,
        "low": [0, 0],
        "high": [0, 0],
    }
    theirs = page.evaluate(
        """async ([what, x]) => {
          const asked = { ...what, x: Float64Array.from(x), schedule: page.tables.schedules[50] };
          return [...(await page.ask("noisePrediction", asked)).eps];
        }""",
        [what, x.flatten().tolist()],
    )
    ours = experiment.mixture.best_eps(x, experiment.schedule.alphas_cumprod[t])
    torch.testing.assert_close(torch.tensor(theirs, dtype=torch.float64).view(3, 2), ours, rtol=1e-9, atol=1e-9)


def test_model_space_of_a_drawn_world_is_that_of_python(sources):
    world = GaussianMixture([[0.1, 0.9], [0.5, 0.2], [0.8, 0.7]], [0.05, 0.2, 0.1], [0.2, 0.5, 0.3])
    scale, shift = two_pixel.standardising_map(world)
    code = "async (w) => { const M = await import('/mixture.js'); return M.standardising(new M.Mixture(w)); }"
    theirs = sources.evaluate(code, as_json(world))
    assert theirs["scale"] == pytest.approx(scale, rel=1e-12)
    assert theirs["shift"] == pytest.approx(shift.tolist(), rel=1e-12)


@pytest.mark.parametrize("name", WORLDS)
def test_density_score_and_sampling_of_a_world(name, sources):
    world = WORLDS[name]
    points = torch.randn(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    theirs = sources.evaluate(
        f"""async ([world, points]) => {{ {IMPORT} const m = new Mixture(world);
            const density = points.map((p) => m.density(...p)), score = points.map((p) => m.score(...p));
            return [density, score, [...m.sample(4000, uniforms(5))]]; }}""",
        [as_json(world), points.tolist()],
    )
    assert theirs[0] == pytest.approx(world.log_prob(points).exp().tolist(), rel=1e-10, abs=1e-300)
    torch.testing.assert_close(
        torch.tensor(theirs[1], dtype=torch.float64), world.score(points), rtol=1e-10, atol=1e-10
    )
    samples = np.array(theirs[2]).reshape(-1, 2)
    assert abs(energy_distance(samples, world)) < 4 * energy_distance_floor(world, len(samples))


@pytest.mark.parametrize("name", WORLDS)
def test_energy_distance_is_that_of_metrics(name, sources):
    """To 1e-9 for fixed samples; the floor is itself estimated from samples, here from others."""
    world, generator = WORLDS[name], torch.Generator().manual_seed(2)
    x = world.sample(400, generator)[0] + 0.02
    theirs = sources.evaluate(
        f"""async ([world, x]) => {{ {IMPORT} const m = new Mixture(world);
            const floor = E.energyDistanceFloor(m, x.length / 2, m.sample(1000, uniforms(1)));
            return [E.energyDistance(Float64Array.from(x), m), floor]; }}""",
        [as_json(world), x.flatten().tolist()],
    )
    assert theirs[0] == pytest.approx(energy_distance(x, world), abs=1e-9)
    assert theirs[1] == pytest.approx(energy_distance_floor(world, 400), rel=0.1)


def test_expected_norm_is_exact_from_0_to_far_away(sources):
    distances = [0.0, 0.01, 0.5, 1.0, 5.0, 7.7, 7.8, 20.0, 1000.0]  # the series ends at 7.75
    code = f"async (d) => {{ {IMPORT} return d.map((v) => E.expectedNorm(v, 1)); }}"
    expected = expected_norm(np.array(distances), 1.0, 2)
    assert sources.evaluate(code, distances) == pytest.approx(expected.tolist(), rel=1e-12)


def test_bare_bones_loop_is_that_of_python(sources):
    """With a denoiser that depends on image and level."""
    noise, S = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64), 7
    ours = [x for x, _ in generate(lambda x, level: (x * level.view(-1, 1, 1, 1)).cos(), noise, S)]
    theirs = sources.evaluate(
        """async ([noise, S]) => {
          const { generate } = await import("/bare_bones.js"), found = [];
          const D = (x, level) => x.map((v) => Math.cos(v * level));
          for await (const x of generate(D, Float64Array.from(noise), S)) found.push([...x]);
          return found;
        }""",
        [noise.flatten().tolist(), S],
    )
    torch.testing.assert_close(torch.tensor(theirs), torch.stack(ours).flatten(1).float())


def test_renoising_asks_at_the_right_levels_and_turns_the_right_number_of_pixels(sources):
    """f answers ½ everywhere, so that a renoised pixel is 0 or 1, each as often, and the others are ½."""
    pixels, S, images = 256, 8, 20
    asked = sources.evaluate(
        """async ([S, n]) => {
          const { renoise } = await import("/naive.js"), { uniforms } = await import("/random.js"), asked = [];
          const f = (z, level) => { asked.push([level, [...z]]); return z.map(() => 0.5); };
          for await (const x of renoise(f, new Float64Array(n), S, uniforms(3)));
          return asked;
        }""",
        [S, images * pixels],
    )
    assert [level for level, _ in asked] == [(S - s) / S for s in range(S)]
    for s, (_, z) in enumerate(asked[1:], start=1):
        z = np.array(z).reshape(images, pixels)
        assert ((z != 0.5).sum(1) == round(pixels * (S - s) / S)).all()
        bits = z[z != 0.5]
        assert abs(bits.mean() - 0.5) < 4 * 0.5 / len(bits) ** 0.5


@pytest.mark.parametrize("name, data", [("glyphs", glyphs), ("sprites", sprites)])
def test_nearest_training_image_is_that_of_metrics(name, data, visit):
    train, test = data()
    page = visit()
    page.wait_for_function("globalThis.page")
    theirs = page.evaluate(
        """async ([set, size, x]) => {
          const { distance } = await page.ask("nearest", { set, size, x: Float64Array.from(x) });
          return [...distance];
        }""",
        [name, test.images[0].numel(), test.images[:5].flatten().tolist()],
    )
    assert theirs == pytest.approx(nearest_distances(test.images[:5], train.images).tolist(), abs=1e-4)


DIGITS = [
    ("mnist-8", 8, "ddim", 0.0),
    ("mnist-4", 4, "ddim", 0.0),
    ("mnist", 20, "ddpm", 0.0),
    ("mnist", 5, "ddim", 1.0),
]


@pytest.mark.parametrize("model, steps, sampler, w", DIGITS)
def test_digits_from_the_same_noise_are_the_same_pictures(model, steps, sampler, w, visit, monkeypatch):
    """By less than 0.01 a pixel on average, though the page's weights are float16."""
    experiment = images.load(CHECKPOINTS / IMAGES[model])
    generator, visited = torch.Generator().manual_seed(4), samplers.steps_of(200, steps)
    x_T, y = experiment.noise(4, generator), torch.tensor([3, 5, 8, 9])
    noise = {t: torch.randn(4, 1, 28, 28, generator=generator) for t in visited[:-1]}
    at = iter(visited)
    monkeypatch.setattr(samplers, "standard_normal", lambda x, _: noise[next(at)])
    denoiser = experiment.clipped(classifier_free_guidance(experiment.learned(), w))
    with torch.no_grad():
        ours = samplers.last(samplers.SAMPLERS[sampler](denoiser, experiment.schedule, visited, x_T, y, None))
    page = visit()
    page.wait_for_function("globalThis.page")
    theirs = page.evaluate(
        """async ({ model, steps, sampler, w, y, x, noise }) => {
          const { T, shape, low, high } = page.tables.images[model], all = new Float64Array((T + 1) * x.length);
          for (const [t, z] of Object.entries(noise)) all.set(z, t * x.length);
          const run = { model, shape, low: [low], high: [high], nullLabel: 10, schedule: page.tables.schedules[T] };
          const what = { ...run, steps, sampler, y, w, x: Float64Array.from(x), noise: all };
          let last;
          await page.ask("cloud", what, (part) => { last = part.x ?? last; });
          return [...last];
        }""",
        {
            "model": model,
            "steps": visited,
            "sampler": sampler,
            "w": w,
            "y": y.tolist(),
            "x": x_T.flatten().tolist(),
            "noise": {t: z.flatten().tolist() for t, z in noise.items()},
        },
    )
    theirs = torch.tensor(theirs).view_as(ours)
    assert float((experiment.to_pixels(theirs) - experiment.to_pixels(ours)).abs().mean()) < 0.01
