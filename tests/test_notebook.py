"""docs/first_figure.ipynb: from rp.train to a figure, executed as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "first_figure.ipynb"
# In a process of its own: what Jupyter warns of is not ours.
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=240).execute()
outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
print(*(kind for out in outputs for kind in out.get("data", ())))
"""


def test_every_cell_runs_and_the_figure_shows_itself(tmp_path: Path):
    pytest.importorskip("nbclient", reason="nbclient executes notebooks")
    pytest.importorskip("ipykernel", reason="ipykernel executes notebooks")
    env = {**os.environ, "PYTHONPATH": str(NOTEBOOK.parents[1]), "JUPYTER_PLATFORM_DIRS": "1"}
    env |= {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1", "IPYTHONDIR": str(tmp_path)}
    command = [sys.executable, "-c", EXECUTE, str(NOTEBOOK)]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "image/svg+xml" in done.stdout.split()
    assert not list(tmp_path.glob("results*")), "the notebook leaves nothing behind"
