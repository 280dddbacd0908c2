"""The data of the lessons: loaders of the sets that this project made, and of public ones."""
