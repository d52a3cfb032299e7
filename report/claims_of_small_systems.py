"""What beyond.typ concludes of naive and bare-bones diffusion and of pixel space."""

from itertools import pairwise

SAME_ON_THE_WAY = "fresh coins at the start, same coins on the way"


def rising(values):
    """Whether each of the values is larger than the one before."""
    return all(before < after for before, after in pairwise(values))


def best(rows, name, by):
    """Whether the row of that name is larger than all others by so much."""
    return all(rows[name]["mean"] >= row["mean"] + by for other, row in rows.items() if other != name)


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
        ("diversity is the coins", differ == [100, 1, 100, 1]),
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
        ("more steps are more diverse", rising([row["spread"]["mean"] for row in short.values()])),
        ("one step is distinguished from real at once", short["1"]["auc"]["mean"] >= 0.99),
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
