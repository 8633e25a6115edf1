"""Examples of every kind reach the network once, in order, in pieces of a bounded size."""

import numpy as np
import pytest

from reluprobe.errors import InputError
from reluprobe.foreign import pieces

ROWS = np.arange(20, dtype=np.float32).reshape(10, 2)


def together(source, **how):
    """All examples that came through, and how many came at once."""
    cut = list(pieces.cut(source, **how))
    return np.concatenate([p.batch for p in cut]), [p.examples for p in cut]


def folder_of(tmp_path, *arrays):
    for n, array in enumerate(arrays):
        np.save(tmp_path / f"batch-{n:02}.npy", array)
    return tmp_path


@pytest.mark.parametrize("size, sizes", [(None, [10]), (10, [10]), (5, [5, 5]), (4, [4, 4, 2])])
def test_an_array_goes_in_pieces_of_one_length_but_the_last(size, sizes):
    seen, lengths = together(ROWS, device_batch=size)
    np.testing.assert_array_equal(seen, ROWS)
    assert lengths == sizes


def test_an_array_is_never_sent_whole_where_it_is_long():
    _, lengths = together(np.zeros((2500, 1), np.float32))
    assert lengths == [834, 834, 832]


def test_batches_of_an_iterable_go_as_they_come():
    for source in ([ROWS[:6], ROWS[6:]], iter([ROWS[:6], ROWS[6:]])):
        seen, lengths = together(source)
        np.testing.assert_array_equal(seen, ROWS)
        assert lengths == [6, 4]


def test_an_iterable_is_read_batch_by_batch():
    taken = []

    def endless():
        for n in range(10**9):
            taken.append(n)
            yield ROWS

    cut = pieces.cut(endless())
    next(cut), next(cut)
    assert len(taken) <= 3


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path):
    seen, lengths = together(folder_of(tmp_path, ROWS[:6], ROWS[6:]), device_batch=3)
    np.testing.assert_array_equal(seen, ROWS)
    assert lengths == [3, 3, 2, 2]
    assert pieces.count(tmp_path) == 10


def test_several_inputs_are_cut_alike():
    cut = list(pieces.cut({"x": ROWS, "length": np.arange(10)}, device_batch=5))
    assert [p.batch["length"].tolist() for p in cut] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    np.testing.assert_array_equal(cut[1].batch["x"], ROWS[5:])


def test_weights_go_with_their_examples():
    weights = np.arange(10)
    cut = list(pieces.cut([ROWS[:6], ROWS[6:]], [weights[:6], weights[6:]], 4))
    for piece in cut:
        np.testing.assert_array_equal(piece.weights * 2, piece.batch[:, 0])


def test_an_array_of_another_framework_is_taken():
    class Tensor:
        shape, dtype = (3, 1), "torch.float32"

        def __len__(self):
            return 3

        def __getitem__(self, rows):
            return np.ones((3, 1), np.float32)[rows]

    assert together(Tensor())[1] == [3]


@pytest.mark.parametrize(
    "source, weights, words",
    [
        ([], None, "no example"),
        (iter([]), None, "no example"),
        (np.zeros((0, 3)), None, "0 long"),
        (np.float32(3), None, "a single number"),
        (7, None, "got int"),
        ([["a", "b"]], None, "batch 0"),
        (np.array(["a", "b"]), None, "allowed are numbers"),
        ({"x": ROWS, "y": ROWS[:3]}, None, "differ in their number of examples"),
        (ROWS, np.ones(9), "of shape (9,)"),
        (ROWS, np.full(10, -1.0), "allowed are numbers >= 0"),
        (ROWS, np.full(10, np.nan), "allowed are numbers >= 0"),
        ([ROWS, ROWS], [np.ones(10)], "weights end after 1"),
        ([ROWS], [np.ones(10), np.ones(10)], "batches end after 1"),
    ],
)
def test_what_cannot_be_read_is_said(source, weights, words):
    with pytest.raises(InputError) as refused:
        list(pieces.cut(source, weights))
    assert words in str(refused.value)


def test_a_piece_is_filled_up_with_examples_that_do_not_count():
    (piece,) = pieces.cut(ROWS, np.arange(10))
    full = pieces.filled_up(piece, 12)
    assert full.examples == 10 and len(full.batch) == 12
    np.testing.assert_array_equal(full.weights, [*range(10), 0, 0])
    np.testing.assert_array_equal(full.batch[:10], ROWS)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "8"])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(InputError, match="device_batch"):
        list(pieces.cut(ROWS, device_batch=size))


def test_files_that_are_no_arrays_are_named_and_never_unpickled(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "empty.npy").touch()
    np.savez(tmp_path / "several.npz", a=ROWS, b=ROWS)
    for name in ("objects.npy", "text.npy", "empty.npy", "several.npz", "missing.npy"):
        with pytest.raises(InputError) as refused:
            pieces.read_array(tmp_path / name)
        assert name in str(refused.value) and "\n" not in refused.value.faults[0]


def test_a_folder_without_arrays_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no .npy file"):
        list(pieces.cut(tmp_path))
