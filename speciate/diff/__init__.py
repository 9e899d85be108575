"""What two individuals have in common: recipes, sources, scores, weights, ancestors."""
