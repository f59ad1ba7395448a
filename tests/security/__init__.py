"""Attacks, each tried on the real thing: the pipeline, its files, its processes and what it is made of."""
