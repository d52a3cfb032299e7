"""The picture of notebook 13, When it copies."""

import plots


def samples_beside_images(run, images, found):
    """Samples (n, 2) in the pixel plane over the world's density, with the training images; found: samples by title."""
    figure, axes = plots.panels(1, len(found), figsize=(3.4 * len(found), 3.5), sharey=True)
    extent = plots.extent_of(run.world, margin=4)
    for ax, (title, samples) in zip(axes, found.items(), strict=True):
        plots.exact_density(ax, run.world, extent)
        ax.plot(
            *images.T, color=plots.VERMILION, marker="+", markersize=10, markeredgewidth=1.5, linestyle="", zorder=1
        )
        ax.scatter(*samples.T, s=5, color=plots.BLUE, alpha=0.6, linewidths=0, zorder=2)
        plots.pixel_plane(ax, extent)
        ax.set_title(title)
    for ax in axes[1:]:
        ax.set_ylabel("")
    return figure
