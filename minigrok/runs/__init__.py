"""The workshop: many runs on processes or a cluster, killed and gone on with, and the store of what they found."""
