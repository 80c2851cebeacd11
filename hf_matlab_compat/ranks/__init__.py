"""Training on many processes over MPI: sums in a fixed order, agreement between ranks, and what only one rank does."""
