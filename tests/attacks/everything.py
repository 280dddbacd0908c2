"""All attacks and all oddities: importing this enters them."""

from tests.attacks import (  # noqa: F401
    earn,
    earn_outside,
    gaps,
    harm,
    harm_afterwards,
    harm_files,
    honest,
    honest_habits,
    poison,
    poison_results,
    steal,
    steal_together,
)
