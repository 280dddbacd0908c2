"""Full-size runs of lessons on real data, with the answers of whoever runs them; what they need besides is fetched."""
