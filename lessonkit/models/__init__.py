"""Finished pieces and networks that later lessons build on; the lesson that teaches each is named."""
