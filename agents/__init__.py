"""Language models that propose recipes and write operators, and the review of what they propose."""
