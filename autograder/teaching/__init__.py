"""What an instructor takes into a classroom: plans, sheets, an exam in variants, slides; made from the lessons."""
