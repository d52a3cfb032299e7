"""Sphinx's settings for the course as a website: notebooks with their committed outputs, nothing executed."""

project = "Denoising diffusion on two-pixel images"
extensions = ["myst_nb"]
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # sliders need a running kernel; none of their scripts, which come from other hosts
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
html_theme = "sphinx_book_theme"
html_title = "Diffusion on two pixels"
html_theme_options = {"show_navbar_depth": 1, "show_toc_level": 2, "home_page_in_toc": True}
html_favicon = "icon.svg"
html_static_path = ["_static"]
mathjax_path = "mathjax/tex-chtml.js"  # from web/node_modules: the site asks no other host
html_show_sourcelink = False
html_show_copyright = False
exclude_patterns = ["_build"]
root_doc = "README"
suppress_warnings = ["toc.not_included"]  # pages that are linked, but not listed at the side
