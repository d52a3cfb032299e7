"""What report.typ concludes from its numbers in words, each with whether the numbers bear it out.

A claim is a pair: what is said, in short, and True or False.
"""

from report.claims_beyond_the_homework import (
    claims_of_bugs,
    claims_of_errors,
    claims_of_guidance,
    claims_of_information,
    claims_of_samplers,
    claims_of_samplers_on_mnist,
    claims_of_training,
)
from report.claims_of_small_systems import claims_of_barebones, claims_of_naive, claims_of_pixel_space


def claims(results):
    """All of them, for the content of results.json."""
    return (
        *claims_of_the_homework(results),
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
    )


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
