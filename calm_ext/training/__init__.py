"""The only code that imports trl, peft and accelerate, in a process of its own that ``accelerate launch`` starts."""
