"""Running a language model: devices, batches, scoring of options, decoding of responses."""
