"""Verbs on point clouds: ground, clusters, thinning, registration."""
