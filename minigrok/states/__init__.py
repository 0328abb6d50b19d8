"""More about states: all numbers at once, distances, labels, errors of sampling, and files of other frameworks."""
