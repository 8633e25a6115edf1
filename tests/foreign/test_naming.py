"""Names of layers: each has one of its own."""

from reluprobe.foreign import naming


def test_names_that_collide_are_numbered():
    assert naming.numbered(["cell", "out", "cell"]) == ["cell", "out", "cell#2"]


def test_layers_that_share_an_array_are_told_apart_by_their_scopes():
    scopes = ["layers.0.up", "layers.1.up", "head"]
    assert naming.numbered(["layers.0.up", "layers.0.up", "head"], scopes) == scopes


def test_scopes_that_tell_nothing_apart_leave_numbers():
    for scopes in (["", ""], ["net", "net"], ["net", ""]):
        assert naming.numbered(["up", "up"], scopes) == ["up", "up#2"]


def test_a_leaf_is_called_by_its_path():
    tree = {"params": {"dense": {"kernel": 1.0}}, "blocks": [2.0, 3.0]}
    assert naming.leaf_paths(tree) == ["blocks.0", "blocks.1", "params.dense.kernel"]
