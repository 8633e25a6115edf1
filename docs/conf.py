"""The site of the documentation: ``sphinx-build -W --keep-going docs docs/_build``.

Nothing is fetched: no page of another site is asked for, and every link inside must lead somewhere.
"""

from reluprobe import __version__

project = "reluprobe"
author = "The reluprobe authors"
project_copyright = author
release = version = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
nb_execution_mode = "off"  # a test executes the notebook; its outputs are in it
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # links name headings as they do on GitHub
# A role such as {py:func} that leads nowhere is a fault; types of other libraries are only named.
nitpicky = True
nitpick_ignore_regex = [("py:(class|data|obj|mod)", r".*")]

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # a dataclass's attributes are described once
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = "reluprobe"
html_show_sourcelink = False
html_copy_source = False
