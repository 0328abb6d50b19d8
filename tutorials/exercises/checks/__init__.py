"""The markers' sides of the exercises, which no student is shown: checks, hints, solutions, typical mistakes."""
