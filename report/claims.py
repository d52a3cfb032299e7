"""What report.typ and beyond.typ conclude from their numbers in words, each with whether the numbers bear it out.

A claim is a pair: what is said, in short, and True or False.
"""

import math
import operator

from report.claims_beyond_the_homework import (
    claims_of_brief_digits,
    claims_of_bugs,
    claims_of_errors,
    claims_of_flow_matching,
    claims_of_guidance,
    claims_of_information,
    claims_of_likelihood,
    claims_of_memorising,
    claims_of_samplers,
    claims_of_samplers_on_mnist,
    claims_of_training,
)
from report.claims_of_small_systems import claims_of_barebones, claims_of_naive, claims_of_pixel_space, rising


def claims_of_report(results):
    """Of problems 1 to 5, of where the digits fall short, and of bugs that samples do not show."""
    return (
        *claims_of_the_homework(results),
        *claims_of_begun_digits(results["digits"]["begun"]),
        *claims_of_bugs(results["bugs"]["rows"]),
    )


def claims_of_beyond(results):
    """Of what goes beyond the homework."""
    return (
        *claims_of_pixel_space(results["pixel_space"]),
        *claims_of_naive(results["naive"]),
        *claims_of_barebones(results["barebones"]),
        *claims_of_errors(results["errors"]),
        *claims_of_bugs(results["bugs"]["rows"]),
        *claims_of_samplers(results["samplers"]["two_pixel"]),
        *claims_of_samplers_on_mnist(results["samplers"]["mnist"]),
        *claims_of_guidance(results["guidance"]["rows"]),
        *claims_of_information(results["information"]["rows"]),
        *claims_of_training(results["training"]),
        *claims_of_likelihood(results["likelihood"]),
        *claims_of_memorising(results["memorising"]),
        *claims_of_flow_matching(results["flow_matching"]),
        *claims_of_brief_digits(results["brief_digits"]),
    )


CLAIMS = {"report": claims_of_report, "beyond": claims_of_beyond}  # by document, for the content of results.json


def claims_of_the_homework(results):
    """Of problems 1 to 5."""
    two, mnist = results["two_pixel"], results["mnist"]
    cards, variances, card, parts = two["cards"], two["variances"], mnist["card"], mnist["part_by_part"]
    floor = cards["50"]["energy_distance_floor"]
    apart = max(abs(c["energy_distance"] / c["energy_distance_oracle"] - 1) for c in (cards["5"], cards["10"]))
    w = card["sweep"]
    half = parts["half_settled"]
    either = [results["settings"][f"{prediction}, T = {T}"] for prediction in ("v", "eps") for T in cards]
    between = {T: math.dist(*c["mode_means"]) for T, c in cards.items()}
    return (
        ("network within 0.3 % of the loss floor", all(c["excess_loss"] < 0.003 for c in cards.values())),
        ("v and ε within 0.3 % of the floor", all(row["excess_loss_largest"] < 0.003 for row in either)),
        ("network and oracle within 10 % at T = 5 and 10", apart < 0.1),
        ("the oracle is off by more than the noise", cards["5"]["energy_distance_oracle"] > 4 * floor),
        ("β_t beats β̃_t at every T", all(v["beta"]["mean"] < v["posterior"]["mean"] for v in variances.values())),
        ("no mode is lost", all(0.25 < c["mode_weights"][0] < 0.4 for c in cards.values())),
        ("the modes are too narrow at T = 5", max(cards["5"]["mode_stds"]) < 0.09),
        ("the modes are too close at T = 5", between["5"] < 0.95 * math.dist(*cards["5"]["truth"]["mode_means"])),
        ("the lighter mode gets too few samples at T = 5", cards["5"]["mode_weight_intervals"][0][1] < 0.35),
        ("the more steps, the closer", rising([-c["energy_distance"] for c in cards.values()])),
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
        (
            "each class is about as diverse as real digits",
            all(0.9 < ratio < 1.1 for ratio in mnist["diversity_over_real"]),
        ),
        (
            "guidance makes each class less diverse",
            all(map(operator.lt, w["2"]["diversity_of_class"], card["generated"]["diversity_of_class"])),
        ),
        ("it does not copy", card["originality"]["copies"] < 0.01),
        ("not all at once", parts["spread"]["model"] > 10 + parts["spread"]["once"]),
        ("only direct neighbours settle together", parts["correlation"]["model"]["4"] < 0.1),
        ("place explains little", parts["place_share"] < 0.1),
        ("coarse before fine", half["model"] == sorted(half["model"], reverse=True)),
        ("the class is decided early", parts["class_decided"]["model"] > 100),
    )


def claims_of_begun_digits(found):
    """Of digits drawn from real ones under the noise of t: how many more are misread than of the real ones."""
    more = {t: row["more_misread"]["mean"] for t, row in found.items()}
    error = {t: row["more_misread"]["error"] for t, row in found.items()}
    between = more["176"] - more["128"]
    return (
        ("above t = 176 few digits go wrong", more["200"] - more["176"] < 2 * math.hypot(error["200"], error["176"])),
        ("below, many do", between > 2 * math.hypot(error["176"], error["128"])),
        ("about half of all", 0.35 < between / more["200"] < 0.65),
        ("from t = 80 on hardly any", more["80"] < 2 * error["80"]),
    )
