"""What was written is what is read: digests, seals on folders, one writer at a time, lines that are checked."""
