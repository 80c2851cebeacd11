"""Settings of the documentation that `make docs` builds with Sphinx."""

from __future__ import annotations

import re
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.errors import ExtensionError

project = "hf_matlab_compat"
author = "the authors of hf_matlab_compat"
version = release = installed_version("hf_matlab_compat")
project_copyright = "MIT licence"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "tutorials", "auto_tutorials/*.py", "auto_tutorials/*.ipynb", "auto_tutorials/*.zip"]
suppress_warnings = ["config.cache"]  # the gallery's order is a function, which Sphinx cannot keep
nitpicky = False  # types in docstrings are words, such as "(P,) array"
show_warning_types = True
default_role = "code"  # `x` in a docstring is code, as in Markdown

# --- Markdown
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "attrs_block"]

# --- reference
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings have shapes and units
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

# --- tutorials: each is run, and an error in one ends the build
sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "auto_tutorials",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "capture_repr": (),
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "reset_modules": ("matplotlib",),
    "copyfile_regex": r"GALLERY_HEADER.*",
    "min_reported_time": 1000,
}

# --- pages: everything is local, nothing is fetched when a page is read
html_theme = "furo"
html_title = "hf_matlab_compat"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_use_index = False  # the reference has its own contents, and every page the search
html_domain_indices = False
html_theme_options = {"navigation_with_keys": False}
copybutton_prompt_text = "$ "


# where Markdown is read as it is, links lead to files of the repository; here they lead to the pages made from them
PAGES = {r"\(tutorials/(\w+)\.py\)": r"(auto_tutorials/\1.rst)", r"\(\.\./benchmarks/RESULTS\.md\)": "(benchmarks.md)"}


def _link_pages(app, docname, source):
    for file, page in PAGES.items():
        source[0] = re.sub(file, page, source[0])


def _no_signature_of_a_protocol(*event):
    _app, what, _name, obj, *_ = event
    return ("", None) if what == "class" and getattr(obj, "_is_protocol", False) else None


def _no_fields_twice(app, what, name, obj, skip, options):
    """Skip the fields of a named tuple, which its docstring describes."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def _nothing_is_fetched(app, exception):
    """Refuse a page that asks another server for a script, a style, a font or a picture.

    Raises
    ------
    ExtensionError
        There is such a page.
    """
    loads = re.compile(
        r"""<(?:script|img|iframe|source|video)\b[^>]*\ssrc=["'](?:https?:)?//|<link\b[^>]*\shref=["'](?:https?:)?//"""
    )
    imports = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")
    pages = [] if exception else sorted(Path(app.outdir).rglob("*.html"))
    styles = [] if exception else sorted(Path(app.outdir).rglob("*.css"))
    found = [page for page in pages if loads.search(page.read_text(encoding="utf-8"))]
    found += [style for style in (*styles, *pages) if imports.search(style.read_text(encoding="utf-8"))]
    if found:
        raise ExtensionError(f"{found[0]}: expected local files only, got an address of another server.")


def setup(app):
    """Connect the functions above to their events."""
    app.connect("build-finished", _nothing_is_fetched)
    app.connect("source-read", _link_pages)
    app.connect("autodoc-process-signature", _no_signature_of_a_protocol)
    app.connect("autodoc-skip-member", _no_fields_twice)
