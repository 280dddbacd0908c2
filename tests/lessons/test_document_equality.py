"""Lesson 06: the reference answers equal PyTorch's own, or themselves without padding, forward and backward."""

import pytest
import torch
from torch import nn

from autograder.authoring import source
from lessonkit.models.documents import BothWays

F64 = {"dtype": torch.float64}


@pytest.fixture(scope="module")
def documents():
    return source.load("06").namespace()


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_pooling_is_pytorchs_attention_with_the_learned_vector_as_its_query(documents):
    h, mask = torch.randn(3, 5, 4, **F64), torch.rand(3, 5) < 0.7
    mask[:, 0] = True
    W, b, u = torch.randn(6, 4, **F64), torch.randn(6, **F64), torch.randn(6, **F64)
    pooled, weights = documents["attention_pool"](h, mask, W, b, u)
    query, keys = u.expand(3, 1, 6), torch.tanh(nn.functional.linear(h, W, b))
    expected = nn.functional.scaled_dot_product_attention(query, keys, h, attn_mask=mask.unsqueeze(1), scale=1.0)
    torch.testing.assert_close(pooled, expected.squeeze(1))
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, **F64))


def test_the_convolution_equals_pytorchs_where_nothing_is_masked(documents):
    conv, x = nn.Conv1d(4, 6, 5, padding=2, **F64), torch.randn(3, 7, 4, **F64)
    h = documents["word_cnn"](x, torch.ones(3, 7, dtype=torch.bool), conv.weight.transpose(1, 2), conv.bias)
    torch.testing.assert_close(h, torch.relu(conv(x.mT)).mT)


def test_a_document_is_the_same_alone_and_beside_longer_ones(documents):
    """Forward and gradient, with GRUs on both storeys, as in the lesson's model."""
    read_words, read_sentences = BothWays("gru", 4, 3).double(), BothWays("gru", 6, 3).double()
    W, b, u = torch.randn(5, 6, **F64), torch.randn(5, **F64), torch.randn(5, **F64)

    def pool(h, mask):
        return documents["attention_pool"](h, mask, W, b, u)

    def vector(words, mask):
        return documents["document_vector"](words, mask, read_words, pool, read_sentences, pool)

    mask = torch.tensor([[True, True, False], [True, False, False]])
    alone = torch.randn(2, 3, 4, **F64, requires_grad=True)
    wide = nn.functional.pad(mask, (0, 2, 0, 3))  # two more words, three more sentences
    other = torch.ones_like(wide)
    padded = torch.randn(5, 5, 4, **F64)
    padded[:2, :3] = alone.detach()
    together = torch.stack([padded, torch.randn(5, 5, 4, **F64)]).requires_grad_()
    document, word_weights, sentence_weights = vector(together, torch.stack([wide, other]))
    own, own_words, own_sentences = vector(alone.unsqueeze(0), mask.unsqueeze(0))
    torch.testing.assert_close(document[0], own[0])
    torch.testing.assert_close(word_weights[0, :2, :3], own_words[0])
    torch.testing.assert_close(sentence_weights[0, :2], own_sentences[0])
    document[0].sum().backward()
    own.sum().backward()
    torch.testing.assert_close(together.grad[0, :2, :3], alone.grad)
    assert not together.grad[0][~wide].any()
