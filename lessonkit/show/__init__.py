"""What a lesson shows: figures, tables, widgets and explorers, each with words for those who don't see it."""
