"""The network on one block of cases: units, losses, passes, packing and sparse initialisation."""
