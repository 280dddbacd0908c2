"""Readers of documents: the same as PyTorch's networks on what is there, wherever the gaps are."""

import pytest
import torch
from torch import nn

from lessonkit.models.documents import BagOfWords, BothWays, without_looking


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_both_ways_equals_pytorch_on_each_row_without_its_gaps(kind):
    torch.manual_seed(0)
    reader = BothWays(kind, 4, 3).double()
    x, mask = torch.randn(6, 5, 4, dtype=torch.float64), torch.rand(6, 5) < 0.6
    mask[0], mask[1], mask[2] = True, torch.tensor([True, False, False, False, True]), False
    mask[2, 3] = mask[3:, 2] = True
    states, last = reader(x, mask), reader.last(x, mask)
    for i in range(6):
        alone, end = reader.network(x[i : i + 1, mask[i]])
        end = end[0] if kind == "lstm" else end
        torch.testing.assert_close(states[i, mask[i]], alone[0])
        torch.testing.assert_close(last[i], torch.cat([end[0, 0], end[1, 0]]))
        assert not states[i, ~mask[i]].any()


def test_what_is_masked_changes_nothing():
    torch.manual_seed(0)
    reader, x, mask = BothWays("gru", 4, 3), torch.randn(3, 5, 4), torch.rand(3, 5) < 0.6
    mask[:, 1] = True
    other = torch.where(mask.unsqueeze(-1), x, torch.randn(3, 5, 4))
    torch.testing.assert_close(reader(x, mask), reader(other, mask))
    with pytest.raises(RuntimeError):
        reader(x, torch.zeros_like(mask))


def test_a_bag_of_words_counts():
    bag = BagOfWords(5, 2)
    nn.init.normal_(bag.votes.weight)
    words, mask = torch.tensor([[[1, 2], [2, 0]]]), torch.tensor([[[True, True], [True, False]]])
    torch.testing.assert_close(bag(words, mask)[0], bag.votes.weight[1] + 2 * bag.votes.weight[2])


def test_weights_of_those_who_do_not_look_sum_to_one_where_something_is():
    mask = torch.tensor([[[True, False, False], [True, True, True], [False] * 3]])
    for words, sentences in without_looking(mask).values():
        assert words.sum(-1).tolist() == [[1.0, 1.0, 0.0]]
        assert sentences.sum().item() == 1
    assert without_looking(mask)["the longest sentence"][1].tolist() == [[0.0, 1.0, 0.0]]
    assert without_looking(mask)["the first sentence"][1].tolist() == [[1.0, 0.0, 0.0]]
    assert without_looking(mask)["all alike"][1].tolist() == [[0.5, 0.5, 0.0]]
