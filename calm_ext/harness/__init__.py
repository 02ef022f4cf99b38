"""The only code that imports lm_eval: the task class, its data, the sampler and the evaluation."""
