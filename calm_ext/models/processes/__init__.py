"""One model in several processes: each computes a share of the batches, and all have the results of all.

The processes are those of ``accelerate launch``, on one machine or several. The batches are the ones that a single
process would make, so that the numbers are the same to the last bit.
"""
