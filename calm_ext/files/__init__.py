"""What is read and written for everyone: YAML and JSON that people write, folders that they name."""
