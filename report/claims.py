"""What report.typ concludes from its numbers in words, each with whether the numbers bear it out.

A claim is a pair: what is said, in short, and True or False.
"""

import math
from itertools import pairwise

SAME_ON_THE_WAY = "fresh coins at the start, same coins on the way"


def claims(results):
    """All of them, for the content of results.json."""
    return (
        *claims_of_the_homework(results),
        *claims_of_pixel_space(results["pixel_space"]),
        *claims_of_naive(results["naive"]),
        *claims_of_barebones(results["barebones"]),
        *claims_of_errors(results["errors"]),
        *claims_of_samplers(results["samplers"]["two_pixel"]),
        *claims_of_samplers_on_mnist(results["samplers"]["mnist"]),
        *claims_of_guidance(results["guidance"]["rows"]),
        *claims_of_information(results["information"]["rows"]),
        *claims_of_training(results["training"]),
    )


def rising(values):
    """Whether each of the values is larger than the one before."""
    return all(before < after for before, after in pairwise(values))


def best(rows, name, by):
    """Whether the row of that name is larger than all others by so much."""
    return all(rows[name]["mean"] >= row["mean"] + by for other, row in rows.items() if other != name)


def claims_of_the_homework(results):
    """Of problems 1 to 5."""
    two, mnist = results["two_pixel"], results["mnist"]
    cards, variances, card, parts = two["cards"], two["variances"], mnist["card"], mnist["part_by_part"]
    floor = cards["50"]["energy_distance_floor"]
    apart = max(abs(c["energy_distance"] / c["energy_distance_oracle"] - 1) for c in (cards["5"], cards["10"]))
    w = card["sweep"]
    half = parts["half_settled"]
    return (
        ("network within 0.3 % of the loss floor", all(c["excess_loss"] < 0.003 for c in cards.values())),
        ("network and oracle within 10 % at T = 5 and 10", apart < 0.1),
        ("the oracle is off by more than the noise", cards["5"]["energy_distance_oracle"] > 4 * floor),
        ("β_t beats β̃_t at every T", all(v["beta"]["mean"] < v["posterior"]["mean"] for v in variances.values())),
        ("no mode is lost", all(0.25 < c["mode_weight"] < 0.4 for c in cards.values())),
        ("the modes are too narrow at T = 5", max(cards["5"]["mode_stds"]) < 0.09),
        (
            "network like oracle on the way",
            all(
                abs(two["along_the_way"]["network"][t]["mean"] - row["mean"]) < 2
                for t, row in two["along_the_way"]["oracle"].items()
            ),
        ),
        ("both kinds of guidance arrive", min(two["guidance"]["share_in_mode"].values()) > 0.99),
        ("guided ends near the oracle's", max(two["guidance"]["median_distance_to_oracle"].values()) < 0.01),
        ("guidance with w = 1 is read more surely", w["1"]["fidelity"] > card["generated"]["fidelity"]),
        ("a little guidance buys fidelity", w["0.5"]["fidelity_interval"][0] > w["0"]["fidelity_interval"][1]),
        (
            "more guidance buys no fidelity",
            all(w["0.5"]["fidelity_interval"][1] > w[more]["fidelity_interval"][0] for more in ("1", "2", "4")),
        ),
        ("up to w = 2 guidance costs diversity", w["0"]["diversity"] > w["1"]["diversity"] > w["2"]["diversity"]),
        ("it does not copy", card["originality"]["copies"] < 0.01),
        ("not all at once", parts["spread"]["model"] > 10 + parts["spread"]["once"]),
        ("only direct neighbours settle together", parts["correlation"]["model"]["4"] < 0.1),
        ("place explains little", parts["place_share"] < 0.1),
        ("coarse before fine", half["model"] == sorted(half["model"], reverse=True)),
        ("the class is decided early", parts["class_decided"]["model"] > 100),
    )


def claims_of_pixel_space(g):
    """Of images as points."""
    maps, g3 = g["G2"], g["G3"]
    umap, pca = (maps[name]["neighbours"]["mean"] for name in ("UMAP", "PCA"))
    characters = {name: row for name, row in g["G4"].items() if name.startswith("w")}
    surer, easier = (
        [characters[f"w = {w}, top-bottom"][key]["mean"] for w in (0, 1, 3)] for key in ("label_accuracy", "auc")
    )
    off = [row[key] for row in g["G6"].values() for key in ("mean_off", "variance_off")]
    guided = [row for name, row in characters.items() if name.startswith("w = 1")]
    chains = [row for _, row in sorted(g["G5"]["rows"].items(), key=lambda item: int(item[0]))]  # from t = 0 up
    return (
        ("errors fall like one over the root", all(abs(slope + 0.5) < 0.05 for slope in g["G1"]["slopes"].values())),
        ("structure is told by neighbours on the map", umap >= 0.95 and umap >= pca + 0.25),
        ("two clusters agree with the structures in part", 0.1 < maps["UMAP"]["rand_index_k_means"]["mean"] < 0.9),
        ("kernels describe the map best", best(g3["log_density"], "kernels", by=0.3)),
        (
            "noise is far from any character",
            g3["distance_of"]["noise"]["mean"] > 1.8 * g3["distance_of"]["test"]["mean"],
        ),
        ("half of the noise lands among characters", 0.3 < g3["noise_among_glyphs"]["mean"] < 0.7),
        ("z_t has the mean and variance of the formula", 0.9 < min(off) <= max(off) < 1.1),
        ("characters are read as asked at w = 1", all(row["label_accuracy"]["mean"] >= 0.9 for row in guided)),
        ("guidance makes top-bottom surer, and easier to tell", rising(surer) and rising(easier)),
        ("characters are no copies", all(row["copies"]["mean"] <= 0.01 for row in characters.values())),
        (
            "characters are farther off than unseen ones",
            all(
                row["nearest"]["mean"] > g["G4"][f"real, {name[7:]}"]["nearest"]["mean"]
                for name, row in characters.items()
            ),
        ),
        ("guesses come nearer to the end", rising([row["to_end"] for row in chains])),
        ("the ends are farther off than most", chains[0]["distance"] > g["G5"]["distance_of_test"][2]),
    )


def claims_of_naive(n):
    """Of naive diffusion."""
    steps, cold = n["N-e"]["long"], n["N-h"]
    exact, differ = n["N-g"], [row["distinct"] for row in n["N-f"]["S = 16"].values()]
    isolated = {name: row["isolated_ink"]["mean"] for name, row in n["N-c"].items()}
    kept = {name: row["slope"]["mean"] for name, row in n["N-c"].items()}
    return (
        ("60 steps are too few for 1024 pixels", n["N-a"][0]["formula"] > 0.1 > 0.001 > n["N-a"][2]["formula"]),
        ("step by step hardly anything is learned", 0 < n["N-b"]["removed"]["mean"] < n["N-b exact"]["k = 32"] < 0.1),
        ("one step gives the mean image", n["N-d"]["rmse_to_mean"]["mean"] < 0.05),
        ("more steps are sharper", rising([-row["greyness"]["mean"] for row in steps.values()])),
        (
            "sharper is not better",
            steps["256"]["auc"]["mean"] > min(row["auc"]["mean"] for row in steps.values()) + 0.02,
        ),
        ("characters are taken for real ones at times", min(row["auc"]["mean"] for row in steps.values()) <= 0.93),
        ("characters are no copies at S = 32", steps["32"]["copies"]["mean"] <= 0.01),
        ("variety is the coins", differ == [100, 1, 100, 1]),
        ("the network keeps noise", kept["Algorithm 1, k = 32"] > 0.2 > 0.01 > n["N-c exact"]["Algorithm 1, k = 32"]),
        ("with coins it forgets", abs(kept["Algorithm 1 with coins, k = 32"]) < 0.05),
        (
            "with coins new noise takes its place",
            isolated["Algorithm 1 with coins, k = 32"] > isolated["Algorithm 1, k = 32"],
        ),
        ("with two steps the start matters", n["N-f"]["S = 2"][SAME_ON_THE_WAY]["distinct"] > 20),
        ("N colours are fewer to the eye", cold["any"]["algorithm 2"]["distinct_to_the_eye"] < 10),
        ("with k = 8 the exact answers keep some", n["N-c exact"]["Algorithm 1, k = 8"] > 0.05),
        ("many steps give more ink", steps["256"]["ink"]["mean"] > n["N-e"]["real"]["ink"]),
        ("many steps come too near", steps["256"]["nearest"]["mean"] < n["N-e"]["real"]["nearest"]),
        (
            "the exact mean leads to one image",
            exact["Algorithm 1, no pixel clean at T"] == {"distinct": 1, "copies": 1.0},
        ),
        ("the exact answer copies", all(exact[f"Algorithm 2, S = {S}"]["copies"] == 1 for S in (8, 32))),
        (
            "as many samples as colours",
            [cold[c]["algorithm 2"]["distinct"] for c in ("1", "4", "16", "any")] == [1, 4, 16, 64],
        ),
        (
            "faded samples are too alike",
            all(row["algorithm 2"]["pairwise"] < row["pairwise_of_test"] / 2 for row in cold.values()),
        ),
        ("algorithm 1 leaves the range", all(row["algorithm 1"]["unclamped_range"][0] < -10 for row in cold.values())),
    )


def claims_of_barebones(b):
    """Of bare-bones diffusion."""
    short, long = b["B4"]["short"], b["B4"]["long"]
    *slices, linear = (row if name == "linear" else row["mean"] for name, row in b["B2"].items())
    half, told, often = b["B3"]["0.6"], b["B5"]["told"], b["B9"]["200 times"]
    alike = b["B5"]["correlation"]
    return (
        (
            "pure noise teaches the mean image",
            0.94 < b["B1"]["loss_over_floor"]["mean"] < 1.06 and b["B1"]["spread"]["mean"] < 0.03,
        ),
        ("the denoising loss keeps falling", rising([-loss for loss in slices]) and slices[-1] < linear),
        ("more noise, more loss", rising([-row["test"]["mean"] for row in b["B3"].values()])),
        ("more steps are more various", rising([row["spread"]["mean"] for row in short.values()])),
        ("one step is told from real at once", short["1"]["auc"]["mean"] >= 0.99),
        ("long training is better", all(long[S]["auc"] < short[S]["auc"]["mean"] - 0.01 for S in ("25", "50", "100"))),
        ("the network sees more and more", rising([row["mean"] for row in b["B5"]["chain"].values()][:20])),
        ("the first guess points to the end", 0.3 < alike["0"]["mean"] < alike["10"]["mean"]),
        ("proportions are roughly kept", b["B7"]["generated"]["mean"] <= 2.5 * b["B7"]["floor"]["mean"]),
        ("the network does not copy", max(short["50"]["copies"]["mean"], long["50"]["copies"]) <= 0.01),
        ("the exact denoiser copies", b["B8"] == 1),
        (
            "told of less noise it sees more",
            all(told[x]["mean"] > b["B5"]["mixed"][x]["mean"] for x in ("0.95", "0.9", "0.8")),
        ),
        ("unlike the exact denoiser it generalises", half["test"]["mean"] < half["exact_test"]["mean"] / 2),
        ("an exact observer decides early", b["possible"]["0.90"]["uniform"] < 20 < b["possible"]["0.90"]["gaussian"]),
        ("what is repeated is denoised better", often["loss"] < b["B9"]["once"]["loss"]),
        ("what is repeated is not drawn", often["share"] < often["of_training_set"] / 5),
        ("double steps overshoot", b["B10"]["100"]["edge_energy"]["mean"] > 1.1 * short["100"]["edge_energy"]["mean"]),
    )


def claims_of_errors(e):
    """Of the error ledger, the schedules and single reverse steps."""
    ledger, noise = e["ledger"], e["floor"] / e["seeds"] ** 0.5  # of a mean over the seeds
    cosine = {name: row for name, row in ledger.items() if name.startswith("cosine") and "network" in row}
    linear = {way: row["energy_distance"]["mean"] for way, row in ledger["linear, T = 50"].items()}
    steps, added = [k for by_t in e["kernels_on_average"].values() for k in by_t.values()], {}
    for name, row in cosine.items():
        added[name] = row["network - oracle"]["energy_distance"]["mean"]
    added_from_10 = [added[f"cosine, T = {T}"] for T in (10, 25, 50)]
    at_5 = added["cosine, T = 5"] / cosine["cosine, T = 5"]["network"]["energy_distance"]["mean"]

    def prior_is_lost_in_noise(row):
        one, other = row["oracle"]["energy_distance"], row["exact prior"]["energy_distance"]
        return abs(one["mean"] - other["mean"]) < 2 * math.hypot(*(max(x["error"], noise) for x in (one, other)))

    return (
        ("at T = 5 the network adds a twentieth", 0.03 < at_5 < 0.08),
        ("from T = 10 on less than 0.4e-4, either way", max(abs(x) for x in added_from_10) < 0.4e-4),
        ("on the cosine schedule the prior does not matter", all(map(prior_is_lost_in_noise, cosine.values()))),
        (
            "many steps bring the oracle to the floor",
            ledger["cosine, T = 1000"]["oracle"]["energy_distance"]["mean"] < 2 * noise,
        ),
        (
            "the linear schedule's error is the prior's",
            linear["exact prior"] < 2 * noise < 20 * noise < linear["oracle"],
        ),
        (
            "the wrong variance costs nearly all of it",
            all(k["second_moment"] < k["posterior"] / 10 and k["beta"] < k["posterior"] for k in steps),
        ),
    )


def claims_of_samplers(q):
    """Of quality against calls, two pixels; the marks that were set for them."""
    rows, noise = q["rows"]["network"], q["floor"] / q["seeds"] ** 0.5

    def row(found, steps):
        return next(row for row in found if row["steps"] == steps)

    def mean(found, steps):
        return row(found, steps)["energy_distance"]["mean"]

    def kept(found, steps):
        return sum(p > 0.05 for p in row(found, steps)["p"])

    def nearer(one, other, steps):
        pairs = zip(row(rows[one], steps)["values"], row(rows[other], steps)["values"], strict=True)
        differences = [b - a for a, b in pairs]  # with the same random numbers
        return min(differences) > 0

    own, students, labelled = q["own_steps"]["second_moment"], q["students"], q["with_labels"]
    return (
        ("second moments reach 3e-4 at five calls", mean(own, 5) <= 3e-4),
        ("and are taken for true in four of five", kept(own, 5) >= 4),
        ("but are not quite true", mean(own, 5) > 3 * noise),
        ("at ten calls second moments are taken for true", kept(own, 10) == 5 == kept(rows["second_moment"], 10)),
        ("with T = 10 they are at the floor", abs(mean(own, 10)) < 2 * noise),
        ("students are taken for true at one to four calls", all(kept(students, n) >= 4 for n in (1, 2, 4))),
        ("the student of one step is below 10e-4", mean(students, 1) <= 10e-4),
        (
            "it inherits its teacher's error",
            abs(mean(students, 1) - mean(rows["ddim"], 50)) < noise < mean(students, 1),
        ),
        ("second order is nearer than DDIM", all(nearer(name, "ddim", 10) for name in ("dpm_solver", "deis"))),
        ("Heun with nine calls is, too", mean(rows["heun"], 5) < mean(rows["ddim"], 10) / 1.5),
        (
            "at the price of five steps of second moments DPM-Solver++ and Heun are nearer",
            max(mean(rows["dpm_solver"], 10), mean(rows["heun"], 10)) < mean(own, 5),
        ),
        ("DPM-Solver++ is nearer than DEIS", nearer("dpm_solver", "deis", 10)),
        ("at five calls DPM-Solver++ is nearer than Heun", mean(rows["dpm_solver"], 5) < mean(rows["heun"], 3) / 1.5),
        (
            "of as many steps, up to ten, Heun's is the nearest",
            all(
                mean(rows["heun"], n) < min(mean(rows[other], n) for other in ("ddim", "dpm_solver", "deis"))
                for n in (2, 3, 5, 10)
            ),
        ),
        ("DPM-Solver++ with 25 calls is at the floor", abs(mean(rows["dpm_solver"], 25)) < 2 * noise),
        ("the best scalar variance is between", mean(own, 5) < mean(rows["analytic"], 5) < mean(rows["ddpm"], 5) / 3),
        ("one labelled step is exact", abs(labelled["oracle"]["energy_distance"]["mean"]) < 2 * noise),
        ("but not with a network", labelled["network"]["energy_distance"]["mean"] > 100 * noise),
    )


def claims_of_samplers_on_mnist(m):
    """Of the samplers on MNIST; the marks that were set for them."""
    every, rows = m["all_steps"], m["rows"]

    def mean(name, key):
        return sum(found[key] for found in rows[name]["seeds"]) / len(rows[name]["seeds"])

    with_noise = ("ddpm, 20", "analytic, 20")
    without = ("heun, 10", "deis, 20", "dpm_solver, 20", "ddim, 20", "ddim, 100")
    return (
        ("20 calls are within 1.2 times the distance of 200", mean("ddpm, 20", "frechet") <= 1.2 * every["frechet"]),
        ("20 calls are within half a point of fidelity", mean("ddpm, 20", "fidelity") >= every["fidelity"] - 0.005),
        (
            "samplers with noise are ahead",
            1.3 * max(mean(name, "frechet") for name in with_noise) < min(mean(name, "frechet") for name in without),
        ),
        ("more steps hardly help the flow", mean("ddim, 100", "frechet") > 0.8 * mean("ddim, 20", "frechet")),
        ("their digits are less diverse", mean("ddpm, 20", "diversity") < mean("ddim, 20", "diversity") - 0.02),
        (
            "the best scalar variance is behind eq. 13",
            mean("analytic, 20", "frechet") > max(found["frechet"] for found in rows["ddpm, 20"]["seeds"]),
        ),
        ("the student of 8 is within twice the distance", mean("student, 8", "frechet") <= 2 * every["frechet"]),
        ("the one of 4 just misses that", 2 < mean("student, 4", "frechet") / every["frechet"] < 2.1),
    )


def claims_of_guidance(rows):
    """Of guided samples and the tilted density."""

    def distance(row, one, other):
        error = math.hypot(row[one]["error"][0], row[other].get("error", [0.0])[0])  # the tilted mean is exact
        return abs(row[one]["mean"][0] - row[other]["mean"][0]) / error

    ways = ("oracle, eq. 13", "oracle, flow")
    return (
        ("at w = 0 both ways of sampling are right", all(distance(rows["0"], way, "tilted") < 4 for way in ways)),
        (
            "guided samples miss the tilted density",
            all(distance(rows[w], way, "tilted") > 10 for w in ("1", "2", "5") for way in ways),
        ),
        (
            "the two ways do not agree when guided",
            all(distance(rows[w], *ways) > 10 for w in ("1", "2", "5")),
        ),
    )


def claims_of_information(rows):
    """Of the area between the losses."""
    return (
        ("the exact area is twice the information", all(abs(r["exact"] - r["two_I"]) < 1e-4 for r in rows.values())),
        (
            "the networks' area is within a percent and a half of twice the information",
            all(abs(r["network"]["mean"] / r["two_I"] - 1) < 0.015 for r in rows.values()),
        ),
    )


def claims_of_training(variants):
    """Of training the network better."""
    default, best = variants["as_it_is"], variants["tabled_64_128_in_pairs"]
    keys = ("excess_loss", "excess_loss_labelled")
    return (
        (
            "three things together help",
            all(best[k]["mean"] + 3 * best[k]["error"] < default[k]["mean"] for k in keys),
        ),
        (
            "no other variant is as good",
            all(best[k]["mean"] == min(v[k]["mean"] for v in variants.values()) for k in keys),
        ),
        (
            "batch sizes did harm",
            all(variants[f"batch_{n}"][k]["mean"] > default[k]["mean"] for n in (128, 2048) for k in keys),
        ),
    )
