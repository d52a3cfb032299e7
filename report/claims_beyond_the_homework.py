"""What is concluded of errors, samplers, bugs, guidance, information, training, likelihood, memorising, flows."""

import math

from measurements.bugs import RIGHT, better, seen


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


def row(found, steps):
    """That of the rows with so many steps."""
    return next(row for row in found if row["steps"] == steps)


def mean(found, steps):
    """Its mean energy distance."""
    return row(found, steps)["energy_distance"]["mean"]


def kept(found, steps):
    """In how many of its permutation tests it is taken for true."""
    return sum(p > 0.05 for p in row(found, steps)["p"])


def claims_of_samplers(q):
    """Of quality against calls, two pixels; the marks that were set for them."""
    rows, noise = q["rows"]["network"], q["floor"] / q["seeds"] ** 0.5

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
        (
            "ten calls, or one of a distilled model, are as good as fifty of eq. 13",
            max(mean(rows["dpm_solver"], 10), mean(students, 1)) <= mean(rows["ddpm"], 50),
        ),
        ("distilled models are taken for true at one to four calls", all(kept(students, n) >= 4 for n in (1, 2, 4))),
        ("the distilled model of one step is below 10e-4", mean(students, 1) <= 10e-4),
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
        (
            "UniPC is nearer than DPM-Solver++ at five and ten calls",
            all(nearer("unipc", "dpm_solver", n) for n in (5, 10)),
        ),
        ("and the best for its calls", mean(rows["unipc"], 5) < mean(rows["heun"], 3) / 1.5),
        ("but Heun with five steps is nearer", mean(rows["heun"], 5) < mean(rows["unipc"], 5)),
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
        (
            "the distilled model of 8 steps is within twice the distance",
            mean("student, 8", "frechet") <= 2 * every["frechet"],
        ),
        ("the one of 4 just misses that", 2 < mean("student, 4", "frechet") / every["frechet"] < 2.1),
    )


def claims_of_bugs(rows):
    """Of ten bugs of samplers."""
    wrong = {name: row for name, row in rows.items() if name != RIGHT}
    hidden = {who: [name for name, row in wrong.items() if not seen(row[who])] for who in ("network", "oracle")}
    named = ["noise on the last step", "last step skipped", "starts at T-1", "network asked at t-1"]
    return (
        ("ten bugs", len(wrong) == 10),
        ("four do not make the samples worse", hidden["network"] == hidden["oracle"] == named),
        (
            "three of them make the samples better",
            [name for name in named if better(rows[name]["network"]) and better(rows[name]["oracle"])]
            == [name for name in named if name != "starts at T-1"],
        ),
        (
            "the width or the steps find all ten",
            all(abs(row["width_off"]) > 4 or row["asked"] != rows[RIGHT]["asked"] for row in wrong.values()),
        ),
        ("both let the right one pass", abs(rows[RIGHT]["width_off"]) < 4),
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
    default = variants["as_it_is"]
    unlabelled, labelled = keys = "excess_loss", "excess_loss_labelled"
    fewer_labels = {name: v for name, v in variants.items() if name.startswith("label_dropout")}
    others = {name: v for name, v in variants.items() if name not in fewer_labels}

    def better(name, key):
        """Whether a variant is better than the default by three standard errors."""
        one, other = variants[name][key], default[key]
        return other["mean"] - one["mean"] > 3 * math.hypot(one["error"], other["error"])

    return (
        ("noise in pairs helps with label", better("noise_in_pairs", labelled)),
        (
            "with fewer channels, too, the loss with label is the smallest",
            min(variants, key=lambda name: variants[name][labelled]["mean"]) == "width_64_128_in_pairs",
        ),
        (
            "without label only fewer labels help, and cost with label",
            not any(better(name, unlabelled) for name in others)
            and all(
                better(name, unlabelled) and v[labelled]["mean"] > 1.3 * default[labelled]["mean"]
                for name, v in fewer_labels.items()
            ),
        ),
        (
            "batch sizes did harm",
            all(variants[f"batch_{n}"][k]["mean"] > default[k]["mean"] for n in (128, 2048) for k in keys),
        ),
        (
            "no training brings the divergence down by three standard errors",
            not any(better(name, "kl") for name in variants),
        ),
        (
            "trained more where there is little noise, or much, it is larger",
            all(variants[f"more_{where}_noise"]["kl"]["mean"] > default["kl"]["mean"] for where in ("low", "high")),
        ),
    )


def claims_of_likelihood(found):
    """Of the bound and of the samplers' densities."""
    flows = {(row["run"], row["sampler"], row["steps"]): row for row in found["flows"]}

    def kl(sampler, steps, who):
        return flows["homework-T50", sampler, steps][who]["from"]

    bounds, entropy = found["bounds"]["homework-T50"]["oracle"], found["bounds"]["homework-T50"]["entropy"]
    costs = [a - b for a, b in zip(bounds["posterior"]["terms"], bounds["best"]["terms"], strict=True)]
    return (
        (
            "with 50 steps of DPM-Solver++ nearly all of the divergence is the network's",
            kl("dpm_solver", 50, "network") > 100 * kl("dpm_solver", 50, "oracle"),
        ),
        ("with ten of DDIM it is the sampler's", kl("ddim", 10, "network") < 1.2 * kl("ddim", 10, "oracle")),
        (
            "distilled models are a little farther off than their teacher",
            all(kl("ddim", 50, "network") <= 1.01 * row["from"] < 0.01 for row in found["distilled"].values()),
        ),
        ("more than half of the variance's cost is that of t = 2", costs[1] == max(costs) > sum(costs) / 2),
        (
            "the bounds and the entropy come in this order",
            bounds["posterior"]["bound"] > bounds["beta"]["bound"] > bounds["best"]["bound"] > entropy,
        ),
    )


def claims_of_memorising(found):
    """Of networks that are trained on N fixed images."""
    gone = {name: row["memorisation"]["mean"] for name, row in found.items()}
    kl = [found[name]["kl"]["mean"] for name in ("100", "1000", "10000")]
    at = found["1000"]["memorisation_by_t"]
    looks = [look["excess"]["mean"] for look in found["way"]["looks"].values()]
    return (
        ("ten images are copied, a thousand are not", gone["10"] > 0.85 and max(gone["1000"], gone["10000"]) < 0.15),
        ("copying is decided where there is little noise", at["2"]["mean"] < 0.1 and at["30"]["mean"] > 0.8),
        ("more images bring the model nearer to the truth", kl == sorted(kl, reverse=True)),
        ("trained longer, it leaves the truth", min(looks) < looks[-1] / 1.5 and min(looks) < looks[0] / 1.5),
        ("and comes nearer to its set", gone["way"] > 1.5 * gone["100"]),
        ("it is one half at about a hundred images then", abs(gone["way"] - 0.5) < 0.1 and gone["long 30"] > 0.8),
        ("three hundred are copied less", max(gone["long 300"], gone["long 1000"]) < 0.4),
    )


def claims_of_flow_matching(found):
    """Of the flow schedule beside the cosine, of u beside v, and of reflow."""
    exact, networks = found["exact"], found["networks"]
    before, after = found["reflow"]["before"], found["reflow"]["after"]

    def alike(one, other, errors):
        return abs(one["mean"] - other["mean"]) < errors * math.hypot(one["error"], other["error"])

    def solver(name, n):
        return networks[name]["dpm_solver"][n]

    return (
        (
            "ten steps of DPM-Solver++ are better on the flow schedule",
            exact["flow"]["dpm_solver"]["10"] < exact["cosine"]["dpm_solver"]["10"] / 5
            and solver("flow u", "10")["mean"] < 0.6 * solver("cosine v", "10")["mean"],
        ),
        (
            "u and v agree on the same schedule",
            all(alike(solver(f"{s} u", n), solver(f"{s} v", n), 3) for s in exact for n in ("10", "50")),
        ),
        ("with fifty steps the schedules agree", alike(solver("flow u", "50"), solver("cosine v", "50"), 3)),
        ("the paths bend alike on either schedule", abs(exact["flow"]["bend"] - exact["cosine"]["bend"]) < 0.01),
        ("reflow straightens them", after["bend"]["mean"] < before["bend"]["mean"] / 1000),
        ("then one step is enough", after["kl"]["1"]["mean"] < before["kl"]["50"]["mean"]),
    )


def claims_of_brief_digits(found):
    """Of copying, the flow schedule and reflow on MNIST."""
    copies = {N: found[N]["copies"] for N in ("100", "1000", "10000", "60000")}
    cosine, flow = (found["flow"][name] for name in ("cosine v", "flow u"))
    before, after = found["reflow"]["before"], found["reflow"]["after"]
    return (
        (
            "a hundred digits are copied, a thousand are not",
            copies["100"] > 0.95 and max([*copies.values()][1:]) < 0.03,
        ),
        (
            "five steps are better on the flow schedule for digits, too",
            all(flow[sampler]["5"]["frechet"] < 0.8 * cosine[sampler]["5"]["frechet"] for sampler in flow),
        ),
        (
            "for fifty it does not matter",
            abs(flow["ddim"]["50"]["frechet"] / cosine["ddim"]["50"]["frechet"] - 1) < 0.05,
        ),
        (
            "reflow helps digits in one or two steps, and costs in more",
            [after[n]["frechet"] < before[n]["frechet"] for n in ("1", "2", "4", "10")] == [True, True, False, False],
        ),
        ("reflow straightens the paths of digits", after["bend"] < before["bend"] / 5),
    )
