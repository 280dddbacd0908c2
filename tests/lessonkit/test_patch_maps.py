"""The verbs of lesson 16 and 12: a block is told from a wrong one, far pairs are scored, a recorded map is touched."""

from unittest.mock import Mock

import torch

from lessonkit.data.patches import draw_cues
from lessonkit.models.multi_head import multi_head_attention
from lessonkit.show import patch_maps, sparse, tables


def block(x, f, g, h, v, gamma, dim=-1):
    places = x.flatten(2).mT
    weights = torch.softmax((places @ g.T) @ (places @ f.T).mT, dim=dim)
    return x + gamma * (weights @ places @ h.T @ v.T).mT.reshape(x.shape), weights


def test_a_block_is_lesson_08_and_one_with_the_wrong_axis_is_not(capsys):
    patch_maps.beside_self_attention(block, multi_head_attention)
    patch_maps.beside_self_attention(lambda *given: block(*given, dim=1), multi_head_attention)
    said = capsys.readouterr().out.split("\n")
    assert said[:2] == ["equal to five decimals: True", "equal to five decimals: False"]


def test_far_pairs_stand_beside_blind_guesses(monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "show_table", lambda columns, rows, caption: shown.extend([*rows, caption]))
    matcher = Mock()
    matcher.body.weights = "a map"
    patch_maps.show_far(lambda weights, asks, match, width, least: (least / 10, width), matcher, draw_cues(5, seed=1))
    matcher.assert_called_once()
    assert shown[:3] == [[f"at least {least} cells apart", least / 10, 6] for least in (1, 3, 5)]
    assert shown[3] == ["blind: any other cell", 1 / 35, 1 / 35]
    assert shown[5] == "5 test pictures"


def test_a_recorded_sentence_is_shown_once_for_each_arm(monkeypatch):
    class FakeLesson:
        def recorded(self, arm, figure):
            share = {"soft": 0.5, "sparse": 1.0}[arm]
            return [{"source": ["a", "b"], "target": ["c"], "gold": [[0, 1]], "weights": [[1 - share, share]]}]

    shown = []
    monkeypatch.setattr(sparse.touch, "attention", lambda *given, **more: shown.append((given, more)))
    sparse.touch_recorded(FakeLesson(), {"soft": "softmax", "sparse": "sparsemax"}, ("French", "English"))
    ((weights, queries, keys, gold, names), more), = shown  # fmt: skip
    assert weights.tolist() == [[[0.5, 0.5]], [[0.0, 1.0]]]
    assert (queries, keys, gold, names) == (["c"], ["a", "b"], {(0, 1)}, ["softmax", "sparsemax"])
    assert more == {"sides": ("French", "English")}
