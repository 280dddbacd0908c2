"""One module a lesson: q00_weighted_average is lesson 00's."""
