"""What stands on a lesson's page around the exercises: demonstrations, one's own progress, handing in."""
