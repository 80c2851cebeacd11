"""The demo: a deep autoencoder on real digits, beside PCA and beside the MATLAB reference."""
