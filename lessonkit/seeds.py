"""The same start for every run."""

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's random numbers, and let torch use one thread.

    One thread: a sum split over several is added up in another order on another machine, and for models of this size a
    second thread gains nothing.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
