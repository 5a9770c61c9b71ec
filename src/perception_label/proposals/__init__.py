"""First-guess cuboids from clusters, and their classes."""
