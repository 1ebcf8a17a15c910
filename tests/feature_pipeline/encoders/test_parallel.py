"""Batches side by side: order, precision, and the threads of the rest of the process."""

import numpy as np
import pytest
import torch

from feature_pipeline.encoders.parallel import keep_to_one_core, map_batches


@pytest.mark.parametrize(
    "device", ["cpu", "cuda"]
)  # the latter one by one; the tensors lie on the CPU all the same
@pytest.mark.parametrize("num_batches", [1, 2, 7])
def test_rows_keep_the_order_of_the_batches(device: str, num_batches: int) -> None:
    batches = [torch.full((3, 2), float(i), dtype=torch.bfloat16) for i in range(num_batches)]

    rows = map_batches(lambda batch: batch * 2, iter(batches), device)

    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, np.repeat(np.arange(num_batches) * 2, 3)[:, None] * np.ones(2))


def test_each_batch_gets_its_share_of_the_cores_and_gives_them_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    seen: list[int] = []
    try:
        for num_batches in (1, 2, 5):
            batches = [torch.zeros(1, 1)] * num_batches
            map_batches(lambda batch: (seen.append(torch.get_num_threads()), batch)[1], batches, "cpu")
            assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)

    assert seen == [4, 2, 2, 1, 1, 1, 1, 1]


def test_no_gradients_are_kept_and_errors_come_through() -> None:
    weight = torch.ones(1, 1, requires_grad=True)
    batches = [torch.ones(1, 1), torch.ones(1, 1)]

    np.testing.assert_array_equal(map_batches(lambda batch: batch @ weight, batches, "cpu"), [[1], [1]])
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        map_batches(lambda batch: batch @ torch.ones(3, 1), batches, "cpu")


def test_one_core_and_then_all_again() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with keep_to_one_core():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
