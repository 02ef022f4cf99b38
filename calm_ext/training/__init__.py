"""The only code that imports trl, peft and accelerate. It runs in a process of its own, started by ``accelerate launch``."""
