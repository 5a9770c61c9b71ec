"""Labels out: one module per target format, one registry."""
