"""The only code that imports trl, peft and accelerate, in processes of its own (:mod:`calm_ext.training.launch`)."""
