"""Problems that are sums over cases: likelihood, gradient and the curvatures of a feed-forward network."""
