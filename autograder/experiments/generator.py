"""A small generative adversarial network for 8 × 8 digits, with or without the block of lesson 16."""

import time
from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from lessonkit.data.digits import Digits, load_digits
from lessonkit.models.attention import masked_softmax
from lessonkit.models.seq2seq import count_parameters

NOISE, WIDTH = 32, 32
MIDDLES = ("nothing", "convolution", "attention")  # what stands in the middle of both networks


class Attention(nn.Module):
    """The block of Zhang et al. 2018: y = x + γ o, γ from 0, a map (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, width: int, narrow: int = 8):
        super().__init__()
        self.f, self.g, self.h = (spectral_norm(nn.Conv2d(width, narrow, 1, bias=False)) for _ in range(3))
        self.v = spectral_norm(nn.Conv2d(narrow, width, 1, bias=False))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        f, g, h = (part(x).flatten(2).mT for part in (self.f, self.g, self.h))
        weights = masked_softmax(g @ f.mT, torch.ones((), dtype=torch.bool))
        return x + self.gamma * self.v((weights @ h).mT.unflatten(2, x.shape[2:]))


class Convolution(nn.Module):
    """About as many parameters as the block: a residual 3 × 3 convolution through few features, γ from 0."""

    def __init__(self, width: int, narrow: int = 2):
        super().__init__()
        self.there = spectral_norm(nn.Conv2d(width, narrow, 3, padding=1))
        self.back = spectral_norm(nn.Conv2d(narrow, width, 3, padding=1))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gamma * self.back(torch.relu(self.there(x)))


def middle(kind: str, width: int) -> nn.Module:
    """One of MIDDLES."""
    return {"nothing": nn.Identity, "convolution": Convolution, "attention": Attention}[kind](
        *[width] * (kind != "nothing")
    )


class Generator(nn.Module):
    """Noise (B, 32) -> pictures (B, 1, 8, 8) from 0 to 1."""

    def __init__(self, kind: str):
        super().__init__()
        self.start = spectral_norm(nn.Linear(NOISE, WIDTH * 16))
        self.first = spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, padding=1))
        self.middle = middle(kind, WIDTH)
        self.last = nn.Conv2d(WIDTH, 1, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(WIDTH) for _ in range(2))

    def forward(self, noise: Tensor) -> Tensor:
        x = torch.relu(self.norms[0](self.start(noise).view(-1, WIDTH, 4, 4)))
        x = torch.relu(self.norms[1](self.first(F.interpolate(x, scale_factor=2))))
        return torch.sigmoid(self.last(self.middle(x)))


class Discriminator(nn.Module):
    """Pictures (B, 1, 8, 8) -> how real they look, (B,)."""

    def __init__(self, kind: str):
        super().__init__()
        self.first = spectral_norm(nn.Conv2d(1, WIDTH, 3, padding=1))
        self.middle = middle(kind, WIDTH)
        self.second = spectral_norm(nn.Conv2d(WIDTH, WIDTH, 4, stride=2, padding=1))
        self.last = spectral_norm(nn.Linear(WIDTH * 16, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.middle(F.leaky_relu(self.first(pictures - 0.5), 0.1))
        return self.last(F.leaky_relu(self.second(x), 0.1).flatten(1)).squeeze(1)


def train_gan(kind: str, real: Iterator[Tensor], steps: int, lr: float, seed: int) -> Generator:
    """Hinge losses, Adam with β = (0, 0.9), the discriminator four times as fast (Zhang et al. 2018, sec. 4)."""
    torch.manual_seed(seed)
    generator, discriminator = Generator(kind), Discriminator(kind)
    optimisers = [
        torch.optim.Adam(model.parameters(), lr=rate, betas=(0.0, 0.9))
        for model, rate in ((generator, lr), (discriminator, 4 * lr))
    ]
    for _, pictures in zip(range(steps), real, strict=False):
        made = generator(torch.randn(len(pictures), NOISE))
        judged = F.relu(1 - discriminator(pictures)).mean() + F.relu(1 + discriminator(made.detach())).mean()
        _step(optimisers[1], judged)
        _step(optimisers[0], -discriminator(generator(torch.randn(len(pictures), NOISE))).mean())
    return generator.eval()


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@torch.no_grad()
def scores(made: Tensor, real: Tensor, train: Tensor, classifier: nn.Sequential) -> dict[str, float]:
    """Better than looking: made, real (held out) and training pictures (N, 1, 8, 8), a trained classifier.

    confidence: mean of the largest probability. classes: exp of the entropy of the mean prediction, at most 10.
    frechet: distance of two Gaussians fitted to the classifier's last features, made and real. nearest: mean distance
    to the nearest training picture, over the same for real ones: well below 1 is copying, well above 1 is strange.
    """
    p = torch.softmax(classifier(made - 0.5), -1)
    share = p.mean(0)
    features, known = classifier[:-1](made - 0.5), classifier[:-1](real - 0.5)
    return {
        "confidence": round(p.amax(-1).mean().item(), 4),
        "classes": round(torch.exp(-(share * share.clamp(min=1e-9).log()).sum()).item(), 4),
        "frechet": round(frechet(features, known), 4),
        "nearest": round((_nearest(made, train) / _nearest(real, train)).item(), 4),
    }


def frechet(a: Tensor, b: Tensor) -> float:
    """‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) of the rows of a (N, d) and b (M, d)."""
    a, b = a.double(), b.double()
    product = torch.linalg.eigvals(torch.cov(a.T) @ torch.cov(b.T)).real.clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + a.var(0).sum() + b.var(0).sum() - 2 * product).item()


def _nearest(pictures: Tensor, train: Tensor) -> Tensor:
    return torch.cdist(pictures.flatten(1), train.flatten(1)).amin(1).mean()


def measured(kind: str, seed: int, steps: int, lr: float, real: Digits) -> dict[str, float]:
    """Train both networks on the course's training digits, and score 1,000 pictures beside the `real` ones."""
    digits = load_digits()
    known, held_out = digits.train.pictures.unsqueeze(1), real.pictures.unsqueeze(1)
    start = time.process_time()
    generator = train_gan(kind, _batches(known, seed), steps, lr, seed)
    seconds = time.process_time() - start
    with torch.no_grad():
        made = generator(torch.randn(1_000, NOISE, generator=torch.Generator().manual_seed(seed)))
    found = scores(made, held_out, known, classifier())
    return found | {"lr": lr, "parameters": count_parameters(generator), "training_seconds": round(seconds, 1)}


def of_real_digits() -> dict[str, float]:
    """The same scores of the validation digits, beside those of the test: what a perfect generator could reach."""
    digits = load_digits()
    test, other = digits.test.pictures.unsqueeze(1), digits.validation.pictures.unsqueeze(1)
    return scores(other, test, digits.train.pictures.unsqueeze(1), classifier())


def _batches(pictures: Tensor, seed: int, size: int = 64) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from (pictures[rows] for rows in torch.randperm(len(pictures), generator=generator).split(size))


@cache
def classifier() -> nn.Sequential:
    """A small network that reads digits (B, 1, 8, 8) less 0.5: the judge, always the same."""
    digits = load_digits().train
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(600):
        rows = torch.randint(0, len(digits), (64,))
        _step(optimiser, F.cross_entropy(model(digits.pictures[rows].unsqueeze(1) - 0.5), digits.labels[rows]))
    return model.eval()
