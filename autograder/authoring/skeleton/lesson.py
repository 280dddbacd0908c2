# %% [markdown]
# # Lesson NN: TITLE
#
# **What does this lesson ask?** Say it in a few sentences, before any formula: what fails without the idea, and what
# you would like instead. This skeleton is a small lesson of its own, about one query that looks at a sentence. Replace
# it piece by piece; `python -m autograder prove NN` says at each step what is missing. Allow 30 minutes.

# %% name="setup"
# Setup: what this lesson imports
import torch
from torch import Tensor

from lessonkit import Lesson
from lessonkit.show import drawing, plots, tables, widgets

lesson = Lesson("NN_name")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict

# %% demo="mechanism"
# Drawing: from query and keys to one vector
with demonstration("mechanism"):
    d = drawing.Drawing("Scores become weights; the weights average the values.", height=2)
    scores = d.box(1.5, 1, "scores", "(B, T)")
    weights = d.box(4, 1, "weights", "(B, T)")
    context = d.box(6.5, 1, "context", "(B, d)")
    d.arrow(scores, weights, "softmax")
    d.arrow(weights, context, "values")
    d.show()

# %% [markdown]
# ## Notation
#
# | letter | what | shape |
# |---|---|---|
# | $q$ | the query | $(B, d)$ |
# | $k_j, v_j$ | key and value of word $j$ | $(B, T, d)$ |
# | $\alpha_j$ | the weight of word $j$ | $(B, T)$ |

# %% name="sentence"
# Data: one sentence, and vectors for its words
words = ("the", "dog", "bites", "the", "man")
generator = torch.Generator().manual_seed(0)
vectors = torch.randn(1, len(words), 8, generator=generator)
mask = torch.ones(1, len(words), dtype=torch.bool)

# %% [markdown] task="dot_scores"
# Score every key against the query: $e_j = q \cdot k_j$.
# hint: A matrix times a vector gives one number a row.
# hint: `query.unsqueeze(-1)` is a matrix of one column.


# %% exercise="dot_scores" minutes=5 difficulty=1
def dot_scores(query: Tensor, keys: Tensor) -> Tensor:
    """Score every key against the query by their dot product (Vaswani et al. 2017, section 3.2.1).

    query (B, d), keys (B, T, d)  ->  (B, T)
    """
    ### BEGIN SOLUTION
    return (keys @ query.unsqueeze(-1)).squeeze(-1)
    ### END SOLUTION


# %% check="dot_scores" points=1
def probe(dot_scores, draw):
    B, T, d = 2, 5, 3
    return {"scores": dot_scores(draw.normal(B, d), draw.normal(B, T, d))}


check("dot_scores", dot_scores, probe)

# %% [markdown] task="attention_weights"
# Make weights of scores: positive, with sum 1 over the words that may be attended to, 0 for the others.
# hint: A score of minus infinity has weight 0.
# hint: `masked_fill(~mask, -torch.inf)` puts it where the mask is False.


# %% exercise="attention_weights" minutes=5 difficulty=2
def attention_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the words whose mask is True (Vaswani et al. 2017, section 3.2.1).

    scores (B, T), mask (B, T), True = may be attended to  ->  (B, T)
    """
    ### BEGIN SOLUTION
    allowed = scores.masked_fill(~mask, -torch.inf)
    return torch.softmax(allowed, dim=-1)
    ### END SOLUTION


# %% check="attention_weights" points=2
def probe(attention_weights, draw):
    B, T = 3, 5
    return {"weights": attention_weights(draw.normal(B, T), draw.mask(B, T))}


check("attention_weights", attention_weights, probe)

# %% [markdown] task="context_vector"
# Average the values with the weights: $c = \sum_j \alpha_j v_j$.
# hint: A row of weights times the matrix of values is one row.
# hint: `weights.unsqueeze(1)` is that row.


# %% exercise="context_vector" minutes=5 difficulty=1
def context_vector(weights: Tensor, values: Tensor) -> Tensor:
    """The average of the values, with these weights (Bahdanau et al. 2015, eq. 5).

    weights (B, T), values (B, T, d)  ->  (B, d)
    """
    ### BEGIN SOLUTION
    return (weights.unsqueeze(1) @ values).squeeze(1)
    ### END SOLUTION


# %% check="context_vector" points=1
def probe(context_vector, draw):
    B, T, d = 2, 5, 3
    return {"context": context_vector(draw.weights(B, T), draw.normal(B, T, d))}


check("context_vector", context_vector, probe)

# %% [markdown] task="share_on_gold"
# Attention that is not measured is only admired. Write the measurement: how much weight lies on the word that is known
# to matter, as a mean over the batch?
# hint: `gold` says for each row which column to take.
# hint: `weights.gather(1, …)` takes one number a row.


# %% exercise="share_on_gold" minutes=10 difficulty=2
def share_on_gold(weights: Tensor, gold: Tensor) -> Tensor:
    """The mean weight on the gold word: a number from 0 to 1.

    weights (B, T), gold (B,), int64  ->  ()
    """
    ### BEGIN SOLUTION
    return weights.gather(1, gold.unsqueeze(1)).mean()
    ### END SOLUTION


# %% check="share_on_gold" points=2
def probe(share_on_gold, draw):
    B, T = 4, 5
    return {"share": share_on_gold(draw.weights(B, T), draw.integers(0, T, B))}


check("share_on_gold", share_on_gold, probe)

# %% [markdown]
# ## The experiment
#
# The query is the vector of "bites" itself, so the word should find itself. How much of its weight does it put there?

# %% predict="itself"
predict("itself", "How much weight does the word put on itself?", (0.0, 1.0, 0.05))

# %% demo="itself"
# Figure: the weights of one query, and its share on itself
with demonstration("itself"):
    map_ = attention_weights(dot_scores(vectors[:, 2], vectors), mask)
    share = share_on_gold(map_, torch.tensor([2])).item()
    lesson.reveal("itself", share, f"Its product with itself is its squared length: {share:.2f}.")
    fig = plots.attention_map(map_, ["bites"], words, title="one query")
    plots.show(fig, f"One row of weights; “bites” has {share:.2f} on itself.")

# %% demo="temperature"
# Explorer: scores multiplied by a number, before softmax
with demonstration("temperature"):

    def row(sharpness):
        return attention_weights(sharpness * dot_scores(vectors[:, 2], vectors), mask)

    widgets.explore(
        lambda sharpness: plots.attention_map(row(sharpness), ["bites"], words),
        lambda sharpness: f"The largest weight is {row(sharpness).max():.2f}.",
        sharpness=[0.0, 0.5, 1.0, 2.0],
    )

# %% [markdown]
# ## The paper says, we measured

# %% demo="paper_table"
# Table: a claim, and what came out here
with demonstration("paper_table"):
    context = context_vector(map_, vectors)
    rows = [["the context is a weighted average", f"its length is {context.norm():.2f}"]]
    tables.show_table(["the paper says", "we measured"], rows, caption="A claim")

# %% [markdown]
# The experiment is small: one sentence, vectors drawn at random. `python -m lessonkit full 03` shows attention on
# real sentences.
#
# ## Summary
#
# 1. A score compares the query with a key.
# 2. Softmax makes weights of scores; a mask leaves words out.
# 3. The context is the average of the values, with these weights.
# 4. A fourth thing to keep; a summary has ten lines.
# 5. ...
# 6. ...
# 7. ...
# 8. ...
# 9. ...
# 10. ...
#
# ## References
#
# - A. Vaswani et al., *Attention Is All You Need*, 2017, arXiv:1706.03762.
