"""Write the digits of this folder from scikit-learn's, split in three; byte for byte the same on every run.

python data/digits/generate.py [FOLDER]

Only this script needs scikit-learn; the course reads the files.
"""

import random
import sys
from pathlib import Path

from sklearn.datasets import load_digits

SEED = 20140624
SYMBOLS = "0123456789abcdefg"  # a pixel's ink, 0 to 16
VALIDATION, TEST = 20, 40  # digits of each class; the others are for training


def make(folder: Path) -> None:
    """Write all three files. Each class has as many digits as the others in validation, and in test."""
    rng = random.Random(SEED)
    found = load_digits()
    rows: dict[int, list[str]] = {}
    for picture, label in zip(found.data.astype(int).tolist(), found.target.tolist(), strict=True):
        rows.setdefault(label, []).append(f"{label}\t{''.join(SYMBOLS[ink] for ink in picture)}\n")
    files: dict[str, list[str]] = {"validation": [], "test": [], "train": []}
    for label in sorted(rows):
        rng.shuffle(rows[label])
        files["validation"] += rows[label][:VALIDATION]
        files["test"] += rows[label][VALIDATION : VALIDATION + TEST]
        files["train"] += rows[label][VALIDATION + TEST :]
    for name, lines in files.items():
        rng.shuffle(lines)
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
