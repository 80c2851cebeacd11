"""The demo: a deep autoencoder on real digits, compared with PCA and with the MATLAB reference."""
