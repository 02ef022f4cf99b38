"""What a model runs in: one file a backend."""
