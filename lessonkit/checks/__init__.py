"""Checks of answers: inputs drawn from a seed, what came out of a probe, its judgement, the verdict shown."""
