"""Reports and dashboards: what a definition means, its run over the store, and its JSON shapes."""
