"""The page: the trained networks in a browser, beside the exact answer."""
