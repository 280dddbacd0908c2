"""The commands, one module an audience: authors, instructors, measurers."""
