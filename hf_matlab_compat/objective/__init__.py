"""Problems that are sums over cases: likelihood, gradient and curvatures of a feed-forward network."""
