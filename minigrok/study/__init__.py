"""The study: what is claimed, the experiments that test it, the verdicts, and the report."""
