"""Triangle meshes of what stands, drives and walks in a street."""
