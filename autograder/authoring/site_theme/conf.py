"""Sphinx's settings for the site of the course."""

project = "A course on attention"
author = copyright = ""
extensions = ["myst_nb"]
html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
html_use_index = False
html_show_sphinx = html_show_copyright = html_copy_source = html_show_sourcelink = False
html_sidebars = {"glossary": [], "results": []}  # pages that have no neighbours to list
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "footer_start": [],
    "footer_end": [],
    "navigation_with_keys": True,
    "show_nav_level": 1,
    "header_links_before_dropdown": 4,
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
nb_execution_mode = "off"
nb_render_text_lexer = "none"
nb_code_prompt_show = "{type}"
nb_code_prompt_hide = "Hide this code"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
mathjax_path = "tex-svg.js"
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type", "misc.highlighting_failure"]
exclude_patterns = []
