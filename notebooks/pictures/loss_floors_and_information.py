"""The pictures of notebook 10, What a label tells, read off the losses."""

import plots

COLOURS = {"signed": plots.BLUE, "homework": plots.ORANGE, "overlapping": plots.GREEN}
LOG_SNR = "λ = log(ᾱ/(1-ᾱ)): noise left, image right"


def two_floors(lambdas, without, told):
    """The loss floors without and with label, both (n,), over λ (n,), and what lies between them."""
    figure, ax = plots.panels(1, 1, figsize=(7, 3.4))
    ax.fill_between(lambdas, told, without, color="0.88", label="what the label is worth")
    ax.plot(lambdas, without, color=plots.VERMILION, label="floor without label")
    ax.plot(lambdas, told, color=plots.BLUE, label="floor with label")
    ax.set(xlabel=LOG_SNR, ylabel="least loss, both pixels", title="homework's world")
    ax.legend()
    return figure


def slopes_on_a_floor(lambdas, half_floor, at, slopes):
    """Half a loss floor (n,) over λ (n,), and slopes of the information (m,), at some λ (m,), as dots."""
    figure, ax = plots.panels(1, 1, figsize=(7, 3.2))
    ax.plot(lambdas, half_floor, color=plots.VERMILION, label="half the loss floor")
    ax.plot(at, slopes, "o", color=plots.BLACK, markersize=4, label="slope of $I(x_0; x_t)$")
    ax.set(xlabel=LOG_SNR, ylabel="nats", title="world overlapping")
    ax.legend()
    return figure


def gaps_and_areas(lambdas, gaps, areas, at, told, entropy):
    """The gap of the floors, by world, (n,) over λ (n,), and half the area below it up to each λ but the first, (n-1,).

    told is what x_t tells about the label, by world, (m,) at some λ (m,): dots; entropy is all there is to tell.
    """
    figure, (left, right) = plots.panels(1, 2, figsize=(11, 3.8), sharex=True)
    for world, colour in COLOURS.items():
        left.plot(lambdas, gaps[world], color=colour, label=world)
        right.plot(lambdas[1:], areas[world], color=colour, label=f"{world}: half the area")
        right.plot(at, told[world], "o", color=colour, markersize=4)
    right.axhline(
        entropy, color=plots.BLACK, linewidth=0.8, linestyle=":", label=f"entropy of the label, {entropy:.4f}"
    )
    left.set(xlabel=LOG_SNR, ylabel="gap of the floors, both pixels")
    right.set(xlabel=LOG_SNR, ylabel="nats", title="lines: half the area up to λ; dots: $I(x_t; y)$ by quadrature")
    left.legend()
    right.legend()
    return figure
