"""Association of cuboids over time: birth, gap, death."""
