"""What a label costs: a simulated annotator, its baselines, and the report that compares them."""
